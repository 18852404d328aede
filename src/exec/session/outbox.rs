//! What is to be sent to a session and has not found room.

use std::collections::VecDeque;
use std::time::Duration;

use super::Session;
use super::frames::{self, MESSAGE_MAX, REQUEST_BYTES, request};
use super::supervisor::GLANCE;
use crate::exec::Error;
use crate::ring::{self, Deadline, Sender};

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
    pub(super) fn push(&mut self, to: &mut Sender, wait: Duration) -> Result<bool, ring::Error> {
        while let Some(frame) = self.frames.front() {
            let deadline = if wait.is_zero() { None } else { Some(Deadline::after(wait)) };
            match to.send_part(frame, &mut self.sent, deadline) {
                Ok(()) => {
                    self.frames.pop_front();
                    self.sent = 0;
                }
                Err(ring::Error::TimedOut { .. } | ring::Error::Full { .. }) => return Ok(true),
                Err(other) => return Err(other),
            }
        }
        Ok(false)
    }
}

impl Session {
    /// Sends bytes to the code without waiting: what finds no room is sent while somebody is in [`Session::next`], and before
    /// the next run begins.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn post(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.posted(request::DATA, bytes)
    }

    /// As [`Session::answer`], and as little waiting as [`Session::post`].
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn post_line(&mut self, line: Option<&str>) -> Result<(), Error> {
        let body = line.map_or(Vec::new(), |line| format!("{line}\n").into_bytes());
        self.posted(request::LINE, &body)
    }

    fn posted(&mut self, kind: u32, body: &[u8]) -> Result<(), Error> {
        if self.to.is_none() {
            return Err(Error::NoWorker);
        }
        let max = MESSAGE_MAX as usize - REQUEST_BYTES;
        if body.len() > max {
            return Err(Error::MessageTooLong { len: body.len(), max });
        }
        self.outbox.add([frames::request_header(kind, self.request, 0).as_slice(), body].concat());
        self.push(Some(Duration::ZERO))?;
        Ok(())
    }

    /// Returns how many bytes of what was posted are still to be sent.
    pub fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// Sends of what was posted what finds room, and waits a moment for more. `true` if something is left.
    pub(super) fn push(&mut self, left: Option<Duration>) -> Result<bool, Error> {
        let Some(to) = self.to.as_mut().filter(|_| !self.outbox.is_empty()) else { return Ok(false) };
        let wait = left.unwrap_or(GLANCE).min(GLANCE);
        match self.outbox.push(to, wait) {
            Ok(has_left) => Ok(has_left),
            // Its end is seen by the process.
            Err(ring::Error::Closed | ring::Error::PeerDied) => {
                self.outbox = Outbox::default();
                Ok(false)
            }
            Err(other) => self.broken(&other.to_string()),
        }
    }
}
