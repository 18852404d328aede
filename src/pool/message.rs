//! What a job is to a worker that is no thread of this process: bytes that are sent to it.

use std::sync::Arc;
use std::{fmt, mem};

use super::sync::{AtomicU32, Mutex, Ordering::Relaxed, lock};

/// A worker elsewhere, as whoever has a job on it sees it.
pub(crate) trait Station: Send + Sync {
    /// Takes back what was sent under a number. `false` if it has started.
    fn take_back(&self, number: u32) -> bool;

    /// Has the worker's thread look at its job, which was asked to stop.
    fn call(&self);
}

/// The bytes of a job, and with whom they are.
pub(crate) struct Message {
    inside: Mutex<Inside>,
    /// How many workers died while they ran it.
    kills: AtomicU32,
    /// How many ended before they began it.
    losses: AtomicU32,
}

struct Inside {
    bytes: Vec<u8>,
    sent: Option<(Arc<dyn Station>, u32)>,
}

impl Message {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            inside: Mutex::new(Inside { bytes, sent: None }),
            kills: AtomicU32::new(0),
            losses: AtomicU32::new(0),
        }
    }

    /// Sends it at once, if it is not with a worker: `send` gets the bytes and says under which number they went. It must not
    /// wait: others look at the message meanwhile.
    pub(crate) fn try_send(
        &self,
        station: &Arc<dyn Station>,
        send: impl FnOnce(&mut [u8]) -> Option<u32>,
    ) -> Option<u32> {
        let mut inside = lock(&self.inside);
        if inside.sent.is_none() {
            let number = send(&mut inside.bytes)?;
            inside.sent = Some((station.clone(), number));
        }
        inside.sent.as_ref().map(|(_, number)| *number)
    }

    /// Gives out the bytes of a message that is with no worker, for the caller to send under this number, which may take its
    /// time, and to return by [`Message::keep`]. `Err` is the number under which it was sent already.
    pub(crate) fn begin(&self, station: &Arc<dyn Station>, number: u32) -> Result<Vec<u8>, u32> {
        let mut inside = lock(&self.inside);
        if let Some((_, number)) = inside.sent {
            return Err(number);
        }
        inside.sent = Some((station.clone(), number));
        Ok(mem::take(&mut inside.bytes))
    }

    /// Keeps the bytes, for another worker where this one dies.
    pub(crate) fn keep(&self, bytes: Vec<u8>) {
        lock(&self.inside).bytes = bytes;
    }

    /// Returns the number that it was sent under.
    pub(crate) fn number(&self) -> Option<u32> {
        lock(&self.inside).sent.as_ref().map(|(_, number)| *number)
    }

    /// Takes it back from its worker. `false` if that has started it; `true` also where it is with none.
    pub(crate) fn take_back(&self) -> bool {
        let mut inside = lock(&self.inside);
        let is_back = inside.sent.as_ref().is_none_or(|(station, number)| station.take_back(*number));
        if is_back {
            inside.sent = None;
        }
        is_back
    }

    /// Has its worker's thread look at it.
    pub(crate) fn call(&self) {
        let station = lock(&self.inside).sent.as_ref().map(|(station, _)| station.clone());
        station.iter().for_each(|station| station.call());
    }

    /// Notes that its worker died of it, or just while it ran; returns how many have. It is with none then.
    pub(crate) fn survived(&self) -> u32 {
        lock(&self.inside).sent = None;
        self.kills.fetch_add(1, Relaxed) + 1
    }

    /// Notes that its worker ended before it began it; returns how many have.
    pub(crate) fn lost(&self) -> u32 {
        self.losses.fetch_add(1, Relaxed) + 1
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}
