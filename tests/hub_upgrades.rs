//! How sessions of the hub change and end: from polling to a websocket, in payloads as clients take them, and by a close that is answered.
#![cfg(feature = "hub")]

#[path = "common/hub_protocol.rs"]
mod hub_protocol;

use std::time::{Duration, Instant};

use serde_json::json;
use tungstenite::{Error, Message};

use hub_protocol::{Viewer, get, http, hub, poll_session, until};

/// A session that polls and is connected: where its requests go.
fn connected(addr: std::net::SocketAddr) -> String {
    let path = poll_session(addr);
    assert_eq!(http(addr, "POST", &path, &[], "40").0, 200);
    assert!(get(addr, &path).1.starts_with("40{"));
    path
}

#[test]
fn a_close_is_answered_and_the_session_ends_with_it() {
    let hub = hub(|_| {});
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("g");
    viewer.packet();
    viewer.0.close(None).unwrap();
    let answer = viewer.0.read().unwrap();
    assert!(matches!(answer, Message::Close(_)), "{answer:?}");
    assert!(matches!(viewer.0.read(), Err(Error::ConnectionClosed)));
    until("nobody is left", || hub.stats().viewers == 0);
    assert_eq!(hub.stats().closed, 0, "it went by itself");
}

#[test]
fn a_poll_that_comes_late_in_an_upgrade_does_not_wait() {
    let hub = hub(|_| {});
    let path = connected(hub.addr());
    let mut viewer = Viewer::open(hub.addr(), &path.replace("polling", "websocket")).unwrap();
    viewer.say("2probe");
    assert_eq!(viewer.text(), "3probe");
    // Until it is answered a client does not settle on the websocket.
    let begin = Instant::now();
    assert_eq!(get(hub.addr(), &path), (200, "6".to_owned()));
    assert!(begin.elapsed() < Duration::from_secs(5));
    viewer.say("5");
    assert_eq!(viewer.join("g")["ok"], true);
}

#[test]
fn one_websocket_at_a_time_is_tried_and_a_session_goes_on_where_none_is_settled_on() {
    let hub = hub(|_| {});
    let path = connected(hub.addr());
    let upgrade = path.replace("polling", "websocket");
    let mut first = Viewer::open(hub.addr(), &upgrade).unwrap();
    assert!(Viewer::open(hub.addr(), &upgrade).is_err(), "another is being tried");
    first.say("2probe");
    assert_eq!(first.text(), "3probe");
    drop(first);
    let mut second = None;
    until("another may be tried once the first has gone", || {
        second = Viewer::open(hub.addr(), &upgrade).ok();
        second.is_some()
    });
    assert_eq!(http(hub.addr(), "POST", &path, &[], "420[\"leave-game\",\"g\"]").0, 200);
    assert!(get(hub.addr(), &path).1.starts_with("430["), "it polls on");
    let mut second = second.unwrap();
    second.say("2probe");
    assert_eq!(second.text(), "3probe");
    second.say("5");
    assert_eq!(second.join("g")["ok"], true);
    assert_eq!(hub.stats().viewers, 1);
}

#[test]
fn a_session_that_was_closed_in_an_upgrade_stays_closed() {
    let hub = hub(|_| {});
    let path = connected(hub.addr());
    let mut viewer = Viewer::open(hub.addr(), &path.replace("polling", "websocket")).unwrap();
    viewer.say("2probe");
    assert_eq!(viewer.text(), "3probe");
    assert_eq!(http(hub.addr(), "POST", &path, &[], "1").0, 200);
    viewer.say("5");
    viewer.say("421[\"join-game\",\"g\"]");
    let (said, _) = viewer.end();
    assert_eq!(said, Vec::<String>::new());
    assert_eq!((hub.stats().viewers, hub.stats().rooms), (0, 0));
}

#[test]
fn an_answer_to_a_poll_has_no_more_packets_than_clients_take() {
    let hub = hub(|_| {});
    let path = connected(hub.addr());
    assert_eq!(http(hub.addr(), "POST", &path, &[], "42[\"join-game\",\"g\"]").0, 200);
    assert!(get(hub.addr(), &path).1.contains("gameState"));
    let columns =
        (0..20_u8).map(|n| circlet::hub::Column::f32(&n.to_string(), [f32::from(n)])).collect::<Vec<_>>();
    hub.set("g", "columns", columns).unwrap();
    for n in 1..=30 {
        hub.emit("g", "agent-action", json!({"number": n})).unwrap();
    }
    let mut packets = Vec::new();
    until("all of it comes", || {
        let (_, body) = get(hub.addr(), &path);
        let more: Vec<_> = body.split('\u{1e}').map(str::to_owned).collect();
        assert!(more.len() <= 16, "python-engineio takes no more than 16: {}", more.len());
        packets.extend(more);
        packets.last().unwrap().contains("\"n\":30")
    });
    let starts = |with: &str| packets.iter().filter(|packet| packet.starts_with(with)).count();
    assert_eq!(
        (starts("4520-[\"game"), starts("b"), starts("42[\"agent-action")),
        (1, 20, 30),
        "{packets:?}"
    );
    let first = packets.iter().position(|packet| packet.starts_with("4520-")).unwrap();
    assert!(
        packets[first + 1..=first + 20].iter().all(|packet| packet.starts_with('b')),
        "attachments follow"
    );
}

#[test]
fn what_an_answer_had_no_place_for_comes_over_the_websocket() {
    let hub = hub(|_| {});
    let path = connected(hub.addr());
    assert_eq!(http(hub.addr(), "POST", &path, &[], "42[\"join-game\",\"g\"]").0, 200);
    assert!(get(hub.addr(), &path).1.contains("gameState"));
    for n in 1..=40 {
        hub.emit("g", "agent-action", json!({"number": n})).unwrap();
    }
    let mut told = 0;
    until("some of it comes", || {
        told +=
            get(hub.addr(), &path).1.split('\u{1e}').filter(|packet| packet.contains("agent-action")).count();
        told >= 16
    });
    let mut viewer = Viewer::open(hub.addr(), &path.replace("polling", "websocket")).unwrap();
    viewer.say("2probe");
    assert_eq!(viewer.text(), "3probe");
    viewer.say("5");
    for n in told + 1..=40 {
        assert_eq!(viewer.packet().1[2]["n"], n);
    }
}

#[test]
fn a_websocket_that_is_closed_as_soon_as_it_is_settled_on_ends_the_session() {
    let hub = hub(|_| {});
    let path = connected(hub.addr());
    let mut viewer = Viewer::open(hub.addr(), &path.replace("polling", "websocket")).unwrap();
    viewer.say("2probe");
    assert_eq!(viewer.text(), "3probe");
    viewer.0.write(Message::text("5")).unwrap();
    viewer.0.close(None).unwrap();
    until("nobody is left", || hub.stats().viewers == 0);
}
