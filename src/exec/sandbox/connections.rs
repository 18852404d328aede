//! Connections that a session's code makes: decided by the address, and made by the supervisor in its place, with the address
//! that was decided on. What the code does to its memory meanwhile changes nothing.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::asker::Asker;
use super::deeds::Deed;
use super::notices::{Answer, Notice};
use super::proxy::Proxy;
use super::socket::{ADDRESS_BYTES, Kind, Socket};
use crate::exec::policy::{Action, Decision, Direction, Protocol, Request, Resolved};

/// An address that a call names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    address: IpAddr,
    port: u16,
}

/// A call that is to be made in the place of who asked.
#[derive(Debug)]
pub(super) struct Call {
    socket: Socket,
    bytes: Vec<u8>,
    verb: Verb,
}

/// What a call does with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
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
        Request::Address { direction: self.direction, protocol: self.protocol, address, port }.fmt(f)
    }
}

/// What was decided on a call.
#[derive(Debug)]
pub(super) enum Decided {
    /// It fails, before any policy: the call is none that could work.
    Refused(libc::c_int),
    /// It fails.
    Denied(Asked),
    /// It is made, with these addresses.
    Made(Vec<Asked>, Deed),
    /// It is made, once the session's proxy expects it.
    Proxied(Call),
}

/// Decides on a call to connect or to take an address.
pub(super) fn decide(policy: &Resolved, proxy: Option<&Proxy>, notice: &Notice) -> Decided {
    match prepared(policy, proxy, notice) {
        Ok(decided) => decided,
        Err(error) => Decided::Refused(error.raw_os_error().unwrap_or(libc::EACCES)),
    }
}

fn prepared(policy: &Resolved, proxy: Option<&Proxy>, notice: &Notice) -> io::Result<Decided> {
    let [number, address, length, ..] = notice.arguments;
    let verb = match notice.call {
        libc::SYS_bind => Verb::Bind,
        libc::SYS_listen => Verb::Listen(address as libc::c_int),
        _ => Verb::Connect,
    };
    let asker = Asker::new(notice.thread);
    let socket = Socket::of(&asker, number as libc::c_int)?;
    let Kind::Internet(protocol) = socket.kind else { return Ok(Decided::Refused(libc::EACCES)) };
    let bytes = if matches!(verb, Verb::Listen(_)) {
        socket.address()?
    } else {
        let mut bytes = vec![0; (length as u32 as usize).min(ADDRESS_BYTES)];
        asker.read(address, &mut bytes)?;
        bytes
    };
    // A family that is none undoes a connection.
    if family(&bytes) == Some(libc::AF_UNSPEC) && verb == Verb::Connect {
        return Ok(Decided::Made(Vec::new(), Deed::Call(Call { socket, bytes, verb })));
    }
    let is_at = |proxy: &Proxy| {
        let target = Target::read(&bytes).filter(|_| family(&bytes) == Some(socket.family));
        target.is_some_and(|Target { address, port }| proxy.is_at(SocketAddr::new(address, port)))
    };
    if (verb, protocol) == (Verb::Connect, Protocol::Tcp) && proxy.is_some_and(is_at) {
        return Ok(Decided::Proxied(Call { socket, bytes, verb }));
    }
    let direction = if verb == Verb::Connect { Direction::Connect } else { Direction::Listen };
    Ok(match judged(policy, &socket, protocol, direction, &bytes) {
        Err(error) => Decided::Refused(error),
        Ok(asked) if asked.decision.action == Action::Deny => Decided::Denied(asked),
        Ok(asked) => Decided::Made(vec![asked], Deed::Call(Call { socket, bytes, verb })),
    })
}

/// Says what the policy has to say of an address that a socket is to be used with.
///
/// # Errors
/// The error of an address that no such socket takes.
pub(super) fn judged(
    policy: &Resolved,
    socket: &Socket,
    protocol: Protocol,
    direction: Direction,
    bytes: &[u8],
) -> Result<Asked, libc::c_int> {
    if family(bytes) != Some(socket.family) {
        return Err(libc::EAFNOSUPPORT);
    }
    let target = Target::read(bytes).ok_or(libc::EINVAL)?;
    let Target { address, port } = target;
    let decision = policy.decide(&Request::Address { direction, protocol, address, port });
    Ok(Asked { direction, protocol, target, decision })
}

impl Call {
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Makes it; `None` if it is a connection that takes longer, and is to be waited for.
    pub(super) fn attempt(&self) -> Option<Answer> {
        let waits = self.verb == Verb::Connect
            && self.socket.kind == Kind::Internet(Protocol::Tcp)
            && self.socket.is_blocking();
        if !waits {
            return Some(self.make());
        }
        // What happens on this machine alone is done once the first call ends, and the second one says so.
        self.socket.set_blocking(false);
        let mut answer = self.make();
        if answer == Answer::Fail(libc::EINPROGRESS) {
            answer = self.make();
        }
        self.socket.set_blocking(true);
        let is_under_way = matches!(answer, Answer::Fail(libc::EINPROGRESS | libc::EALREADY | libc::EAGAIN));
        (!is_under_way).then_some(answer)
    }

    fn make(&self) -> Answer {
        let (address, length) = (self.bytes.as_ptr().cast(), self.bytes.len() as libc::socklen_t);
        let socket = self.socket.number();
        loop {
            // SAFETY: the address outlives the calls, and is as long as said.
            let made = unsafe {
                match self.verb {
                    Verb::Connect => libc::connect(socket, address, length),
                    Verb::Bind => libc::bind(socket, address, length),
                    Verb::Listen(waiting) => libc::listen(socket, waiting),
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
