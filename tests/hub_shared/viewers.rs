//! What viewers of hubs see that share their rooms.

use std::sync::atomic::Ordering;
use std::time::Duration;

use circlet::hub::{Column, HubOptions};
use serde_json::{Value, json};

use crate::hub_follower::Follower;
use crate::hub_protocol::until;
use crate::{Redis, Way, at, hub};

#[test]
fn viewers_of_each_hub_see_what_is_published_at_any() {
    let redis = Redis::start();
    let (a, b) = (hub(&redis, |_| {}), hub(&redis, |_| {}));
    let mut viewers = [Follower::connect(a.addr(), None), Follower::connect(b.addr(), None)];
    for viewer in &mut viewers {
        assert_eq!(viewer.join(&json!("g"))["ok"], true);
    }
    a.set("g", "x", json!(1)).unwrap();
    b.set("g", "y", json!({ "deep": [2] })).unwrap();
    let mut emitter = Follower::connect(b.addr(), Some("secret"));
    let answer = emitter.ask("agent-action", &json!({ "room": "g", "action": "edit" }));
    assert_eq!(answer, json!({ "ok": true, "room": "g" }), "its number is not known yet");
    for viewer in &mut viewers {
        viewer.until(|it| at(it, "x") == 1 && at(it, "y") == json!({ "deep": [2] }) && !it.events.is_empty());
        assert_eq!(viewer.events, [(1, json!({ "action": "edit" }))]);
    }
    a.update("g", [], ["y"]).unwrap();
    viewers.iter_mut().for_each(|viewer| viewer.until(|it| it.state.len() == 1));
    assert_eq!((a.stats().rooms, a.troubles()), (1, Vec::new()));
}

#[test]
fn a_hub_that_starts_later_has_the_state_the_columns_and_the_log() {
    let redis = Redis::start();
    let a = hub(&redis, |_| {});
    a.set("g", "path", vec![Column::f32("x", [1.5, 2.5])]).unwrap();
    a.set("g", "name", json!("é\u{0}\"")).unwrap();
    for n in 1..=3 {
        a.emit("g", "agent-action", json!({ "n": n })).unwrap();
    }
    until("all is shared", || a.stats().unshared == 0 && a.stats().rooms == 1);
    let mut first = Follower::connect(a.addr(), None);
    let answer = first.join(&json!({ "room": "g" }));
    let b = hub(&redis, |_| {});
    let mut viewer = Follower::connect(b.addr(), None);
    let resumed = json!({ "room": "g", "hub": answer["hub"], "next": 2 });
    // Columns come as bytes, of which the text tells only that they do.
    assert_eq!(viewer.ask("join-game", &resumed)["next"], 2);
    viewer.until(|it| it.events.len() == 2);
    assert_eq!(viewer.events, [(2, json!({ "n": 2 })), (3, json!({ "n": 3 }))]);
    assert_eq!(a.stats().state_bytes, b.stats().state_bytes);
    // Whoever comes without having been there is told of none of before.
    let mut newcomer = Follower::connect(b.addr(), None);
    newcomer.ask("join-game", &json!("g"));
    a.emit("g", "agent-action", json!({ "n": 4 })).unwrap();
    newcomer.until(|it| !it.events.is_empty());
    assert_eq!(newcomer.events, [(4, json!({ "n": 4 }))]);
}

#[test]
fn hubs_that_set_the_same_keys_at_once_agree_in_the_end_and_events_have_one_order() {
    let redis = Redis::start();
    let hubs: Vec<_> = (0..3).map(|_| hub(&redis, |options| options.hz = 60)).collect();
    let mut viewers: Vec<_> = hubs.iter().map(|hub| Follower::connect(hub.addr(), None)).collect();
    viewers.iter_mut().for_each(|viewer| drop(viewer.join(&json!("g"))));
    std::thread::scope(|scope| {
        for (i, hub) in hubs.iter().enumerate() {
            scope.spawn(move || {
                for n in 0..80_u64 {
                    hub.set("g", &format!("key{}", n % 5), json!([i, n])).unwrap();
                    hub.emit("g", "agent-action", json!([i, n])).unwrap();
                    if n % 7 == 0 {
                        hub.remove("g", "key1").unwrap();
                    }
                    std::thread::sleep(Duration::from_micros(700));
                }
            });
        }
    });
    viewers.iter_mut().for_each(|viewer| viewer.until(|it| it.events.len() == 240));
    let [first, others @ ..] = &mut viewers[..] else { unreachable!() };
    for other in others {
        assert_eq!(other.events, first.events);
        // What was set last came before the last event or with it.
        assert_eq!(other.state, first.state);
    }
    assert_eq!(first.events.iter().map(|(n, _)| *n).collect::<Vec<_>>(), (1..=240).collect::<Vec<_>>());
    for i in 0..3 {
        let its: Vec<_> =
            first.events.iter().filter(|(_, data)| data[0] == i).map(|(_, data)| data[1].clone()).collect();
        assert_eq!(its, (0..80).map(Value::from).collect::<Vec<_>>(), "what one says keeps its order");
    }
}

#[test]
fn whoever_comes_from_a_hub_that_was_ahead_is_told_nothing_twice() {
    let redis = Redis::start();
    let way = Way::to(&redis);
    let a = hub(&redis, |_| {});
    let b = hub(&redis, |options| options.redis = Some(format!("redis://127.0.0.1:{}", way.port)));
    a.set("g", "x", json!(0)).unwrap();
    a.emit("g", "agent-action", json!(1)).unwrap();
    until("both have it", || a.stats().rooms == 1 && b.stats().rooms == 1);
    way.is_stopped.store(true, Ordering::Relaxed);
    let mut first = Follower::connect(a.addr(), None);
    let hub_id = first.join(&json!("g"))["hub"].clone();
    for n in 2..=4 {
        a.emit("g", "agent-action", json!(n)).unwrap();
    }
    first.until(|it| it.events.last().is_some_and(|(n, _)| *n == 4));
    drop(first);
    let mut again = Follower::connect(b.addr(), None);
    let answer = again.join(&json!({"room": "g", "hub": hub_id, "next": 5}));
    assert_eq!((&answer["resumed"], &answer["next"]), (&json!(true), &json!(5)));
    way.is_stopped.store(false, Ordering::Relaxed);
    a.set("g", "x", json!(1)).unwrap();
    again.until(|it| at(it, "x") == 1);
    a.emit("g", "agent-action", json!(5)).unwrap();
    again.until(|it| !it.events.is_empty());
    assert_eq!((again.events, again.lost), (vec![(5, json!(5))], 0));
}

#[test]
fn a_room_that_is_made_anew_has_no_number_that_viewers_know() {
    let redis = Redis::start();
    let brief = |options: &mut HubOptions| options.idle_room = Duration::from_millis(300);
    let a = hub(&redis, brief);
    let mut first = Follower::connect(a.addr(), None);
    let joined = first.join(&json!("g"));
    for n in 1..=3 {
        a.emit("g", "agent-action", json!(n)).unwrap();
    }
    first.until(|it| it.events.len() == 3);
    drop(first);
    until("the room goes", || a.stats().rooms == 0);
    // One that knows of none before.
    let b = hub(&redis, brief);
    b.emit("g", "agent-action", json!("anew")).unwrap();
    until("both have it", || a.stats().rooms == 1 && b.stats().rooms == 1);
    for hub in [&a, &b] {
        let mut again = Follower::connect(hub.addr(), None);
        let answer = again.join(&json!({"room": "g", "hub": joined["hub"], "next": 2}));
        assert_eq!((&answer["resumed"], &answer["next"]), (&json!(false), &json!(5)));
    }
}

#[cfg(feature = "cli")]
#[test]
fn a_viewer_of_a_hub_that_is_killed_goes_on_at_another_where_it_was_while_much_is_said() {
    const EVENTS: u64 = 300;
    let redis = Redis::start();
    let serve = || {
        let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_circlet"));
        serve.args(["serve", "--addr", "127.0.0.1:0"]).env("CIRCLET_REDIS", redis.url());
        crate::hub_process::Served::of(&mut serve)
    };
    let (mut killed, other) = (serve(), serve());
    let mut viewer = Follower::connect(killed.addr, None);
    let answer = viewer.join(&json!("g"));
    let mut stays = Follower::connect(other.addr, None);
    stays.join(&json!("g"));
    let publisher = hub(&redis, |_| {});
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=EVENTS {
                publisher.emit("g", "agent-action", json!(n)).unwrap();
                publisher.set("g", "x", json!(n)).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        viewer.until(|it| it.events.len() >= 50);
        killed.child.kill().unwrap();
        killed.child.wait().unwrap();
        viewer.until_end();
    });
    let next = viewer.events.last().unwrap().0 + 1;
    let mut again = Follower::connect(other.addr, None);
    let told = again.join(&json!({ "room": "g", "hub": answer["hub"], "next": next }));
    assert_eq!((&told["resumed"], &told["next"]), (&json!(true), &json!(next)));
    again.until(|it| at(it, "x") == EVENTS && it.events.last().is_some_and(|(n, _)| *n == EVENTS));
    stays.until(|it| at(it, "x") == EVENTS && it.events.last().is_some_and(|(n, _)| *n == EVENTS));
    let all: Vec<_> = (1..=EVENTS).map(|n| (n, json!(n))).collect();
    viewer.events.append(&mut again.events);
    assert_eq!((viewer.events, viewer.lost + again.lost), (all.clone(), 0), "each event once, in order");
    assert_eq!((stays.events, stays.lost), (all, 0), "who was elsewhere sees nothing of it");
    assert_eq!(other.end(), "", "the other hub has nothing to complain of");
}
