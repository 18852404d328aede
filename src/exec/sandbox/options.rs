//! Options of sockets that code may set.
//!
//! A socket's options can lead what it sends elsewhere than to the address that was decided on: source routes of IPv4, routing
//! headers of IPv6, another interface, a mark that routes go by, broadcasts and groups. All but those of TCP are therefore lists
//! of what is allowed, and what is on none is refused: also what reaches UDP by the level of another protocol.

use super::bpf::{Condition, Verdict};
use super::calls::REFUSED;

/// Options of the socket itself: what is kept, how long is waited, and what is told of what came.
const SOCKET: &[libc::c_int] = &[
    libc::SO_REUSEADDR,
    libc::SO_REUSEPORT,
    libc::SO_KEEPALIVE,
    libc::SO_LINGER,
    libc::SO_OOBINLINE,
    libc::SO_SNDBUF,
    libc::SO_RCVBUF,
    libc::SO_SNDLOWAT,
    libc::SO_RCVLOWAT,
    libc::SO_SNDTIMEO,
    libc::SO_RCVTIMEO,
    SNDTIMEO_NEW,
    RCVTIMEO_NEW,
    libc::SO_TIMESTAMP,
    libc::SO_TIMESTAMPNS,
    libc::SO_TIMESTAMPING,
    libc::SO_PASSCRED,
    libc::SO_PEEK_OFF,
    libc::SO_PRIORITY,
    libc::SO_RXQ_OVFL,
    libc::SO_BUSY_POLL,
    libc::SO_INCOMING_CPU,
    libc::SO_MAX_PACING_RATE,
    libc::SO_ZEROCOPY,
];

/// `SO_RCVTIMEO_NEW` and `SO_SNDTIMEO_NEW`, with a time of 64 bits everywhere.
const RCVTIMEO_NEW: libc::c_int = 66;
const SNDTIMEO_NEW: libc::c_int = 67;

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
    cases.extend(TCP_REFUSED.iter().map(|name| (option(libc::IPPROTO_TCP, *name), REFUSED)));
    cases.push((vec![Condition::is(1, libc::IPPROTO_TCP.unsigned_abs())], Verdict::Allow));
    let lists = [
        (libc::SOL_SOCKET, SOCKET),
        (libc::IPPROTO_IP, IPV4),
        (libc::IPPROTO_IPV6, IPV6),
        (libc::IPPROTO_UDP, UDP),
    ];
    for (level, allowed) in lists {
        cases.extend(allowed.iter().map(|name| (option(level, *name), Verdict::Allow)));
    }
    Verdict::Cases(cases, Box::new(REFUSED))
}
