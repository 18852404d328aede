//! The policies that come with the crate.

use circlet::exec::policy::{Access, Action, Direction, Policy, Protocol, Request, Resolved};

use super::{address, allows, domain, path, program, surroundings, tcp};

fn template(name: &str) -> Resolved {
    Policy::template(name).unwrap().resolve(&surroundings())
}

#[test]
fn every_template_is_read_and_has_its_own_name() {
    for name in Policy::template_names() {
        assert_eq!(Policy::template(name).unwrap().name.as_deref(), Some(name));
    }
    let error = Policy::template("none").unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no template `none`: give strict, no-network, readonly, data-science, networked"
    );
}

#[test]
fn templates_have_rules_for_files_that_only_allow() {
    for name in Policy::template_names() {
        let policy = Policy::template(name).unwrap();
        assert_eq!((policy.fs.default, policy.exec.default), (Action::Deny, Action::Deny), "{name}");
        assert!(policy.fs.rules.iter().all(|rule| rule.action == Action::Allow), "{name}");
    }
}

#[test]
fn no_template_shows_secrets_starts_programs_or_listens() {
    let secrets = [
        "/home/ada/.ssh/id_ed25519",
        "/home/ada/.aws/credentials",
        "/home/ada/.gnupg",
        "/home/ada/.netrc",
        "/home/ada/.config/gcloud/credentials.db",
        "/home/ada/.kube/config",
        "/home/ada/.docker/config.json",
        "/home/ada/.mozilla/firefox",
        "/etc/shadow",
        "/etc/ssl/private/server.key",
        "/etc/pki/tls/private/server.key",
        "/root",
        "/proc/1/environ",
        "/dev/shm/other",
        "/run/docker.sock",
        "/var/lib",
        "/tmp/other",
    ];
    for name in Policy::template_names() {
        let policy = template(name);
        for secret in secrets {
            for access in Access::ALL {
                assert!(!allows(&policy, &path(secret, access)), "{name}: {access:?} {secret}");
            }
        }
        assert!(
            !allows(&policy, &program("/usr/bin/git"))
                && !allows(&policy, &program("/opt/python/bin/python3"))
        );
        for variable in
            ["AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "GITHUB_TOKEN", "HTTPS_PROXY", "LD_PRELOAD"]
        {
            assert!(!allows(&policy, &Request::Variable { name: variable }), "{name}: {variable}");
        }
        let address = "127.0.0.1".parse().unwrap();
        let listen =
            Request::Address { direction: Direction::Listen, protocol: Protocol::Tcp, address, port: 8000 };
        assert!(!allows(&policy, &listen), "{name}");
        assert!(allows(&policy, &path("/tmp/session/x", Access::Create)), "{name}");
    }
}

#[test]
fn each_template_writes_where_it_says() {
    let here = path("/srv/project/out.csv", Access::Write);
    let read = path("/srv/project/in.csv", Access::Read);
    for (name, reads, writes) in [
        ("strict", false, false),
        ("no-network", true, true),
        ("readonly", true, false),
        ("data-science", true, true),
        ("networked", true, true),
    ] {
        let policy = template(name);
        assert_eq!((allows(&policy, &read), allows(&policy, &here)), (reads, writes), "{name}");
        assert!(!allows(&policy, &path("/usr/lib/x", Access::Write)), "{name}");
        assert_eq!(allows(&policy, &tcp("1.1.1.1", 443)), name == "networked", "{name}");
    }
}

#[test]
fn networked_reaches_public_addresses_and_none_that_is_private() {
    let policy = template("networked");
    for to in ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"] {
        assert!(
            allows(&policy, &tcp(to, 443)) && allows(&policy, &tcp(to, 80)) && !allows(&policy, &tcp(to, 22))
        );
        assert!(!allows(&policy, &address(Protocol::Udp, to, 443)));
    }
    for to in [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.31.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "224.0.0.1",
        "::1",
        "::",
        "fd00:ec2::254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
    ] {
        assert!(!allows(&policy, &tcp(to, 80)) && !allows(&policy, &tcp(to, 443)), "{to}");
        let name = Request::Domain { name: "rebound.example", port: 443, address: to.parse().ok() };
        assert!(!allows(&policy, &name), "{to}");
    }
    // Resolvers are mostly near.
    assert!(
        allows(&policy, &address(Protocol::Udp, "127.0.0.53", 53))
            && allows(&policy, &tcp("192.168.1.1", 53))
    );
    assert!(allows(&policy, &domain("example.org", 443)));
}

#[test]
fn data_science_has_more_of_everything() {
    let (less, more) = (template("no-network").limits(), template("data-science").limits());
    for ((name, less), (_, more)) in less.fields().into_iter().zip(more.fields()) {
        assert!(more > less || (more, less) == (None, None), "{name}");
    }
}
