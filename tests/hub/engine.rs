//! The transports of Engine.IO v4: what its published test suite expects, and what this server promises beyond it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::hub_protocol::{POLLING, Viewer, WEBSOCKET, get, http, hub, poll_session, until};

#[test]
fn a_session_opens_by_polling_and_by_a_websocket() {
    let hub = hub(|_| {});
    let (status, body) = get(hub.addr(), POLLING);
    let open: Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
    assert_eq!((status, &open["upgrades"]), (200, &json!(["websocket"])));
    assert_eq!((&open["pingInterval"], &open["pingTimeout"]), (&json!(25_000), &json!(20_000)));
    assert!(open["sid"].is_string() && open["maxPayload"].is_u64());
    let mut viewer = Viewer::open(hub.addr(), WEBSOCKET).unwrap();
    let open: Value = serde_json::from_str(viewer.text().strip_prefix('0').unwrap()).unwrap();
    assert_eq!(open["upgrades"], json!([]));
    assert_eq!((&open["pingInterval"], &open["pingTimeout"]), (&json!(25_000), &json!(20_000)));
    assert!(open["sid"].is_string() && open["maxPayload"].is_u64());
}

#[test]
fn an_extension_of_websockets_that_is_offered_is_not_taken() {
    let hub = hub(|_| {});
    let request = format!(
        "GET {WEBSOCKET} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        hub.addr()
    );
    let mut stream = TcpStream::connect(hub.addr()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let (mut said, mut buffer) = (String::new(), [0; 1024]);
    while !said.contains("\r\n\r\n") {
        let length = stream.read(&mut buffer).unwrap();
        said.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    assert!(said.starts_with("HTTP/1.1 101") && said.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{said}");
    assert!(!said.to_lowercase().contains("extensions"), "{said}");
}

#[test]
fn a_hub_for_websocket_only_takes_those_and_no_polls() {
    let hub = hub(|options| options.websocket_only = true);
    let (status, body) = get(hub.addr(), POLLING);
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()["code"].clone()), (400, json!(0)));
    assert!(body.contains("websockets alone"), "{body}");
    let mut viewer = Viewer::connected(hub.addr());
    assert_eq!(viewer.join("g")["ok"], true);
}

#[test]
fn a_handshake_that_is_none_is_refused_with_the_protocols_code() {
    let hub = hub(|_| {});
    for (path, code) in [
        ("/socket.io/?transport=polling", 5),
        ("/socket.io/?EIO=abc&transport=polling", 5),
        ("/socket.io/?EIO=3&transport=polling", 5),
        ("/socket.io/?EIO=4", 0),
        ("/socket.io/?EIO=4&transport=abc", 0),
        ("/socket.io/?EIO=4&transport=polling&sid=abc", 1),
        ("/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA", 1),
        ("/socket.io/?EIO=4&transport=websocket", 3),
    ] {
        let (status, body) = get(hub.addr(), path);
        let said: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &said["code"]), (400, &json!(code)), "{path}");
    }
    for method in ["POST", "PUT"] {
        let (status, body) = http(hub.addr(), method, POLLING, &[], "");
        assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()["code"].clone()), (400, json!(2)));
    }
    for path in [
        "/socket.io/?transport=websocket",
        "/socket.io/?EIO=abc&transport=websocket",
        "/socket.io/?EIO=4",
        "/socket.io/?EIO=4&transport=abc",
    ] {
        assert!(Viewer::open(hub.addr(), path).is_err(), "{path}");
    }
}

#[test]
fn a_payload_of_several_packets_is_taken_and_its_answers_come_together() {
    let hub = hub(|_| {});
    let path = poll_session(hub.addr());
    let (status, body) = http(
        hub.addr(),
        "POST",
        &path,
        &[],
        "40\u{1e}421[\"join-game\",\"g\"]\u{1e}422[\"leave-game\",\"g\"]",
    );
    assert_eq!((status, body.as_str()), (200, "ok"));
    let (_, body) = get(hub.addr(), &path);
    let kinds: Vec<_> = body.split('\u{1e}').map(|packet| &packet[..3]).collect();
    assert_eq!(kinds, ["40{", "431", "432"], "{body}");
}

#[test]
fn a_payload_that_is_none_closes_the_session() {
    let hub = hub(|_| {});
    for payload in ["abc", "", "40\u{1e}4abc", "\u{1e}"] {
        let path = poll_session(hub.addr());
        assert_eq!(http(hub.addr(), "POST", &path, &[], payload).0, 400, "{payload:?}");
        assert_eq!(get(hub.addr(), &path).0, 400, "{payload:?}");
    }
}

#[test]
fn two_polls_at_a_time_close_the_session() {
    let hub = hub(|_| {});
    let (addr, path) = (hub.addr(), poll_session(hub.addr()));
    let first = std::thread::spawn({
        let path = path.clone();
        move || get(addr, &path)
    });
    let second = get(addr, &path);
    // Whichever came first is told that it is over.
    let mut both = [first.join().unwrap(), second];
    both.sort_unstable();
    assert_eq!((&both[0], both[1].0), (&(200, "1".to_owned()), 400));
    assert_eq!(get(addr, &path).0, 400);
}

#[test]
fn pings_come_by_both_transports_and_whoever_answers_none_is_closed() {
    let hub = hub(|options| {
        options.ping_interval = Duration::from_millis(100);
        options.ping_timeout = Duration::from_millis(300);
    });
    let path = poll_session(hub.addr());
    let mut viewer = Viewer::session(hub.addr());
    for _ in 0..3 {
        assert_eq!(get(hub.addr(), &path), (200, "2".to_owned()));
        assert_eq!(http(hub.addr(), "POST", &path, &[], "3").0, 200);
        assert_eq!(viewer.text(), "2");
        viewer.say("3");
    }
    let (said, _) = viewer.end();
    assert_eq!(said, ["2"]);
    until("a poll of a session without a pong is refused", || get(hub.addr(), &path).0 == 400);
}

#[test]
fn a_close_packet_ends_the_session() {
    let hub = hub(|_| {});
    let (addr, path) = (hub.addr(), poll_session(hub.addr()));
    let waiting = std::thread::spawn({
        let path = path.clone();
        move || get(addr, &path)
    });
    assert_eq!(http(addr, "POST", &path, &[], "1").0, 200);
    let waited = waiting.join().unwrap();
    // One that came after the end is refused.
    assert!(waited == (200, "6".to_owned()) || waited.0 == 400, "{waited:?}");
    assert_eq!(get(addr, &path).0, 400);
    let mut viewer = Viewer::session(addr);
    viewer.say("1");
    assert_eq!(viewer.end().0, Vec::<String>::new());
    until("nobody is left", || hub.stats().viewers == 0);
}

#[test]
fn a_session_goes_on_over_a_websocket_with_what_it_was_not_told() {
    let hub = hub(|_| {});
    hub.set("g", "n", json!(1)).unwrap();
    let path = poll_session(hub.addr());
    assert_eq!(http(hub.addr(), "POST", &path, &[], "40\u{1e}42[\"join-game\",\"g\"]").0, 200);
    let (_, body) = get(hub.addr(), &path);
    assert!(body.starts_with("40{"), "{body}");
    let mut viewer = Viewer::open(hub.addr(), &path.replace("polling", "websocket")).unwrap();
    viewer.say("2probe");
    assert_eq!(viewer.text(), "3probe");
    viewer.say("5");
    hub.set("g", "n", json!(2)).unwrap();
    until("the newest state comes", || viewer.packet().1[1]["n"] == 2);
    assert_eq!(get(hub.addr(), &path).0, 400, "it polls no more");
    assert!(Viewer::open(hub.addr(), &path.replace("polling", "websocket")).is_err(), "it has a websocket");
    assert_eq!(hub.stats().viewers, 1);
}
