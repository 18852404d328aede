//! Networks: which sockets there are, and which ports they may be used with.

use std::collections::BTreeSet;

use super::Unenforceable;
use super::calls::Sockets;
use crate::exec::policy::{Action, Direction, Layer, Protocol};

/// TCP ports that may be used with any address, to connect and to listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) connect: BTreeSet<u16>,
    pub(super) listen: BTreeSet<u16>,
    /// Whether there is more to decide than ports: the supervisor decides then, and makes connections itself.
    pub(super) asks: bool,
    is_listening: bool,
}

/// Returns the ports that a policy allows.
///
/// # Errors
/// A rule for what cannot be decided yet.
pub(super) fn ports(layer: &Layer) -> Result<Ports, Unenforceable> {
    let mut ports = Ports { asks: layer.net.default != Action::Deny, ..Ports::default() };
    ports.is_listening = ports.asks;
    for (at, rule) in layer.net.rules.iter().enumerate() {
        let is_udp = rule.protocol != Some(Protocol::Tcp) && rule.action != Action::Deny;
        if is_udp || !rule.domains.is_empty() {
            let why = "what is sent by UDP, and domains, cannot be decided yet: give `protocol` tcp, and no domains";
            return Err(Unenforceable::new(&format!("net.rules[{at}]"), why));
        }
        let these = rule.ports.iter().flat_map(|ports| ports.first..=ports.last);
        ports.asks |= rule.action != Action::Allow || !rule.addresses.is_empty() || rule.ports.is_empty();
        match rule.direction {
            Direction::Connect => ports.connect.extend(these),
            Direction::Listen => ports.listen.extend(these),
        }
        // Who listens without a port of its choice gets one, which the kernel does not ask for.
        ports.asks |= rule.direction == Direction::Listen && rule.action != Action::Deny;
        ports.is_listening |= rule.direction == Direction::Listen && rule.action != Action::Deny;
    }
    Ok(ports)
}

/// Returns the kinds of sockets that policies allow together.
pub(super) fn sockets(all: &[Ports]) -> Sockets {
    let tcp = all.iter().all(|ports| ports.asks || !ports.connect.is_empty() || !ports.listen.is_empty());
    Sockets { tcp, udp: false, listen: all.iter().all(|ports| ports.is_listening) }
}

/// Has the supervisor decide alone, where it decides for one of several policies.
pub(super) fn alone(all: &mut [Ports]) {
    if all.iter().any(|ports| ports.asks) {
        for ports in all {
            (ports.connect, ports.listen, ports.asks) = (BTreeSet::new(), BTreeSet::new(), true);
        }
    }
}
