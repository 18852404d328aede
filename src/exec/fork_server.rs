//! A fork server: a process that has an interpreter and its modules ready, and makes sessions in a fraction of the time of a start.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::forked::ORDER_BYTES;
use super::outputs::{Observer, Outputs, Stream};
use super::process::{Attendant, Killer, Launch, Process, poll};
use super::session::{Notice, Origin, Place, Words};
use super::{Error, passing};
use crate::shm::Deadline;

/// How long a fork may take.
const FORKED_WITHIN: Duration = Duration::from_secs(10);
/// How long to look for a process that a server may have made just before it died.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

/// A fork server. `Sync`. Sessions that it made are children of this process, and live on when it ends.
#[derive(Debug)]
pub(super) struct ForkServer {
    process: Arc<Process>,
    guardian: Arc<Guardian>,
    socket: Mutex<OwnedFd>,
}

/// Sees to a server, and has the thread that started it stay until no session of its is left: they would die with it.
struct Guardian {
    outputs: Outputs<Nobody>,
    notice: Arc<Notice>,
    is_released: Mutex<bool>,
    released: Condvar,
}

struct Nobody;

impl Observer for Nobody {
    fn printed(&self, _: Stream, _: &[u8]) {}

    fn ended(&self) {}
}

impl Attendant for Guardian {
    fn descriptors(&self) -> [Option<libc::c_int>; 3] {
        self.outputs.descriptors()
    }

    fn attend(&self, process: &Process, ready: [bool; 3]) {
        self.outputs.attend(process, ready);
    }

    fn ended(&self) {
        self.outputs.ended();
        self.notice.give();
    }

    fn finish(&self) {
        self.outputs.finish();
        let is_released = self.is_released.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.released.wait_while(is_released, |is_released| !*is_released));
    }

    fn said(&self, has_ended: bool) -> String {
        self.outputs.said(has_ended)
    }
}

impl std::fmt::Debug for Guardian {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guardian").finish_non_exhaustive()
    }
}

impl ForkServer {
    /// Starts a server and waits until it takes orders: `command` makes the command of an interpreter that has the socket under
    /// this number. `started` gets what ends that wait.
    ///
    /// # Errors
    /// [`Error::NoPython`], [`Error::NotReady`], [`Error::Died`], [`Error::Preload`]; no process stays.
    pub(super) fn start(
        language: &'static str,
        ready_within: Duration,
        notice: Arc<Notice>,
        command: impl FnOnce(RawFd) -> Command,
        started: impl FnOnce(Killer),
    ) -> Result<Self, Error> {
        let (near, far) = sockets().map_err(Error::os("socketpair"))?;
        let (outputs, [output, errors]) = Outputs::new(Nobody)?;
        let (is_released, released) = (Mutex::new(false), Condvar::new());
        let guardian = Arc::new(Guardian { outputs, notice, is_released, released });
        let launch = Launch {
            language,
            input: Stdio::null(),
            output: output.into(),
            errors: errors.into(),
            attendant: guardian.clone(),
            passed: Vec::new(),
            confined: None,
        };
        let process = Process::launch(command(far.as_raw_fd()), Launch { passed: vec![far], ..launch })?;
        started(process.killer());
        // From here on its drop ends it.
        let server = Self { process, guardian, socket: Mutex::new(near) };
        let heard = server.hear(&server.socket(), ready_within);
        match heard {
            Ok(1) => Ok(server),
            Ok(threads) => Err(Error::Preload { threads: threads.unsigned_abs() }),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(Error::NotReady { within: ready_within, said: server.process.end().1 })
            }
            Err(_) => Err(server.died()),
        }
    }

    fn socket(&self) -> std::sync::MutexGuard<'_, OwnedFd> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a number from the server.
    fn hear(&self, socket: &OwnedFd, within: Duration) -> io::Result<i32> {
        if poll([Some(socket.as_raw_fd())], Deadline::after(within)) == [false] {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut number = [0; 4];
        match passing::receive(socket, &mut number)?.0 {
            4 => Ok(i32::from_le_bytes(number)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn died(&self) -> Error {
        let (how, said) = self.process.end();
        Error::Died { how, said }
    }

    /// Ends the server, also one that does not take orders; whoever waits for an order is told.
    pub(super) fn kill(&self) {
        self.process.kill();
    }

    /// Tells whether the server has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.process.has_ended()
    }

    /// Forks a process for a session. `rings` is the last argument of the protocol's start, and the variables are the session's own.
    ///
    /// # Errors
    /// [`Error::Died`] where the server has, [`Error::Os`] where the kernel refuses a process.
    pub(super) fn fork(
        self: &Arc<Self>,
        place: Place,
        rings: &str,
        variables: &[(&str, OsString)],
    ) -> Result<Origin, Error> {
        let Place { descriptors, outputs, shared, confined } = place;
        let (steps, handles, hand) = confined.map_or((String::new(), Vec::new(), None), |confined| {
            let steps = (confined.handles.len(), confined.hand.is_some(), confined.steps);
            (serde_json::to_string(&steps).unwrap_or_default(), confined.handles, confined.hand)
        });
        let length = (steps.len() as u32).to_le_bytes();
        let mut order = [&length, steps.as_bytes()].concat();
        // No variable has a zero in it, and none is empty: that ends them.
        for (name, value) in variables {
            order.extend([name.as_bytes(), b"=", value.as_bytes(), &[0]].concat());
        }
        order.extend([&[0], rings.as_bytes()].concat());
        if order.len() > ORDER_BYTES {
            let source = io::Error::from_raw_os_error(libc::EMSGSIZE);
            return Err(Error::Os { call: "sendmsg", source });
        }
        let all: Vec<OwnedFd> = handles.into_iter().chain(hand).chain(outputs).chain(descriptors).collect();
        let socket = self.socket();
        let heard = passing::send(&*socket, &order, &all).and_then(|_| self.hear(&socket, FORKED_WITHIN));
        drop(socket);
        drop(all);
        let id = match heard {
            Ok(id) if id > 0 => id,
            Ok(refused) => {
                let source = io::Error::from_raw_os_error(refused.wrapping_neg());
                return Err(Error::Os { call: "clone", source });
            }
            Err(_) => {
                let died = self.died();
                let is_alone = || shared.pipes.is_let_down();
                lost(&shared.words, is_alone).ok_or_else(|| {
                    // It may have died with the server's group, before it left that and could say who it is.
                    self.process.reap_group();
                    died
                })?
            }
        };
        Ok(Origin { process: Process::adopt(id, shared)?, server: Some(Arc::clone(self)) })
    }
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        *self.guardian.is_released.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.guardian.released.notify_all();
        self.process.close();
    }
}

/// Looks for the process that a server has made which died before it could say so: it says its id itself, and until then nobody
/// else has the other ends of its pipes.
fn lost(words: &Words, is_alone: impl Fn() -> bool) -> Option<libc::pid_t> {
    let until = Instant::now() + FOUND_WITHIN;
    loop {
        let is_nobody = is_alone();
        if let id @ 1.. = words.process() {
            return libc::pid_t::try_from(id).ok();
        }
        if is_nobody || Instant::now() >= until {
            return None;
        }
        thread::yield_now();
    }
}

/// Makes a pair of sockets that keep messages apart, and tell when the other end is closed.
fn sockets() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the array outlives the call, and the descriptors that come back belong to nobody else.
    unsafe {
        if libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr())
            != 0
        {
            return Err(io::Error::last_os_error());
        }
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}
