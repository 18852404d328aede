//! The worker's side of a pool: what its language's shell calls through the C face.

use std::os::fd::OwnedFd;
use std::time::Duration;

use super::claims::Claims;
use super::message::{self, MESSAGE_MAX, READY, REQUEST_BYTES};
use super::{Error, Porter};
use crate::ring::{self, Deadline, Options, Receiver, Sender, Wait};

/// How long a worker looks for another call before it sleeps, where its shell asks for that.
const LOOK: Duration = Duration::from_micros(50);

/// The most bytes that a buffer of messages keeps for the next one.
const KEPT: usize = 1 << 20;

/// Empties a buffer, whose memory goes where it was for a long message.
pub(super) fn empty(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(KEPT);
}

/// Takes calls and answers them, one at a time. `Send`.
#[derive(Debug)]
pub struct Servant {
    requests: Receiver,
    answers: Sender,
    claims: Claims,
    /// The call that runs.
    number: Option<u32>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// A call as the shell sees it; it stays until the next.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// Which [`Codec`](super::Codec) the arguments are in, as a number.
    pub codec: u16,
    /// The function's name, UTF-8 if the supervisor is not mistaken.
    pub function: &'a [u8],
    /// The arguments.
    pub arguments: &'a [u8],
}

impl Servant {
    /// Takes the descriptors that the supervisor passed on, in their order.
    ///
    /// # Errors
    /// Descriptors that are not what they should be.
    pub fn new(requests: OwnedFd, answers: OwnedFd, claims: OwnedFd) -> Result<Self, Error> {
        let options = Options::new().max_message(MESSAGE_MAX);
        let mut requests = ring::from_fd_with(requests, &options)?.receiver()?;
        requests.set_wait(Wait::SLEEP);
        Ok(Self {
            requests,
            answers: ring::from_fd_with(answers, &options)?.sender()?,
            claims: Claims::open(claims).map_err(ring::Error::from)?,
            number: None,
            request: Vec::new(),
            answer: Vec::new(),
        })
    }

    /// Opens the socket that the worker asks its pool for ports by.
    ///
    /// # Errors
    /// A descriptor that cannot be had.
    pub fn porter(&self, socket: OwnedFd) -> Result<Porter, Error> {
        Porter::new(&socket, self.claims.clone())
    }

    /// Says that the worker can take calls.
    ///
    /// # Errors
    /// [`ring::Error::Closed`], [`ring::Error::PeerDied`]: there is no supervisor any more.
    pub fn ready(&mut self) -> Result<(), Error> {
        self.number = Some(READY);
        self.answer(0, &[])
    }

    /// Waits for a call and claims it: it is this worker's then, and to be answered. With `waits` off it looks for a
    /// moment, and where there is none, the supervisor will send a line.
    ///
    /// # Errors
    /// [`ring::Error::Closed`], [`ring::Error::PeerDied`]: there is no supervisor any more, or it wants no worker.
    pub fn next(&mut self, waits: bool) -> Result<Option<Taken<'_>>, Error> {
        let mut is_last_look = false;
        let request = loop {
            empty(&mut self.request);
            let deadline = if waits {
                Deadline::NEVER
            } else if is_last_look {
                Deadline::now()
            } else {
                Deadline::after(LOOK)
            };
            match self.requests.recv_copy(&mut self.request, deadline) {
                Err(ring::Error::TimedOut { .. }) if is_last_look => return Ok(None),
                Err(ring::Error::TimedOut { .. }) => {
                    self.claims.go_away();
                    is_last_look = true;
                    continue;
                }
                other => other?,
            };
            let Some(request) = message::read_request(&self.request) else {
                return Err(Error::Protocol { what: format!("a request of {} bytes", self.request.len()) });
            };
            if self.claims.start(request.number) {
                break request;
            }
        };
        if is_last_look {
            self.claims.come_back();
        }
        self.number = Some(request.number);
        let (function, arguments) = self.request[REQUEST_BYTES..].split_at(request.name.into());
        Ok(Some(Taken { codec: request.codec, function, arguments }))
    }

    /// Answers the call that was taken: 0 is the value, 1 what was raised, 2 that it gave in to an abort.
    ///
    /// # Errors
    /// As [`Servant::next`]; [`Error::Protocol`] without a call.
    pub fn answer(&mut self, status: u32, body: &[u8]) -> Result<(), Error> {
        let Some(number) = self.number.take() else {
            return Err(Error::Protocol { what: "an answer to no call".to_owned() });
        };
        empty(&mut self.answer);
        self.answer.extend_from_slice(&message::answer(number, status));
        self.answer.extend_from_slice(body);
        match self.answers.try_send(&self.answer) {
            Err(ring::Error::Full { .. }) => {
                self.claims.set_long(true);
                self.claims.ring();
                let sent = self.answers.send(&self.answer);
                self.claims.set_long(false);
                sent?;
            }
            other => other?,
        }
        self.claims.count_answer();
        empty(&mut self.answer);
        Ok(())
    }

    /// Tells whether the call that runs is to stop.
    pub fn aborted(&self) -> bool {
        self.number.is_some_and(|number| self.claims.is_aborted(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Codec;

    #[test]
    fn a_servant_keeps_no_memory_of_a_long_call_while_it_waits_for_the_next() {
        let options = Options::new().capacity(1 << 23).max_message(MESSAGE_MAX);
        let (requests, answers) = (ring::anonymous(&options).unwrap(), ring::anonymous(&options).unwrap());
        let claims = Claims::new().unwrap();
        let (mut calls, _answers) = (requests.sender().unwrap(), answers.receiver().unwrap());
        let mut servant = Servant::new(
            requests.export_fd().unwrap(),
            answers.export_fd().unwrap(),
            claims.export_fd().unwrap(),
        )
        .unwrap();
        let mut call = message::request("len", Codec::Json, &vec![b' '; 3 << 20]).unwrap();
        call[..4].copy_from_slice(&1_u32.to_le_bytes());
        claims.offer(1);
        calls.send(&call).unwrap();

        let taken = servant.next(true).unwrap().unwrap();
        assert_eq!(taken.arguments.len(), 3 << 20);
        servant.answer(0, b"3145728").unwrap();
        assert!(servant.next(false).unwrap().is_none());
        assert!(servant.request.capacity() <= KEPT, "{} bytes", servant.request.capacity());
    }
}
