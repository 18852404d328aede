//! `circlet serve` as whoever types it sees it: what it refuses, and what it says.
#![cfg(feature = "cli")]

#[path = "common/hub_process.rs"]
mod hub_process;
#[path = "common/hub_protocol.rs"]
mod hub_protocol;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use hub_process::{Served, TOKEN};
use hub_protocol::{POLLING, SOON, Viewer, WEBSOCKET, get, http, until};

/// Runs a command that is refused, and returns what it says.
fn refused(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_circlet"))
        .args(["serve", "--addr", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!((done.status.code(), done.stdout.len()), (Some(2), 0), "{arguments:?} {done:?}");
    String::from_utf8(done.stderr).unwrap()
}

#[test]
fn what_cannot_be_is_refused_before_it_listens_by_the_option_and_what_is_allowed() {
    let cases: [(&[&str], &[&str]); 20] = [
        (&["--max-viewers", "0"], &["--max-viewers", "1 or more"]),
        (&["--max-viewers-per-address", "0"], &["--max-viewers-per-address", "1 or more"]),
        (&["--max-rooms", "0"], &["--max-rooms", "1 or more"]),
        (&["--max-room-bytes", "4MB"], &["--max-room-bytes", "64KiB or 4MiB"]),
        (&["--log", "0"], &["--log", "1 or more"]),
        (&["--viewer-limits", "rooms=0"], &["`rooms=0`", "messages_per_s=50"]),
        (&["--viewer-limits", "room=1"], &["`room=1`", "messages_per_s=50"]),
        (&["--emitter-limits", "bytes_per_s=1KiB"], &["--emitter-limits", "two seconds"]),
        (&["--idle-room", "2w"], &["--idle-room", "2h or 1d"]),
        (&["--stalled-after", "2d"], &["`--stalled-after`", "10 ms to a day"]),
        (&["--origin", "app.example"], &["`--origin`", "https://example.org"]),
        (&["--host", "http://hub.example"], &["`--host`", "without a scheme"]),
        (&["--ring", "a/b"], &["--ring a/b", "without '/'"]),
        (&["--ring", "frames="], &["--ring frames=", "1 to 200"]),
        (&["--ring", "a", "--ring", "a"], &["--ring a", "twice"]),
        (&["--session", "app=hub"], &["--session app=hub", "the hub's own"]),
        (&["--record", "/nonexistent/app.jsonl"], &["`--record`", "/nonexistent/app.jsonl"]),
        (&["--emit-token", "/nonexistent/token"], &["`--emit-token`", "/nonexistent/token"]),
        (&["--view-token", "/dev/null"], &["`--view-token`", "/dev/null", "first line is empty"]),
        (&["--redis", "nonsense"], &["`--redis`", "redis://127.0.0.1:6379/0"]),
    ];
    for (arguments, says) in cases {
        let said = refused(arguments);
        assert!(says.iter().all(|says| said.contains(says)), "{arguments:?}: {said}");
    }
}

#[test]
fn limits_are_taken_from_the_command_line() {
    let serve = Served::start(&[
        "serve",
        "--max-viewers=3",
        "--max-viewers-per-address=2",
        "--viewer-limits=rooms=1,messages_per_s=40",
        "--emitter-limits=message_bytes=2KiB",
        "--max-rooms=2",
        "--max-keys=2",
        "--max-room-bytes=1KiB",
        "--log=1",
        "--idle-room=1d",
    ]);
    let mut viewer = Viewer::connected(serve.addr);
    assert_eq!(viewer.join("g")["ok"], true);
    viewer.packet();
    let refusal = viewer.join("h")["error"].as_str().unwrap().to_owned();
    assert!(refusal.contains("in 1 rooms, as many as a client may be in"), "{refusal}");
    let _second = Viewer::connected(serve.addr);
    let (status, said) = get(serve.addr, POLLING);
    assert!(status == 429 && said.contains("127.0.0.1 has 2 connections"), "{status} {said}");
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let post = |body: &Value| http(serve.addr, "POST", "/emit", &[&bearer], &body.to_string());
    let set = |room: &str, set: Value| post(&json!({"event": "game-state-update", "room": room, "set": set}));
    assert_eq!(set("g", json!({"a": 1, "b": 2, "c": 3})).0, 507);
    assert_eq!(set("g", json!({"a": "x".repeat(1_200)})).0, 507);
    assert_eq!(set("g", json!({"a": "x".repeat(2_048)})).0, 413);
    assert_eq!((set("h", json!({"a": 1})).0, set("i", json!({"a": 1})).0), (200, 507));
    assert_eq!(serve.end(), "");
}

#[test]
fn it_ends_once_nobody_reads_its_statistics() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.args(["serve", "--json", "--addr", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut serve = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serve.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(serde_json::from_str::<Value>(&line).unwrap()["addr"].is_string(), "{line}");
    let begin = Instant::now();
    until("it ends", || serve.try_wait().unwrap().is_some());
    assert!(begin.elapsed() < SOON.min(Duration::from_secs(10)));
    let done = serve.wait_with_output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
}

#[test]
fn what_it_says_while_it_serves_begins_with_the_time_of_day() {
    let serve = Served::of(Command::new(env!("CARGO_BIN_EXE_circlet")).args([
        "serve",
        "--addr",
        "0.0.0.0:0",
        "--allow",
        "127.0.0.1",
    ]));
    let said = serve.end();
    let (time, text) = said.strip_prefix("circlet: ").unwrap().split_once(' ').unwrap();
    let parts: Vec<_> = time.strip_suffix('Z').unwrap().split(':').map(|part| part.parse::<u32>()).collect();
    assert!(parts.len() == 3 && parts.iter().all(|part| part.clone().unwrap() < 60), "{said}");
    assert!(text.contains("--view-token"), "{said}");
}

/// Serves in a shell that has set its limits before.
fn limited(limits: &str) -> Served {
    let script = format!("{limits}; exec \"$0\" serve --addr 127.0.0.1:0");
    Served::of(Command::new("sh").arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_circlet")))
}

#[test]
fn it_takes_as_many_descriptors_as_it_may_have() {
    let serve = limited("ulimit -Sn 64");
    let viewers: Vec<_> = (0..150).map(|_| Viewer::connected(serve.addr)).collect();
    assert_eq!(get(serve.addr, "/healthz").0, 200);
    drop(viewers);
    serve.end();
}

#[test]
fn whoever_comes_when_no_descriptor_is_left_is_told_so_and_the_others_stay() {
    let serve = limited("ulimit -n 48");
    let mut viewers = Vec::new();
    let refusal = loop {
        match Viewer::open(serve.addr, WEBSOCKET) {
            Ok(viewer) => viewers.push(viewer),
            Err(refusal) => break refusal,
        }
        assert!(viewers.len() < 48);
    };
    assert!(viewers.len() > 16, "{}", viewers.len());
    let tungstenite::Error::Http(answer) = refusal else { panic!("{refusal}") };
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (503, &b"10"[..]));
    let (status, said) = get(serve.addr, "/healthz");
    assert!(status == 503 && said.contains("ulimit -n"), "{status} {said}");
    for viewer in &mut viewers {
        assert!(viewer.text().starts_with("0{"));
        viewer.say("40");
        assert!(viewer.text().starts_with("40{"));
    }
    drop(viewers);
    until("it takes connections again", || get(serve.addr, "/healthz") == (200, "ok\n".to_owned()));
    // Until it has said so too.
    std::thread::sleep(Duration::from_millis(1_500));
    let said = serve.end();
    assert!(said.contains("at most 48 files may be open here, fewer than the 20000 viewers"), "{said}");
    assert!(said.contains("connections: ") && said.contains("works again"), "{said}");
}
