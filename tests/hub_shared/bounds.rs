//! What is kept in Redis and for how long, and what of it is refused.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use circlet::hub::{Hub, HubError, HubOptions};
use serde_json::json;

use crate::hub_follower::Follower;
use crate::hub_protocol::until;
use crate::{Redis, Way, at, hub};

#[test]
fn rooms_that_nobody_but_one_viewer_made_up_are_of_one_hub_and_go_with_it() {
    let redis = Redis::start();
    let (a, b) = (hub(&redis, |_| {}), hub(&redis, |_| {}));
    let mut viewer = Follower::connect(a.addr(), None);
    (0..20).for_each(|n| drop(viewer.join(&json!(format!("made-up-{n}")))));
    assert_eq!((a.stats().rooms, b.stats().rooms), (20, 0));
    drop(viewer);
    until("they go", || a.stats().rooms == 0);
    assert_eq!(redis.cli(&["smembers", "circlet:rooms"]).trim(), "");
}

#[test]
fn a_room_goes_from_all_hubs_and_from_redis_once_nobody_watches_it_anywhere() {
    let redis = Redis::start();
    // A hub that gets no turn for so long is late with saying who watches.
    let brief = |options: &mut HubOptions| options.idle_room = Duration::from_millis(1_500);
    let (a, b) = (hub(&redis, brief), hub(&redis, brief));
    let mut viewer = Follower::connect(b.addr(), None);
    viewer.join(&json!("watched"));
    a.set("watched", "x", json!(1)).unwrap();
    a.set("idle", "x", json!(1)).unwrap();
    viewer.until(|it| at(it, "x") == 1);
    until("both are at both", || a.stats().rooms == 2 && b.stats().rooms == 2);
    until("one goes", || a.stats().rooms == 1 && b.stats().rooms == 1);
    // The other one is kept for far longer than a room stays, also where nobody watches it.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        assert_eq!((a.stats().rooms, b.stats().rooms), (1, 1));
        std::thread::sleep(Duration::from_millis(20));
    }
    let c = hub(&redis, brief);
    let mut other = Follower::connect(c.addr(), None);
    other.join(&json!("watched"));
    assert_eq!(at(&other, "x"), json!(1));
    drop((viewer, other));
    until("it goes too", || [&a, &b, &c].iter().all(|hub| hub.stats().rooms == 0));
    let keys =
        Command::new("redis-cli").args(["-p", &redis.port.to_string(), "keys", "circlet:state:*"]).output();
    assert_eq!(String::from_utf8(keys.unwrap().stdout).unwrap().trim(), "");
}

#[test]
fn what_others_write_into_redis_is_refused_and_the_hub_goes_on() {
    let redis = Redis::start();
    let a = hub(&redis, |_| {});
    let cli = |arguments: &[&str]| drop(redis.cli(arguments));
    let told =
        "redis.call('XADD', 'circlet:stream', '*', 'seq', redis.call('INCR', 'circlet:count'), unpack(ARGV))";
    let long = "x".repeat(300);
    let long_key = json!({ "room": "g", "set": { (long.as_str()): 1 } }).to_string();
    for change in ["", "{", "[]", r#"{"room": ""}"#, r#"{"room": "hub", "set": {"stats": 1}}"#, &long_key] {
        cli(&["eval", told, "0", "change", change, "n", "1"]);
    }
    cli(&["eval", told, "0", "change", r#"{"room": "g", "set": {"x": 1}}"#]);
    cli(&["eval", told, "0", "gone", "hub"]);
    // No text, and without the number that all have.
    cli(&["eval", r"redis.call('XADD', 'circlet:stream', '*', '\255', '\254')", "0"]);
    until("all are refused", || a.stats().refused == 9);
    cli(&["eval", told, "0", "n", "0", "change", r#"{"room": "g", "set": {"x": 1}}"#]);
    let mut viewer = Follower::connect(a.addr(), None);
    viewer.join(&json!("g"));
    viewer.until(|it| at(it, "x") == 1);
    // As state that another hub finds.
    cli(&["sadd", "circlet:rooms", "bad", "g"]);
    cli(&["hset", "circlet:state:bad", "", "1", "key", "{"]);
    cli(&["set", "circlet:state:g", "of another type"]);
    let options = |change: &dyn Fn(&mut HubOptions)| {
        let mut options = HubOptions::default();
        options.addr = "127.0.0.1:0".parse().unwrap();
        change(&mut options);
        options
    };
    let error = Hub::start(options(&|options| options.redis = Some(redis.url()))).unwrap_err();
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    // Another prefix is another world.
    let other = options(&|options| {
        options.redis = Some(redis.url());
        options.redis_prefix = "other".to_owned();
    });
    assert_eq!(Hub::start(other).unwrap().stats().rooms, 0);
}

#[test]
fn what_redis_keeps_of_large_updates_is_bounded_and_a_hub_that_was_behind_has_the_state() {
    let redis = Redis::start();
    let way = Way::to(&redis);
    let a = hub(&redis, |options| options.hz = 60);
    let b = hub(&redis, |options| options.redis = Some(format!("redis://127.0.0.1:{}", way.port)));
    a.set("g", "n", json!(0)).unwrap();
    until("both have it", || a.stats().rooms == 1 && b.stats().rooms == 1);
    way.is_stopped.store(true, Ordering::Relaxed);
    let large = "x".repeat(3 << 20);
    for n in 1..=40 {
        a.update("g", [("n", json!(n).into()), ("large", json!(large).into())], []).unwrap();
        until("it is shared", || a.stats().unshared == 0);
    }
    let kept = |what: &[&str]| redis.cli(what).trim().parse::<u64>().unwrap();
    let bytes = kept(&["memory", "usage", "circlet:stream", "samples", "0"]);
    assert!(bytes < 80 << 20, "{} MiB of 120", bytes >> 20);
    assert!(kept(&["xlen", "circlet:stream"]) >= 10);
    way.is_stopped.store(false, Ordering::Relaxed);
    let mut viewer = Follower::connect(b.addr(), None);
    viewer.join(&json!("g"));
    viewer.until(|it| at(it, "n") == 40);
    a.set("g", "n", json!(41)).unwrap();
    viewer.until(|it| at(it, "n") == 41);
}

#[test]
fn the_log_that_redis_keeps_of_a_room_is_bounded_by_bytes_too() {
    let redis = Redis::start();
    let a = hub(&redis, |options| options.max_room_bytes = 100_000);
    for n in 0..20 {
        a.emit("g", "agent-action", json!(format!("{n}{}", "x".repeat(20_000)))).unwrap();
        until("it is shared", || a.stats().unshared == 0);
    }
    a.emit("h", "agent-action", json!("x".repeat(150_000))).unwrap();
    until("it is shared", || a.stats().unshared == 0);
    let kept =
        |room: &str| redis.cli(&["llen", &format!("circlet:log:{room}")]).trim().parse::<u64>().unwrap();
    assert!((3..=4).contains(&kept("g")) && kept("h") == 1, "{} {}", kept("g"), kept("h"));
}

#[test]
fn a_redis_that_cannot_be_used_is_refused_by_what_is_wrong_and_without_its_password() {
    let refused = |url: &str| {
        let mut options = HubOptions::default();
        options.addr = "127.0.0.1:0".parse().unwrap();
        options.redis = Some(url.to_owned());
        let error = Hub::start(options).unwrap_err();
        assert!(matches!(error, HubError::Redis { .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        error.to_string()
    };
    assert!(refused("http://127.0.0.1:1").contains("redis://127.0.0.1:6379/0"));
    assert!(refused("nonsense:hunter2").contains("redis://127.0.0.1:6379/0"));
    let redis = Redis::start();
    assert!(refused(&format!("redis://:hunter2@127.0.0.1:{}/0", redis.port)).contains("redis at 127.0.0.1:"));
}
