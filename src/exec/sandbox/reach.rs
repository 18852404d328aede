//! What a supervisor may do to its sessions: take copies of their descriptors, read their memory and trace them.
//!
//! Yama, a container's filter or another security module may refuse each of these. What needs one of them is refused at the
//! start then, and not where the code comes to it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};

use super::Unenforceable;
use super::asker::Asker;
use super::calls::{ASK_CONNECTIONS, ASK_FILES, ASK_PROGRAMS};
use super::enter::Steps;
use super::known::Known;
use super::places::Namespaces;

/// Descriptors that trying takes at once.
const SPARE: usize = 4;

/// What a supervisor may do to a process that it has started: `Err` says why not.
#[derive(Debug)]
pub(super) struct Reach {
    /// To take a copy of a descriptor.
    pub(super) copies: Result<(), String>,
    /// To read memory, and to trace it.
    pub(super) traces: Result<(), String>,
}

impl Reach {
    /// Tries it, once, with a process in name spaces as a session's.
    ///
    /// # Errors
    /// It cannot be tried at the moment.
    pub(super) fn here() -> io::Result<&'static Self> {
        static HERE: Known<Reach> = Known::new();
        HERE.get(Self::tried)
    }

    fn tried() -> io::Result<Self> {
        let here = Namespaces::here()?;
        let steps = Steps { namespaces: here.flags(), maps: here.maps(), ..Steps::default() };
        let ((mut said, says), (waits, ends)) = (io::pipe()?, io::pipe()?);
        // SAFETY: the child makes async-signal-safe calls alone, and ends in them.
        let child = unsafe { libc::fork() };
        if child < 0 {
            return Err(io::Error::last_os_error());
        }
        if child == 0 {
            let left = u8::from(steps.unshare().is_ok());
            let mut byte = 0_u8;
            // SAFETY: the buffers outlive the calls, and are as long as said. The other end is its parent's alone.
            unsafe {
                libc::close(ends.as_raw_fd());
                libc::write(says.as_raw_fd(), (&raw const left).cast(), 1);
                libc::read(waits.as_raw_fd(), (&raw mut byte).cast(), 1);
                libc::_exit(0)
            }
        }
        drop(says);
        let left = said.read_exact(&mut [0]);
        let reach = Self::to(child, waits.as_raw_fd());
        end(child);
        left?;
        if !reach.is_whole() {
            // Who has no descriptors left has not been refused for good.
            let spare = [(); SPARE].map(|()| File::open("/dev/null"));
            spare.into_iter().collect::<io::Result<Vec<_>>>()?;
        }
        Ok(reach)
    }

    /// Tries what filters let through, with this process itself and with none.
    fn of_filters(descriptor: RawFd) -> Self {
        // SAFETY: the call takes nothing.
        let copied = Asker::new(unsafe { libc::getpid() }).descriptor(descriptor);
        // SAFETY: the call takes integers, and no addresses. There is no such process.
        unsafe { libc::ptrace(libc::PTRACE_SEIZE, 0, 0, libc::PTRACE_O_TRACEEXEC) };
        let error = io::Error::last_os_error();
        Self {
            copies: copied.map(drop).map_err(|error| format!("pidfd_getfd: {error}")),
            traces: if error.raw_os_error() == Some(libc::ESRCH) {
                Ok(())
            } else {
                Err(format!("ptrace: {error}"))
            },
        }
    }

    /// Tries it with a child of this thread's that has this descriptor, as this process has, and is to be ended then.
    pub(super) fn to(child: libc::pid_t, descriptor: RawFd) -> Self {
        if is_hidden() {
            return Self::of_filters(descriptor);
        }
        let failed = |call: &str, error: io::Error| format!("{call}: {error}");
        let copied = Asker::new(child).descriptor(descriptor);
        let read = File::open(format!("/proc/{child}/mem")).map_err(|error| failed("/proc/PID/mem", error));
        // SAFETY: the call takes integers, and no addresses.
        let traced = unsafe { libc::ptrace(libc::PTRACE_SEIZE, child, 0, libc::PTRACE_O_TRACEEXEC) };
        let traced = if traced == 0 { Ok(()) } else { Err(failed("ptrace", io::Error::last_os_error())) };
        Self {
            copies: copied.map(drop).map_err(|error| failed("pidfd_getfd", error)),
            traces: read.and(traced),
        }
    }

    /// Tells whether it may do all of that.
    pub(super) fn is_whole(&self) -> bool {
        self.copies.is_ok() && self.traces.is_ok()
    }

    /// Refuses what is to be asked where the supervisor could not answer.
    pub(super) fn answers(&self, asks: u32) -> Result<(), Unenforceable> {
        let refuse =
            |what: &str, error: &str, why: &str| Err(Unenforceable::new(what, &format!("{why} ({error})")));
        match self {
            Self { copies: Err(error), .. } if asks & ASK_CONNECTIONS != 0 => refuse(
                "net",
                error,
                "addresses are decided by the supervisor, which may take no copies of a session's sockets here: allow ports of any \
                 address, or give the container CAP_SYS_PTRACE (Docker: --cap-add SYS_PTRACE)",
            ),
            Self { traces: Err(error), .. } if asks & (ASK_PROGRAMS | ASK_CONNECTIONS) != 0 => refuse(
                if asks & ASK_PROGRAMS != 0 { "exec" } else { "net" },
                error,
                "programs and addresses are decided by the supervisor, which may not trace a session here: set \
                 kernel.yama.ptrace_scope to 1 at the most, let the container's filter let ptrace through, or allow none",
            ),
            Self { traces: Err(error), .. } if asks & ASK_FILES != 0 => refuse(
                "fs",
                error,
                "files are watched by the supervisor, which may not read a session's memory here: let rules allow or deny and leave \
                 audit.files out, or set kernel.yama.ptrace_scope to 1 at the most",
            ),
            _ => Ok(()),
        }
    }
}

/// Tells whether nobody may look at this process, as at one that has changed its user: the same holds for its children until they
/// begin a program, as sessions do and what is tried here does not.
fn is_hidden() -> bool {
    // SAFETY: the call takes integers.
    unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) != 1 }
}

/// Kills a child, and reaps it.
pub(super) fn end(child: libc::pid_t) {
    // SAFETY: the calls take integers, and a pointer that may be NULL. It is a child of this process's, and not reaped.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        while libc::waitpid(child, std::ptr::null_mut(), 0) < 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::calls::ASK_PROCESSES;
    use super::*;

    #[test]
    fn what_a_supervisor_cannot_answer_is_refused_and_nothing_else() {
        let refused = || Err("x: not permitted".to_owned());
        let what = |copies: Result<(), String>, traces: Result<(), String>, asks| {
            Reach { copies, traces }.answers(asks).err().map(|error| error.what)
        };
        for asks in 0..16 {
            assert_eq!(what(Ok(()), Ok(()), asks), None);
        }
        for (copies, traces) in [(refused(), Ok(())), (Ok(()), refused()), (refused(), refused())] {
            assert_eq!(what(copies, traces, ASK_PROCESSES), None);
        }
        assert_eq!(what(refused(), Ok(()), ASK_CONNECTIONS).as_deref(), Some("net"));
        assert_eq!(what(refused(), Ok(()), ASK_PROGRAMS), None);
        assert_eq!(what(Ok(()), refused(), ASK_PROGRAMS).as_deref(), Some("exec"));
        assert_eq!(what(Ok(()), refused(), ASK_CONNECTIONS).as_deref(), Some("net"));
        assert_eq!(what(Ok(()), refused(), ASK_FILES).as_deref(), Some("fs"));
        assert_eq!(what(refused(), Ok(()), ASK_FILES), None);
    }
}
