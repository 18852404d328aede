//! Flags in the manner of Deno's.

use circlet::exec::policy::{Access, Flags, Policy, Protocol, Request, Resolved};

use super::{address, allows, domain, path, policy, program, surroundings, tcp};

fn named(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn added(flags: Flags) -> Resolved {
    flags.add_to(policy(r#""fs": {}"#)).unwrap().resolve(&surroundings())
}

#[test]
fn without_flags_a_policy_stays_what_it_is() {
    let policy = Policy::template("strict").unwrap();
    assert!(Flags::default().is_empty());
    assert_eq!(Flags::default().add_to(policy.clone()).unwrap(), policy);
}

#[test]
fn paths_are_below_the_folder_unless_they_are_whole() {
    let policy = added(Flags { allow_read: named(&["data", "./b/", ".", "/srv"]), ..Flags::default() });
    assert!(allows(&policy, &path("/srv/project/x", Access::Read)));
    assert!(
        allows(&policy, &path("/srv/x", Access::List)) && !allows(&policy, &path("/srv/x", Access::Write))
    );
    let policy = added(Flags { allow_write: named(&["out"]), ..Flags::default() });
    let out = "/srv/project/out/x";
    for access in Access::ALL {
        let wanted = matches!(access, Access::Write | Access::Create | Access::Remove);
        assert_eq!(allows(&policy, &path(out, access)), wanted, "{access:?}");
    }
}

#[test]
fn a_flag_that_names_nothing_is_for_all_and_deny_wins() {
    let policy = added(Flags {
        allow_read: named(&[]),
        deny_read: named(&["~/.ssh"]),
        allow_net: named(&[]),
        deny_net: named(&["10.0.0.0/8", "evil.example"]),
        allow_env: named(&[]),
        deny_env: named(&["AWS_*"]),
        ..Flags::default()
    });
    assert!(allows(&policy, &path("/etc/passwd", Access::Read)));
    assert!(!allows(&policy, &path("/home/ada/.ssh/id", Access::Read)));
    assert!(allows(&policy, &tcp("1.1.1.1", 1)) && !allows(&policy, &tcp("10.1.1.1", 1)));
    assert!(allows(&policy, &domain("a.example", 1)) && !allows(&policy, &domain("evil.example", 1)));
    assert!(allows(&policy, &Request::Variable { name: "HOME" }));
    assert!(!allows(&policy, &Request::Variable { name: "AWS_KEY" }));
}

#[test]
fn all_programs_may_be_started_without_any_being_read() {
    let policy =
        added(Flags { allow_run: named(&[]), deny_run: named(&["/usr/bin/curl"]), ..Flags::default() });
    assert!(allows(&policy, &program("/usr/bin/git")) && !allows(&policy, &program("/usr/bin/curl")));
    assert!(!allows(&policy, &path("/etc/passwd", Access::Read)));
    let policy = added(Flags { allow_run: named(&["/usr/bin/git"]), ..Flags::default() });
    assert!(allows(&policy, &program("/usr/bin/git")) && !allows(&policy, &program("/usr/bin/curl")));
    let policy = added(Flags { allow_run: named(&[]), deny_run: named(&[]), ..Flags::default() });
    assert!(!allows(&policy, &program("/usr/bin/git")));
}

#[test]
fn hosts_are_domains_addresses_and_networks_with_ports() {
    let hosts = ["example.org:443", "*.Example.net", "127.0.0.1:8000-8010", "[::1]:80", "fd00::/8"];
    let policy = added(Flags { allow_net: named(&hosts), ..Flags::default() });
    assert!(allows(&policy, &domain("example.org", 443)) && !allows(&policy, &domain("example.org", 80)));
    assert!(allows(&policy, &domain("a.example.net", 1)));
    assert!(allows(&policy, &tcp("127.0.0.1", 8010)) && !allows(&policy, &tcp("127.0.0.1", 80)));
    assert!(allows(&policy, &tcp("::1", 80)) && !allows(&policy, &tcp("::1", 81)));
    assert!(allows(&policy, &address(Protocol::Udp, "fd00::1", 1)));
}

#[test]
fn what_no_policy_can_have_is_refused_by_the_flag() {
    let refused = |flags: Flags| flags.add_to(policy(r#""fs": {}"#)).unwrap_err().to_string();
    for wrong in ["../x", "", "$WD/x", "~ada"] {
        let error = refused(Flags { allow_read: named(&[wrong]), ..Flags::default() });
        assert!(error.starts_with(&format!("--allow-read: `{wrong}`")), "{error}");
    }
    for wrong in
        ["", "a b", "example.org:http", "[::1]80", "10.0.0.5/8", "example.org:9-8", "http://example.org"]
    {
        let error = refused(Flags { deny_net: named(&[wrong]), ..Flags::default() });
        assert!(error.starts_with(&format!("--deny-net: `{wrong}`")), "{error}");
    }
    assert!(
        refused(Flags { allow_run: named(&["git"]), ..Flags::default() }).contains("such as /usr/bin/git")
    );
    assert!(refused(Flags { allow_env: named(&["A=1"]), ..Flags::default() }).contains("A=1"));
}
