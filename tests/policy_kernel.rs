//! What a policy says becomes of a request, and what the kernel makes of it. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

#[path = "common/abilities.rs"]
mod abilities;
mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use abilities::lacks;
use circlet::exec::policy::{Access, Action, Direction, FsRule, Policy, Protocol, Request, Surroundings};
use circlet::exec::{Error, Executor};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use sessions::builder;

/// Does to a path what a word for access means; `True` if that could be done.
const ATTEMPT: &str = "
import os, socket, subprocess
def done(what):
    try: what()
    except OSError: return False
    return True
def attempt(access, path):
    if access == 'read': return done(lambda: os.close(os.open(path, os.O_RDONLY)))
    if access == 'write': return done(lambda: os.close(os.open(path, os.O_WRONLY)))
    if access == 'list': return done(lambda: os.listdir(path))
    if access == 'create': return done(lambda: os.mkdir(path))
    return done(lambda: os.unlink(path))
";

/// Folders of a tree, each with a file `f` in it.
const FOLDERS: [&str; 5] = ["", "a", "a/b", "a/b/c", "d"];

fn name(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::List => "list",
        Access::Create => "create",
        _ => "remove",
    }
}

/// Makes the tree as it is before anybody has tried anything.
fn plant(root: &Path) {
    let _ = fs::remove_dir_all(root);
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder)).unwrap();
        fs::write(root.join(folder).join("f"), "text").unwrap();
    }
}

/// All that can be tried in the tree: what removes comes last.
fn attempts(root: &Path) -> Vec<(Access, PathBuf)> {
    let of = |access, name: &'static str| FOLDERS.map(|folder| (access, root.join(folder).join(name)));
    let lists = FOLDERS.map(|folder| (Access::List, root.join(folder)));
    [of(Access::Read, "f"), of(Access::Write, "f"), lists, of(Access::Create, "new"), of(Access::Remove, "f")]
        .concat()
}

fn surroundings() -> Surroundings {
    let home = std::env::home_dir().unwrap();
    Surroundings { cwd: std::env::current_dir().unwrap(), home, tmp: "/tmp".into(), runtime: Vec::new() }
}

fn tried(python: &mut Executor, attempts: &[(Access, PathBuf)]) -> Vec<bool> {
    let all: Vec<_> = attempts.iter().map(|(access, path)| json!([name(*access), path])).collect();
    let code = format!("{ATTEMPT}\n[attempt(*each) for each in {}]", Value::from(all));
    let outcome = python.run(&code).unwrap();
    assert_eq!(outcome.error, None);
    serde_json::from_value(outcome.value.unwrap()).unwrap()
}

/// Access that rules name together: all that changes files is one thing to the kernel's mounts.
fn access() -> impl Strategy<Value = Vec<&'static str>> {
    let changes = vec!["write", "create", "remove"];
    let all = vec!["read", "list", "write", "create", "remove"];
    select(vec![vec!["read", "list"], changes, all, vec!["read"], vec!["list"]])
}

fn rules() -> impl Strategy<Value = Value> {
    let rule =
        (select(vec!["allow", "allow", "warn", "deny"]), subsequence(FOLDERS.to_vec(), 1..3), access());
    proptest::collection::vec(rule, 1..5).prop_map(|rules| {
        let rule = |(action, folders, access): (&str, Vec<&str>, Vec<&str>)| {
            json!({"action": action, "folders": folders, "access": access})
        };
        rules.into_iter().map(rule).collect::<Value>()
    })
}

/// Has rules be of the folders of a tree.
fn planted(rules: &Value, root: &Path) -> Policy {
    let rules: Vec<_> = rules.as_array().unwrap().iter().map(|rule| {
        let folder = |folder: &Value| root.join(folder.as_str().unwrap()).display().to_string();
        let paths: Vec<_> = rule["folders"].as_array().unwrap().iter().map(folder).collect();
        let path = |path: &String| path.trim_end_matches('/').to_owned();
        json!({"action": rule["action"], "paths": paths.iter().map(path).collect::<Vec<_>>(), "access": rule["access"]})
    }).collect();
    Policy::from_json(&json!({"version": 1, "fs": {"rules": rules}}).to_string()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_kernel_does_with_files_what_decide_says(rules in rules()) {
        static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let root = common::scratch("policy-kernel").canonicalize().unwrap().join("tree");
        plant(&root);
        let policy = planted(&rules, &root);
        let mut python = match builder().policy(policy.clone()).start() {
            // Some cannot be enforced, here or anywhere.
            Err(Error::Unenforceable(_)) => return Err(TestCaseError::reject("it cannot be enforced")),
            started => started.unwrap(),
        };
        let resolved = policy.resolve(&surroundings());
        let attempts = attempts(&root);
        // Where reading alone is taken back of what may be changed too, the mounts take back both.
        let hides = |rule: &FsRule| rule.action == Action::Deny && !rule.access.contains(&Access::Write);
        let is_strict = policy.fs.rules.iter().any(hides);
        for ((access, path), done) in attempts.iter().zip(tried(&mut python, &attempts)) {
            let decision = resolved.decide(&Request::Path { path, access: *access });
            let is_allowed = decision.action != Action::Deny;
            let holds = done == is_allowed || is_strict && !done && name(*access) != "read";
            prop_assert!(holds, "{:?} {}: {}, {} by {}", access, path.display(), done, is_allowed, decision.rule);
        }
    }
}

#[test]
fn the_kernel_does_what_each_template_says() {
    if lacks("copies of sockets") {
        return;
    }
    // Below the folder that the templates let code use, beside it, and what no template names.
    let root = std::env::current_dir().unwrap().canonicalize().unwrap();
    let id = std::process::id();
    let inside = common::Removed(root.join(format!("target/policy-kernel-{id}")));
    let outside = common::Removed(std::env::home_dir().unwrap().join(format!(".circlet-policy-kernel-{id}")));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for template in Policy::template_names() {
        plant(&inside.0);
        plant(&outside.0);
        let policy = Policy::template(template).unwrap();
        let mut python = builder().policy(policy.clone()).start().unwrap();
        let resolved = policy.resolve(&surroundings());
        let named = ["/etc/passwd", "/etc/shadow", "/etc/hosts", "/proc/1/environ"];
        let mut all: Vec<_> = named.iter().map(|path| (Access::Read, PathBuf::from(path))).collect();
        all.extend([(Access::List, "/etc".into()), (Access::List, "/home".into())]);
        all.extend(attempts(&inside.0).into_iter().chain(attempts(&outside.0)));
        for ((access, path), done) in all.iter().zip(tried(&mut python, &all)) {
            let decision = resolved.decide(&Request::Path { path, access: *access });
            let is_allowed = decision.action != Action::Deny;
            assert_eq!(done, is_allowed, "{template}: {access:?} {} by {}", path.display(), decision.rule);
        }
        let code = format!(
            "[done(lambda: socket.create_connection(('127.0.0.1', {port}), 5)), done(lambda: subprocess.run(['/bin/true']))]"
        );
        let did = python.run(&code).unwrap().value.unwrap();
        let address = Request::Address {
            direction: Direction::Connect,
            protocol: Protocol::Tcp,
            address: [127, 0, 0, 1].into(),
            port,
        };
        let program = fs::canonicalize("/bin/true").unwrap();
        let program = Request::Program { path: &program, sha256: None };
        let allows = |request| resolved.decide(&request).action != Action::Deny;
        assert_eq!(did, json!([allows(address), allows(program)]), "{template}");
        python.stop().unwrap();
    }
}

#[test]
fn what_is_allowed_is_not_lost_with_what_is_denied_around_it() {
    let root = common::scratch("policy-kernel-left").canonicalize().unwrap();
    plant(&root);
    let rules = json!([
        {"action": "deny", "folders": ["a"], "access": ["list"]},
        {"action": "allow", "folders": [""], "access": ["list"]},
        {"action": "allow", "folders": ["a"], "access": ["read"]},
    ]);
    match builder().policy(planted(&rules, &root)).start() {
        Err(Error::Unenforceable(refused)) => assert_eq!(refused.what, "fs.rules[0]"),
        other => panic!("{other:?}"),
    }
}
