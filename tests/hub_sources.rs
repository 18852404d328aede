//! What a hub shows of rings: what their messages say, and what becomes of a ring that comes late, is another's, goes, or is too fast.
#![cfg(feature = "hub")]

#[path = "common/hub_follower.rs"]
mod hub_follower;
#[path = "common/hub_protocol.rs"]
mod hub_protocol;

use circlet::hub::Hub;
use circlet::ring::{self, Mode, Options, Ring};
use serde_json::{Value, json};

use hub_follower::Follower;
use hub_protocol::{hub, until};

fn name(of: &str) -> String {
    format!("circlet-test-hub-sources-{of}-{}", std::process::id())
}

fn create(name: &str, mode: Mode) -> Ring {
    ring::create(name, &Options::new().mode(mode).capacity(1 << 16)).unwrap()
}

fn joined(hub: &Hub, room: &str) -> Follower {
    let mut follower = Follower::connect(hub.addr(), None);
    follower.join(&json!(room));
    follower
}

#[test]
fn messages_say_keys_events_updates_values_and_bytes() {
    let (name, hub) = (name("messages"), hub(|_| {}));
    let ring = create(&name, Mode::Spsc);
    let mut sender = ring.sender().unwrap();
    hub.follow_ring(&name, "g").unwrap();
    let mut viewer = joined(&hub, "g");
    sender.send(br#"{"x": 1, "y": {"z": [2]}, "gone": 3}"#).unwrap();
    viewer.until(|it| it.state.len() == 3);
    sender.send(br#"{"x": 2, "gone": null}"#).unwrap();
    viewer.until(|it| it.state.len() == 2 && it.state["x"] == 2);
    sender.send(br#"{"event": "agent-action", "action": "edit"}"#).unwrap();
    viewer.until(|it| it.events == [(1, json!({"action": "edit"}))]);
    sender.send(br#"{"set": {"x": 3}, "removed": ["y"]}"#).unwrap();
    viewer.until(|it| Value::Object(it.state.clone()) == json!({"x": 3}));
    sender.send(b"[1, 2]").unwrap();
    viewer.until(|it| it.state.get("value") == Some(&json!([1, 2])));
    sender.send(b"\xff\x00 no JSON").unwrap();
    viewer.until(|it| it.state["value"]["bytes"]["u8"].is_object());
    // A member `event` that is none of them is a key like others.
    sender.send(br#"{"event": "something else"}"#).unwrap();
    viewer.until(|it| it.state.get("event") == Some(&json!("something else")));
    // What is wrong is counted and told, and what comes after it is taken.
    let refused = hub.stats().refused;
    let mut rings = joined(&hub, "rings");
    for (wrong, why) in [
        (&br#"{"set": 1}"#[..], "game-state-update takes"),
        (br#"{"set": {"a": 1}, "other": 2}"#, "unknown field `other`"),
        (br#"{"room": "hub", "set": {"x": 1}}"#, "the hub's own"),
    ] {
        sender.send(wrong).unwrap();
        rings.until(|it| it.state[&name]["why_refused"].as_str().is_some_and(|told| told.contains(why)));
    }
    sender.send(br#"{"last": true}"#).unwrap();
    viewer.until(|it| it.state.contains_key("last"));
    assert_eq!(hub.stats().refused, refused + 3);
    rings.until(|it| it.state[&name]["refused"] == 3);
}

#[test]
fn a_message_says_the_room_that_it_is_for() {
    let (name, hub) = (name("rooms"), hub(|_| {}));
    let ring = create(&name, Mode::Mpsc);
    hub.follow_ring(&name, "g").unwrap();
    let mut viewer = joined(&hub, "other");
    ring.sender().unwrap().send(br#"{"room": "other", "set": {"x": 1}}"#).unwrap();
    viewer.until(|it| it.state.get("x") == Some(&json!(1)));
}

#[test]
fn a_message_of_many_frames_comes_whole() {
    let (name, hub) = (name("frames"), hub(|_| {}));
    let ring = ring::create(&name, &Options::new().mode(Mode::Spsc).capacity(2 << 20)).unwrap();
    hub.follow_ring(&name, "g").unwrap();
    let mut viewer = joined(&hub, "g");
    let long = "x".repeat(500_000);
    ring.sender().unwrap().send(json!({ "long": long }).to_string().as_bytes()).unwrap();
    viewer.until(|it| it.state.get("long") == Some(&json!(long)));
}

#[test]
fn a_ring_that_comes_after_the_hub_is_read_and_so_is_one_that_comes_again() {
    let (name, hub) = (name("late"), hub(|_| {}));
    hub.follow_ring(&name, "g").unwrap();
    let mut rings = joined(&hub, "rings");
    rings.until(|it| it.state.get(&name).is_some_and(|ring| ring["reads"] == false));
    let mut viewer = joined(&hub, "g");
    for round in 1..=2 {
        let ring = create(&name, Mode::Mpsc);
        let mut sender = ring.sender().unwrap();
        sender.send(json!({ "round": round }).to_string().as_bytes()).unwrap();
        viewer.until(|it| it.state.get("round") == Some(&json!(round)));
        rings.until(|it| it.state[&name]["reads"] == true && it.state[&name]["room"] == "g");
        drop((sender, ring));
        rings.until(|it| it.state[&name]["reads"] == false && it.state[&name]["why"].is_string());
    }
}

#[test]
fn a_ring_that_somebody_else_reads_has_its_statistics_shown_until_they_go() {
    let (name, hub) = (name("read"), hub(|_| {}));
    let ring = create(&name, Mode::Mpsc);
    let (mut sender, mut reader) = (ring.sender().unwrap(), ring.receiver().unwrap());
    hub.follow_ring(&name, "g").unwrap();
    let mut rings = joined(&hub, "rings");
    sender.send(br#"{"x": 1}"#).unwrap();
    rings.until(|it| {
        it.state.get(&name).is_some_and(|ring| ring["reads"] == false && ring["frames_sent"] == 1)
    });
    let mut message = Vec::new();
    reader.recv_copy(&mut message, ring::Deadline::NEVER).unwrap();
    assert_eq!(message, br#"{"x": 1}"#, "it was taken from whoever reads it");
}

#[test]
fn what_a_broadcast_overtakes_is_counted_and_the_newest_is_shown() {
    let (name, hub) = (name("broadcast"), hub(|_| {}));
    let ring = create(&name, Mode::Broadcast);
    let (mut sender, mut other) = (ring.sender().unwrap(), ring.receiver().unwrap());
    hub.follow_ring(&name, "g").unwrap();
    let mut viewer = joined(&hub, "g");
    let reads = |ring: &Value| ring["reads"] == true;
    until("it is read", || joined(&hub, "rings").state.get(&name).is_some_and(reads));
    let padding = "x".repeat(1_000);
    let mut number = 0;
    until("the hub is overtaken, and says so", || {
        for _ in 0..2_000 {
            number += 1;
            sender.send(json!({ "number": number, "padding": padding }).to_string().as_bytes()).unwrap();
        }
        joined(&hub, "rings").state[&name]["lost"].as_u64() > Some(0)
    });
    viewer.until(|it| it.state.get("number") == Some(&json!(number)));
    // It is one reader among others.
    assert!(other.recv_copy(&mut Vec::new(), ring::Deadline::after(std::time::Duration::ZERO)).is_err());
}
