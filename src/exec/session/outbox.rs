//! What is to be sent to a session and has not found room.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ring::{Deadline, Error, Sender};

/// Frames on their way, the first of which may have been sent in part.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    frames: VecDeque<Vec<u8>>,
    sent: usize,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Returns how many bytes are left.
    pub(super) fn len(&self) -> usize {
        self.frames.iter().map(Vec::len).sum::<usize>() - self.sent
    }

    pub(super) fn add(&mut self, frame: Vec<u8>) {
        self.frames.push_back(frame);
    }

    /// Sends until nothing is left, or for so long where there is no room. `true` if something is left.
    pub(super) fn push(&mut self, to: &mut Sender, wait: Duration) -> Result<bool, Error> {
        while let Some(frame) = self.frames.front() {
            let deadline = if wait.is_zero() { None } else { Some(Deadline::after(wait)) };
            match to.send_part(frame, &mut self.sent, deadline) {
                Ok(()) => {
                    self.frames.pop_front();
                    self.sent = 0;
                }
                Err(Error::TimedOut { .. } | Error::Full { .. }) => return Ok(true),
                Err(other) => return Err(other),
            }
        }
        Ok(false)
    }
}
