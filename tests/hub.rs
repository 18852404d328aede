//! The hub as its viewers see it, by the protocols Engine.IO v4 and Socket.IO v5: what their published test suites expect of a server,
//! and what this one promises beyond them.
#![cfg(feature = "hub")]

#[path = "common/hub_protocol.rs"]
mod hub_protocol;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use circlet::hub::Column;
use serde_json::{Value, json};
use tungstenite::Message;

use hub_protocol::{POLLING, SOON, Viewer, WEBSOCKET, get, http, hub, poll_session, until};

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

#[test]
fn a_socket_connects_to_the_main_namespace_and_to_no_other() {
    let hub = hub(|_| {});
    let mut viewer = Viewer::session(hub.addr());
    viewer.say("40/random");
    assert_eq!(viewer.text(), r#"44/random,{"message":"Invalid namespace"}"#);
    viewer.say("40");
    let said: Value = serde_json::from_str(viewer.text().strip_prefix("40").unwrap()).unwrap();
    assert!(said["sid"].is_string());
}

#[test]
fn a_session_without_a_socket_is_closed_after_a_while() {
    let hub = hub(|options| options.connect_timeout = Duration::from_millis(50));
    let (_, code) = Viewer::session(hub.addr()).end();
    assert_eq!(code, Some(1008));
}

#[test]
fn a_socket_that_leaves_gets_nothing_and_may_come_again() {
    let hub = hub(|_| {});
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("g");
    viewer.packet();
    viewer.say("41");
    until("it has left", || hub.stats().viewers == 1 && hub.remove("g", "x").is_ok_and(|was| !was));
    viewer.say("40");
    assert!(viewer.text().starts_with("40{"));
    hub.set("g", "n", json!(1)).unwrap();
    assert_eq!(viewer.join("h")["ok"], true);
    assert_eq!(viewer.packet().1[0], "gameState");
}

#[test]
fn what_is_no_packet_closes_the_connection_and_says_why() {
    let hub = hub(|_| {});
    for wrong in [
        "abc",
        "4abc",
        "42{}",
        "42abc",
        "42abc[\"join-game\",\"g\"]",
        "42[\"join-game\",\"g\"",
        "42[\"join-game\",{\"room\":]",
        "42[]",
        "49",
        "42[1]",
        "40{",
        "40[]",
        "40{}",
        "0",
        "451-[\"join-game\"]x",
        "",
        "4é",
        "4~",
    ] {
        let mut viewer = Viewer::connected(hub.addr());
        viewer.say(wrong);
        if wrong.starts_with("451") {
            // What has bytes is looked at when they are there.
            viewer.0.send(Message::binary(vec![1_u8])).unwrap();
        }
        let (said, code) = viewer.end();
        assert!(said.iter().any(|said| said.starts_with("42[\"refused\"")), "{wrong:?}: {said:?}");
        assert!(matches!(code, Some(1002 | 1008)), "{wrong:?}: {code:?}");
    }
    until("nobody is left", || hub.stats().viewers == 0);
}

#[test]
fn attachments_are_waited_for_and_belong_to_their_event() {
    let hub = hub(|_| {});
    let mut emitter = Viewer::emitter(hub.addr());
    emitter.say(r#"451-7["agent-action",{"room":"g","data":{"_placeholder":true,"num":0}}]"#);
    emitter.0.send(Message::binary(vec![1_u8, 2, 3])).unwrap();
    let (kind, answer) = emitter.packet();
    assert!(kind == "437" && answer[0].is_object(), "{answer}");
    emitter.say("451-7[\"agent-action\",{}]");
    emitter.say("42[\"agent-action\",{}]");
    assert!(emitter.end().0.iter().any(|said| said.contains("refused")));
}

#[test]
fn viewers_follow_a_room_from_its_state_by_what_changes() {
    let hub = hub(|_| {});
    hub.set("g", "a", json!({"x": 1})).unwrap();
    hub.set("g", "b", json!(2)).unwrap();
    let mut viewer = Viewer::connected(hub.addr());
    assert_eq!(viewer.join("g")["ok"], true);
    let (_, state) = viewer.packet();
    assert_eq!((&state[0], &state[1]), (&json!("gameState"), &json!({"a": {"x": 1}, "b": 2})));
    hub.set("g", "a", json!({"x": 2})).unwrap();
    hub.remove("g", "b").unwrap();
    let mut known = state[1].as_object().unwrap().clone();
    let mut version = state[2]["version"].as_u64().unwrap();
    until("it is as the room is", || {
        let (_, delta) = viewer.packet();
        assert_eq!((&delta[0], delta[2]["from"].as_u64().unwrap()), (&json!("game-state-update"), version));
        version = delta[2]["version"].as_u64().unwrap();
        known.extend(delta[1].as_object().unwrap().clone());
        delta[2]["removed"]
            .as_array()
            .unwrap()
            .iter()
            .for_each(|key| drop(known.remove(key.as_str().unwrap())));
        known == json!({"a": {"x": 2}}).as_object().unwrap().clone()
    });
}

#[test]
fn columns_come_as_bytes() {
    let hub = hub(|_| {});
    hub.set("g", "points", vec![Column::f32("x", [1.0, 2.0]), Column::f64("y", [3.0])]).unwrap();
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("g");
    let (kind, state) = viewer.packet();
    let placeholder = |number| json!({"_placeholder": true, "num": number});
    assert_eq!(
        (kind.as_str(), &state[1]["points"]["x"]["f32"], &state[1]["points"]["y"]["f64"]),
        ("452-", &placeholder(0), &placeholder(1))
    );
    assert_eq!(viewer.message().into_data(), [1.0_f32.to_le_bytes(), 2.0_f32.to_le_bytes()].concat());
    assert_eq!(viewer.message().into_data(), 3.0_f64.to_le_bytes().to_vec());
}

#[test]
fn bytes_that_emitters_say_are_columns_in_both_codecs() {
    let hub = hub(|_| {});
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("g");
    viewer.packet();
    let mut told = || {
        let (kind, update) = viewer.packet();
        assert_eq!((kind.as_str(), &update[1]["p"]["x"]["f32"]["_placeholder"]), ("451-", &json!(true)));
        viewer.message().into_data()
    };
    let mut emitter = Viewer::emitter(hub.addr());
    let columns = r#"{"p":{"x":{"f32":{"_placeholder":true,"num":0}}}}"#;
    emitter.say(&format!(r#"451-["game-state-update",{{"room":"g","columns":{columns}}}]"#));
    emitter.0.send(Message::binary(1.5_f32.to_le_bytes().to_vec())).unwrap();
    assert_eq!(told(), 1.5_f32.to_le_bytes().to_vec());
    let mut emitter = Viewer::open(hub.addr(), "/socket.io-msgpack/?EIO=4&transport=websocket").unwrap();
    emitter.text();
    let say = |emitter: &mut Viewer, packet: Vec<u8>| emitter.0.send(Message::binary(packet)).unwrap();
    say(&mut emitter, b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa5token\xa6secret".to_vec());
    emitter.message();
    // {"type": 2, "nsp": "/", "data": ["game-state-update", {"room": "g", "columns": {"p": {"x": {"f32": bytes}}}}]}
    let update = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xb1game-state-update\x82\xa4room\xa1g\xa7columns\x81\xa1p\x81\xa1x\x81\xa3f32\xc4\x04";
    say(&mut emitter, [&update[..], &2.5_f32.to_le_bytes()].concat());
    assert_eq!(told(), 2.5_f32.to_le_bytes().to_vec());
}

#[test]
fn messagepack_is_spoken_on_a_path_of_its_own() {
    let hub = hub(|_| {});
    let mut viewer = Viewer::open(hub.addr(), "/socket.io-msgpack/?EIO=4&transport=websocket").unwrap();
    assert!(viewer.text().starts_with("0{"));
    // {"type": 0, "nsp": "/"}, as its npm package writes it.
    let connect = b"\x82\xa4type\x00\xa3nsp\xa1/".to_vec();
    viewer.0.send(Message::binary(connect)).unwrap();
    let answer = viewer.message().into_data();
    assert!(answer.starts_with(b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa3sid\xb0"), "{answer:?}");
}

#[test]
fn a_join_in_the_same_breath_as_the_connection_is_not_lost() {
    let hub = hub(|_| {});
    hub.set("g", "n", json!(1)).unwrap();
    for _ in 0..200 {
        let mut viewer = Viewer::session(hub.addr());
        for text in ["40", "421[\"join-game\",\"g\"]"] {
            viewer.0.write(Message::text(text)).unwrap();
        }
        viewer.0.flush().unwrap();
        assert!(viewer.text().starts_with("40{"));
        assert_eq!(viewer.packet().0, "431");
        assert_eq!(viewer.packet().1[1]["n"], 1);
    }
}

#[test]
fn whoever_comes_again_gets_the_events_since_and_is_told_what_is_lost() {
    let hub = hub(|options| options.log = 4);
    let mut viewer = Viewer::connected(hub.addr());
    let joined = viewer.join("g");
    assert_eq!(joined["next"], 1);
    for n in 1..=10 {
        hub.emit("g", "visualization-event", json!({ "n": n })).unwrap();
    }
    let mut told = 0;
    until("it has them", || {
        told = viewer.packet().1[2]["n"].as_u64().unwrap_or(told);
        told == 10
    });
    drop(viewer);
    let mut again = Viewer::connected(hub.addr());
    again.say(&format!("42[\"join-game\",{}]", json!({"room": "g", "hub": joined["hub"], "next": 3})));
    let mut kinds = Vec::new();
    for _ in 0..6 {
        let (_, packet) = again.packet();
        kinds.push((
            packet[0].as_str().unwrap().to_owned(),
            packet[2]["n"].as_u64().or(packet[1]["lost"].as_u64()),
        ));
    }
    let event = |n| ("visualization-event".to_owned(), Some(n));
    assert_eq!(
        kinds,
        [
            ("gameState".to_owned(), None),
            ("lost".to_owned(), Some(4)),
            event(7),
            event(8),
            event(9),
            event(10)
        ]
    );
    // What another hub told means nothing here.
    again.say(r#"421["join-game",{"room":"g","hub":"another","next":3}]"#);
    until("from now on", || again.packet().1[0]["next"] == 11);
}

#[test]
fn whoever_comes_again_to_a_room_that_was_made_anew_is_told_that_it_is_another() {
    let hub = hub(|options| options.idle_room = Duration::from_millis(50));
    let join = |from: &Value| {
        let mut viewer = Viewer::connected(hub.addr());
        viewer.say(&format!("427[\"join-game\",{from}]"));
        let (_, answer) = viewer.packet();
        (answer[0].clone(), viewer)
    };
    let (first, mut viewer) = join(&json!("g"));
    assert_eq!((&first["next"], &first["resumed"]), (&json!(1), &json!(false)));
    for n in 1..=3 {
        assert_eq!(hub.emit("g", "agent-action", json!(n)).unwrap(), Some(n));
    }
    until("they are told", || viewer.packet().1[2]["n"] == 3);
    let known = json!({"room": "g", "hub": first["hub"], "next": 4});
    let (again, other) = join(&known);
    assert_eq!((&again["next"], &again["resumed"]), (&json!(4), &json!(true)));
    drop((viewer, other));
    until("the room goes", || hub.stats().rooms == 0);
    // As many as there were, and more: no number comes again.
    let numbers: Vec<_> = (0..5).map(|n| hub.emit("g", "agent-action", json!(n)).unwrap().unwrap()).collect();
    assert_eq!(numbers, [5, 6, 7, 8, 9]);
    let stays = join(&json!("g"));
    until("it is told", || join(&json!("g")).0["next"] == 10);
    let known = |next: u64| json!({"room": "g", "hub": first["hub"], "next": next});
    for next in [2, 3, 4, 100] {
        let (answer, _viewer) = join(&known(next));
        assert_eq!((&answer["resumed"], &answer["next"]), (&json!(false), &json!(10)), "{next}");
    }
    let (answer, mut all) = join(&known(0));
    assert_eq!((&answer["resumed"], &answer["next"]), (&json!(true), &json!(5)));
    until("all that are kept are told", || all.packet().1[2]["n"] == 9);
    let (answer, _viewer) = join(&known(7));
    assert_eq!((&answer["resumed"], &answer["next"]), (&json!(true), &json!(7)));
    let (answer, _viewer) = join(&json!({"room": "g", "hub": "another", "next": 6}));
    assert_eq!(answer["resumed"], false);
    drop(stays);
}

#[test]
fn a_room_that_nobody_watches_goes_and_one_that_is_watched_stays() {
    let hub = hub(|options| options.idle_room = Duration::from_millis(100));
    hub.set("idle", "n", json!(1)).unwrap();
    hub.set("watched", "n", json!(1)).unwrap();
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("watched");
    until("the idle one goes", || hub.stats().evicted == 1);
    assert_eq!(hub.stats().rooms, 1);
    drop(viewer);
    until("the other one goes", || hub.stats().rooms == 0);
}

#[test]
fn a_viewer_that_stops_reading_costs_one_state_and_is_current_when_it_reads_again() {
    let hub = hub(|options| options.stalled_after = Duration::from_secs(600));
    let mut slow = Viewer::connected(hub.addr());
    let mut quick = Viewer::connected(hub.addr());
    slow.join("g");
    quick.join("g");
    let pad = "x".repeat(64 << 10);
    let frames = 400;
    for n in 1..=frames {
        hub.set("g", "state", json!({"n": n, "pad": pad})).unwrap();
        // The quick one has each before the next is set.
        until("the quick one has it", || quick.packet().1[1]["state"]["n"] == n);
    }
    let stats = hub.stats();
    assert!(stats.behind > 100, "{stats:?}");
    let mut read = 0;
    until("the slow one has the newest", || {
        read += 1;
        slow.packet().1[1]["state"]["n"] == frames
    });
    assert!(read < 200, "it was told {read} of {frames}: what it could not take was passed over");
}

#[test]
fn a_viewer_that_takes_nothing_for_too_long_is_closed_though_its_machine_acknowledges() {
    let hub = hub(|options| options.stalled_after = Duration::from_millis(300));
    let mut slow = Viewer::connected(hub.addr());
    slow.join("g");
    let pad = "x".repeat(256 << 10);
    let mut n = 0;
    until("it is closed", || {
        n += 1;
        hub.set("g", "state", json!({"n": n, "pad": pad})).unwrap();
        hub.stats().viewers == 0
    });
    assert_eq!(hub.stats().closed, 1);
}

#[test]
fn a_viewer_that_takes_a_byte_now_and_then_is_closed_and_one_that_is_only_slow_is_not() {
    let hub = hub(|options| options.stalled_after = Duration::from_secs(4));
    hub.set("g", "large", json!("x".repeat(2 << 20))).unwrap();
    let reads = |bytes: usize, pause: Duration| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        // As little as there can be, so that the hub sees each read.
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&hub.addr().into()).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(SOON)).unwrap();
        let request = format!(
            "GET {WEBSOCKET} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            hub.addr()
        );
        stream.write_all(request.as_bytes()).unwrap();
        for text in ["40", r#"420["join-game","g"]"#] {
            let frame = [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat();
            stream.write_all(&frame).unwrap();
        }
        let (begin, mut buffer) = (Instant::now(), vec![0; bytes]);
        while begin.elapsed() < Duration::from_secs(12) {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return false,
                Ok(_) => std::thread::sleep(pause),
            }
        }
        true
    };
    std::thread::scope(|scope| {
        let crawls = scope.spawn(|| reads(64, Duration::from_millis(20)));
        let walks = scope.spawn(|| reads(2048, Duration::from_millis(20)));
        assert!(!crawls.join().unwrap(), "some 3 KiB a second are taken");
        assert!(walks.join().unwrap(), "some 100 KiB a second are taken");
    });
    assert_eq!(hub.stats().closed, 1);
}

#[test]
fn whoever_asks_and_reads_no_answers_is_closed() {
    let hub = hub(|options| options.viewer_limits.messages_per_s = 1_000_000);
    let mut viewer = Viewer::connected(hub.addr());
    viewer.0.get_ref().set_write_timeout(Some(SOON)).unwrap();
    let ask = format!("421[{}]", json!("no-such-event-".repeat(20)));
    for _ in 0..1_000_000 {
        if viewer.0.send(Message::text(&ask)).is_err() {
            break;
        }
    }
    until("it is closed", || hub.stats().viewers == 0);
}

#[test]
fn a_hub_that_stops_tells_what_was_published_and_asks_to_come_back() {
    let hub = hub(|_| {});
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("g");
    viewer.packet();
    hub.set("g", "last", json!("word")).unwrap();
    hub.stop(SOON);
    let (said, code) = viewer.end();
    assert!(said.iter().any(|said| said.contains("word")), "{said:?}");
    assert_eq!(code, Some(1013));
}

#[test]
fn a_hub_that_stops_answers_who_polls_and_asks_nobody_to_stay_away() {
    let mut patience = Duration::ZERO;
    // Whether a poll waits already cannot be seen: it has more time for that each time.
    until("a poll that waits is told", || {
        patience += Duration::from_millis(20);
        let hub = hub(|_| {});
        let (addr, path) = (hub.addr(), poll_session(hub.addr()));
        assert_eq!(http(addr, "POST", &path, &[], "40").0, 200);
        assert!(get(addr, &path).1.starts_with("40{"));
        let mut waiting = TcpStream::connect(addr).unwrap();
        write!(waiting, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").unwrap();
        std::thread::sleep(patience);
        hub.stop(SOON);
        let mut said = String::new();
        waiting.read_to_string(&mut said).is_ok()
            && said.starts_with("HTTP/1.1 200")
            && said.ends_with("\r\n\r\n6")
    });
}

#[test]
fn its_health_and_its_metrics_are_told() {
    let hub = hub(|_| {});
    let _viewer = Viewer::connected(hub.addr());
    assert_eq!(get(hub.addr(), "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(http(hub.addr(), "HEAD", "/healthz", &[], "").0, 200);
    for (method, path) in [("GET", "/emit"), ("PUT", "/emit"), ("POST", "/healthz"), ("DELETE", "/metrics")] {
        assert_eq!(http(hub.addr(), method, path, &[], "").0, 405, "{method} {path}");
    }
    let (status, text) = get(hub.addr(), "/metrics");
    assert_eq!(status, 200);
    assert!(text.contains("# TYPE circlet_hub_viewers gauge\ncirclet_hub_viewers 1\n"), "{text}");
    assert!(text.contains("# TYPE circlet_hub_connections_total counter\ncirclet_hub_connections_total 1\n"));
}

#[test]
fn ticks_come_no_faster_than_is_said_however_fast_is_published() {
    let hub = hub(|options| options.hz = 20);
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("g");
    let (begin, mut ticks, mut last) = (Instant::now(), 0_u32, None);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0_u64.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                hub.set("g", "n", json!(n)).unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        while begin.elapsed() < Duration::from_secs(2) {
            let (_, said) = viewer.packet();
            if said[0] == "game-state-update" {
                ticks += 1;
                assert!(last < said[1]["n"].as_u64(), "{said}");
                last = said[1]["n"].as_u64();
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let most = (begin.elapsed().as_secs_f64() * 20.0).ceil() as u32 + 1;
    assert!(ticks <= most && ticks >= 10, "{ticks} of {most}");
}
