//! What a document may say.

use std::path::Path;
use std::process::Command;

use circlet::exec::policy::{Policy, PolicyError};

use super::policy;

fn refused(sections: &str) -> String {
    let text = format!(r#"{{"version": 1, {sections}}}"#);
    let error = Policy::from_json(&text).expect_err(&text);
    error.to_string()
}

#[test]
fn a_wrong_field_is_named_by_its_path_with_what_is_allowed() {
    let rule = r#""fs": {"rules": [
        {"action": "allow", "paths": ["/a"], "access": ["read"]},
        {"action": "allow", "paths": ["/a"], "access": ["rread"]}]}"#;
    let error = refused(rule);
    assert!(
        error.starts_with("fs.rules[1].access[0]: unknown variant `rread`, expected one of `read`"),
        "{error}"
    );
    assert!(error.contains("line 3"), "{error}");
    assert!(refused(r#""fs": {"defualt": "deny"}"#).starts_with("fs.defualt: unknown field"));
    assert!(refused(r#""limits": {"processes": -1}"#).starts_with("limits.processes: "));
    assert!(
        refused(r#""net": {"rules": [{"action": "allow", "ports": ["9-8"]}]}"#)
            .starts_with("net.rules[0].ports[0]: `9-8`")
    );
    assert!(
        refused(r#""net": {"rules": [{"action": "deny", "addresses": ["10.0.0.5/8"]}]}"#)
            .contains("give 10.0.0.0/8, or 10.0.0.5 alone")
    );
    assert!(
        refused(r#""fs": {"rules": [{"action": "deny", "paths": ["/"]}]}"#)
            .contains("fs.rules[0]: missing field `access`")
    );
}

#[test]
fn another_version_is_refused_before_its_form() {
    for (text, given) in [
        (r#"{"version": 2, "files": 3}"#, "2"),
        (r#"{"version": "1"}"#, "\"1\""),
        (r#"{"version": 1.5}"#, "1.5"),
    ] {
        match Policy::from_json(text) {
            Err(PolicyError::Version { given: found }) => assert_eq!(found, given),
            other => panic!("{text}: {other:?}"),
        }
    }
    let said =
        |version: &str| Policy::from_json(&format!(r#"{{"version": {version}}}"#)).unwrap_err().to_string();
    assert_eq!(said("2"), "version: 2 is not known here: this circlet reads version 1");
    for wrong in [r#""1""#, "1.0", "null", "[]"] {
        assert!(said(wrong).starts_with(&format!("version: {wrong}: give the number 1")), "{}", said(wrong));
    }
    let error = Policy::from_json("{}").unwrap_err().to_string();
    assert!(error.starts_with("missing field `version`"), "{error}");
}

#[test]
fn what_is_no_document_is_refused_with_its_line() {
    for text in ["", "{", "[]", "{\"version\": 1} x", "\u{feff}{}", &"[".repeat(10_000)] {
        let error = Policy::from_json(text).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}

#[test]
fn values_that_mean_nothing_are_refused_with_what_does() {
    let fs = |paths: &str, access: &str| {
        refused(&format!(
            r#""fs": {{"rules": [{{"action": "allow", "paths": {paths}, "access": {access}}}]}}"#
        ))
    };
    assert!(fs("[]", r#"["read"]"#).starts_with("fs.rules[0].paths: it is empty"));
    assert!(fs(r#"["/"]"#, "[]").starts_with("fs.rules[0].access: it is empty"));
    for wrong in ["data", "", "../x", "/a/../b", "$WD/x", "~ada/x", "$RUNTIME/lib", "/a\\u0000"] {
        let error = fs(&format!(r#"["{wrong}"]"#), r#"["read"]"#);
        assert!(error.starts_with("fs.rules[0].paths: `"), "{error}");
    }
    let net = |fields: &str| refused(&format!(r#""net": {{"rules": [{{"action": "allow", {fields}}}]}}"#));
    assert!(net(r#""domains": ["Example.org"]"#).contains("write it in lower case: example.org"));
    assert!(net(r#""domains": ["bücher.example"]"#).contains("xn--"));
    assert!(net(r#""domains": ["10.0.0.1"]"#).contains("give a domain such as"));
    assert!(net(r#""domains": ["a.*.org"]"#).contains("give a domain such as"));
    assert!(net(r#""domains": ["a.org"], "direction": "listen""#).starts_with("net.rules[0].domains"));
    assert!(net(r#""domains": ["a.org"], "protocol": "udp""#).contains("TCP alone"));
    let exec = |fields: &str| refused(&format!(r#""exec": {{"rules": [{{"action": "allow", {fields}}}]}}"#));
    assert!(exec(r#""path": "git""#).starts_with("exec.rules[0].path: `git`: give an absolute path"));
    assert!(exec(r#""path": "/usr/bin/git", "sha256": "abc""#).contains("64 hexadecimal digits"));
    assert!(refused(r#""syscalls": {"deny": ["opn"]}"#).starts_with("syscalls.deny: `opn`"));
    assert!(refused(r#""limits": {"cpu_ms": 0}"#).starts_with("limits.cpu_ms: 0: give a number above 0"));
    assert!(refused(r#""env": {"allow": ["A=B"]}"#).starts_with("env.allow: `A=B`"));
    assert!(refused(r#""env": {"allow": ["*A"]}"#).starts_with("env.allow"));
    assert!(refused(r#""env": {"set": {"A*": "x"}}"#).starts_with("env.set: `A*`"));
    assert!(refused(r#""env": {"set": {"A": "\u0000"}}"#).starts_with("env.set.A"));
    assert!(refused(r#""audit": {"file": "log"}"#).starts_with("audit.file: `log`"));
}

#[test]
fn a_number_that_is_no_limit_is_told_of_in_words_with_its_unit() {
    for (limit, given, wanted) in [
        (
            "memory_bytes",
            "1.5",
            "floating point `1.5`, expected a whole number of bytes from 1 to 18446744073709551615",
        ),
        ("memory_bytes", "1e30", "expected a whole number of bytes"),
        ("output_bytes", "18446744073709551616", "expected a whole number of bytes"),
        ("file_bytes", r#""64 MiB""#, r#"string "64 MiB", expected a whole number of bytes"#),
        ("wall_ms", "-1", "integer `-1`, expected a whole number of milliseconds"),
        ("cpu_ms", "true", "expected a whole number of milliseconds"),
        ("processes", "[]", "expected a whole number of processes"),
        ("descriptors", "0.5", "expected a whole number of descriptors"),
    ] {
        let error = refused(&format!(r#""limits": {{"{limit}": {given}}}"#));
        assert!(error.starts_with(&format!("limits.{limit}: invalid ")), "{error}");
        assert!(error.contains(wanted), "{error}");
    }
    assert_eq!(policy(r#""limits": {"wall_ms": null}"#).limits.wall_ms, None);
}

#[test]
fn a_schema_is_named_for_editors_and_decides_nothing() {
    let named = policy(r#""$schema": "./policy.schema.json", "name": "a""#);
    assert_eq!(named.schema.as_deref(), Some("./policy.schema.json"));
    let here = super::surroundings();
    assert_eq!(named.resolve(&here), policy(r#""name": "a""#).resolve(&here));
    assert!(refused(r#""$schema": 1"#).starts_with("$schema: invalid type"));
    assert!(refused(r#""fs": {"$schema": "x"}"#).starts_with("fs.$schema: unknown field"));
}

#[test]
fn a_mark_of_the_order_of_bytes_is_skipped() {
    let text = "\u{feff}{\"version\": 1}";
    assert_eq!(Policy::from_json(text).unwrap(), Policy::from_json(r#"{"version": 1}"#).unwrap());
    assert_eq!(Policy::given(text).unwrap(), Policy::given("\u{feff}[{\"version\": 1}]").unwrap());
}

#[test]
fn a_policy_that_is_written_is_read_as_it_was() {
    let policy = policy(
        r#""$schema": "policy.schema.json", "name": "all of it",
        "fs": {"default": "warn", "rules": [{"action": "deny", "paths": ["~/.ssh", "$TMP"], "access": ["read", "list"]}]},
        "net": {"rules": [{"action": "allow", "direction": "listen", "protocol": "udp", "addresses": ["::1", "10.0.0.0/8"],
                           "ports": [53, "8000-8010"]}]},
        "exec": {"default": "allow", "rules": [{"action": "deny", "path": "/bin/sh"}]},
        "env": {"allow": ["A*"], "deny": ["AB"], "set": {"X": "1"}},
        "limits": {"memory_bytes": 1},
        "syscalls": {"deny": ["ptrace", "open"]},
        "audit": {"file": "$CWD/audit.jsonl", "files": true, "payload": true}"#,
    );
    assert_eq!(Policy::from_json(&policy.to_json()).unwrap(), policy);
}

#[test]
fn errors_of_a_file_name_it() {
    let file = std::env::temp_dir().join(format!("circlet-policy-{}.json", std::process::id()));
    assert!(matches!(Policy::read(&file), Err(PolicyError::Unreadable { .. })));
    std::fs::write(&file, r#"{"version": 1, "limits": {"processes": 0}}"#).unwrap();
    let error = Policy::read(&file).unwrap_err().to_string();
    std::fs::remove_file(&file).unwrap();
    assert!(error.starts_with(&format!("{}: limits.processes: 0", file.display())), "{error}");
}

#[test]
fn only_a_regular_file_of_a_policys_length_is_read() {
    let folder = std::env::temp_dir().join(format!("circlet-policy-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let error = |file: &Path| Policy::read(file).unwrap_err().to_string();
    assert_eq!(
        error(Path::new("/dev/zero")),
        "/dev/zero cannot be read: it is a pipe or a device: give a regular file of JSON"
    );
    assert!(error(&folder).contains("it is a folder"), "{}", error(&folder));
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(error(&pipe).contains("it is a pipe"), "{}", error(&pipe));
    let file = folder.join("long.json");
    let long = std::fs::File::create(&file).unwrap();
    long.set_len(3_000_000_000).unwrap();
    let wanted = "it has 3000000000 bytes: a policy has at most 16777216 bytes (16 MiB)";
    assert!(error(&file).ends_with(wanted), "{}", error(&file));
    let text = format!("{}{{\"version\": 1}}", " ".repeat((16 << 20) - 14));
    std::fs::write(&file, &text).unwrap();
    assert_eq!(text.len(), 16 << 20);
    assert!(Policy::read(&file).is_ok());
    std::fs::remove_dir_all(&folder).unwrap();
}
