//! One worker process: started, watched, ended and reaped.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::spawn::{self, Confined};
use super::{Ended, Error};
use crate::shm::Deadline;

/// How long to wait for the thread that watched a process which has ended: whoever takes the output may hold it up.
const WATCHED_WITHIN: Duration = Duration::from_secs(1);

/// A started process. It leads a process group of its own, and is killed when the thread that started it, or its fork
/// server, ends, which is after its end or when this program dies. Any thread may find that it has ended, and reaps it then.
pub(super) struct Process {
    group: libc::pid_t,
    pidfd: OwnedFd,
    attendant: Arc<dyn Attendant>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Who sees to what a process does. A thread of the process's own calls it, which nothing else waits for.
pub(super) trait Attendant: Send + Sync {
    /// Returns what to look at beside the process, as long as it is open.
    fn descriptors(&self) -> [Option<libc::c_int>; 3];

    /// Returns until when to look at these at the most.
    fn until(&self) -> Deadline {
        Deadline::NEVER
    }

    /// Some of the descriptors have something to read or are at their end, or it is time.
    fn attend(&self, process: &Process, ready: [bool; 3]);

    /// The process has ended and been reaped. Called by whoever found that.
    fn ended(&self);

    /// The process has ended: what is left may be read.
    fn finish(&self);

    /// Returns the last of what the process said, for people; all of it where that has ended.
    fn said(&self, has_ended: bool) -> String;
}

/// How a process is started, beside its command.
pub(super) struct Launch {
    /// What its interpreter is called.
    pub(super) language: &'static str,
    pub(super) input: Stdio,
    pub(super) output: Stdio,
    pub(super) errors: Stdio,
    /// Descriptors that it has under the same numbers.
    pub(super) passed: Vec<OwnedFd>,
    pub(super) attendant: Arc<dyn Attendant>,
    pub(super) confined: Option<Confined>,
}

#[derive(Default)]
struct State {
    ended: Option<Ended>,
    /// Whether the thread that watches it has nothing left to do.
    is_over: bool,
    watcher: Option<JoinHandle<()>>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("id", &self.group).finish_non_exhaustive()
    }
}

/// Ends a worker from another thread.
#[derive(Clone, Debug)]
pub struct Killer(Arc<Process>);

impl Killer {
    /// Kills the worker and its group; whoever waits for it gets [`Error::Died`].
    pub fn kill(&self) {
        self.0.kill();
    }
}

impl Process {
    /// Starts a process.
    pub(super) fn launch(mut command: Command, launch: Launch) -> Result<Arc<Self>, Error> {
        let Launch { language, input, output, errors, passed, attendant, confined } = launch;
        command.stdin(input).stdout(output).stderr(errors);
        spawn::prepare(&mut command, &passed, confined);
        Self::watched(attendant, move || {
            let started = command.spawn();
            // The pipes end when nobody but the worker holds them.
            let program = command.get_program().into();
            drop(command);
            drop(passed);
            let child = started.map_err(|source| Error::NoPython { language, program, source })?;
            Ok(child.id() as libc::pid_t)
        })
    }

    /// Takes a process that a fork server has made: a child of this one, which dies with the thread that started the server.
    pub(super) fn adopt(id: libc::pid_t, attendant: Arc<dyn Attendant>) -> Result<Arc<Self>, Error> {
        // SAFETY: the call takes integers. It does so itself too, and whoever is first is as good.
        unsafe { libc::setpgid(id, id) };
        let adopted = Self::watched(attendant, move || Ok(id));
        if matches!(adopted, Err(Error::Os { call: "clone", .. })) {
            // There is no thread for it, and nobody else would reap it.
            // SAFETY: the calls take integers. It is a child of ours, which nobody else knows of.
            unsafe { libc::kill(id, libc::SIGKILL) };
            reap(id);
        }
        adopted
    }

    /// Has a thread start a process, and watch it until it is over.
    fn watched(
        attendant: Arc<dyn Attendant>,
        start: impl FnOnce() -> Result<libc::pid_t, Error> + Send + 'static,
    ) -> Result<Arc<Self>, Error> {
        let (tell, told) = mpsc::channel();
        let thread = thread::Builder::new().name("circlet-exec".to_owned());
        let watcher = thread
            .spawn(move || match start().and_then(|id| Self::open(id, attendant)) {
                Ok(process) => {
                    let _ = tell.send(Ok(Arc::clone(&process)));
                    process.watch();
                }
                Err(error) => drop(tell.send(Err(error))),
            })
            .map_err(Error::os("clone"))?;
        let process = told.recv().unwrap_or(Err(Error::NoWorker));
        match &process {
            Ok(process) => process.state().watcher = Some(watcher),
            Err(_) => drop(watcher.join()),
        }
        process
    }

    fn open(group: libc::pid_t, attendant: Arc<dyn Attendant>) -> Result<Arc<Self>, Error> {
        // SAFETY: the call takes integers, and the descriptor that comes back belongs to nobody else.
        let pidfd = unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, group, 0) as libc::c_int;
            if fd < 0 {
                let error = Error::Os { call: "pidfd_open", source: io::Error::last_os_error() };
                libc::kill(group, libc::SIGKILL);
                libc::kill(-group, libc::SIGKILL);
                reap(group);
                return Err(error);
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Arc::new(Self { group, pidfd, attendant, state: Mutex::default(), changed: Condvar::new() }))
    }

    fn watch(&self) {
        loop {
            let [first, second, third] = self.attendant.descriptors();
            let looked_at = [Some(self.pidfd.as_raw_fd()), first, second, third];
            let [ended, ready @ ..] = poll(looked_at, self.attendant.until());
            if ended {
                break;
            }
            self.attendant.attend(self, ready);
        }
        self.reap();
        self.attendant.finish();
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// Reaps it if it has ended, and ends its group.
    pub(super) fn reap(&self) -> Option<Ended> {
        let mut state = self.state();
        if state.ended.is_none() && poll([Some(self.pidfd.as_raw_fd())], Deadline::now()) == [true] {
            // It is a zombie: the group's number is not given to another before it is reaped.
            self.signal_all(libc::SIGKILL);
            state.ended = Some(reap(self.group));
            drop(state);
            self.attendant.ended();
            state = self.state();
        }
        state.ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal_all(&self, signal: libc::c_int) {
        // SAFETY: the call takes integers. The group is ours: its leader has not been reaped.
        unsafe { libc::kill(-self.group, signal) };
    }

    /// Does something to it unless it has been reaped.
    fn while_there<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        let state = self.state();
        state.ended.is_none().then(act)
    }

    /// Takes a copy of a descriptor of its.
    pub(super) fn descriptor(&self, number: RawFd) -> io::Result<OwnedFd> {
        // SAFETY: the call takes integers, and the descriptor that comes back belongs to nobody else.
        unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_getfd, self.pidfd.as_raw_fd(), number, 0);
            if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd as RawFd)) }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.group.unsigned_abs()
    }

    /// Sends it SIGINT.
    pub(super) fn interrupt(&self) {
        // SAFETY: the call takes integers, and no information. The descriptor stands for this process, and for no other after it.
        self.while_there(|| unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, self.pidfd.as_raw_fd(), libc::SIGINT, 0, 0)
        });
    }

    /// Sends SIGINT to it and to all of its group.
    pub(super) fn interrupt_group(&self) {
        self.signal_group(libc::SIGINT);
    }

    /// Sends a signal to all of its group.
    pub(super) fn signal_group(&self, signal: libc::c_int) {
        self.while_there(|| self.signal_all(signal));
    }

    /// Kills the group.
    pub(super) fn kill(&self) {
        self.signal_group(libc::SIGKILL);
    }

    /// Has the kernel refuse it more memory than this, in bytes.
    pub(super) fn limit_data(&self, bytes: u64) -> Result<(), Error> {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        let limited = self.while_there(|| {
            // SAFETY: the limit outlives the call, and nothing is asked back. The process is ours: it has not been reaped.
            let refused = unsafe {
                libc::prlimit(self.group, libc::RLIMIT_DATA, &raw const limit, std::ptr::null_mut())
            } != 0;
            if refused { Err(Error::os("prlimit")(io::Error::last_os_error())) } else { Ok(()) }
        });
        limited.unwrap_or(Ok(()))
    }

    /// Tells whether it has ended and been reaped.
    pub(super) fn has_ended(&self) -> bool {
        self.state().ended.is_some()
    }

    /// Waits until it has ended and been reaped.
    pub(super) fn wait(&self, deadline: Deadline) -> Option<Ended> {
        loop {
            let ended = self.reap();
            if ended.is_some() || deadline.left().is_some_and(|left| left.is_zero()) {
                return ended;
            }
            poll([Some(self.pidfd.as_raw_fd())], deadline);
        }
    }

    /// Kills it, waits for its end and returns the last of what it printed.
    pub(super) fn end(&self) -> (Ended, String) {
        self.kill();
        let ended = self.wait(Deadline::NEVER).unwrap_or(Ended::Unknown);
        (ended, self.said())
    }

    /// Ends it, and the thread that watches it, unless whoever takes the output holds that up.
    pub(super) fn close(&self) {
        self.kill();
        self.wait(Deadline::NEVER);
        let waited = self.changed.wait_timeout_while(self.state(), WATCHED_WITHIN, |state| !state.is_over);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let watcher = if state.is_over { state.watcher.take() } else { None };
        drop(state);
        let _ = watcher.map(JoinHandle::join);
    }

    /// Returns the last of what it printed beside the protocol: all of that, where it has ended.
    pub(super) fn said(&self) -> String {
        self.attendant.said(self.has_ended())
    }

    /// Reaps what is left of its group once that was killed: children of this process that nobody knows by their number.
    pub(super) fn reap_group(&self) {
        loop {
            // SAFETY: the call takes integers, and nothing is asked back.
            let reaped = unsafe { libc::waitpid(-self.group, std::ptr::null_mut(), 0) };
            if reaped < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return;
            }
        }
    }

    pub(super) fn killer(self: &Arc<Self>) -> Killer {
        Killer(Arc::clone(self))
    }
}

/// Waits until one of the descriptors has something to read or is at its end, or the deadline; `None` is passed over.
pub(super) fn poll<const N: usize>(descriptors: [Option<libc::c_int>; N], deadline: Deadline) -> [bool; N] {
    let mut entries =
        descriptors.map(|fd| libc::pollfd { fd: fd.unwrap_or(-1), events: libc::POLLIN, revents: 0 });
    loop {
        let left = deadline.left().map(|left| left.as_nanos().div_ceil(1_000_000));
        let timeout_ms = left.map_or(-1, |left| libc::c_int::try_from(left).unwrap_or(libc::c_int::MAX));
        // SAFETY: the array outlives the call and has as many entries as it says.
        let found = unsafe { libc::poll(entries.as_mut_ptr(), N as libc::nfds_t, timeout_ms) };
        // A signal that somebody handles is no end of the wait.
        if found >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            break;
        }
    }
    entries.map(|entry| entry.revents != 0)
}

/// Reaps a child of this process that has ended, or is about to.
fn reap(pid: libc::pid_t) -> Ended {
    let mut status = 0;
    loop {
        // SAFETY: the status outlives the call.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            return ExitStatus::from_raw(status).into();
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            // Somebody else in this program waits for all children.
            return Ended::Unknown;
        }
    }
}
