//! What is decided.

use std::path::Path;

use circlet::exec::policy::{Access, Action, Direction, Place, Protocol, Request};

use super::{address, allows, domain, path, policy, program, resolved, said, surroundings, tcp};

const SHA: &str = "00000000000000000000000000000000000000000000000000000000000000ff";

#[test]
fn a_path_fits_itself_and_all_below_it_by_whole_components() {
    let policy = resolved(
        r#""fs": {"rules": [{"action": "allow", "paths": ["/data/", "$CWD", "~/x"], "access": ["read"]}]}"#,
    );
    for inside in ["/data", "/data/a/b", "/srv/project/a.csv", "/home/ada/x"] {
        assert_eq!(
            said(&policy, &path(inside, Access::Read)),
            (Action::Allow, "fs.rules[0]".into()),
            "{inside}"
        );
        assert!(!allows(&policy, &path(inside, Access::Write)));
    }
    for outside in ["/dataX", "/", "/srv", "/srv/project2", "/home/ada", "/etc/passwd"] {
        assert_eq!(
            said(&policy, &path(outside, Access::Read)),
            (Action::Deny, "fs.default".into()),
            "{outside}"
        );
    }
}

#[test]
fn a_path_that_names_no_place_for_certain_is_denied() {
    let policy = resolved(r#""fs": {"default": "allow"}, "exec": {"default": "allow"}"#);
    for unclear in ["data", "", "/data/../etc/passwd", ".."] {
        assert_eq!(policy.decide(&path(unclear, Access::Read)).rule.place, Place::Unclear, "{unclear}");
        assert!(!allows(&policy, &program(unclear)));
    }
    assert!(allows(&policy, &path("/data/./x", Access::Read)));
}

#[test]
fn deny_wins_over_warn_and_warn_over_allow_and_the_rule_is_named() {
    let policy = resolved(
        r#""name": "ours", "fs": {"rules": [
            {"action": "deny", "paths": ["/data/secret"], "access": ["read"]},
            {"action": "warn", "paths": ["/data/old"], "access": ["read"]},
            {"action": "allow", "paths": ["/data"], "access": ["read"]}]}"#,
    );
    assert_eq!(said(&policy, &path("/data/a", Access::Read)), (Action::Allow, "fs.rules[2] of ours".into()));
    assert_eq!(
        said(&policy, &path("/data/old/a", Access::Read)),
        (Action::Warn, "fs.rules[1] of ours".into())
    );
    assert_eq!(
        said(&policy, &path("/data/secret", Access::Read)),
        (Action::Deny, "fs.rules[0] of ours".into())
    );
}

#[test]
fn the_runtime_is_read_listed_and_executed_unless_a_rule_denies() {
    let bare = resolved(r#""fs": {}"#);
    for access in Access::ALL {
        let wanted = matches!(access, Access::Read | Access::List | Access::Execute);
        assert_eq!(allows(&bare, &path("/opt/python/lib/os.py", access)), wanted, "{access:?}");
    }
    assert_eq!(bare.decide(&path("/opt/python/lib", Access::List)).rule.place, Place::Runtime);
    assert!(!allows(&bare, &program("/opt/python/bin/python3")));
    let denied =
        resolved(r#""fs": {"rules": [{"action": "deny", "paths": ["$RUNTIME"], "access": ["read"]}]}"#);
    assert!(!allows(&denied, &path("/opt/python/lib/os.py", Access::Read)));
    assert!(allows(&denied, &path("/opt/python/lib/os.py", Access::Execute)));
}

#[test]
fn a_private_folder_for_temporary_files_is_used_in_all_ways_but_executed() {
    let policy = resolved(r#""fs": {"private_tmp": true}"#);
    for access in Access::ALL {
        assert_eq!(allows(&policy, &path("/tmp/session/x", access)), access != Access::Execute, "{access:?}");
        assert!(!allows(&policy, &path("/tmp/other", access)));
    }
    assert!(!allows(&resolved(r#""fs": {}"#), &path("/tmp/session/x", Access::Read)));
}

#[test]
fn a_program_that_may_be_started_is_read_and_executed_as_a_file() {
    let policy = resolved(
        r#""exec": {"rules": [{"action": "allow", "path": "/usr/bin/git"}, {"action": "allow", "path": "/opt/tools"},
                              {"action": "deny", "path": "/opt/tools/curl"}]}"#,
    );
    for allowed in ["/usr/bin/git", "/opt/tools/make"] {
        assert!(allows(&policy, &program(allowed)));
        assert!(
            allows(&policy, &path(allowed, Access::Read)) && allows(&policy, &path(allowed, Access::Execute))
        );
        assert!(
            !allows(&policy, &path(allowed, Access::Write)) && !allows(&policy, &path(allowed, Access::List))
        );
    }
    assert_eq!(said(&policy, &program("/opt/tools/curl")), (Action::Deny, "exec.rules[2]".into()));
    assert_eq!(said(&policy, &program("/usr/bin/gitk")), (Action::Deny, "exec.default".into()));
}

#[test]
fn a_rule_for_files_that_denies_a_program_has_it_not_started() {
    let policy = resolved(
        r#""fs": {"rules": [{"action": "deny", "paths": ["/usr/bin"], "access": ["execute"]}]},
        "exec": {"rules": [{"action": "allow", "path": "/usr/bin/git"}]}"#,
    );
    assert_eq!(said(&policy, &program("/usr/bin/git")), (Action::Deny, "fs.rules[0]".into()));
}

#[test]
fn a_hash_allows_its_content_alone_and_denies_what_might_have_it() {
    let wanted = |sha: u8| {
        let mut bytes = [0; 32];
        bytes[31] = sha;
        Some(bytes)
    };
    let git = |sha256| Request::Program { path: Path::new("/usr/bin/git"), sha256 };
    let rule = |action| format!(r#"{{"action": "{action}", "path": "/usr/bin/git", "sha256": "{SHA}"}}"#);
    let allowing = resolved(&format!(r#""exec": {{"rules": [{}]}}"#, rule("allow")));
    assert!(allows(&allowing, &git(wanted(0xff))));
    assert!(!allows(&allowing, &git(wanted(0xfe))) && !allows(&allowing, &git(None)));
    let denying = resolved(&format!(
        r#""fs": {{"default": "allow"}}, "exec": {{"default": "allow", "rules": [{}]}}"#,
        rule("deny")
    ));
    assert!(allows(&denying, &git(wanted(0xfe))));
    assert!(!allows(&denying, &git(wanted(0xff))) && !allows(&denying, &git(None)));
}

#[test]
fn an_address_fits_networks_ports_protocol_and_direction() {
    let policy = resolved(
        r#""net": {"rules": [
            {"action": "allow", "protocol": "tcp", "addresses": ["10.0.0.0/8", "2001:db8::/32"], "ports": [443, "8000-8010"]},
            {"action": "allow", "direction": "listen", "addresses": ["127.0.0.1"]}]}"#,
    );
    assert_eq!(said(&policy, &tcp("10.1.2.3", 443)), (Action::Allow, "net.rules[0]".into()));
    assert!(allows(&policy, &tcp("::ffff:10.1.2.3", 8005)) && allows(&policy, &tcp("2001:db8::1", 8010)));
    assert!(!allows(&policy, &tcp("11.0.0.1", 443)) && !allows(&policy, &tcp("10.1.2.3", 8011)));
    assert!(!allows(&policy, &address(Protocol::Udp, "10.1.2.3", 443)));
    assert!(!allows(&policy, &tcp("127.0.0.1", 443)));
    let address = "::ffff:127.0.0.1".parse().unwrap();
    assert!(allows(
        &policy,
        &Request::Address { direction: Direction::Listen, protocol: Protocol::Udp, address, port: 0 }
    ));
    assert!(!allows(&policy, &domain("example.org", 443)));
}

#[test]
fn a_network_of_mapped_addresses_is_the_network_of_ipv4() {
    let policy = resolved(
        r#""net": {"default": "allow", "rules": [{"action": "deny", "addresses": ["::ffff:10.0.0.0/104"]}]}"#,
    );
    assert!(!allows(&policy, &tcp("10.9.9.9", 1)) && !allows(&policy, &tcp("::ffff:10.9.9.9", 1)));
    assert!(allows(&policy, &tcp("11.0.0.1", 1)));
}

#[test]
fn no_address_is_this_machine_where_it_is_sent_to() {
    let policy = resolved(
        r#""net": {"default": "allow", "rules": [{"action": "deny", "addresses": ["127.0.0.0/8", "::1"]}]}"#,
    );
    for none in ["0.0.0.0", "::", "::ffff:0.0.0.0"] {
        assert!(!allows(&policy, &tcp(none, 80)) && !allows(&policy, &domain(none, 80)), "{none}");
        let address = none.parse().unwrap();
        let listen =
            Request::Address { direction: Direction::Listen, protocol: Protocol::Tcp, address, port: 80 };
        assert!(allows(&policy, &listen), "{none}: all addresses of this machine");
        let leads = Request::Domain { name: "a.example", port: 80, address: none.parse().ok() };
        assert!(!allows(&policy, &leads), "{none}: where a name leads to it");
    }
    let loopback = resolved(r#""net": {"rules": [{"action": "allow", "addresses": ["127.0.0.1"]}]}"#);
    assert!(!allows(&loopback, &tcp("0.0.0.0", 80)), "it is decided as itself too");
}

#[test]
fn a_domain_fits_its_name_and_a_star_all_below_it() {
    let policy = resolved(
        r#""net": {"rules": [{"action": "allow", "domains": ["example.org", "*.example.net"], "ports": [443]}]}"#,
    );
    for name in ["example.org", "Example.ORG.", "a.example.net", "a.b.example.net"] {
        assert!(allows(&policy, &domain(name, 443)), "{name}");
    }
    for name in ["a.example.org", "example.net", "xexample.net", ".example.net", "evil-example.org", ""] {
        assert!(!allows(&policy, &domain(name, 443)), "{name}");
    }
    assert!(!allows(&policy, &domain("example.org", 80)));
    // The name is allowed, and no address.
    assert!(!allows(&policy, &tcp("93.184.215.14", 443)));
}

#[test]
fn a_name_that_leads_to_a_denied_address_is_denied() {
    let policy = resolved(
        r#""net": {"rules": [{"action": "allow", "domains": ["*.example.org"]},
                             {"action": "deny", "addresses": ["10.0.0.0/8"]}]}"#,
    );
    let to =
        |address: &str| Request::Domain { name: "a.example.org", port: 443, address: address.parse().ok() };
    assert!(allows(&policy, &to("93.184.215.14")));
    assert!(!allows(&policy, &to("10.0.0.1")) && !allows(&policy, &to("::ffff:10.0.0.1")));
}

#[test]
fn a_name_opens_no_address_near_that_is_not_allowed_itself() {
    let named = r#"{"action": "allow", "domains": ["a.example"]}"#;
    let to = |address: &str| Request::Domain { name: "a.example", port: 80, address: address.parse().ok() };
    let near = [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "fe80::1",
        "0.0.0.0",
        "64:ff9b::1",
    ];
    let alone = resolved(&format!(r#""net": {{"rules": [{named}]}}"#));
    for address in near {
        assert!(!allows(&alone, &to(address)), "{address}");
        assert_eq!(alone.decide(&to(address)).rule.to_string(), "net.default");
    }
    assert!(allows(&alone, &to("93.184.215.14")) && allows(&alone, &to("2606:4700::1111")));
    let local = r#"{"action": "allow", "addresses": ["127.0.0.0/8"], "ports": [80]}"#;
    let both = resolved(&format!(r#""net": {{"rules": [{named}, {local}]}}"#));
    for address in near {
        assert_eq!(allows(&both, &to(address)), address.ends_with("127.0.0.1"), "{address}");
    }
    // Each of several policies has to allow both.
    let merged = both.merged_with(alone);
    assert!(!allows(&merged, &to("127.0.0.1")) && allows(&merged, &to("93.184.215.14")));
    let warned = resolved(&format!(
        r#""net": {{"rules": [{named}, {{"action": "warn", "addresses": ["127.0.0.1"]}}]}}"#
    ));
    assert_eq!(warned.decide(&to("127.0.0.1")).action, Action::Warn);
    let open = resolved(r#""net": {"default": "allow"}"#);
    assert!(allows(&open, &to("127.0.0.1")));
}

#[test]
fn a_name_that_is_an_address_is_decided_as_that_address() {
    let policy = resolved(
        r#""net": {"default": "allow", "rules": [{"action": "deny", "addresses": ["127.0.0.0/8", "::1"]}]}"#,
    );
    for name in ["127.0.0.1", "[::1]", "::1", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f000001"] {
        assert!(!allows(&policy, &domain(name, 80)), "{name}");
    }
    assert!(allows(&policy, &domain("10.0.0.1", 80)) && allows(&policy, &domain("example.org", 80)));
}

#[test]
fn variables_are_those_that_are_allowed_set_or_always_there() {
    let policy = resolved(
        r#""env": {"allow": ["PATH", "PYTHON*"], "deny": ["PYTHONSTARTUP", "TZ"], "set": {"MODE": "x"}}"#,
    );
    let said = |name| said(&policy, &Request::Variable { name });
    assert_eq!(said("PATH"), (Action::Allow, "env.allow".into()));
    assert_eq!(said("PYTHONPATH").0, Action::Allow);
    assert_eq!(said("PYTHONSTARTUP"), (Action::Deny, "env.deny".into()));
    assert_eq!(said("MODE"), (Action::Allow, "env.set".into()));
    assert_eq!(
        (said("LC_ALL").0, said("LANG").0, said("TZ").0),
        (Action::Allow, Action::Allow, Action::Deny)
    );
    assert_eq!((said("PATHS").0, said("AWS_SECRET_ACCESS_KEY").0), (Action::Deny, Action::Deny));

    let supervisor = [("PATH", "/bin"), ("MODE", "theirs"), ("AWS_SECRET_ACCESS_KEY", "s"), ("LANG", "C")];
    let environment = policy.environment(supervisor.map(|(name, value)| (name.into(), value.into())));
    let wanted =
        [("LANG", "C"), ("MODE", "x"), ("PATH", "/bin")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(environment.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn system_calls_are_allowed_but_for_those_that_are_denied() {
    let policy = resolved(r#""syscalls": {"deny": ["ptrace"]}"#);
    assert_eq!(said(&policy, &Request::Syscall { name: "ptrace" }), (Action::Deny, "syscalls.deny".into()));
    assert!(allows(&policy, &Request::Syscall { name: "read" }));
    // Whatever a policy says of all else.
    let widest = r#""name": "w", "fs": {"default": "allow"}, "net": {"default": "allow"}, "exec": {"default": "allow"}"#;
    let widest = resolved(widest);
    let refused = |name| {
        let decision = widest.decide(&Request::Syscall { name });
        (decision.action, decision.rule.to_string(), decision.rule.policy)
    };
    for name in
        ["ptrace", "io_uring_setup", "mount", "openat2", "clone3", "seccomp", "inotify_add_watch", "reed"]
    {
        let wanted = "syscalls (refused to every session)".to_owned();
        assert_eq!(refused(name), (Action::Deny, wanted, None), "{name}");
    }
    // Some are let be with some arguments, where some policy says so, or after a question.
    let parts = [
        "read",
        "openat",
        "clone",
        "ioctl",
        "prctl",
        "kill",
        "fchmod",
        "socket",
        "listen",
        "sendmsg",
        "execve",
        "memfd_create",
    ];
    for name in parts {
        assert!(allows(&widest, &Request::Syscall { name }), "{name}");
    }
}

#[test]
fn policies_that_hold_together_allow_what_all_allow_and_the_strictest_is_named() {
    let one = policy(
        r#""name": "one", "fs": {"private_tmp": true, "rules": [{"action": "allow", "paths": ["/a", "/b"], "access": ["read"]}]},
        "env": {"allow": ["A*"], "set": {"X": "1", "Y": "1"}}, "limits": {"processes": 8, "cpu_ms": 5},
        "syscalls": {"deny": ["ptrace"]}, "audit": {"file": "/one"}"#,
    );
    let other = policy(
        r#""name": "other", "fs": {"rules": [{"action": "warn", "paths": ["/b/c"], "access": ["read"]}]},
        "env": {"allow": ["AB", "X", "Y"], "set": {"Y": "2"}}, "limits": {"processes": 4},
        "syscalls": {"deny": ["bpf"]}, "audit": {"file": "/other", "files": true}"#,
    );
    let both = one.resolve(&surroundings()).merged_with(other.resolve(&surroundings()));
    assert_eq!(said(&both, &path("/a", Access::Read)), (Action::Deny, "fs.default of other".into()));
    assert_eq!(said(&both, &path("/b/c", Access::Read)), (Action::Warn, "fs.rules[0] of other".into()));
    assert!(!allows(&both, &path("/tmp/session/x", Access::Write)));
    assert!(both.private_tmp().is_some() && both.audits_files());
    assert_eq!((both.limits().processes, both.limits().cpu_ms), (Some(4), Some(5)));
    assert_eq!(both.denied_syscalls().into_iter().collect::<Vec<_>>(), ["bpf", "ptrace"]);
    assert_eq!(both.audit_files().len(), 2);
    let supervisor = ["A", "AB", "X", "Y"].map(|name| (name.into(), "0".into()));
    let environment = both.environment(supervisor);
    let wanted = [("AB".into(), "0".into()), ("X".into(), "1".into())];
    assert_eq!(environment.into_iter().collect::<Vec<_>>(), wanted, "Y has two values, so none");
}

#[test]
fn a_rule_for_a_symlink_holds_for_where_it_leads() {
    let policy = resolved(
        r#""fs": {"rules": [{"action": "allow", "paths": ["/bin"], "access": ["read"]}]},
        "exec": {"rules": [{"action": "allow", "path": "/bin/sh"}]}"#,
    );
    let real = |path: &Path| path.strip_prefix("/bin").ok().map(|rest| Path::new("/usr/bin").join(rest));
    assert!(!allows(&policy, &path("/usr/bin/ls", Access::Read)));
    let policy = policy.with_real_paths(real);
    assert!(
        allows(&policy, &path("/usr/bin/ls", Access::Read))
            && allows(&policy, &path("/bin/ls", Access::Read))
    );
    assert!(allows(&policy, &program("/usr/bin/sh")) && !allows(&policy, &program("/usr/bin/ls")));
}
