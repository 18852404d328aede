//! Connections that a session's code makes: decided by the address, and made by the supervisor in its place, with the address
//! that was decided on. What the code does to its memory meanwhile changes nothing.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use super::asker::Asker;
use super::notices::{Answer, Notice};
use crate::exec::policy::{Action, Decision, Direction, Protocol, Request, Resolved};

/// The longest address of the internet's.
const ADDRESS_BYTES: usize = size_of::<libc::sockaddr_in6>();

/// An address that a call names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    address: IpAddr,
    port: u16,
}

/// A call that is to be made in the place of who asked.
#[derive(Debug)]
pub(super) struct Call {
    socket: OwnedFd,
    bytes: Vec<u8>,
    kind: Kind,
}

/// What a call does with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Connect,
    Bind,
    /// With the socket's own, and so many that wait.
    Listen(libc::c_int),
}

/// What was asked, and what the policy says.
#[derive(Debug)]
pub(super) struct Asked {
    direction: Direction,
    protocol: Protocol,
    target: Target,
    pub(super) decision: Decision,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { address, port } = self.target;
        write!(f, "{} {} {}", self.direction.name(), self.protocol.name(), SocketAddr::new(address, port))
    }
}

/// What was decided on a connection.
#[derive(Debug)]
pub(super) enum Decided {
    /// It fails, before any policy: the call is none that could work.
    Refused(libc::c_int),
    /// It fails.
    Denied(Asked),
    /// It is made.
    Made(Option<Asked>, Call),
}

/// Decides on a call to connect or to take an address.
pub(super) fn decide(policy: &Resolved, notice: &Notice) -> Decided {
    match prepared(policy, notice) {
        Ok(decided) => decided,
        Err(error) => Decided::Refused(error.raw_os_error().unwrap_or(libc::EACCES)),
    }
}

fn prepared(policy: &Resolved, notice: &Notice) -> io::Result<Decided> {
    let [socket, address, length, ..] = notice.arguments;
    let kind = match notice.call {
        libc::SYS_bind => Kind::Bind,
        libc::SYS_listen => Kind::Listen(address as libc::c_int),
        _ => Kind::Connect,
    };
    let asker = Asker::new(notice.thread);
    let socket = asker.descriptor(socket as libc::c_int)?;
    let bytes = if matches!(kind, Kind::Listen(_)) {
        own_address(&socket)?
    } else {
        let mut bytes = vec![0; (length as u32 as usize).min(ADDRESS_BYTES)];
        asker.read(address, &mut bytes)?;
        bytes
    };
    let protocol = match option(&socket, libc::SO_TYPE)? {
        libc::SOCK_STREAM => Protocol::Tcp,
        libc::SOCK_DGRAM => Protocol::Udp,
        _ => return Ok(Decided::Refused(libc::EACCES)),
    };
    // A family that is none undoes a connection.
    if family(&bytes) == Some(libc::AF_UNSPEC) && kind == Kind::Connect {
        return Ok(Decided::Made(None, Call { socket, bytes, kind }));
    }
    if family(&bytes) != Some(option(&socket, libc::SO_DOMAIN)?) {
        return Ok(Decided::Refused(libc::EAFNOSUPPORT));
    }
    let Some(target) = Target::read(&bytes) else { return Ok(Decided::Refused(libc::EINVAL)) };
    let direction = if kind == Kind::Connect { Direction::Connect } else { Direction::Listen };
    let Target { address, port } = target;
    let decision = policy.decide(&Request::Address { direction, protocol, address, port });
    let is_denied = decision.action == Action::Deny;
    let asked = Asked { direction, protocol, target, decision };
    Ok(if is_denied {
        Decided::Denied(asked)
    } else {
        Decided::Made(Some(asked), Call { socket, bytes, kind })
    })
}

impl Call {
    /// Tells whether it may take long.
    pub(super) fn waits(&self) -> bool {
        // SAFETY: the call takes integers.
        let flags = unsafe { libc::fcntl(self.socket.as_raw_fd(), libc::F_GETFL) };
        self.kind == Kind::Connect && flags & libc::O_NONBLOCK == 0
    }

    /// Makes it.
    pub(super) fn make(&self) -> Answer {
        let (address, length) = (self.bytes.as_ptr().cast(), self.bytes.len() as libc::socklen_t);
        let socket = self.socket.as_raw_fd();
        loop {
            // SAFETY: the address outlives the calls, and is as long as said.
            let made = unsafe {
                match self.kind {
                    Kind::Connect => libc::connect(socket, address, length),
                    Kind::Bind => libc::bind(socket, address, length),
                    Kind::Listen(waiting) => libc::listen(socket, waiting),
                }
            };
            if made == 0 {
                return Answer::Done(0);
            }
            match io::Error::last_os_error().raw_os_error() {
                // Of this process's, and not of who asked.
                Some(libc::EINTR) => {}
                error => return Answer::Fail(error.unwrap_or(libc::EACCES)),
            }
        }
    }
}

impl Target {
    /// Reads an address as the kernel takes it.
    fn read(bytes: &[u8]) -> Option<Self> {
        let port = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
        let address = match family(bytes)? {
            libc::AF_INET if bytes.len() >= size_of::<libc::sockaddr_in>() => {
                Ipv4Addr::from(*bytes.get(4..)?.first_chunk::<4>()?).into()
            }
            libc::AF_INET6 if bytes.len() >= ADDRESS_BYTES - 4 => {
                Ipv6Addr::from(*bytes.get(8..)?.first_chunk::<16>()?).into()
            }
            _ => return None,
        };
        Some(Self { address, port })
    }
}

fn family(bytes: &[u8]) -> Option<libc::c_int> {
    bytes.first_chunk().map(|family| u16::from_ne_bytes(*family).into())
}

/// Returns the address that a socket has: of none, its port is 0.
fn own_address(socket: &OwnedFd) -> io::Result<Vec<u8>> {
    let (mut bytes, mut length) = (vec![0; ADDRESS_BYTES], ADDRESS_BYTES as libc::socklen_t);
    // SAFETY: both outlive the call, and the first is as long as the second says.
    let got = unsafe { libc::getsockname(socket.as_raw_fd(), bytes.as_mut_ptr().cast(), &raw mut length) };
    bytes.truncate(length as usize);
    if got == 0 { Ok(bytes) } else { Err(io::Error::last_os_error()) }
}

fn option(socket: &OwnedFd, name: libc::c_int) -> io::Result<libc::c_int> {
    let (mut value, mut length) = (0, size_of::<libc::c_int>() as libc::socklen_t);
    // SAFETY: both outlive the call, and the value is as long as said.
    let got = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut length)
    };
    if got == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_takes_them() {
        let ipv4 = [&(libc::AF_INET as u16).to_ne_bytes()[..], &[1, 187, 10, 0, 0, 1], &[0; 8]].concat();
        assert_eq!(Target::read(&ipv4), Some(Target { address: [10, 0, 0, 1].into(), port: 443 }));
        assert_eq!(Target::read(&ipv4[..8]), None);
        let ipv6 =
            [&(libc::AF_INET6 as u16).to_ne_bytes()[..], &[0, 80], &[0; 4], &[0; 15], &[1], &[0; 4]].concat();
        assert_eq!(Target::read(&ipv6), Some(Target { address: Ipv6Addr::LOCALHOST.into(), port: 80 }));
        assert_eq!(Target::read(&[]), None);
    }
}
