//! Options of sockets that code may set.
//!
//! A socket's options can lead what it sends elsewhere than to the address that was decided on: source routes of IPv4, routing
//! headers of IPv6, broadcasts and groups. Those of IP and UDP are therefore a list of what is allowed.

use super::bpf::{Condition, Verdict};
use super::calls::REFUSED;

/// Options of the socket itself that are refused: a broadcast reaches everybody, whoever else is denied.
const SOCKET_REFUSED: &[libc::c_int] = &[libc::SO_BROADCAST];

/// Options of TCP that are refused: data with a connection that is still to be made, other protocols on top, and connections
/// that nobody has made.
const TCP_REFUSED: &[libc::c_int] =
    &[libc::TCP_FASTOPEN, libc::TCP_FASTOPEN_CONNECT, libc::TCP_ULP, libc::TCP_REPAIR];

const IPV4: &[libc::c_int] = &[
    libc::IP_TOS,
    libc::IP_TTL,
    libc::IP_PKTINFO,
    libc::IP_MTU_DISCOVER,
    libc::IP_RECVERR,
    libc::IP_RECVTTL,
    libc::IP_RECVTOS,
    libc::IP_BIND_ADDRESS_NO_PORT,
    IP_LOCAL_PORT_RANGE,
];

const IPV6: &[libc::c_int] = &[
    libc::IPV6_UNICAST_HOPS,
    libc::IPV6_MTU_DISCOVER,
    libc::IPV6_MTU,
    libc::IPV6_RECVERR,
    libc::IPV6_V6ONLY,
    libc::IPV6_RECVPKTINFO,
    libc::IPV6_RECVHOPLIMIT,
    libc::IPV6_RECVTCLASS,
    libc::IPV6_TCLASS,
    libc::IPV6_DONTFRAG,
    libc::IPV6_AUTOFLOWLABEL,
    libc::IPV6_ADDR_PREFERENCES,
];

/// Several datagrams in one go, all to one address, and several that came so.
const UDP: &[libc::c_int] = &[libc::UDP_CORK, libc::UDP_SEGMENT, libc::UDP_GRO];

const IP_LOCAL_PORT_RANGE: libc::c_int = 51;

/// The conditions under which a call sets this option.
pub(super) fn option(level: libc::c_int, name: libc::c_int) -> Vec<Condition> {
    vec![Condition::is(1, level.unsigned_abs()), Condition::is(2, name.unsigned_abs())]
}

/// Returns the verdict of `setsockopt`.
pub(super) fn verdict() -> Verdict {
    let mut cases = Vec::new();
    for (level, refused) in [(libc::SOL_SOCKET, SOCKET_REFUSED), (libc::IPPROTO_TCP, TCP_REFUSED)] {
        cases.extend(refused.iter().map(|name| (option(level, *name), REFUSED)));
    }
    for (level, allowed) in [(libc::IPPROTO_IP, IPV4), (libc::IPPROTO_IPV6, IPV6), (libc::IPPROTO_UDP, UDP)] {
        cases.extend(allowed.iter().map(|name| (option(level, *name), Verdict::Allow)));
        cases.push((vec![Condition::is(1, level.unsigned_abs())], REFUSED));
    }
    Verdict::Cases(cases, Box::new(Verdict::Allow))
}
