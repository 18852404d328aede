//! Waits that end with the session, and the calls that std has no form of that does not wait.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};

use crate::shm::Deadline;

/// Ends all waits at once. Each of them looks at one end of a pipe, in which there is a byte from then on.
#[derive(Debug)]
pub(super) struct End {
    looked_at: PipeReader,
    given: PipeWriter,
}

/// What is waited for.
pub(super) const READ: libc::c_short = libc::POLLIN;
pub(super) const WRITE: libc::c_short = libc::POLLOUT;

impl End {
    /// Makes one that is not given yet.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn new() -> io::Result<Self> {
        let (looked_at, given) = io::pipe()?;
        Ok(Self { looked_at, given })
    }

    /// Ends what waits, and what will.
    pub(super) fn give(&self) {
        // A pipe that was never read has place for a byte.
        let _ = (&self.given).write_all(&[1]);
    }

    /// Waits until one of these can be read or written, whichever is wanted of it; one of which nothing is wanted is passed over.
    ///
    /// # Errors
    /// `TimedOut`; `Interrupted` where the end was given.
    pub(super) fn wait<const N: usize>(
        &self,
        wanted: [(&dyn AsRawFd, libc::c_short); N],
        deadline: Deadline,
    ) -> io::Result<[bool; N]> {
        let entry = |fd, events| libc::pollfd { fd, events, revents: 0 };
        let mut entries: Vec<_> = wanted
            .iter()
            .map(|(fd, events)| entry(if *events == 0 { -1 } else { fd.as_raw_fd() }, *events))
            .collect();
        entries.push(entry(self.looked_at.as_raw_fd(), READ));
        loop {
            let left = deadline.left().map(|left| left.as_nanos().div_ceil(1_000_000));
            let timeout_ms = left.map_or(-1, |left| libc::c_int::try_from(left).unwrap_or(libc::c_int::MAX));
            // SAFETY: the entries outlive the call, and are as many as it says.
            let found =
                unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout_ms) };
            match found {
                0 if timeout_ms >= 0 && deadline.passed() => return Err(io::ErrorKind::TimedOut.into()),
                ..=0 => {}
                _ if entries[N].revents != 0 => return Err(io::ErrorKind::Interrupted.into()),
                _ => return Ok(std::array::from_fn(|at| entries[at].revents != 0)),
            }
            let error = io::Error::last_os_error();
            if found < 0 && error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// Connects a socket that does not wait, and waits for it.
    ///
    /// # Errors
    /// As `connect`, and those of [`End::wait`].
    pub(super) fn connect(&self, socket: &TcpStream, to: SocketAddr, deadline: Deadline) -> io::Result<()> {
        let bytes = bytes_of(to);
        // SAFETY: the address outlives the call, and is as long as said.
        let made = unsafe { libc::connect(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as u32) };
        if made == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINPROGRESS) {
            return Err(error);
        }
        self.wait([(socket, WRITE)], deadline)?;
        socket.take_error()?.map_or(Ok(()), Err)
    }
}

/// Makes a socket for an address, which does not wait.
///
/// # Errors
/// As `socket`.
pub(super) fn socket(to: SocketAddr) -> io::Result<TcpStream> {
    let family = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the call takes integers, and the descriptor that comes back belongs to nobody else.
    unsafe {
        let fd = libc::socket(family, kind, 0);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(TcpStream::from_raw_fd(fd)) }
    }
}

/// Gives a socket an address.
///
/// # Errors
/// As `bind`.
pub(super) fn bind(socket: &TcpStream, address: SocketAddr) -> io::Result<()> {
    let bytes = bytes_of(address);
    // SAFETY: the address outlives the call, and is as long as said.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as u32) };
    if bound == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Returns an address as the kernel takes it: `struct sockaddr_in` and `struct sockaddr_in6`.
fn bytes_of(address: SocketAddr) -> Vec<u8> {
    let port = address.port().to_be_bytes();
    match address {
        SocketAddr::V4(address) => {
            [&(libc::AF_INET as u16).to_ne_bytes()[..], &port, &address.ip().octets(), &[0; 8]].concat()
        }
        SocketAddr::V6(address) => {
            let family = (libc::AF_INET6 as u16).to_ne_bytes();
            [&family[..], &port, &[0; 4], &address.ip().octets(), &[0; 4]].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wait_ends_when_it_is_told_to_and_at_its_time() {
        let end = Arc::new(End::new().unwrap());
        let listener = TcpListener::bind("[::1]:0").or_else(|_| TcpListener::bind("127.0.0.1:0")).unwrap();
        let late = end.wait([(&listener, READ)], Deadline::after(Duration::from_millis(5)));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let other = end.clone();
        let waits = thread::spawn(move || other.wait([], Deadline::NEVER).unwrap_err().kind());
        let address = listener.local_addr().unwrap();
        let near = socket(address).unwrap();
        end.connect(&near, address, Deadline::NEVER).unwrap();
        assert_eq!(end.wait([(&listener, READ), (&near, 0)], Deadline::NEVER).unwrap(), [true, false]);
        end.give();
        assert_eq!(waits.join().unwrap(), io::ErrorKind::Interrupted);
        assert_eq!(
            end.wait([(&near, WRITE)], Deadline::NEVER).unwrap_err().kind(),
            io::ErrorKind::Interrupted
        );
    }
}
