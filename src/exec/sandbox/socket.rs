//! A copy of a socket of the session's: what the kernel says of it, and not who asks.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use super::asker::Asker;
use super::copies;
use crate::exec::policy::Protocol;

/// The longest address of the internet's.
pub(super) const ADDRESS_BYTES: usize = size_of::<libc::sockaddr_in6>();

/// What a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of the internet.
    Internet(Protocol),
    /// One of a pair, whose messages are kept apart or are not.
    Pair { is_stream: bool },
}

/// A copy of a socket.
#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
    pub(super) kind: Kind,
    /// Its family of addresses.
    pub(super) family: libc::c_int,
}

impl Socket {
    /// Takes a copy of a descriptor of whoever asks.
    ///
    /// # Errors
    /// It is no socket, or one that no session has.
    pub(super) fn of(asker: &Asker, number: libc::c_int) -> io::Result<Self> {
        let fd = copies::of_socket(asker, number)?;
        let family = option(&fd, libc::SO_DOMAIN, 0)?;
        let is_internet = matches!(family, libc::AF_INET | libc::AF_INET6);
        let protocol = if is_internet { option(&fd, libc::SO_PROTOCOL, 0)? } else { 0 };
        let kind = match (family, option(&fd, libc::SO_TYPE, 0)?, protocol) {
            (libc::AF_UNIX, libc::SOCK_STREAM, _) => Kind::Pair { is_stream: true },
            (libc::AF_UNIX, libc::SOCK_SEQPACKET, _) => Kind::Pair { is_stream: false },
            (_, libc::SOCK_STREAM, libc::IPPROTO_TCP) => Kind::Internet(Protocol::Tcp),
            (_, libc::SOCK_DGRAM, libc::IPPROTO_UDP) => Kind::Internet(Protocol::Udp),
            _ => return Err(io::Error::from_raw_os_error(libc::EACCES)),
        };
        Ok(Self { fd, kind, family })
    }

    pub(super) fn descriptor(&self) -> &OwnedFd {
        &self.fd
    }

    pub(super) fn number(&self) -> libc::c_int {
        self.fd.as_raw_fd()
    }

    /// Tells whether calls on it wait.
    pub(super) fn is_blocking(&self) -> bool {
        // SAFETY: the call takes integers.
        unsafe { libc::fcntl(self.number(), libc::F_GETFL) & libc::O_NONBLOCK == 0 }
    }

    /// Has calls on it wait or not, for all who have it.
    pub(super) fn set_blocking(&self, is_blocking: bool) {
        let mut flag = libc::c_int::from(!is_blocking);
        // SAFETY: the flag outlives the call, which reads it alone. A socket always takes it.
        unsafe { libc::ioctl(self.number(), libc::FIONBIO, &raw mut flag) };
    }

    /// Returns how long calls on it wait until they fail, if they do.
    pub(super) fn patience(&self) -> Option<Duration> {
        let none = libc::timeval { tv_sec: 0, tv_usec: 0 };
        let libc::timeval { tv_sec, tv_usec } = option(&self.fd, libc::SO_SNDTIMEO, none).ok()?;
        let patience =
            Duration::from_secs(tv_sec.unsigned_abs()) + Duration::from_micros(tv_usec.unsigned_abs());
        (!patience.is_zero()).then_some(patience)
    }

    /// Waits until it can be written to, or for so many milliseconds.
    pub(super) fn wait(&self, most_ms: libc::c_int) -> bool {
        let mut entry = libc::pollfd { fd: self.number(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: the entry outlives the call.
        unsafe { libc::poll(&raw mut entry, 1, most_ms) > 0 }
    }

    /// Returns the address that it has: of none, its port is 0.
    pub(super) fn address(&self) -> io::Result<Vec<u8>> {
        let (mut bytes, mut length) = (vec![0; ADDRESS_BYTES], ADDRESS_BYTES as libc::socklen_t);
        // SAFETY: both outlive the call, and the first is as long as the second says.
        let got = unsafe { libc::getsockname(self.number(), bytes.as_mut_ptr().cast(), &raw mut length) };
        bytes.truncate(length as usize);
        if got == 0 { Ok(bytes) } else { Err(io::Error::last_os_error()) }
    }
}

/// Returns an option that is plain integers.
fn option<T: Copy>(fd: &OwnedFd, name: libc::c_int, mut value: T) -> io::Result<T> {
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: both outlive the call, and the value is as long as said. The kernel fills it with integers.
    let got = unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut length)
    };
    if got == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}
