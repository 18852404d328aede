//! One worker process: started, listened to, ended and reaped.

use std::fmt;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Ended, Error};
use crate::shm::Deadline;

/// How much of what a worker prints beside the protocol is kept.
const TAIL_BYTES: usize = 4096;
/// What a pipe has room for, as a rule.
const PIPE_BYTES: usize = 1 << 16;
/// How long to wait for what a process that has ended said last, and for the thread that watched it: it may be held up by
/// whoever takes the output.
const READ_WITHIN: Duration = Duration::from_millis(200);
const WATCHED_WITHIN: Duration = Duration::from_secs(1);

/// A started process. It leads a process group of its own, and is killed when the thread that started it ends, which
/// is after its end or when this program dies. Any thread may find that it has ended, and reaps it then.
pub(super) struct Process {
    group: libc::pid_t,
    pidfd: OwnedFd,
    observer: Option<Arc<dyn Observer>>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Which of its two outputs a process wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Who learns what a process does.
pub(super) trait Observer: Send + Sync {
    /// It wrote something. Called by the thread that watches it, which nothing else waits for.
    fn printed(&self, stream: Stream, bytes: &[u8]);

    /// It has ended and been reaped. Called by whoever found that.
    fn ended(&self);
}

/// How a process is started, beside its command.
pub(super) struct Launch {
    /// What its interpreter is called.
    pub(super) language: &'static str,
    pub(super) input: Stdio,
    /// Descriptors that it has under the same numbers.
    pub(super) passed: Vec<OwnedFd>,
    /// Without one, both outputs go into one pipe; with one, only standard error is kept.
    pub(super) observer: Option<Arc<dyn Observer>>,
}

#[derive(Default)]
struct State {
    ended: Option<Ended>,
    tail: Vec<u8>,
    /// Whether the tail has what it said last.
    is_read: bool,
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
    /// Starts a process of Python whose standard input is `input`.
    pub(super) fn start(command: Command, input: OwnedFd) -> Result<Arc<Self>, Error> {
        let input = Stdio::from(input);
        Self::launch(command, Launch { language: "Python", input, passed: Vec::new(), observer: None })
    }

    /// Starts a process.
    pub(super) fn launch(mut command: Command, launch: Launch) -> Result<Arc<Self>, Error> {
        let Launch { language, input, passed, observer } = launch;
        let (reader, writer) = io::pipe().map_err(Error::os("pipe"))?;
        let (errors, other) = if observer.is_some() {
            let (errors, other) = io::pipe().map_err(Error::os("pipe"))?;
            (Some(errors), other)
        } else {
            (None, writer.try_clone().map_err(Error::os("dup"))?)
        };
        command.stdin(input).stdout(writer).stderr(other).process_group(0);
        die_with_the_starter(&mut command);
        pass_on(&mut command, &passed);
        let (tell, told) = mpsc::channel();
        let thread = thread::Builder::new().name("circlet-exec".to_owned());
        let watcher = thread
            .spawn(move || {
                let started = command.spawn();
                // The pipe ends when nobody but the worker holds it.
                let program = command.get_program().into();
                drop(command);
                drop(passed);
                let started = started.map_err(|source| Error::NoPython { language, program, source });
                match started.and_then(|child| Self::watched(child, observer)) {
                    Ok(process) => {
                        let _ = tell.send(Ok(Arc::clone(&process)));
                        process.watch([Some(reader), errors]);
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            })
            .map_err(Error::os("clone"))?;
        let process = told.recv().unwrap_or(Err(Error::NoWorker));
        match &process {
            Ok(process) => process.state().watcher = Some(watcher),
            Err(_) => drop(watcher.join()),
        }
        process
    }

    fn watched(mut child: Child, observer: Option<Arc<dyn Observer>>) -> Result<Arc<Self>, Error> {
        let group = child.id() as libc::pid_t;
        // SAFETY: the call takes integers, and the descriptor that comes back belongs to nobody else.
        let pidfd = unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, group, 0) as libc::c_int;
            if fd < 0 {
                let error = Error::Os { call: "pidfd_open", source: io::Error::last_os_error() };
                libc::kill(-group, libc::SIGKILL);
                let _ = child.wait();
                return Err(error);
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Arc::new(Self { group, pidfd, observer, state: Mutex::default(), changed: Condvar::new() }))
    }

    /// Keeps the last of what it prints, and hands it on, until it has ended.
    fn watch(&self, mut outputs: [Option<PipeReader>; 2]) {
        const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];
        loop {
            let [output, errors] = outputs.each_ref().map(|output| output.as_ref().map(AsRawFd::as_raw_fd));
            let [ended, printed, complained] =
                poll([Some(self.pidfd.as_raw_fd()), output, errors], Deadline::NEVER);
            if ended {
                break;
            }
            for (output, has_more, stream) in [(0, printed, STREAMS[0]), (1, complained, STREAMS[1])] {
                if has_more {
                    match self.read(outputs[output].as_mut(), stream) {
                        Some(bytes) => self.hand_on(stream, &bytes),
                        None => outputs[output] = None,
                    }
                }
            }
        }
        self.reap();
        // What it said last may still lie in the pipes; a child that left the group may hold them.
        let mut last = Vec::new();
        for (mut output, stream) in outputs.into_iter().zip(STREAMS) {
            for _ in 0..PIPE_BYTES / TAIL_BYTES {
                let fd = output.as_ref().map(AsRawFd::as_raw_fd);
                if poll([fd], Deadline::now()) == [false] {
                    break;
                }
                let Some(bytes) = self.read(output.as_mut(), stream) else { break };
                last.push((stream, bytes));
            }
        }
        self.state().is_read = true;
        self.changed.notify_all();
        for (stream, bytes) in last {
            self.hand_on(stream, &bytes);
        }
        self.state().is_over = true;
        self.changed.notify_all();
    }

    /// Reads what there is and keeps the last of it. `None` at the end.
    fn read(&self, output: Option<&mut PipeReader>, stream: Stream) -> Option<Vec<u8>> {
        let mut buffer = [0; TAIL_BYTES];
        let count = output?.read(&mut buffer).ok().filter(|count| *count > 0)?;
        let bytes = &buffer[..count];
        if self.observer.is_none() || stream == Stream::Stderr {
            let mut state = self.state();
            state.tail.extend_from_slice(bytes);
            let surplus = state.tail.len().saturating_sub(TAIL_BYTES);
            state.tail.drain(..surplus);
        }
        Some(bytes.to_vec())
    }

    fn hand_on(&self, stream: Stream, bytes: &[u8]) {
        if let Some(observer) = &self.observer {
            observer.printed(stream, bytes);
        }
    }

    /// Reaps it if it has ended, and ends its group.
    pub(super) fn reap(&self) -> Option<Ended> {
        let mut state = self.state();
        if state.ended.is_none() && poll([Some(self.pidfd.as_raw_fd())], Deadline::now()) == [true] {
            // It is a zombie: the group's number is not given to another before it is reaped.
            self.signal_group();
            state.ended = Some(reap(self.group));
            drop(state);
            self.changed.notify_all();
            if let Some(observer) = &self.observer {
                observer.ended();
            }
            state = self.state();
        }
        state.ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal_group(&self) {
        // SAFETY: the call takes integers. The group is ours: its leader has not been reaped.
        unsafe { libc::kill(-self.group, libc::SIGKILL) };
    }

    pub(super) fn id(&self) -> u32 {
        self.group.unsigned_abs()
    }

    /// Sends it SIGINT, unless it has been reaped.
    pub(super) fn interrupt(&self) {
        let state = self.state();
        if state.ended.is_none() {
            // SAFETY: the call takes integers. The process is ours: it has not been reaped.
            unsafe { libc::kill(self.group, libc::SIGINT) };
        }
    }

    /// Has the kernel refuse it more memory than this, in bytes.
    pub(super) fn limit_data(&self, bytes: u64) -> Result<(), Error> {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        let state = self.state();
        // SAFETY: the limit outlives the call, and nothing is asked back. The process is ours: it has not been reaped.
        let refused = state.ended.is_none()
            && unsafe {
                libc::prlimit(self.group, libc::RLIMIT_DATA, &raw const limit, std::ptr::null_mut())
            } != 0;
        if refused { Err(Error::os("prlimit")(io::Error::last_os_error())) } else { Ok(()) }
    }

    /// Kills the group, unless it has been reaped.
    pub(super) fn kill(&self) {
        let state = self.state();
        if state.ended.is_none() {
            self.signal_group();
        }
    }

    /// Tells whether it has ended.
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
        let mut state = self.state_where(WATCHED_WITHIN, |state| state.is_over);
        let watcher = if state.is_over { state.watcher.take() } else { None };
        drop(state);
        let _ = watcher.map(JoinHandle::join);
    }

    /// Returns the last of what it printed beside the protocol: all of that, where it has ended.
    pub(super) fn said(&self) -> String {
        let state = self.state_where(READ_WITHIN, |state| state.ended.is_none() || state.is_read);
        String::from_utf8_lossy(&state.tail).into_owned()
    }

    /// Waits until the state is so, for at most so long.
    fn state_where(&self, at_most: Duration, is_so: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_timeout_while(self.state(), at_most, |state| !is_so(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn killer(self: &Arc<Self>) -> Killer {
        Killer(Arc::clone(self))
    }
}

/// Waits until one of the descriptors has something to read or is at its end, or the deadline; `None` is passed over.
fn poll<const N: usize>(descriptors: [Option<libc::c_int>; N], deadline: Deadline) -> [bool; N] {
    let mut entries =
        descriptors.map(|fd| libc::pollfd { fd: fd.unwrap_or(-1), events: libc::POLLIN, revents: 0 });
    let left = deadline.left().map(|left| left.as_nanos().div_ceil(1_000_000));
    let timeout_ms = left.map_or(-1, |left| libc::c_int::try_from(left).unwrap_or(libc::c_int::MAX));
    // SAFETY: the array outlives the call and has as many entries as it says.
    unsafe { libc::poll(entries.as_mut_ptr(), N as libc::nfds_t, timeout_ms) };
    entries.map(|entry| entry.revents != 0)
}

/// Reaps a child of this process that has ended.
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

/// Has the process keep descriptors of ours, under their numbers.
fn pass_on(command: &mut Command, passed: &[OwnedFd]) {
    let numbers: Vec<_> = passed.iter().map(AsRawFd::as_raw_fd).collect();
    let before_exec = move || {
        // SAFETY: the calls take integers and are async-signal-safe; the descriptors are open until the process is started.
        let kept = numbers.iter().all(|fd| unsafe { libc::fcntl(*fd, libc::F_SETFD, 0) } == 0);
        if kept { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the closure makes async-signal-safe calls and allocates nothing.
    unsafe { command.pre_exec(before_exec) };
}

/// Has the kernel kill the process when the thread that starts it ends, so that nothing outlives a killed supervisor.
fn die_with_the_starter(command: &mut Command) {
    let parent = std::process::id();
    let before_exec = move || {
        // SAFETY: both calls take integers and are async-signal-safe.
        let orphan = unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0
                || libc::getppid().unsigned_abs() != parent
        };
        if orphan { Err(io::Error::from_raw_os_error(libc::ESRCH)) } else { Ok(()) }
    };
    // SAFETY: the closure makes two async-signal-safe calls and allocates nothing.
    unsafe { command.pre_exec(before_exec) };
}
