//! Packets of Socket.IO v5, in both codecs: what its published test suite expects, and what this server promises beyond it.

use std::time::Duration;

use circlet::hub::Column;
use serde_json::{Value, json};
use tungstenite::Message;

use crate::hub_protocol::{Viewer, hub, until};

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
