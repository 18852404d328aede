//! Rooms: who comes again to them, when they go, and how often they are told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::hub_protocol::{Viewer, hub, until};

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
