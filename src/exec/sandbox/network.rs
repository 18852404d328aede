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
}

/// Returns the ports that a policy allows.
///
/// # Errors
/// A rule that asks for more than ports.
pub(super) fn ports(layer: &Layer) -> Result<Ports, Unenforceable> {
    let mut ports = Ports::default();
    for (at, rule) in layer.net.rules.iter().enumerate() {
        let is_plain = rule.action == Action::Allow
            && rule.protocol == Some(Protocol::Tcp)
            && rule.addresses.is_empty()
            && rule.domains.is_empty()
            && !rule.ports.is_empty();
        if !is_plain {
            let why = "connections are allowed by TCP ports alone yet: give `protocol` tcp, `ports`, and no addresses or domains";
            return Err(Unenforceable::new(&format!("net.rules[{at}]"), why));
        }
        let these = rule.ports.iter().flat_map(|ports| ports.first..=ports.last);
        match rule.direction {
            Direction::Connect => ports.connect.extend(these),
            Direction::Listen => ports.listen.extend(these),
        }
    }
    if layer.net.default != Action::Deny {
        return Err(Unenforceable::new(
            "net.default",
            "networks cannot be allowed as a whole yet: deny them",
        ));
    }
    Ok(ports)
}

/// Returns the kinds of sockets that policies allow together.
pub(super) fn sockets(all: &[Ports]) -> Sockets {
    let connect = all.iter().all(|ports| !ports.connect.is_empty());
    let listen = all.iter().all(|ports| !ports.listen.is_empty());
    Sockets { tcp: connect || listen, udp: false, listen }
}
