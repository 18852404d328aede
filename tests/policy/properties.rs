//! What holds of all policies.

use std::net::IpAddr;
use std::path::PathBuf;

use circlet::exec::policy::{
    Access, Action, Direction, Env, ExecRule, FsRule, NetRule, Network, Policy, Ports, Protocol, Request,
    Resolved,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::surroundings;

/// Few of each, so that rules and requests meet.
const PATHS: [&str; 9] = [
    "/",
    "/a",
    "/a/b",
    "/a/b/c",
    "/ab",
    "/opt/python/lib/x",
    "/tmp/session",
    "/tmp/session/x",
    "/srv/project/x",
];
const NETWORKS: [&str; 5] = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::1", "::/0"];
const ADDRESSES: [&str; 5] = ["10.1.2.3", "10.2.2.3", "::ffff:10.1.2.3", "::1", "8.8.8.8"];
const DOMAINS: [&str; 4] = ["a.example", "b.a.example", "c.example", "10.1.2.3"];
const PATTERNS: [&str; 4] = ["a.example", "*.a.example", "c.example", "*.example"];
const NAMES: [&str; 5] = ["A", "AB", "A*", "*", "LANG"];
const CALLS: [&str; 3] = ["read", "ptrace", "bpf"];

fn text(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(of).prop_map(str::to_owned)
}

fn action() -> impl Strategy<Value = Action> {
    select(vec![Action::Allow, Action::Warn, Action::Deny])
}

fn fs_rule() -> impl Strategy<Value = FsRule> {
    (action(), btree_set(text(&PATHS), 1..3), btree_set(select(&Access::ALL), 1..4))
        .prop_map(|(action, paths, access)| FsRule { action, paths, access })
}

fn net_rule() -> impl Strategy<Value = NetRule> {
    let network = text(&NETWORKS).prop_map(|network| Network::try_from(network).unwrap());
    let ports = select(vec![(1, 1), (1, 2), (2, 2)]).prop_map(|(first, last)| Ports { first, last });
    let direction = select(vec![Direction::Connect, Direction::Listen]);
    let protocol = option::of(select(vec![Protocol::Tcp, Protocol::Udp]));
    (
        action(),
        direction,
        protocol,
        btree_set(network, 0..3),
        btree_set(text(&PATTERNS), 0..2),
        btree_set(ports, 0..2),
    )
        .prop_map(|(action, direction, protocol, addresses, domains, ports)| NetRule {
            action,
            direction,
            protocol,
            addresses,
            domains: if direction == Direction::Listen || protocol == Some(Protocol::Udp) {
                Default::default()
            } else {
                domains
            },
            ports,
        })
}

fn exec_rule() -> impl Strategy<Value = ExecRule> {
    (action(), text(&PATHS), option::of(select(vec!["00".repeat(32), "01".repeat(32)])))
        .prop_map(|(action, path, sha256)| ExecRule { action, path, sha256 })
}

fn env() -> impl Strategy<Value = Env> {
    let set = btree_map(text(&["A", "AB"]), text(&["1", "2"]), 0..2);
    (btree_set(text(&NAMES), 0..3), btree_set(text(&NAMES), 0..2), set).prop_map(|(allow, deny, set)| Env {
        allow,
        deny,
        set,
    })
}

prop_compose! {
    fn policy()(
        defaults in (action(), action(), action()),
        private_tmp in any::<bool>(),
        fs in vec(fs_rule(), 0..4),
        net in vec(net_rule(), 0..4),
        exec in vec(exec_rule(), 0..4),
        env in env(),
        calls in btree_set(text(&CALLS), 0..2),
    ) -> Policy {
        let mut policy = Policy::from_json(r#"{"version": 1}"#).unwrap();
        (policy.fs.default, policy.net.default, policy.exec.default) = defaults;
        policy.fs.private_tmp = private_tmp;
        (policy.fs.rules, policy.net.rules, policy.exec.rules) = (fs, net, exec);
        (policy.env, policy.syscalls.deny) = (env, calls);
        policy.check().unwrap();
        policy
    }
}

/// Each request that the names above make.
fn requests<T>(mut look: impl FnMut(&Request<'_>) -> T) -> Vec<T> {
    let mut seen = Vec::new();
    let paths: Vec<PathBuf> = PATHS.iter().map(PathBuf::from).collect();
    let addresses: Vec<IpAddr> = ADDRESSES.iter().map(|address| address.parse().unwrap()).collect();
    for path in &paths {
        seen.extend(Access::ALL.map(|access| look(&Request::Path { path, access })));
        seen.extend(
            [None, Some([0; 32]), Some([1; 32])].map(|sha256| look(&Request::Program { path, sha256 })),
        );
    }
    for port in [1, 2, 3] {
        for address in addresses.iter().copied() {
            for direction in [Direction::Connect, Direction::Listen] {
                for protocol in [Protocol::Tcp, Protocol::Udp] {
                    seen.push(look(&Request::Address { direction, protocol, address, port }));
                }
            }
        }
        for name in DOMAINS {
            for address in addresses.iter().copied().map(Some).chain([None]) {
                seen.push(look(&Request::Domain { name, port, address }));
            }
        }
    }
    seen.extend(["A", "AB", "B", "LANG"].map(|name| look(&Request::Variable { name })));
    seen.extend(CALLS.map(|name| look(&Request::Syscall { name })));
    seen
}

fn decisions(policy: &Resolved) -> Vec<Action> {
    requests(|request| policy.decide(request).action)
}

fn resolve(policy: &Policy) -> Resolved {
    policy.resolve(&surroundings())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn the_order_of_rules_does_not_matter(policy in policy()) {
        let mut turned = policy.clone();
        turned.fs.rules.reverse();
        turned.net.rules.reverse();
        turned.exec.rules.reverse();
        prop_assert_eq!(decisions(&resolve(&policy)), decisions(&resolve(&turned)));
    }

    #[test]
    fn a_rule_that_denies_never_has_anything_allowed(
        policy in policy(), fs in fs_rule(), net in net_rule(), exec in exec_rule(), name in text(&NAMES), call in text(&CALLS),
        at in any::<prop::sample::Index>(),
    ) {
        let before = decisions(&resolve(&policy));
        let action = Action::Deny;
        let mut stricter = policy.clone();
        stricter.fs.rules.insert(at.index(policy.fs.rules.len() + 1), FsRule { action, ..fs });
        stricter.net.rules.insert(at.index(policy.net.rules.len() + 1), NetRule { action, ..net });
        stricter.exec.rules.insert(at.index(policy.exec.rules.len() + 1), ExecRule { action, ..exec });
        stricter.env.deny.insert(name);
        stricter.syscalls.deny.insert(call);
        let after = decisions(&resolve(&stricter));
        prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
    }

    #[test]
    fn what_a_fitting_rule_denies_is_denied(policy in policy(), rule in fs_rule()) {
        let mut policy = policy;
        for path in rule.paths.clone() {
            policy.fs.rules.insert(0, FsRule { action: Action::Deny, paths: [path].into(), access: rule.access.clone() });
        }
        let policy = resolve(&policy);
        for path in &rule.paths {
            for access in &rule.access {
                let request = Request::Path { path: path.as_ref(), access: *access };
                prop_assert_eq!(policy.decide(&request).action, Action::Deny);
            }
        }
    }

    #[test]
    fn merging_is_never_looser_than_a_part_and_as_strict_as_one(one in policy(), other in policy()) {
        let (one, other) = (resolve(&one), resolve(&other));
        let both = one.clone().merged_with(other.clone());
        let conflict = |request: &Request<'_>| matches!(request, Request::Variable { .. });
        let variables = requests(conflict);
        let parts = decisions(&one).into_iter().zip(decisions(&other));
        for ((merged, (one, other)), is_variable) in decisions(&both).into_iter().zip(parts).zip(variables) {
            prop_assert!(merged >= one.max(other));
            // Two values of one variable are none.
            prop_assert!(merged == one.max(other) || is_variable);
        }
    }

    #[test]
    fn merging_is_commutative_associative_and_idempotent(a in policy(), b in policy(), c in policy()) {
        let [a, b, c] = [a, b, c].map(|policy| resolve(&policy));
        let merged = |one: &Resolved, other: &Resolved| one.clone().merged_with(other.clone());
        prop_assert_eq!(decisions(&merged(&a, &b)), decisions(&merged(&b, &a)));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a);
    }

    #[test]
    fn what_is_written_is_read_as_it_was(policy in policy()) {
        prop_assert_eq!(Policy::from_json(&policy.to_json()).unwrap(), policy);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*", path in "\\PC*", name in "\\PC*") {
        let _ = Policy::from_json(&text);
        let policy = Policy::template("networked").unwrap();
        let resolved = resolve(&policy);
        let _ = resolved.decide(&Request::Path { path: path.as_ref(), access: Access::Read });
        let _ = resolved.decide(&Request::Domain { name: &name, port: 1, address: None });
        let _ = resolved.decide(&Request::Variable { name: &name });
    }
}
