//! Policies: what is refused, what is decided, and what must hold whatever the policy.
#![cfg(all(feature = "exec", target_os = "linux"))]

mod absent;
mod decisions;
mod documentation;
mod documents;
mod flags;
mod properties;
mod templates;

use std::net::IpAddr;
use std::path::Path;

use circlet::exec::policy::{Access, Action, Direction, Policy, Protocol, Request, Resolved, Surroundings};

/// The places of all tests.
fn surroundings() -> Surroundings {
    Surroundings {
        cwd: "/srv/project".into(),
        home: "/home/ada".into(),
        tmp: "/tmp/session".into(),
        runtime: vec!["/opt/python/lib".into(), "/opt/python/bin/python3".into()],
    }
}

/// A policy with these sections, in its place.
fn resolved(sections: &str) -> Resolved {
    policy(sections).resolve(&surroundings())
}

fn policy(sections: &str) -> Policy {
    Policy::from_json(&format!(r#"{{"version": 1, {sections}}}"#)).unwrap()
}

fn path(path: &str, access: Access) -> Request<'_> {
    Request::Path { path: Path::new(path), access }
}

fn program(path: &str) -> Request<'_> {
    Request::Program { path: Path::new(path), sha256: None }
}

fn address(protocol: Protocol, address: &str, port: u16) -> Request<'static> {
    let address: IpAddr = address.parse().unwrap();
    Request::Address { direction: Direction::Connect, protocol, address, port }
}

fn tcp(to: &str, port: u16) -> Request<'static> {
    address(Protocol::Tcp, to, port)
}

fn domain(name: &str, port: u16) -> Request<'_> {
    Request::Domain { name, port, address: None }
}

/// What is decided, and where it says so.
fn said(policy: &Resolved, request: &Request<'_>) -> (Action, String) {
    let decision = policy.decide(request);
    (decision.action, decision.rule.to_string())
}

fn allows(policy: &Resolved, request: &Request<'_>) -> bool {
    policy.decide(request).action == Action::Allow
}
