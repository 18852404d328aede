//! One worker process: started, listened to, ended and reaped by a thread of its own.

use std::io::{self, PipeReader, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use super::{Ended, Error};
use crate::shm::Deadline;

/// How much of what a worker prints beside the protocol is kept.
const TAIL_BYTES: usize = 4096;

/// A started process. It leads a process group of its own, and is killed when the thread that started it ends, which
/// is when it is reaped or when this program dies.
#[derive(Debug)]
pub(super) struct Process {
    group: libc::pid_t,
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

/// Who learns what a process does, on the thread that watches it.
pub(super) trait Observer: Send + Sync {
    /// It wrote something.
    fn printed(&self, stream: Stream, bytes: &[u8]);

    /// It has ended and been reaped.
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

#[derive(Debug, Default)]
struct State {
    ended: Option<Ended>,
    tail: Vec<u8>,
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
        thread
            .spawn(move || {
                let started = command.spawn();
                // The pipe ends when nobody but the worker holds it.
                let program = command.get_program().into();
                drop(command);
                drop(passed);
                let started = started.map_err(|source| Error::NoPython { language, program, source });
                match started.and_then(|child| Self::watched(&child).map(|watch| (child, watch))) {
                    Ok((child, (process, pidfd))) => {
                        let _ = tell.send(Ok(Arc::clone(&process)));
                        process.watch(child, &pidfd, [Some(reader), errors], observer.as_deref());
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            })
            .map_err(Error::os("clone"))?;
        told.recv().unwrap_or(Err(Error::NoWorker))
    }

    fn watched(child: &Child) -> Result<(Arc<Self>, OwnedFd), Error> {
        let pid = child.id() as libc::pid_t;
        // SAFETY: the call takes integers, and the descriptor that comes back belongs to nobody else.
        let pidfd = unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0) as libc::c_int;
            if fd < 0 {
                let error = Error::Os { call: "pidfd_open", source: io::Error::last_os_error() };
                libc::kill(-pid, libc::SIGKILL);
                return Err(error);
            }
            OwnedFd::from_raw_fd(fd)
        };
        let process = Self { group: pid, state: Mutex::default(), changed: Condvar::new() };
        Ok((Arc::new(process), pidfd))
    }

    /// Keeps the last of what it prints until it ends, then ends its group and reaps it.
    fn watch(
        &self,
        mut child: Child,
        pidfd: &OwnedFd,
        mut outputs: [Option<PipeReader>; 2],
        observer: Option<&dyn Observer>,
    ) {
        loop {
            let [output, errors] = outputs.each_ref().map(|output| output.as_ref().map(AsRawFd::as_raw_fd));
            let [ended, printed, complained] = poll([Some(pidfd.as_raw_fd()), output, errors], -1);
            if ended {
                break;
            }
            for (output, has_more, stream) in [(0, printed, Stream::Stdout), (1, complained, Stream::Stderr)]
            {
                if has_more && !self.keep_output(outputs[output].as_mut(), stream, observer) {
                    outputs[output] = None;
                }
            }
        }
        // It is a zombie: the group's number is not given to another before it is reaped.
        self.signal_group();
        // What it said last may still lie in the pipe, which has room for 64 KiB; a child that left the group may hold it.
        for (mut output, stream) in outputs.into_iter().zip([Stream::Stdout, Stream::Stderr]) {
            for _ in 0..(1 << 16) / TAIL_BYTES {
                if poll([output.as_ref().map(AsRawFd::as_raw_fd)], 0) == [false]
                    || !self.keep_output(output.as_mut(), stream, observer)
                {
                    break;
                }
            }
        }
        let mut state = self.state();
        state.ended = Some(child.wait().map_or(Ended::Unknown, Ended::from));
        drop(state);
        self.changed.notify_all();
        if let Some(observer) = observer {
            observer.ended();
        }
    }

    /// Reads what there is. `false` at the end.
    fn keep_output(
        &self,
        output: Option<&mut PipeReader>,
        stream: Stream,
        observer: Option<&dyn Observer>,
    ) -> bool {
        let mut buffer = [0; TAIL_BYTES];
        let Some(Ok(count @ 1..)) = output.map(|output| output.read(&mut buffer)) else { return false };
        if let Some(observer) = observer {
            observer.printed(stream, &buffer[..count]);
            if stream == Stream::Stdout {
                return true;
            }
        }
        let mut state = self.state();
        state.tail.extend_from_slice(&buffer[..count]);
        let surplus = state.tail.len().saturating_sub(TAIL_BYTES);
        state.tail.drain(..surplus);
        true
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

    /// Waits until it has ended and been reaped.
    pub(super) fn wait(&self, deadline: Deadline) -> Option<Ended> {
        let mut state = self.state();
        loop {
            if state.ended.is_some() {
                return state.ended;
            }
            state = match deadline.left() {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return None,
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Kills it, waits for its end and returns the last of what it printed.
    pub(super) fn end(&self) -> (Ended, String) {
        self.kill();
        let ended = self.wait(Deadline::NEVER).unwrap_or(Ended::Unknown);
        (ended, self.said())
    }

    /// Returns the last of what it printed beside the protocol.
    pub(super) fn said(&self) -> String {
        String::from_utf8_lossy(&self.state().tail).into_owned()
    }

    pub(super) fn killer(self: &Arc<Self>) -> Killer {
        Killer(Arc::clone(self))
    }
}

/// Waits until one of the descriptors has something to read or is at its end; `None` is passed over.
fn poll<const N: usize>(descriptors: [Option<libc::c_int>; N], timeout_ms: libc::c_int) -> [bool; N] {
    let mut entries =
        descriptors.map(|fd| libc::pollfd { fd: fd.unwrap_or(-1), events: libc::POLLIN, revents: 0 });
    // SAFETY: the array outlives the call and has as many entries as it says.
    unsafe { libc::poll(entries.as_mut_ptr(), N as libc::nfds_t, timeout_ms) };
    entries.map(|entry| entry.revents != 0)
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
