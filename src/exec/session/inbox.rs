//! The requests that come to a session, for each of its threads those that it waits for.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::frames::{REQUEST_BYTES, request, request_words};
use super::incoming::{Incoming, Lent, Misfit};
use crate::exec::Error;
use crate::ring::{Deadline, Receiver};

/// Any kind of request.
#[cfg(feature = "capi")]
pub(crate) const ANY: u32 = u32::MAX;
/// Those that end with an outcome.
#[cfg(feature = "capi")]
pub(crate) const BEGINNINGS: u32 = 1 << request::RUN | 1 << request::HEAP;
/// How long a thread waits at a time for another that reads the ring.
const TURN: Duration = Duration::from_millis(100);

/// A request that a thread of a session has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its kind.
    pub kind: u32,
    /// Its number.
    pub number: u32,
    /// Its flags.
    pub flags: u32,
    /// What it says; `None` where it lies in the room that was lent for it.
    pub body: Option<Vec<u8>>,
}

/// What came and was not taken yet, and who reads.
pub(super) struct Inbox {
    kept: Mutex<Kept>,
    came: Condvar,
    reader: Mutex<Reader>,
    /// The run that is under way, 0 for none, and how many lines it has asked for.
    running: AtomicU32,
    asked: AtomicU32,
}

#[derive(Default)]
struct Kept {
    requests: VecDeque<Request>,
    is_read: bool,
    waiting: usize,
}

struct Reader {
    ring: Receiver,
    incoming: Incoming<REQUEST_BYTES>,
}

impl Inbox {
    pub(super) fn new(ring: Receiver) -> Self {
        let reader = Mutex::new(Reader { ring, incoming: Incoming::new() });
        Self {
            kept: Mutex::default(),
            came: Condvar::new(),
            reader,
            running: AtomicU32::new(0),
            asked: AtomicU32::new(0),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the run that is under way; 0 for none.
    pub(super) fn running(&self) -> u32 {
        self.running.load(Relaxed)
    }

    /// Ends the run, and returns its number.
    pub(super) fn end_run(&self) -> u32 {
        self.running.swap(0, Relaxed)
    }

    /// Notes that the run asks for a line: what was said to an earlier question answers this one no more.
    pub(super) fn asks(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    /// Waits for a request of one of the kinds, a mask of `1 << kind`; `None` at the deadline. Others are kept for those who
    /// want them. `lend` may have room for a body of that length, which is taken back before this returns.
    pub(super) fn take(
        &self,
        kinds: u32,
        deadline: Deadline,
        spare: Vec<u8>,
        mut lend: impl FnMut(usize) -> Option<Lent>,
    ) -> Result<Option<Request>, Error> {
        let is_wanted = |kind: u32| kind < u32::BITS && kinds & 1 << kind != 0;
        let mut spare = Some(spare);
        loop {
            let mut kept = self.kept();
            if let Some(at) = kept.requests.iter().position(|request| is_wanted(request.kind)) {
                let request = kept.requests.remove(at).unwrap_or_default();
                self.begins(&request, &mut kept);
                return Ok(Some(request));
            }
            if kept.is_read {
                let left = deadline.left().unwrap_or(TURN);
                if left.is_zero() {
                    return Ok(None);
                }
                kept.waiting += 1;
                let waited = self.came.wait_timeout(kept, left.min(TURN));
                waited.unwrap_or_else(PoisonError::into_inner).0.waiting -= 1;
                continue;
            }
            kept.is_read = true;
            drop(kept);
            let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(spare) = spare.take() {
                reader.incoming.reuse(spare);
            }
            let came = reader.read(deadline, |kind, len| lend(len).filter(|_| is_wanted(kind)));
            drop(reader);
            let mut kept = self.kept();
            kept.is_read = false;
            if kept.waiting > 0 {
                self.came.notify_all();
            }
            match came? {
                None => return Ok(None),
                // It answers a question that is over.
                Some(late) if late.kind == request::LINE && !self.is_due(&late) => {}
                Some(wanted) if is_wanted(wanted.kind) => {
                    self.begins(&wanted, &mut kept);
                    return Ok(Some(wanted));
                }
                Some(other) => kept.requests.push_back(other),
            }
        }
    }

    /// Returns a copy of the ring's doorbell.
    pub(super) fn bell(&self) -> Result<OwnedFd, Error> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.ring.fd()?.try_clone_to_owned().map_err(Error::os("fcntl"))
    }

    /// Asks for the doorbell; `true` where there is something to take already.
    pub(super) fn arm(&self) -> Result<bool, Error> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(reader.ring.arm()? || !self.kept().requests.is_empty())
    }

    /// Tells whether a line is for the question that is asked now.
    fn is_due(&self, line: &Request) -> bool {
        line.number == self.running() && line.flags == self.asked.load(Relaxed)
    }

    /// Notes that a run begins with a request, if one does.
    fn begins(&self, begun: &Request, kept: &mut Kept) {
        if matches!(begun.kind, request::RUN | request::HEAP) {
            self.running.store(begun.number, Relaxed);
            self.asked.store(0, Relaxed);
            kept.requests.retain(|request| request.kind != request::LINE);
        }
    }
}

impl Reader {
    /// Reads one request; `None` at the deadline.
    fn read(
        &mut self,
        deadline: Deadline,
        mut lend: impl FnMut(u32, usize) -> Option<Lent>,
    ) -> Result<Option<Request>, Error> {
        let Self { ring, incoming } = self;
        loop {
            let added = ring.recv_piece(deadline, |piece| {
                incoming.add(piece, |head, len| lend(request_words(head)[0], len))
            });
            match added {
                Ok(Ok(true)) => break,
                Ok(Ok(false)) => {}
                Ok(Err(Misfit)) => {
                    return Err(Error::Protocol { what: "a request without a header".to_owned() });
                }
                Err(error) => {
                    incoming.own();
                    let is_late = matches!(error, crate::ring::Error::TimedOut { .. });
                    return if is_late { Ok(None) } else { Err(error.into()) };
                }
            }
        }
        let (head, body) = incoming.take();
        let [kind, number, flags] = request_words(&head);
        Ok(Some(Request { kind, number, flags, body }))
    }
}
