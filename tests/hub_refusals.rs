//! What a hub refuses: options that cannot be, pages, addresses and tokens that may not, and what viewers and emitters say that is wrong,
//! or too much. Each is told what was given, what is allowed, and what to do.
#![cfg(feature = "hub")]

#[path = "common/hub_protocol.rs"]
mod hub_protocol;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use circlet::hub::{Hub, HubOptions};
use serde_json::{Value, json};
use tungstenite::Message;

use hub_protocol::{POLLING, Viewer, WEBSOCKET, get, http, hub, poll_session, until};

#[test]
fn only_emitters_emit_and_everybody_is_told_why_not() {
    let hub = hub(|_| {});
    let mut viewer = Viewer::connected(hub.addr());
    viewer.say(r#"421["agent-action",{"room":"g"}]"#);
    let (kind, answer) = viewer.packet();
    assert_eq!((kind.as_str(), &answer[0]["ok"]), ("431", &json!(false)));
    viewer.say(r#"42["agent-action",{"room":"g"}]"#);
    assert_eq!(viewer.packet().1[0], "refused");
    let mut stranger = Viewer::session(hub.addr());
    stranger.say(r#"40{"token":"guess"}"#);
    assert!(stranger.text().starts_with("44{"));
    let mut emitter = Viewer::emitter(hub.addr());
    emitter.say(r#"421["agent-action",{"room":"g","action":"edit"}]"#);
    assert_eq!(emitter.packet().1[0], json!({"ok": true, "room": "g", "n": 1}));
    let bearer = "Authorization: Bearer secret";
    let body = r#"{"event":"game-state-update","room":"g","set":{"n":1}}"#;
    assert_eq!(http(hub.addr(), "POST", "/emit", &[bearer], body).0, 200);
    assert_eq!(http(hub.addr(), "POST", "/emit", &["Authorization: Bearer guess"], body).0, 401);
    assert_eq!(http(hub.addr(), "POST", "/emit", &[bearer], "nothing").0, 400);
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("g");
    assert_eq!(viewer.packet().1[1], json!({"n": 1}));
}

#[test]
fn pages_of_other_origins_and_names_that_lead_here_are_refused_before_the_upgrade() {
    let hub = hub(|options| options.origins = vec!["https://app.example".to_owned()]);
    let upgrade = [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let evil = [&upgrade[..], &["Origin: https://evil.example"]].concat();
    let (status, body) = http(hub.addr(), "GET", WEBSOCKET, &evil, "");
    assert!(status == 403 && body.contains("https://evil.example"), "{status} {body}");
    let rebound = [&upgrade[..], &["Host: evil.example"]].concat();
    assert_eq!(http(hub.addr(), "GET", WEBSOCKET, &rebound, "").0, 403);
    assert_eq!(http(hub.addr(), "GET", POLLING, &["Origin: https://app.example"], "").0, 200);
    assert_eq!(hub.stats().connections, 1);
}

#[test]
fn a_client_that_says_too_much_is_closed_and_told_why() {
    let hub = hub(|options| options.viewer_limits.messages_per_s = 10);
    let mut viewer = Viewer::connected(hub.addr());
    let mut sent = 0;
    while viewer.0.send(Message::text("42[\"leave-game\",\"g\"]")).is_ok() && sent < 10_000 {
        sent += 1;
    }
    let (said, _) = viewer.end();
    assert!(said.iter().any(|said| said.contains("more than 10 messages a second")) || sent > 20, "{said:?}");
    until("it is closed", || hub.stats().viewers == 0);
    let mut viewer = Viewer::connected(hub.addr());
    viewer.say(&format!("42[\"join-game\",\"{}\"]", "x".repeat(17 << 10)));
    until("it is closed", || hub.stats().viewers == 0);
}

#[test]
fn options_that_cannot_be_are_named() {
    for (change, option) in [
        ((|options: &mut HubOptions| options.hz = 61) as fn(&mut HubOptions), "hz"),
        (|options| options.threads = 0, "threads"),
        (|options| options.ping_timeout = Duration::ZERO, "ping_timeout"),
        (|options| options.emit_token = Some(String::new()), "emit_token"),
        (|options| options.max_rooms = 0, "`max_rooms` is 0; allowed is 1 or more"),
        (|options| options.max_keys = 0, "max_keys"),
        (|options| options.max_room_bytes = 0, "max_room_bytes"),
        (|options| options.log = 0, "log"),
        (|options| options.max_connections = 0, "max_connections"),
        (|options| options.max_connections_per_address = Some(0), "max_connections_per_address"),
        (
            |options| options.viewer_limits.rooms = 0,
            "`viewer_limits` is {rooms: 0}; allowed is 1 or more of each",
        ),
        (|options| options.viewer_limits.messages_per_s = 0, "messages_per_s"),
        (|options| options.emitter_limits.bytes_per_s = 0, "`emitter_limits` is {bytes_per_s: 0}"),
        (|options| options.emitter_limits.message_bytes = 0, "message_bytes"),
        (|options| options.viewer_limits.bytes_per_s = 1_024, "as many bytes as come in two seconds"),
        (|options| options.idle_room = Duration::ZERO, "idle_room"),
        (|options| options.origins = vec!["https://app.example/".to_owned()], "https://example.org"),
        (|options| options.origins = vec!["*".to_owned()], "https://example.org"),
        (|options| options.hosts = vec!["http://hub.example".to_owned()], "without a scheme"),
    ] {
        let mut options = HubOptions::default();
        options.addr = "127.0.0.1:0".parse().unwrap();
        change(&mut options);
        assert!(Hub::start(options).unwrap_err().to_string().contains(option));
    }
    let taken = hub(|_| {});
    let mut options = HubOptions::default();
    options.addr = taken.addr();
    assert!(Hub::start(options).unwrap_err().to_string().contains(&taken.addr().to_string()));
    let long = "x".repeat(201);
    for (room, key) in [("", "k"), ("r", ""), (&*long, "k"), ("r", &*long)] {
        assert!(taken.set(room, key, json!(1)).unwrap_err().to_string().contains("a name has 1 to 200"));
    }
}

#[test]
fn names_that_clients_take_for_something_else_and_values_that_are_too_deep_are_refused() {
    let hub = hub(|_| {});
    for event in
        ["connect", "disconnect", "connect_error", "newListener", "gameState", "game-state-update", "lost"]
    {
        let error = hub.emit("g", event, json!(1)).unwrap_err().to_string();
        assert!(error.contains(event) && error.contains("agent-action"), "{error}");
    }
    assert_eq!(hub.emit("g", "anything-else", json!(1)).unwrap(), Some(1));
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    hub.set("g", "deep", deep(100)).unwrap();
    assert!(hub.set("g", "deep", deep(101)).unwrap_err().to_string().contains("deeper than 100"));
    assert!(hub.emit("g", "agent-action", deep(101)).is_err());
    assert!(hub.remove("g", "").is_err());
}

#[test]
fn what_the_hub_or_a_session_says_of_itself_is_not_for_emitters_to_change() {
    let hub = hub(|_| {});
    let name = format!("circlet-test-hub-{}", std::process::id());
    for name in ["", "a/b", ".hidden", "a\0b"] {
        assert!(hub.follow_ring(name, "g").unwrap_err().to_string().contains("without '/' or NUL"), "{name}");
        assert!(hub.follow_session(name, "s").unwrap_err().to_string().contains("is not allowed"), "{name}");
    }
    hub.follow_session(&name, "s").unwrap();
    hub.follow_ring(&name, "g").unwrap();
    assert!(hub.follow_ring(&name, "g").unwrap_err().to_string().contains("already"));
    assert!(hub.follow_ring(&name, "hub").unwrap_err().to_string().contains("the hub's own"));
    let post = |body: &str| http(hub.addr(), "POST", "/emit", &["Authorization: Bearer secret"], body);
    for (room, why) in [("s", "what its session says"), ("hub", "the hub's own"), ("rings", "the hub's own")]
    {
        let (status, said) =
            post(&format!(r#"{{"event":"game-state-update","room":"{room}","set":{{"goal":"x"}}}}"#));
        assert!(status == 403 && said.contains(why), "{said}");
    }
    assert_eq!(post(r#"{"event":"agent-action","room":"s","action":"edit"}"#).0, 200);
    assert_eq!(post(r#"{"event":"game-state-update","room":"g","set":{"x":1}}"#).0, 200);
    let (status, said) = post(r#"{"event":"game-state-update","room":"g","sets":{"x":1}}"#);
    assert!(status == 400 && said.contains("`sets`") && said.contains("`columns`"), "{said}");
}

#[test]
fn whoever_posts_too_much_is_told_to_wait() {
    let hub = hub(|options| options.emitter_limits.messages_per_s = 10);
    let post = || {
        http(
            hub.addr(),
            "POST",
            "/emit",
            &["Authorization: Bearer secret"],
            r#"{"event":"agent-action","room":"g"}"#,
        )
    };
    let answers: Vec<_> = (0..40).map(|_| post()).collect();
    let taken = answers.iter().filter(|(status, _)| *status == 200).count();
    let (status, said) = &answers[39];
    assert!(
        (20..35).contains(&taken) && *status == 429 && said.contains("10 messages a second"),
        "{taken} {said}"
    );
    until("it may again", || post().0 == 200);
}

#[test]
fn what_is_posted_and_not_done_is_answered_by_what_was_given_what_is_allowed_and_what_to_do() {
    let hub = hub(|options| {
        options.max_rooms = 2;
        options.max_keys = 2;
        options.max_room_bytes = 1_000;
        options.emitter_limits.message_bytes = 5_000;
    });
    let post = |body: &str| http(hub.addr(), "POST", "/emit", &["Authorization: Bearer secret"], body);
    let set = |room: &str, set: &Value| {
        post(&json!({"event": "game-state-update", "room": room, "set": set}).to_string())
    };
    assert_eq!(set("a", &json!({"x": 1, "y": 2})).0, 200);
    assert_eq!(post(r#"{"event":"agent-action","room":"b"}"#).0, 200);
    let not_done = [
        (
            set("a", &json!({"z": 1})),
            507,
            &["room `a`", "3 keys", "may hold 2", "remove keys", "max_keys"][..],
        ),
        (set("a", &json!({"x": "x".repeat(999)})), 507, &["bytes", "may hold 1000", "max_room_bytes"]),
        (set("c", &json!({"x": 1})), 507, &["room `c`", "2 rooms", "idle_room", "max_rooms"]),
        (set("hub", &json!({"x": 1})), 403, &["`hub`", "the hub's own"]),
        (set("", &json!({"x": 1})), 400, &["0 bytes", "1 to 200"]),
        (post("nothing"), 400, &["no JSON", "agent-action"]),
        (post("[]"), 400, &["no object", "agent-action"]),
        (post("{}"), 400, &["`event` is missing", "agent-action", "game-state-update"]),
        (
            post(r#"{"event":"greeting","room":"a"}"#),
            400,
            &["`event` is \\\"greeting\\\"", "visualization-event"],
        ),
        (post(r#"{"event":"agent-action"}"#), 400, &["a room is needed"]),
        (post(&"x".repeat(5_001)), 413, &["at most 5000 bytes", "this one has 5001", "send less"]),
    ];
    for ((status, said), expected, says) in not_done {
        assert_eq!(status, expected, "{said}");
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["ok"], false);
        assert!(says.iter().all(|says| said.contains(says)), "{says:?}: {said}");
    }
    let refused = hub.stats().refused;
    assert_eq!(post(&"x".repeat(5_001)).0, 413);
    assert_eq!(hub.stats().refused, refused + 1, "it is counted, as all that is refused");
    let without = hub_protocol::hub(|options| options.emit_token = None);
    let (status, said) = http(without.addr(), "POST", "/emit", &["Authorization: Bearer secret"], "{}");
    assert!(status == 403 && said.contains("emit_token"), "{status} {said}");
    assert_eq!(http(hub.addr(), "POST", "/emit", &[], "{}").0, 401);
}

#[test]
fn what_is_wrong_with_what_a_viewer_says_is_told_by_its_name() {
    let hub = hub(|options| options.viewer_limits.rooms = 1);
    let mut viewer = Viewer::connected(hub.addr());
    let mut refused = |what: &str| {
        viewer.say(&format!("421{what}"));
        let (_, answer) = viewer.packet();
        answer[0]["error"].as_str().unwrap_or_else(|| panic!("{what}: {answer}")).to_owned()
    };
    for (what, says) in [
        (r#"["join-game",{"room":"g","hub":"x","next":"7"}]"#, r#"`next` is "7": give both"#),
        (r#"["join-game",{"room":"g","hub":"x","next":-1}]"#, "`next` is -1"),
        (r#"["join-game",{"room":"g","hub":"x"}]"#, "`next` is missing"),
        (r#"["join-game",{"room":"g","next":7}]"#, "`hub` is missing"),
        (r#"["join-game",{"hub":"x","next":7}]"#, "a room is needed"),
        (r#"["join-game",7]"#, "a room is needed"),
        (r#"["join-game",""]"#, "1 to 200"),
        (r#"["greet",{}]"#, "`greet` is known; viewers say join-game and leave-game"),
        (r#"["agent-action",{"room":"g"}]"#, "only emitters say `agent-action`"),
    ] {
        let refusal = refused(what);
        assert!(refusal.contains(says), "{what}: {refusal}");
    }
    assert_eq!(viewer.join("g")["ok"], true);
    viewer.packet();
    viewer.say(r#"421["join-game","h"]"#);
    assert!(viewer.packet().1[0]["error"].as_str().unwrap().contains("leave-game first"));
    let mut stranger = Viewer::session(hub.addr());
    stranger.say(r#"40{"token":"guess"}"#);
    assert!(stranger.text().contains("does not know the token"));
}

#[test]
fn an_address_has_so_many_connections_and_the_next_is_refused_before_the_upgrade() {
    let hub = hub(|options| {
        options.max_connections_per_address = Some(2);
        options.max_connections = 3;
    });
    let mut first = Viewer::connected(hub.addr());
    let _polls = poll_session(hub.addr());
    for path in [POLLING, WEBSOCKET] {
        let headers = [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAA",
        ];
        let (status, said) = http(hub.addr(), "GET", path, &headers, "");
        assert!(status == 429 && said.contains("127.0.0.1 has 2 connections"), "{status} {said}");
        assert!(said.contains("max_connections_per_address"), "{said}");
    }
    first.say("1");
    until("there is a place again", || get(hub.addr(), POLLING).0 == 200);
    // Connections that ask for nothing are as many as sessions may have at once.
    let idle: Vec<_> = (0..20).map(|_| TcpStream::connect(hub.addr()).unwrap()).collect();
    until("they are too many", || get(hub.addr(), "/healthz").0 == 429);
    drop(idle);
    until("they are gone", || get(hub.addr(), "/healthz").0 == 200);
}

#[test]
fn whoever_guesses_on_this_machine_locks_nobody_out() {
    let hub = hub(|_| {});
    let post = |token: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        http(hub.addr(), "POST", "/emit", &[&bearer], r#"{"event":"agent-action","room":"g"}"#)
    };
    for n in 0..30 {
        assert_eq!(post(&n.to_string()).0, 401);
    }
    // Behind a proxy here all are of one address.
    assert_eq!(post("secret").0, 200);
    let mut viewer = Viewer::session(hub.addr());
    viewer.say(r#"40{"token":"secret"}"#);
    assert!(viewer.text().starts_with("40{"));
}

#[test]
fn a_hub_whose_rooms_hold_next_to_nothing_says_of_itself_what_it_does() {
    let hub = hub(|options| (options.max_keys, options.max_room_bytes) = (1, 100));
    let mut viewer = Viewer::connected(hub.addr());
    viewer.say(r#"42["join-game","hub"]"#);
    until("it is told", || viewer.packet().1[1]["stats"]["viewers"] == 1);
}

/// Sends a request from an address of this machine, and returns the status of its answer.
fn status_from(source: [u8; 4], hub: &Hub, path: &str) -> u16 {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&hub.addr().into()).unwrap();
    let mut stream = TcpStream::from(socket);
    let upgrade =
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n{upgrade}\r\n", hub.addr())
        .unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
}

#[test]
fn addresses_on_the_block_list_or_not_on_the_allow_list_are_refused_before_the_upgrade_and_counted() {
    let list = |text: &str| vec![text.parse().unwrap()];
    let denies = hub(|options| options.deny = list("127.0.0.2/31"));
    let allows = hub(|options| options.allow = list("127.0.0.4/32"));
    let both = hub(|options| (options.allow, options.deny) = (list("127.0.0.0/24"), list("127.0.0.9/32")));
    for (hub, refused, taken) in [
        (&denies, [127, 0, 0, 3], [127, 0, 0, 4]),
        (&allows, [127, 0, 0, 1], [127, 0, 0, 4]),
        (&both, [127, 0, 0, 9], [127, 0, 0, 8]),
    ] {
        for path in [WEBSOCKET, POLLING, "/", "/emit", "/metrics"] {
            assert_eq!(status_from(refused, hub, path), 403, "{refused:?} {path}");
        }
        assert_eq!((hub.stats().refused, hub.stats().connections), (5, 0));
        assert_eq!(status_from(taken, hub, WEBSOCKET), 101);
        assert_eq!(status_from(taken, hub, "/"), 200);
    }
}
