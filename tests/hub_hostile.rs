//! The hub as a process of its own, and clients that break the rules: each is refused in the protocol's words, costs no memory that stays,
//! and disturbs nobody. That the process complained of nothing is looked at as it ends.
#![cfg(all(target_os = "linux", feature = "cli"))]

#[path = "common/hub_process.rs"]
mod hub_process;
#[path = "common/hub_protocol.rs"]
mod hub_protocol;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;
use tungstenite::Message;

use hub_process::{Process, TOKEN};
use hub_protocol::{POLLING, SOON, Viewer, WEBSOCKET, get, http, poll_session, until};

const MSGPACK: &str = "/socket.io-msgpack/?EIO=4&transport=websocket";

/// A viewer that is told each tick of a room, while others do as they like. It takes two sessions of the hub.
struct Witness {
    is_over: &'static AtomicBool,
    threads: Vec<JoinHandle<u64>>,
}

impl Witness {
    fn watches(addr: SocketAddr) -> Self {
        let is_over: &AtomicBool = Box::leak(Box::default());
        let mut viewer = Viewer::connected(addr);
        viewer.join("watched");
        let mut emitter = Viewer::emitter(addr);
        let publishing = std::thread::spawn(move || {
            for n in 0.. {
                let is_last = is_over.load(Ordering::Relaxed);
                let update = json!({"room": "watched", "set": {"n": n, "is_last": is_last}});
                emitter.say(&format!("420[\"game-state-update\",{update}]"));
                while !emitter.text().starts_with("430") {}
                if is_last {
                    return n;
                }
                std::thread::sleep(Duration::from_millis(30));
            }
            0
        });
        let watching = std::thread::spawn(move || {
            let (_, state) = viewer.packet();
            let mut version = state[2]["version"].as_u64().unwrap();
            for ticks in 1.. {
                let (_, delta) = viewer.packet();
                assert_eq!(delta[0], "game-state-update", "it fell behind");
                assert_eq!(delta[2]["from"], version, "a tick is missing");
                version = delta[2]["version"].as_u64().unwrap();
                if delta[1]["is_last"] == true {
                    return ticks;
                }
            }
            0
        });
        Self { is_over, threads: vec![publishing, watching] }
    }

    /// Ends, after each tick was told.
    fn was_undisturbed(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let told: Vec<_> = self.threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(told[1] > 0 && told[1] <= told[0] + 1, "{told:?}");
    }
}

/// What a test does to a hub, with what it may cost.
fn undisturbed(arguments: &[&str], act: impl FnOnce(&Process)) {
    let hub = Process::start(arguments);
    let witness = Witness::watches(hub.addr);
    hub.until_viewers(2);
    let kib = hub.kib();
    act(&hub);
    hub.until_viewers(2);
    witness.was_undisturbed();
    let grown = hub.kib().saturating_sub(kib);
    assert!(grown < 4_096, "{grown} KiB");
}

/// A frame of a client, with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ ..126 => bytes.push(0x80 | length as u8),
        length @ ..0x1_0000 => {
            bytes.push(0xfe);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0xff);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes())
}

#[test]
fn what_no_client_may_send_closes_it_with_the_code_for_it_and_costs_nothing() {
    let long = "x".repeat(17 << 10);
    let deep = [b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data".to_vec(), vec![0x91; 9_000]].concat();
    let json: Vec<(&str, Vec<u8>, u16)> = vec![
        ("no mask", vec![0x81, 1, b'x'], 1002),
        ("bits of extensions", frame(0xc1, b"4"), 1002),
        ("a reserved opcode", frame(0x83, b"x"), 1002),
        ("a reserved control opcode", frame(0x8b, b"x"), 1002),
        ("a control frame in fragments", frame(0x09, b"x"), 1002),
        ("a long control frame", frame(0x89, &[0; 126]), 1002),
        ("a fragment of nothing", frame(0x80, b"x"), 1002),
        ("a message in another", [frame(0x01, b"4"), text("4")].concat(), 1002),
        ("no UTF-8", frame(0x81, b"4\xff\xfe"), 1007),
        ("no UTF-8 in fragments", [frame(0x01, b"4\xf0\x9f"), frame(0x80, b"x")].concat(), 1007),
        ("too long a message", text(&long), 1009),
        ("too long a message, of which only the head comes", text(&long)[..40].to_vec(), 1009),
        (
            "fragments that are too long",
            [frame(0x01, &[b'4'; 9 << 10]), frame(0x80, &[b'4'; 9 << 10])].concat(),
            1009,
        ),
        ("2^63 bytes", [vec![0x82, 0xff, 0x80], vec![0; 7 + 4]].concat(), 1009),
        ("2^64 - 1 bytes", [vec![0x82, 0xff], vec![0xff; 8], vec![0; 4]].concat(), 1009),
        ("no packet of Engine.IO", text("9"), 1008),
        ("an empty packet", text(""), 1008),
        ("what only servers send", text("0{}"), 1008),
        ("a ping of Engine.IO", text("2"), 1008),
        ("no packet of Socket.IO", text("4abc"), 1002),
        ("an event without a name", text("42[]"), 1002),
        ("an event with a number for a name", text("42[7]"), 1002),
        ("half an event", text("42[\"join-game\""), 1002),
        ("a million attachments", text("451000000-[\"x\"]"), 1002),
        ("2^70 attachments", text("451180591620717411303424-[\"x\"]"), 1002),
        ("bytes that belong to nothing", frame(0x82, b"x"), 1002),
        ("text in the place of an attachment", [text("451-[\"x\"]"), text("42[\"y\"]")].concat(), 1002),
        (
            "attachments that are too long together",
            [text("452-[\"x\"]"), frame(0x82, &[0; 9_000]), frame(0x82, &[0; 9_000])].concat(),
            1002,
        ),
        ("too deep an event", text(&format!("42[\"join-game\",{}", "[".repeat(9_000))), 1002),
        ("150 pings at once", frame(0x89, b"?").repeat(150), 1008),
        ("150 pongs that nobody asked for", frame(0x8a, b"").repeat(150), 1008),
        ("150 empty fragments", [frame(0x01, b"4"), frame(0x00, b"").repeat(150)].concat(), 1008),
        ("150 pongs of Engine.IO that nobody asked for", text("3").repeat(150), 1008),
        ("150 packets that say nothing", text("6").repeat(150), 1008),
        ("150 events at once", text("42[\"leave-game\",\"g\"]").repeat(150), 1008),
    ];
    let msgpack: Vec<(&str, Vec<u8>, u16)> = vec![
        ("text", text("42[\"join-game\",\"g\"]"), 1002),
        ("no map", frame(0x82, b"\xc0"), 1002),
        ("a map of four thousand million", frame(0x82, b"\xdf\xff\xff\xff\xff"), 1002),
        ("a string of four thousand million", frame(0x82, b"\x81\xdb\xff\xff\xff\xffx"), 1002),
        (
            "a list of four thousand million",
            frame(0x82, b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd\xff\xff\xff\xff"),
            1002,
        ),
        ("too deep an event", frame(0x82, &deep), 1002),
        ("a type of packet that is none", frame(0x82, b"\x82\xa4type\x63\xa3nsp\xa1/"), 1002),
        ("half a packet", frame(0x82, b"\x83\xa4type\x02\xa3ns"), 1002),
    ];
    undisturbed(&[], |hub| {
        let kib = hub.kib();
        let cases =
            json.iter().map(|case| (WEBSOCKET, case)).chain(msgpack.iter().map(|case| (MSGPACK, case)));
        for (number, (path, (what, bytes, code))) in cases.enumerate() {
            let mut viewer = Viewer::open(hub.addr, path).unwrap();
            assert!(viewer.text().starts_with("0{"));
            if path == WEBSOCKET {
                viewer.say("40");
            } else {
                viewer.0.send(Message::binary(b"\x82\xa4type\x00\xa3nsp\xa1/".to_vec())).unwrap();
            }
            viewer.message();
            // It may close before it has read all.
            let _ = viewer.0.get_mut().write_all(bytes);
            let (said, found) = viewer.end();
            assert_eq!(found, Some(*code), "{what}: {said:?}");
            assert_eq!(hub.metric("closed_total"), number as u64 + 1, "{what}");
        }
        let grown = hub.kib().saturating_sub(kib);
        assert!(grown < 2_048, "{grown} KiB");
    });
}

#[test]
fn long_messages_are_not_waited_for_from_whoever_may_not_send_them() {
    undisturbed(&[], |hub| {
        let kib = hub.kib();
        let announced = &text(&"4".repeat(1 << 20))[..900 << 10];
        let viewers: Vec<_> = (0..50)
            .map(|_| {
                let mut viewer = Viewer::connected(hub.addr);
                let _ = viewer.0.get_mut().write_all(announced);
                viewer
            })
            .collect();
        hub.until_viewers(2);
        let grown = hub.kib().saturating_sub(kib);
        assert!(grown < 4_096, "{grown} KiB");
        drop(viewers);
        // An emitter may, and in the same breath as it says that it is one.
        let mut emitter = Viewer::session(hub.addr);
        let event = json!({"room": "g", "text": "x".repeat(900 << 10)});
        let both =
            [text(&format!("40{{\"token\":\"{TOKEN}\"}}")), text(&format!("421[\"agent-action\",{event}]"))];
        emitter.0.get_mut().write_all(&both.concat()).unwrap();
        assert!(emitter.text().starts_with("40{"));
        assert_eq!(emitter.packet().1[0]["ok"], true);
    });
}

#[test]
fn what_belongs_to_other_namespaces_is_refused_or_passed_over() {
    undisturbed(&[], |hub| {
        let mut viewer = Viewer::connected(hub.addr);
        for namespace in ["/admin", "/a?b=c", "/\u{1f600}"] {
            viewer.say(&format!("40{namespace},{{}}"));
            viewer.say(&format!("42{namespace},[\"join-game\",\"g\"]"));
        }
        viewer.say("42/,[\"join-game\",\"g\"]");
        // Three are refused; in the main one it is, and joins once.
        let said: Vec<_> = (0..4).map(|_| viewer.text()).collect();
        let (states, refused): (Vec<_>, Vec<_>) =
            said.iter().partition(|said| said.starts_with("42[\"gameState\""));
        assert!(states.len() == 1 && refused.len() == 3, "{said:?}");
        let invalid = r#",{"message":"Invalid namespace"}"#;
        assert!(refused.iter().all(|said| said.starts_with("44/") && said.ends_with(invalid)), "{said:?}");
        assert_eq!(viewer.join("g")["ok"], true);
    });
}

#[test]
fn requests_that_are_wrong_or_forged_are_answered_and_counted() {
    undisturbed(&[], |hub| {
        let refused = hub.metric("refused_total");
        let port = hub.addr.port();
        let own = format!("Host: 127.0.0.1:{port}");
        let forged: [&[&str]; 5] = [
            &["Origin: https://evil.example"],
            &["Origin: null"],
            &["Host: evil.example"],
            &[&own, "Host: evil.example"],
            &[&own, "Origin: http://localhost", "Origin: http://127.0.0.1"],
        ];
        for headers in forged {
            for path in [POLLING, WEBSOCKET, "/", "/metrics", "/emit"] {
                assert_eq!(http(hub.addr, "GET", path, headers, "").0, 403, "{headers:?} {path}");
            }
        }
        assert_eq!(hub.metric("refused_total"), refused + 25);
        for (body, status) in [
            ("x".repeat(17 << 10), 413),
            ("4\u{1e}".to_owned(), 400),
            ("b!".to_owned(), 400),
            ("451000000-[\"x\"]".to_owned(), 400),
        ] {
            let path = poll_session(hub.addr);
            assert_eq!(http(hub.addr, "POST", &path, &[], "40").0, 200);
            assert_eq!(http(hub.addr, "POST", &path, &[], &body).0, status);
            assert_eq!(get(hub.addr, &path).0, 400, "it is closed");
        }
        let bearer = format!("Authorization: Bearer {TOKEN}");
        assert_eq!(http(hub.addr, "POST", "/emit", &[&bearer], &"x".repeat((1 << 20) + 1)).0, 413);
        // Two lengths, of which a proxy may believe the other one; headers without an end; and what is no HTTP.
        let smuggled =
            format!("POST /emit HTTP/1.1\r\n{own}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
        let endless = format!("GET / HTTP/1.1\r\n{own}\r\n{}", "X-More: of it\r\n".repeat(3_000));
        for request in [smuggled, endless, "\u{16}\u{3}\u{1} hello\r\n\r\n".to_owned()] {
            let mut stream = TcpStream::connect(hub.addr).unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            let _ = stream.write_all(request.as_bytes());
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert!(matches!(&answer[9..], b"400" | b"431"), "{}", String::from_utf8_lossy(&answer));
        }
    });
}

#[test]
fn what_never_comes_is_not_waited_for_and_answers_that_nobody_reads_are_dropped() {
    let hub = Process::start(&["--stalled-after", "1s"]);
    let witness = Witness::watches(hub.addr);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let large = json!({"event": "game-state-update", "room": "large", "set": {"x": "x".repeat(900 << 10)}});
    assert_eq!(http(hub.addr, "POST", "/emit", &[&bearer], &large.to_string()).0, 200);
    let (descriptors, kib) = (hub.descriptors(), hub.kib());
    let session = poll_session(hub.addr);
    let posted = format!("POST {session} HTTP/1.1\r\nHost: {}\r\nContent-Length: 9\r\n\r\n4", hub.addr);
    let mut open = Vec::new();
    for begin in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", &posted] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(hub.addr).unwrap();
            stream.write_all(begin.as_bytes()).unwrap();
            open.push(stream);
        }
    }
    for _ in 0..20 {
        let path = poll_session(hub.addr);
        assert_eq!(http(hub.addr, "POST", &path, &[], "40\u{1e}42[\"join-game\",\"large\"]").0, 200);
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        socket.connect(&hub.addr.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", hub.addr).unwrap();
        open.push(stream);
    }
    // Of those who read no answers some may be gone already.
    until("they are open", || hub.descriptors() >= descriptors + 80);
    let begin = Instant::now();
    while hub.descriptors() > descriptors + 2 {
        assert!(
            begin.elapsed() < Duration::from_secs(25),
            "{} are open still",
            hub.descriptors() - descriptors
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let grown = hub.kib().saturating_sub(kib);
    assert!(grown < 8_192, "{grown} KiB");
    witness.was_undisturbed();
}

#[test]
fn an_answer_that_nobody_reads_is_kept_once_however_often_it_is_asked_for() {
    let hub = Process::start(&["--stalled-after", "2s"]);
    let witness = Witness::watches(hub.addr);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    for room in ["one", "two"] {
        let large = json!({"event": "game-state-update", "room": room, "set": {"x": "x".repeat(1000 << 10)}});
        assert_eq!(http(hub.addr, "POST", "/emit", &[&bearer], &large.to_string()).0, 200);
    }
    let path = poll_session(hub.addr);
    assert_eq!(http(hub.addr, "POST", &path, &[], "40").0, 200);
    assert!(get(hub.addr, &path).1.starts_with("40{"));
    let again =
        ["one", "two"].map(|room| format!("42[\"leave-game\",\"{room}\"]\u{1e}42[\"join-game\",\"{room}\"]"));
    let again = again.join("\u{1e}");
    assert_eq!(http(hub.addr, "POST", &path, &[], &again).0, 200);
    let kib = hub.kib();
    let mut unread = Vec::new();
    for _ in 0..12 {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        socket.connect(&hub.addr.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", hub.addr).unwrap();
        unread.push(stream);
        std::thread::sleep(Duration::from_millis(60));
        if http(hub.addr, "POST", &path, &[], &again).0 != 200 {
            break;
        }
    }
    let grown = hub.kib().saturating_sub(kib);
    assert!(grown < 6 << 10, "{grown} KiB for {} polls", unread.len());
    until("the session is closed", || get(hub.addr, &path).0 == 400);
    witness.was_undisturbed();
}

#[test]
fn made_up_rooms_are_bounded_and_go_with_whoever_made_them_up() {
    undisturbed(&[], |hub| {
        let kib = hub.kib();
        let mut viewers = Vec::new();
        let (mut joined, mut too_many, mut full) = (0, 0, 0);
        for number in 0..125 {
            let mut viewer = Viewer::connected(hub.addr);
            for room in 0..80 {
                viewer.say(&format!("421[\"join-game\",\"{number}-{room}-{}\"]", "x".repeat(150)));
            }
            let mut answers = 0;
            while answers < 80 {
                let (kind, answer) = viewer.packet();
                if kind == "431" {
                    answers += 1;
                    match &answer[0] {
                        answer if answer["ok"] == true => joined += 1,
                        answer
                            if answer["error"]
                                .as_str()
                                .unwrap()
                                .contains("in 64 rooms, as many as a client may be in") =>
                        {
                            too_many += 1;
                        }
                        answer
                            if answer["error"]
                                .as_str()
                                .unwrap()
                                .contains("there are 1000 rooms, as many as there may be") =>
                        {
                            full += 1;
                        }
                        answer => panic!("{answer}"),
                    }
                }
            }
            viewers.push(viewer);
        }
        // One room is the witness's.
        assert_eq!((joined, joined + too_many + full), (999, 10_000));
        assert!(too_many > 200 && full > 8_000, "{too_many} {full}");
        assert_eq!(hub.metric("rooms"), 1_000);
        let grown = hub.kib().saturating_sub(kib);
        assert!(grown < 4_096, "{grown} KiB for 125 viewers and 1,000 rooms");
        drop(viewers);
        until("they are gone, though no room is idle for long", || hub.metric("rooms") == 1);
        let bearer = format!("Authorization: Bearer {TOKEN}");
        let event = r#"{"event":"agent-action","room":"of-its-own"}"#;
        assert_eq!(http(hub.addr, "POST", "/emit", &[&bearer], event).0, 200);
        assert_eq!(hub.metric("rooms"), 2, "what was said in one stays");
    });
}
