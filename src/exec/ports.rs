//! How a worker process gets the ports of its pool: a socket of its own, over which it asks and the seat of a ring comes.
//!
//! A request is 16 bytes: kind, port, and a time in microseconds or one more than a worker's number. A reply is 12 bytes
//! (status, role, seat) with the descriptor beside them, or a status and the words of a refusal. All are little endian. The
//! worker sends one request at a time, counts it in the words that it shares with its supervisor, and waits for the reply;
//! giving back has none.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::claims::Claims;
use super::{Error, passing};
use crate::pool::{self, Granted, PortId, Ports, Station, WorkerId};
use crate::ring::{self, Ring, Role};
use crate::shm;

const TAKE: u32 = 1;
const GIVE_BACK: u32 = 2;
const TRANSFER: u32 = 3;
const REQUEST_BYTES: usize = 16;
const GRANTED: u32 = 0;
/// A reply is no longer.
const REPLY_MAX: usize = 1024;

/// Why a worker did not get what it asked its pool's ports for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u32)]
pub enum PortRefusal {
    /// The port was another's for all the time that there was.
    TimedOut = 1,
    /// There is no such port, or no such worker.
    NotFound = 2,
    /// The worker has it already.
    InUse = 3,
    /// Anything else.
    Failed = 4,
}

impl PortRefusal {
    fn of(error: &pool::Error) -> Self {
        match error {
            pool::Error::PortElsewhere { .. } => Self::TimedOut,
            pool::Error::NoPort { .. } | pool::Error::NoSuchWorker { .. } | pool::Error::Closed => {
                Self::NotFound
            }
            pool::Error::PortInUse { .. } => Self::InUse,
            _ => Self::Failed,
        }
    }

    fn read(status: u32) -> Self {
        [Self::TimedOut, Self::NotFound, Self::InUse]
            .into_iter()
            .find(|refusal| *refusal as u32 == status)
            .unwrap_or(Self::Failed)
    }
}

/// The supervisor's side: it lends the pool's ports to one worker process.
pub(super) struct Counter {
    socket: UnixDatagram,
    claims: Claims,
    ports: Arc<Ports>,
    worker: WorkerId,
    /// Requests that were looked at.
    served: u32,
    /// The port that the worker waits for, and until when.
    awaited: Option<(PortId, Option<Instant>)>,
}

impl Counter {
    /// Makes it, and the socket that the worker gets.
    pub(super) fn open(
        claims: &Claims,
        ports: &Arc<Ports>,
        worker: WorkerId,
    ) -> Result<(Self, OwnedFd), Error> {
        let (socket, far) = UnixDatagram::pair().map_err(Error::os("socketpair"))?;
        socket.set_nonblocking(true).map_err(Error::os("fcntl"))?;
        let (claims, ports) = (claims.clone(), Arc::clone(ports));
        Ok((Self { socket, claims, ports, worker, served: 0, awaited: None }, far.into()))
    }

    /// Returns how many requests were looked at, for whoever sleeps until there are more.
    pub(super) fn served(&self) -> u32 {
        self.served
    }

    /// Returns how long the worker is still to wait for a port.
    pub(super) fn patience(&self) -> Duration {
        let until = self.awaited.and_then(|(_, until)| until);
        until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Does what the worker has asked for, if it has. `station` is called when a port that it waits for may have come free.
    #[inline]
    pub(super) fn serve(&mut self, station: &Arc<dyn Station>) {
        let asked = self.claims.asked();
        if asked != self.served {
            self.served = asked;
            self.read_requests();
        }
        if let Some((port, until)) = self.awaited {
            self.try_take(port, until, station);
        }
    }

    fn read_requests(&mut self) {
        let mut request = [0; REQUEST_BYTES];
        // Anything else than a request of that length is none.
        while let Ok(REQUEST_BYTES) = self.socket.recv(&mut request) {
            let (kind, port, argument) = split(&request);
            match kind {
                TAKE => {
                    let until = Instant::now().checked_add(Duration::from_micros(argument));
                    self.awaited = Some((port, until));
                }
                GIVE_BACK => self.ports.give_back(port, self.worker),
                TRANSFER => {
                    let to = argument.checked_sub(1).map(|number| WorkerId::from(number as u16));
                    let transferred = self.ports.hand_on(port, self.worker, to);
                    self.reply(&transferred.map_or_else(|error| refusal(&error), |()| granted(0, 0)));
                }
                _ => {}
            }
        }
    }

    fn try_take(&mut self, port: PortId, until: Option<Instant>, station: &Arc<dyn Station>) {
        match self.ports.try_take(port, self.worker, Some(station)) {
            Ok(seat) => self.hand_out(port, &seat),
            Err(pool::Error::PortElsewhere { .. }) if until.is_none_or(|until| Instant::now() < until) => {
                return;
            }
            Err(error) => self.reply(&refusal(&error)),
        }
        self.awaited = None;
    }

    fn hand_out(&self, port: PortId, Granted { seat, role, index }: &Granted) {
        let bytes = granted(*role as u32, *index as u32);
        if let Err(source) = passing::send(&self.socket, &bytes, &[seat.segment().description()]) {
            self.ports.give_back(port, self.worker);
            let error = ring::Error::from(shm::Error::Os { call: "sendmsg", source });
            self.reply(&refusal(&error.into()));
        }
    }

    fn reply(&self, bytes: &[u8]) {
        // A worker that has gone needs none.
        let _ = self.socket.send(bytes);
    }
}

fn split(request: &[u8; REQUEST_BYTES]) -> (u32, PortId, u64) {
    let word =
        |at: usize| u32::from_le_bytes([request[at], request[at + 1], request[at + 2], request[at + 3]]);
    (word(0), PortId::from(word(4)), u64::from(word(8)) | u64::from(word(12)) << 32)
}

fn granted(role: u32, index: u32) -> Vec<u8> {
    [GRANTED, role, index].into_iter().flat_map(u32::to_le_bytes).collect()
}

fn refusal(error: &pool::Error) -> Vec<u8> {
    let mut bytes = (PortRefusal::of(error) as u32).to_le_bytes().to_vec();
    bytes.extend(error.to_string().bytes().take(REPLY_MAX - bytes.len()));
    bytes
}

/// The worker's side: it asks its supervisor for ports. `Send`.
#[derive(Debug)]
pub struct Porter {
    socket: UnixDatagram,
    claims: Claims,
}

impl Porter {
    pub(super) fn new(socket: &OwnedFd, claims: Claims) -> Result<Self, Error> {
        // The descriptor that came is inherited by what the worker starts, and this one is not.
        let socket = socket.as_fd().try_clone_to_owned().map_err(Error::os("fcntl"))?;
        Ok(Self { socket: socket.into(), claims })
    }

    /// Waits for at most `within` until this worker may have a port, and gives the ring that lends its end, with the end.
    ///
    /// # Errors
    /// [`Error::Port`] with what the pool said; [`Error::Ring`] for a ring that cannot be mapped.
    pub fn take(&mut self, port: PortId, within: Duration) -> Result<(Ring, Role), Error> {
        let time = u64::try_from(within.as_micros()).unwrap_or(u64::MAX);
        let (role, index, passed) = self.ask(TAKE, port, time)?;
        let role = if role == Role::Producer as u32 { Role::Producer } else { Role::Consumer };
        let Some(passed) = passed else { return Err(broken("a port without a descriptor")) };
        match ring::adopt(passed, role, index as usize) {
            Ok(ring) => Ok((ring, role)),
            Err(error) => {
                self.give_back(port)?;
                Err(error.into())
            }
        }
    }

    /// Gives a port back, whose end is gone here.
    ///
    /// # Errors
    /// [`Error::Os`]: there is no supervisor any more.
    pub fn give_back(&mut self, port: PortId) -> Result<(), Error> {
        self.send(GIVE_BACK, port, 0)
    }

    /// Makes a port that this worker uses another worker's, or everybody's, once it is given back.
    ///
    /// # Errors
    /// [`Error::Port`] with what the pool said.
    pub fn transfer(&mut self, port: PortId, to: Option<WorkerId>) -> Result<(), Error> {
        self.ask(TRANSFER, port, to.map_or(0, |to| u64::from(to.get()) + 1)).map(|_| ())
    }

    fn send(&self, kind: u32, port: PortId, argument: u64) -> Result<(), Error> {
        let mut request = [0; REQUEST_BYTES];
        request[..4].copy_from_slice(&kind.to_le_bytes());
        request[4..8].copy_from_slice(&port.get().to_le_bytes());
        request[8..].copy_from_slice(&argument.to_le_bytes());
        loop {
            match self.socket.send(&request) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::os("send")(error)),
                Ok(_) => break,
            }
        }
        self.claims.count_request();
        Ok(())
    }

    fn ask(&self, kind: u32, port: PortId, argument: u64) -> Result<(u32, u32, Option<OwnedFd>), Error> {
        self.send(kind, port, argument)?;
        let mut reply = [0; REPLY_MAX];
        let (len, passed) = passing::receive(&self.socket, &mut reply).map_err(Error::os("recvmsg"))?;
        let reply = &reply[..len];
        let word = |at: usize| Some(u32::from_le_bytes(*reply.get(at..)?.first_chunk()?));
        match (word(0), word(4), word(8)) {
            (Some(GRANTED), Some(role), Some(index)) => Ok((role, index, passed)),
            (Some(status), ..) if status != GRANTED => Err(Error::Port {
                refusal: PortRefusal::read(status),
                said: String::from_utf8_lossy(&reply[4..]).into_owned(),
            }),
            _ => Err(broken("a reply that is too short")),
        }
    }
}

fn broken(what: &str) -> Error {
    Error::Protocol { what: what.to_owned() }
}
