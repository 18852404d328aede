//! Networks: which sockets there are, and which ports they may be used with.

use std::collections::BTreeSet;

use super::calls::Sockets;
use crate::exec::policy::{Action, Direction, Layer, Protocol};

/// What a policy lets code do by TCP and UDP, as far as it can be said without its addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ports {
    /// Ports that may be connected to at any address.
    pub(super) connect: BTreeSet<u16>,
    /// Ports that may be listened at at any address.
    pub(super) listen: BTreeSet<u16>,
    /// Whether there is more to decide than ports: the supervisor decides then, and makes connections itself.
    pub(super) asks: bool,
    /// Whether there are rules for domains, which are reached by a proxy.
    has_domains: bool,
    /// Whether it lets code use TCP at all, and whether to listen.
    has_tcp: bool,
    is_listening: bool,
    /// Whether it lets code use UDP at all, of which the supervisor is always asked.
    has_udp: bool,
}

/// Returns what a policy lets code do by TCP and UDP.
pub(super) fn ports(layer: &Layer) -> Ports {
    let is_open = layer.net.default != Action::Deny;
    let mut ports = Ports {
        asks: is_open,
        has_tcp: is_open,
        is_listening: is_open,
        has_udp: is_open,
        ..Ports::default()
    };
    for rule in &layer.net.rules {
        let is_denied = rule.action == Action::Deny;
        let has_domains = !rule.domains.is_empty();
        // Domains are reached by TCP alone, whatever else their rule is for.
        let is_of_domains = has_domains && rule.addresses.is_empty();
        ports.has_udp |= rule.protocol != Some(Protocol::Tcp) && !is_denied && !is_of_domains;
        if rule.protocol == Some(Protocol::Udp) {
            continue;
        }
        // Who listens without having taken a port gets one, which Landlock is not asked for.
        let listens = rule.direction == Direction::Listen && !is_denied;
        let is_plain = rule.action == Action::Allow
            && rule.addresses.is_empty()
            && !has_domains
            && !rule.ports.is_empty();
        ports.has_domains |= has_domains;
        ports.asks |= listens || !is_plain;
        ports.has_tcp |= !is_denied;
        ports.is_listening |= listens;
        if is_plain {
            let these = rule.ports.iter().flat_map(|ports| ports.first..=ports.last);
            match rule.direction {
                Direction::Connect => ports.connect.extend(these),
                Direction::Listen => ports.listen.extend(these),
            }
        }
    }
    ports
}

/// Returns the kinds of sockets that policies allow together.
pub(super) fn sockets(all: &[Ports]) -> Sockets {
    let has = |what: fn(&Ports) -> bool| all.iter().all(what);
    Sockets {
        tcp: has(|ports| ports.has_tcp),
        udp: has(|ports| ports.has_udp),
        listen: has(|ports| ports.is_listening),
    }
}

/// Tells whether code is to have a proxy: where there are domains to decide on, and no policy that lets it connect to nothing.
pub(super) fn needs_proxy(all: &[Ports]) -> bool {
    all.iter().any(|ports| ports.has_domains) && all.iter().all(|ports| ports.has_tcp)
}

/// Has the supervisor decide alone, where it is to tell of all that is refused, or decides for one of several policies or on
/// datagrams: calls that name an address are the same for both protocols, so that it is asked of all of them.
pub(super) fn alone(all: &mut [Ports], sockets: Sockets, tells: bool) {
    if tells || sockets.udp || all.iter().any(|ports| ports.asks) {
        for ports in all {
            (ports.connect, ports.listen, ports.asks) = (BTreeSet::new(), BTreeSet::new(), true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::policy::{Policy, Surroundings};

    fn of(net: &str) -> Ports {
        let policy = Policy::from_json(&format!(r#"{{"version": 1, "net": {net}}}"#)).unwrap();
        let here = ["/srv", "/home/ada", "/tmp"].map(Into::into);
        let [cwd, home, tmp] = here;
        let resolved = policy.resolve(&Surroundings { cwd, home, tmp, runtime: Vec::new() });
        ports(&resolved.layers()[0])
    }

    fn rules(rules: &str) -> Ports {
        of(&format!(r#"{{"rules": [{rules}]}}"#))
    }

    #[test]
    fn ports_of_tcp_are_the_kernels_to_decide_and_nobody_is_asked() {
        let web = rules(
            r#"{"action": "allow", "protocol": "tcp", "ports": [443]}, {"action": "deny", "protocol": "udp"}"#,
        );
        assert_eq!((web.connect.len(), web.asks), (1, false));
        assert_eq!(sockets(&[web]), Sockets { tcp: true, udp: false, listen: false });
    }

    #[test]
    fn a_rule_of_udp_opens_no_port_of_tcp_and_has_the_supervisor_asked_of_all() {
        let web = r#"{"action": "allow", "protocol": "tcp", "ports": [443]}"#;
        let dns = rules(r#"{"action": "warn", "protocol": "udp", "ports": [53], "direction": "connect"}"#);
        assert!(dns.connect.is_empty());
        assert_eq!(sockets(&[dns]), Sockets { tcp: false, udp: true, listen: false });
        let mut both = [rules(&format!(r#"{web}, {{"action": "allow", "protocol": "udp", "ports": [53]}}"#))];
        let sockets_of_both = sockets(&both);
        alone(&mut both, sockets_of_both, false);
        assert!(both[0].connect.is_empty() && both[0].asks && sockets_of_both.udp);
    }

    #[test]
    fn a_rule_or_a_default_without_a_protocol_is_of_both() {
        let both = Sockets { tcp: true, udp: true, listen: false };
        assert_eq!(sockets(&[rules(r#"{"action": "allow", "ports": [53]}"#)]), both);
        assert_eq!(sockets(&[of(r#"{"default": "allow"}"#)]), Sockets { listen: true, ..both });
        let tcp = rules(r#"{"action": "allow", "protocol": "tcp", "ports": [53]}"#);
        assert_eq!(sockets(&[of(r#"{"default": "allow"}"#), tcp]), Sockets { udp: false, ..both });
    }
}
