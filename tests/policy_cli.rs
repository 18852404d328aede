//! `circlet policy`: what it writes, checks, explains and refuses, and its JSON Schema against the templates.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use circlet::exec::policy::Policy;
use serde_json::{Value, json};

/// Validates files against a schema, each given as an argument, and says of each whether it is valid.
const VALIDATE: &str = "
import json, sys, jsonschema
schema, *files = [json.load(open(name)) for name in sys.argv[1:]]
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
print(json.dumps([validator.is_valid(file) for file in files]))
";

fn circlet(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_circlet"))
        .arg("policy")
        .args(words)
        .current_dir(folder)
        .env("HOME", "/home/nobody-here")
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap()
}

fn printed(folder: &Path, words: &[&str]) -> String {
    let output = circlet(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(folder: &Path, words: &[&str]) -> String {
    let output = circlet(folder, words);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {error}");
    error
}

#[test]
fn a_template_is_written_and_never_over_a_file() {
    let folder = common::scratch("policy-init");
    assert_eq!(
        Policy::from_json(&printed(&folder, &["init"])).unwrap(),
        Policy::template("no-network").unwrap()
    );
    for name in Policy::template_names() {
        let file = format!("{name}.json");
        assert_eq!(printed(&folder, &["init", name, "--output", &file]), "");
        assert_eq!(fs::read_to_string(folder.join(&file)).unwrap(), Policy::template_text(name).unwrap());
    }
    assert!(refused(&folder, &["init", "--output", "strict.json"]).contains("strict.json is there already"));
    assert!(refused(&folder, &["init", "--output", "nowhere/x.json"]).contains("a folder that exists"));
    assert!(refused(&folder, &["init", "loose"]).contains("data-science"));
}

#[test]
fn flags_are_written_into_the_policy() {
    let folder = common::scratch("policy-flags");
    let words = [
        "init",
        "strict",
        "--allow-read=data,/srv",
        "--allow-net=example.org:443",
        "--allow-run=sh",
        "--allow-env",
    ];
    let policy = Policy::from_json(&printed(&folder, &words)).unwrap();
    assert_eq!(policy.fs.rules[0].paths, ["$CWD/data", "/srv"].map(str::to_owned).into());
    assert!(policy.net.rules[0].domains.contains("example.org"));
    assert!(policy.exec.rules[0].path.ends_with("bin/sh"));
    assert!(policy.env.allow.contains("*"));
    assert!(refused(&folder, &["init", "--allow-read=../x"]).contains("--allow-read: `../x`"));
    assert!(refused(&folder, &["init", "--allow-run=no-such-program"]).contains("is in PATH"));
}

#[test]
fn each_file_is_checked_and_what_is_wrong_is_said_with_its_place() {
    let folder = common::scratch("policy-check");
    fs::write(folder.join("good.json"), printed(&folder, &["init", "networked"])).unwrap();
    fs::write(folder.join("bad.json"), r#"{"version": 1, "fs": {"default": "permit"}}"#).unwrap();
    assert_eq!(printed(&folder, &["check", "good.json"]), "good.json: ok\n");
    let output = circlet(&folder, &["check", "bad.json", "good.json", "none.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "good.json: ok\n");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("circlet: bad.json: fs.default: unknown variant `permit`"), "{errors}");
    assert!(errors.contains("circlet: none.json cannot be read"), "{errors}");
    // As wherever a policy is named.
    assert_eq!(
        printed(&folder, &["check", "strict", r#"{"version": 1}"#]),
        "strict: ok\n{\"version\": 1}: ok\n"
    );
    assert!(refused(&folder, &["check", "strikt"]).contains("`strikt` is no file and no template"));
}

#[test]
fn rules_for_what_is_not_there_are_told_of_and_those_of_templates_are_not() {
    let folder = fs::canonicalize(common::scratch("policy-absent")).unwrap();
    let noted = |words: &[&str]| {
        let output = circlet(&folder, words);
        assert!(output.status.success(), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let policy = json!({
        "version": 1,
        "name": "report",
        "fs": {"rules": [
            {"action": "allow", "paths": ["/usr"], "access": ["read"]},
            {"action": "allow", "paths": ["$CWD/out"], "access": ["create", "remove"]},
        ]},
        "exec": {"rules": [{"action": "allow", "path": "/opt/no-such/tool"}]},
    });
    fs::write(folder.join("policy.json"), policy.to_string()).unwrap();
    let holds = "is not there: this rule holds only for sessions that start once it is";
    let out = format!("circlet: note: fs.rules[1] of report: {}/out {holds}\n", folder.display());
    let tool = format!("circlet: note: exec.rules[0] of report: /opt/no-such/tool {holds}\n");
    for words in [
        &["check", "policy.json"][..],
        &["explain", "policy.json"],
        &["explain", "policy.json", "--as", "env A"],
    ] {
        assert_eq!(noted(words), format!("{out}{tool}"), "{words:?}");
    }
    assert!(
        noted(&["explain", "strict", "--allow-read=/nonexist"])
            .contains("fs.rules[0] of strict: /nonexist is not there")
    );
    fs::create_dir(folder.join("out")).unwrap();
    assert_eq!(noted(&["check", "policy.json"]), tool);
    for name in Policy::template_names() {
        assert_eq!(noted(&["check", name]), "");
        fs::write(folder.join("own.json"), printed(&folder, &["init", name])).unwrap();
        assert_eq!(noted(&["explain", "./own.json"]), "", "{name}");
    }
}

#[test]
fn questions_are_answered_with_the_rule_that_decides() {
    let folder = common::scratch("policy-explain");
    let words = [
        "explain",
        "networked",
        "--json",
        "--allow-run=sh",
        "--as",
        "open /etc/shadow",
        "--as",
        "write out.csv",
        "--as",
        "connect 10.0.0.1:443",
        "--as",
        "connect example.org:443",
        "--as",
        "exec sh",
        "--as",
        "exec /usr/bin/env",
        "--as",
        "env HOME",
        "--as",
        "listen [::1]:80 udp",
        "--as",
        "syscall read",
        "--as",
        "syscall ptrace",
    ];
    let answers: Value = serde_json::from_str(&printed(&folder, &words)).unwrap();
    let said: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| (answer["action"].clone(), answer["rule"].clone()))
        .collect();
    let wanted = [
        ("deny", "fs.default"),
        ("allow", "fs.rules[0]"),
        ("deny", "net.rules[3]"),
        ("allow", "net.rules[0]"),
        ("allow", "exec.rules[0]"),
        ("deny", "exec.default"),
        ("allow", "env.allow"),
        ("deny", "net.default"),
        ("allow", "syscalls (not named)"),
        ("deny", "syscalls (refused to every session)"),
    ];
    assert_eq!(said, wanted.map(|(action, rule)| (json!(action), json!(rule))));
    let request = format!("write {}", fs::canonicalize(&folder).unwrap().join("out.csv").display());
    assert_eq!((&answers[1]["request"], &answers[1]["policy"]), (&json!(request), &json!("networked")));
    let line = printed(&folder, &["explain", "networked", "strict", "--as", "connect example.org:443"]);
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>().join(" "),
        "deny connect example.org:443 tcp net.default of strict"
    );
}

#[test]
fn a_questions_path_begins_as_a_rules_may() {
    let folder = fs::canonicalize(common::scratch("policy-beginnings")).unwrap();
    fs::write(folder.join("$x"), "").unwrap();
    let asked = |question: &str| {
        let words = ["explain", "no-network", "--json", "--as", question];
        let answers: Value = serde_json::from_str(&printed(&folder, &words)).unwrap();
        let text = |name: &str| answers[0][name].as_str().unwrap().to_owned();
        (text("action"), text("request"))
    };
    let (deny, allow) = ("deny".to_owned(), "allow".to_owned());
    let here = folder.display();
    assert_eq!(asked("read ~/.ssh/id"), (deny.clone(), "read /home/nobody-here/.ssh/id".into()));
    assert_eq!(asked("read $HOME"), (deny.clone(), "read /home/nobody-here".into()));
    assert_eq!(asked("open $CWD/x"), (allow.clone(), format!("read {here}/x")));
    assert_eq!(asked("write $TMP/x").0, "allow");
    assert_eq!(asked("read ./$x"), (allow, format!("read {here}/$x")));
    assert_eq!(asked("exec ~/bin/tool"), (deny, "exec /home/nobody-here/bin/tool".into()));
    for (wrong, words) in [
        ("read $HOMEx", "$CWD, $HOME, ~"),
        ("read ~ada/x", "$CWD, $HOME, ~"),
        ("read $RUNTIME", "several places"),
    ] {
        assert!(refused(&folder, &["explain", "strict", "--as", wrong]).contains(words), "{wrong}");
    }
}

#[test]
fn a_link_is_followed_before_it_is_decided() {
    let folder = common::scratch("policy-link");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("innocent")).unwrap();
    std::os::unix::fs::symlink("/proc/version", folder.join("allowed")).unwrap();
    let words = ["explain", "strict", "--allow-read=.", "--as", "read innocent", "--json"];
    let answers: Value = serde_json::from_str(&printed(&folder, &words)).unwrap();
    assert_eq!((&answers[0]["action"], &answers[0]["request"]), (&json!("deny"), &json!("read /etc/passwd")));
    // A rule that names the link means what it leads to.
    let words = ["explain", "strict", "--allow-read=allowed", "--as", "read /proc/version", "--json"];
    let answers: Value = serde_json::from_str(&printed(&folder, &words)).unwrap();
    assert_eq!(answers[0]["action"], "allow");
}

#[test]
fn without_questions_all_that_is_allowed_is_shown() {
    let folder = common::scratch("policy-table");
    let words = ["explain", "networked", "--runtime", "/opt/python"];
    let table = printed(&folder, &words);
    for shown in [
        "ACTION",
        "/etc/passwd",
        "/opt/python",
        "net.rules[3]",
        "169.254.0.0/16",
        "at 80, 443",
        "2.00 GiB",
        "LC_*",
    ] {
        assert!(table.contains(shown), "{shown}:\n{table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 110), "{table}");
    let rows: Value = serde_json::from_str(&printed(&folder, &[&words[..], &["--json"]].concat())).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.iter().any(|row| row["rule"] == "net.default" && row["action"] == "deny"));
    assert!(rows.iter().any(|row| row["what"] == "limit processes" && row["places"] == json!(["64"])));
    let merged = printed(&folder, &["explain", "networked", "strict"]);
    assert!(merged.contains("fs.default of strict") && merged.contains("512.00 MiB"), "{merged}");
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_can() {
    let folder = common::scratch("policy-refused");
    for wrong in [
        "",
        "open",
        "openn /x",
        "connect example.org",
        "connect a:1 sctp",
        "listen example.org:80",
        "connect a:1 udp",
    ] {
        assert!(
            refused(&folder, &["explain", "strict", "--as", wrong]).contains("syscall and a call's name"),
            "{wrong}"
        );
    }
    assert!(refused(&folder, &["explain", "strict", "--as", "syscall opn"]).contains("no system call"));
    assert!(refused(&folder, &["explain", "loose"]).contains("the templates are strict, no-network"));
}

#[test]
fn the_schema_accepts_what_is_read_and_refuses_what_is_not() {
    let folder = common::scratch("policy-schema");
    let mut files = vec![("schema.json".to_owned(), printed(&folder, &["schema"]))];
    let good =
        Policy::template_names().into_iter().map(|name| Policy::template_text(name).unwrap().to_owned());
    let flags = ["init", "strict", "--allow-net=example.org:8000-8010", "--deny-read=/", "--deny-env=A*"];
    let all = r#"{"$schema": "./s.json", "version": 1, "audit": {"file": "/log", "files": true}, "syscalls": {"deny": ["ptrace"]},
        "exec": {"rules": [{"action": "warn", "path": "~/x", "sha256": "HASH"}]}, "env": {"set": {"A": "1"}}}"#;
    let good: Vec<String> =
        good.chain([printed(&folder, &flags), all.replace("HASH", &"0f".repeat(32))]).collect();
    let bad = [
        r#"{}"#,
        r#"{"version": 2}"#,
        r#"{"version": 1, "files": {}}"#,
        r#"{"version": 1, "$schema": 7}"#,
        r#"{"version": 1, "limits": {"wall_ms": 1.5}}"#,
        r#"{"version": 1, "fs": {"default": "permit"}}"#,
        r#"{"version": 1, "fs": {"rules": [{"action": "allow", "paths": [], "access": ["read"]}]}}"#,
        r#"{"version": 1, "fs": {"rules": [{"action": "allow", "paths": ["/"], "access": []}]}}"#,
        r#"{"version": 1, "net": {"rules": [{"action": "allow", "ports": [65536]}]}}"#,
        r#"{"version": 1, "exec": {"rules": [{"action": "allow", "path": "/x", "sha256": "0f"}]}}"#,
        r#"{"version": 1, "limits": {"processes": 0}}"#,
    ];
    for text in &good {
        Policy::from_json(text).unwrap();
    }
    for text in bad {
        Policy::from_json(text).expect_err(text);
    }
    let wanted: Vec<bool> = good.iter().map(|_| true).chain(bad.iter().map(|_| false)).collect();
    let texts = good.into_iter().chain(bad.map(str::to_owned));
    files.extend(texts.enumerate().map(|(index, text)| (format!("{index}.json"), text)));
    for (name, text) in &files {
        fs::write(folder.join(name), text).unwrap();
    }
    let mut python = Command::new(common::python());
    python.args(["-c", VALIDATE]).args(files.iter().map(|(name, _)| name)).current_dir(&folder);
    let found: Vec<bool> = serde_json::from_str(&common::run(&mut python)).unwrap();
    assert_eq!(found, wanted);
}
