//! Questions of the kernel's: system calls that wait for what their supervisor says (seccomp_unotify(2)).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// A system call that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice {
    id: u64,
    /// The thread that makes it.
    pub(super) thread: libc::pid_t,
    pub(super) call: libc::c_long,
    pub(super) arguments: [u64; 6],
}

/// What becomes of a system call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The kernel carries it out, with what its arguments lead to by then.
    Continue,
    /// It was carried out in its place, and gave this.
    Done(i64),
    /// It fails with this error.
    Fail(libc::c_int),
}

/// Where questions come from.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

impl Listener {
    /// Takes over the descriptor of a filter with questions. Whoever asks and the one who answers are woken on one processor, as
    /// far as this kernel can do so: the one waits for the other.
    pub(super) fn new(fd: OwnedFd) -> Self {
        // SAFETY: the call takes integers. What an older kernel refuses is left.
        unsafe { libc::ioctl(fd.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1_u64) };
        Self(fd)
    }

    pub(super) fn descriptor(&self) -> libc::c_int {
        self.0.as_raw_fd()
    }

    /// Tells whether there is nobody left who could ask.
    pub(super) fn is_over(&self) -> bool {
        let mut entry = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the entry outlives the call.
        unsafe { libc::poll(&raw mut entry, 1, 0) };
        entry.revents & libc::POLLHUP != 0
    }

    /// Takes the next question; `None` if whoever asked has gone.
    ///
    /// # Errors
    /// There is nobody left who could ask.
    pub(super) fn take(&self) -> io::Result<Option<Notice>> {
        // SAFETY: the struct is plain integers, of which zero is a value. The kernel wants zeros.
        let mut taken: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the struct outlives the call, and is what the request takes.
        if unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut taken) } == 0 {
            return Ok(Some(Notice {
                id: taken.id,
                thread: taken.pid as libc::pid_t,
                call: libc::c_long::from(taken.data.nr),
                arguments: taken.data.args,
            }));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::EINTR) => Ok(None),
            _ => Err(error),
        }
    }

    /// Tells whether whoever asked still waits: what was read of it by its number was its own.
    pub(super) fn is_waiting(&self, notice: &Notice) -> bool {
        // SAFETY: the number outlives the call.
        unsafe {
            libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const notice.id) == 0
        }
    }

    /// Says what becomes of a call. Whoever has gone is not told.
    pub(super) fn answer(&self, notice: &Notice, answer: Answer) {
        let (val, error, flags) = match answer {
            Answer::Continue => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
            Answer::Done(value) => (value, 0, 0),
            Answer::Fail(error) => (0, -error, 0),
        };
        let given = libc::seccomp_notif_resp { id: notice.id, val, error, flags };
        // SAFETY: the struct outlives the call, and is what the request takes.
        unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const given) };
    }
}
