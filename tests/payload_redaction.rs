//! Holds what a redactor takes out, and what it leaves, to two tables: by itself, and through a tracker's patch and snapshot.

#![allow(clippy::unwrap_used, reason = "the lint knows test functions, but not what they share")]

use circlet::payload::{Redactor, SessionTracker, TrackerOptions};
use serde_json::{Value, json};

/// A text, and what of it must not come out.
fn secret_texts() -> Vec<(String, &'static str)> {
    const SECRET: &str = "hunter2Secret";
    let mut all: Vec<(String, &'static str)> = [
        "pass={}",
        "pass:{}",
        "DB_PASS={}",
        "password={}",
        "password: {}",
        "my password: {}",
        "the passwords: {}",
        "TOKEN_GITHUB={}",
        "DB_PASSWORD_PROD={}",
        "dbPasswordProd: {}",
        "encryption_key={}",
        "encryption_key: {}",
        "--signing-key {}",
        "--signing-key={}",
        "-password {}",
        "--pass {}",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={}==;EndpointSuffix=core",
        "Endpoint=sb://x/;SharedAccessKey={}=",
        "//registry.npmjs.org/:_auth={}",
        "//registry.npmjs.org/:_authToken={}",
        "auth: {}",
        "{\"auth\": \"{}\"}",
        "{\"pass\": \"{}\"}",
        "{\"secrets\": {\"a\": \"{}\"}}",
        "{\"tokens\": [\"{}\"]}",
        "{\\\"secrets\\\": {\\\"a\\\": \\\"{}\\\"}}",
        "password:\n  {}",
        "a: 1\npassword:\n  {}\nb: 2",
        "a:\n  password: |\n    {}\n  b: 2",
        "passwords:\n- {}\n- x",
        "secrets:\n  npm:\n    github: {}",
        "'password' => '{}'",
        "password := {}",
        "<password>{}</password>",
        "redirect=http%3A%2F%2Fh%2Fp%3Ftoken%3D{}%26a%3Db",
        "machine h login bob password {}",
        "machine h\n  login bob\n  password {}",
        "postgres://u:a/{}@h/db",
        "postgres://u:{}@h/db",
        "mysql://u:p%40{}@h",
        "x=https%3A%2F%2Fu%3A{}%40example.org%2Fp",
        "git clone https://{}@example.org/x",
        "curl -u bob:{} http://h",
        "curl -u \"bob:{}\" http://h",
        "curl --proxy-user bob:{} http://h",
        "https://hooks.slack.com/services/T00000000/B00000000/{}",
        "https://discord.com/api/webhooks/123456/{}",
        "https://discordapp.com/api/webhooks/123456/{} x",
        "https://api.telegram.org/bot123456:{}/sendMessage",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n{}\n-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}",
        "http://h/p?sig={}&a=b",
        "Authorization: Negotiate {}",
        "cd /home/{}/src",
        "cd /Users/{}/src",
        "C:\\Users\\{}\\src",
        "/mnt/c/Users/{}/src",
        "PATH=/usr/bin:/home/{}/bin",
        "file:///home/{}",
    ]
    .into_iter()
    .map(|form| (form.replace("{}", SECRET), SECRET))
    .collect();
    let tail = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6kM9nP2rS5tV8xY1zA4cD7fG0iL3oQ6uR9wU2";
    for begin in [
        "GOCSPX-",
        "glrt-",
        "gldt-",
        "glptt-",
        "dckr_pat_",
        "dckr_oat_",
        "glpat-",
        "ghp_",
        "github_pat_",
        "xoxe.xoxp-",
        "sk-ant-api03-",
        "sk-proj-",
        "sk_live_",
        "dop_v1_",
        "npm_",
        "pypi-",
        "rubygems_",
        "hvs.",
        "dp.pt.",
        "lin_api_",
        "shpss_",
        "xkeysib-",
        "PMAK-",
        "NRAK-",
        "glsa_",
        "sntrys_",
        "figd_",
        "tskey-auth-",
        "pul-",
        "nfp_",
        "sbp_",
        "ATATT3x",
        "AKIA",
        "ASIA",
        "AIza",
        "ya29.",
        "hf_",
        "gsk_",
        "sq0csp-",
        "eyJhbGciOi",
        "ops_eyJ",
    ] {
        all.push((format!("x {begin}{tail} y"), tail));
        all.push((format!("[{begin}{tail}]"), tail));
    }
    all
}

/// A document, of which [`SECRET`](secret_documents) must not come out.
fn secret_documents() -> Vec<Value> {
    let secret = "hunter2Secret";
    vec![
        json!({"pass": secret}),
        json!({"auth": secret}),
        json!({"auth": {"user": "u", "more": [secret]}}),
        json!({"secrets": {"github": secret}}),
        json!({"tokens": [secret]}),
        json!({"tokens": {"npm": secret, "input": 12}}),
        json!({"passwords": [secret, "x"]}),
        json!({"TOKEN_GITHUB": secret, "DB_PASSWORD_PROD": secret}),
        json!({"encryptionKey": secret, "signing-key": secret, "AccountKey": secret}),
        json!({"_auth": secret}),
        json!(["-password", secret]),
        json!(["--token", secret]),
        json!(["curl", "-u", format!("b:{secret}")]),
        json!(["curl", "--user", format!("b:{secret}"), "http://h"]),
        json!([["X-Api-Key", secret], ["Accept", "*/*"]]),
        json!([["password", secret]]),
        json!({"rawHeaders": ["Host", "h", "X-Api-Key", secret, "Cookie", secret]}),
        json!([{"name": "DB_PASS", "value": secret}, {"key": "API_TOKEN", "value": secret}]),
        json!({ format!("/home/{secret}/x"): 1 }),
        json!({"deep": [[{"a": [format!("password={secret}")]}]]}),
    ]
}

/// What must come out as it is.
const PLAIN_TEXTS: &[&str] = &[
    "",
    "the token: is invalid",
    "Invalid token: expired",
    "SyntaxError: Unexpected token: }",
    "auth: failed",
    "the first pass: done, the second pass: begun",
    "19 pass, 0 fail",
    "pass: 19 fail: 0",
    "max_tokens: 450",
    "tokens: 12",
    "tokens: 12,345 of 1M",
    "{\"tokens\": {\"input\": 12, \"output\": 5}}",
    "tokens:\n  input: 12\n  output: 5",
    "input_tokens=12&output_tokens=5",
    "tokens_per_second: fast",
    "token_count=3 token_type=bearer",
    "TOKEN_EXPIRES_IN=3600",
    "PASSWORD_FILE=/run/secrets/x",
    "has_password: true, password=null",
    "passed: 19, passes: all, compass: north, bypass=on",
    "keyboard: qwerty, monkey=1, key: value, cache_key=abc, primary_key: id, PUBLIC_KEY=abc",
    "author: Grace, authority: local, authors=all, GIT_AUTHOR_NAME=Grace",
    "git.tag: v1.2.3",
    "test.passed: yes",
    "secretary: Ada Lovelace",
    "the token of a password is a word",
    "the secrets of the deep, the cookies of the house",
    "if token == other { token::next() }",
    "src/token.rs:12: unused, password.ts: fine",
    "function check(password: string): boolean",
    "login with a password that is yours",
    "<password></password>",
    "sudo -u postgres psql",
    "docker run -u 1000:1000 image",
    "ssh://git@example.org/x.git and git@example.org:x/y.git",
    "https://example.org:8080/@scope/x",
    "https://example.org/a?page=2&sort=key",
    "http://[::1]:8080/a@b",
    "https%3A%2F%2Fexample.org%2Fa%40b",
    "mail grace@example.org",
    "Bearer of news, Basic English",
    "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
    "https://slack.com/services and https://discord.com/api",
    "https://example.org/home/news and srv/home/x",
    "/home and /Users/Shared/x",
    "d8c4b7712e5a9f3b6c1d0e4f7a8b9c2d3e4f5a6b",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "sess-2025-11-09-mhru2gsb-1rjf-1",
    "task-1234567890123456789012, desk-abcdefghijklmnopqrstuvw, cio, dapi, oy2, pul-12, SG.x",
    "550e8400-e29b-41d4-a716-446655440000",
    "ai/evolve/bezier-worker.ts:1-150",
    "Bun.password, node:crypto.sign, process.env.PWD",
    "P0: Resolve w_9b1c memory leak (Bun/vm#1234)",
];

fn plain_documents() -> Vec<Value> {
    vec![
        json!({"tokens": 12, "max_tokens": 450, "token": 3, "token_count": 3}),
        json!({"tokens": {"input": 12, "output": 5}, "usage": {"total_tokens": "17"}}),
        json!({"passed": 19, "passes": 2, "pass": 19, "tests": {"pass": 3, "fail": 0}}),
        json!({"has_password": true, "auth": false, "password": null, "secret": ""}),
        json!({"keyboard": "qwerty", "author": "Grace", "authority": "local", "compass": "n"}),
        json!({"git": {"tag": "v1"}, "key": "value", "name": "x", "pattern": "p", "path": "/srv/x"}),
        json!({"password_file": "/run/secrets/x", "token_type": "bearer", "secret_name": "db"}),
        json!(["docker", "run", "-u", "1000:1000", "image"]),
        json!(["sort", "-u", "names"]),
        json!(["token", "password", "a list of words"]),
        json!([["x", "y"], ["keyboard", "qwerty"], [1, 2]]),
        json!(["--verbose", "--token-count", "3"]),
    ]
}

fn patched(document: &Value) -> Value {
    let tracker =
        SessionTracker::start(TrackerOptions { project: false, ..TrackerOptions::default() }).unwrap();
    tracker.patch(json!({"last_seen": document})).unwrap();
    serde_json::from_str::<Value>(&tracker.snapshot_json().unwrap()).unwrap()
}

#[test]
fn no_secret_comes_out_of_a_redactor() {
    let redactor = Redactor::default();
    for (text, secret) in secret_texts() {
        let redacted = redactor.text(&text);
        assert!(!redacted.contains(secret), "{text:?} became {redacted:?}");
        assert_eq!(redactor.text(&redacted), redacted, "again");
        let mut document = json!({"x": [text]});
        assert!(
            !redactor.value(&mut document).is_empty() && !document.to_string().contains(secret),
            "{document}"
        );
    }
    for document in secret_documents() {
        let mut redacted = document.clone();
        let said = redactor.value(&mut redacted);
        assert!(
            !redacted.to_string().contains("hunter2Secret") && !said.is_empty(),
            "{document} became {redacted}"
        );
    }
}

#[test]
fn no_secret_comes_out_of_a_trackers_snapshot() {
    let (texts, secrets): (Vec<_>, Vec<_>) = secret_texts().into_iter().unzip();
    let documents = secret_documents();
    for all in [json!(texts), json!(documents)] {
        let snapshot = patched(&all);
        let text = snapshot.to_string();
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(
            snapshot["redacted"].as_object().unwrap().len() >= documents.len(),
            "{}",
            snapshot["redacted"]
        );
    }
}

#[test]
fn what_is_no_secret_comes_out_as_it_is() {
    let redactor = Redactor::default();
    for text in PLAIN_TEXTS {
        assert_eq!(redactor.text(text), *text);
    }
    for document in plain_documents() {
        let mut redacted = document.clone();
        assert_eq!((redactor.value(&mut redacted), &redacted), (vec![], &document));
    }
    for all in [json!(PLAIN_TEXTS), json!(plain_documents())] {
        let snapshot = patched(&all);
        assert_eq!(snapshot["last_seen"], all);
        assert!(snapshot.get("redacted").is_none(), "{}", snapshot["redacted"]);
    }
}

#[test]
fn the_first_payload_of_its_kind_keeps_all_but_whose_home_it_names() {
    let seed: Value = serde_json::from_str(include_str!("data/payload/seed.json")).unwrap();
    let mut redacted = seed.clone();
    let said = Redactor::default().value(&mut redacted);
    assert_eq!(
        said.iter().map(|one| (one.path.as_str(), one.kind)).collect::<Vec<_>>(),
        [("cache.dir", "user")]
    );
    redacted["cache"]["dir"] = seed["cache"]["dir"].clone();
    assert_eq!(redacted, seed);
}

#[test]
fn no_field_of_the_schema_is_the_name_of_a_secret() {
    let schema: Value = serde_json::from_str(include_str!("../docs/session.schema.json")).unwrap();
    fn fields(schema: &Value, all: &mut Vec<String>) {
        match schema {
            Value::Object(members) => {
                let names = members.get("properties").and_then(Value::as_object);
                all.extend(names.into_iter().flat_map(|names| names.keys().cloned()));
                members.values().for_each(|member| fields(member, all));
            }
            Value::Array(values) => values.iter().for_each(|value| fields(value, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    fields(&schema, &mut all);
    assert!(all.len() > 200, "{all:?}");
    for field in all {
        let mut document = json!({ field.as_str(): "x", "more": [{ field.as_str(): 1 }] });
        assert_eq!(Redactor::default().value(&mut document), [], "{field}");
    }
}

#[test]
fn hostile_text_takes_a_time_that_grows_with_its_length_alone() {
    let redactor = Redactor::new(Some("/home/ada"), Some("ada"));
    for piece in [
        "://a:b/",
        "//a:b@",
        "token:\n",
        "- tokens:\n",
        "tokens: [",
        "tokens: {\"",
        "password=\"",
        "auth: ",
        " auth:",
        "pass: {",
        "%3A%2F%2F",
        "/home/",
        "-u ",
        "-----BEGIN ",
        "token:\n\n",
        "secret: |\n",
        "\\\"token\\\":",
        "hooks.slack.com/services/",
        "tokens: [1], ",
        "tokens:\n 1\n",
    ] {
        let text = piece.repeat((1 << 18) / piece.len());
        let begin = std::time::Instant::now();
        let _ = redactor.text(&text);
        assert!(begin.elapsed().as_secs() < 10, "{piece:?} took {:?}", begin.elapsed());
    }
}
