//! Servers of Redis that are away, come back, and come back with less.

use std::net::TcpListener;

use serde_json::json;

use crate::hub_follower::Follower;
use crate::hub_protocol::until;
use crate::{Redis, at, hub};

#[test]
fn a_redis_that_is_away_costs_nothing_that_was_published() {
    let redis = Redis::start();
    let (a, b) = (hub(&redis, |_| {}), hub(&redis, |_| {}));
    let mut viewer = Follower::connect(b.addr(), None);
    viewer.join(&json!("g"));
    a.set("g", "x", json!(0)).unwrap();
    viewer.until(|it| at(it, "x") == 0);
    redis.signal("-STOP");
    for n in 1..=50 {
        a.set("g", "x", json!(n)).unwrap();
        a.emit("g", "agent-action", json!(n)).unwrap();
    }
    redis.signal("-CONT");
    viewer.until(|it| at(it, "x") == 50 && it.events.len() == 50);
    assert_eq!(viewer.events.iter().map(|(n, _)| *n).collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
    assert_eq!(viewer.lost, 0);
}

#[test]
fn a_redis_that_has_forgotten_everything_is_told_it_again() {
    let redis = Redis::start();
    let port = redis.port;
    let a = hub(&redis, |_| {});
    let mut viewer = Follower::connect(a.addr(), None);
    viewer.join(&json!("g"));
    a.set("g", "x", json!(1)).unwrap();
    a.emit("g", "agent-action", json!(1)).unwrap();
    viewer.until(|it| at(it, "x") == 1 && it.events.len() == 1);
    drop(redis);
    until("it is said that Redis is away", || !a.troubles().is_empty());
    let trouble = a.troubles().join("");
    assert!(trouble.contains("from redis: "), "{trouble}");
    a.set("g", "y", json!(2)).unwrap();
    a.emit("g", "agent-action", json!(2)).unwrap();
    until("it waits", || a.stats().unshared > 0 && a.stats().troubles == 2);
    let redis = Redis::start_at(port, &[]).expect("the port is still free");
    viewer.until(|it| at(it, "y") == 2 && it.events.len() == 2);
    assert_eq!(viewer.events[1], (2, json!(2)), "numbers go on");
    until("all works again", || a.troubles().is_empty() && a.stats().unshared == 0);
    let b = hub(&redis, |_| {});
    let mut other = Follower::connect(b.addr(), None);
    other.join(&json!("g"));
    assert_eq!((at(&other, "x"), at(&other, "y")), (json!(1), json!(2)));
    // Also where no connection was lost by it.
    redis.cli(&["flushall"]);
    a.set("g", "z", json!(3)).unwrap();
    for viewer in [&mut viewer, &mut other] {
        viewer.until(|it| at(it, "z") == 3);
        assert_eq!((at(viewer, "x"), at(viewer, "y")), (json!(1), json!(2)));
    }
    b.emit("g", "agent-action", json!(3)).unwrap();
    viewer.until(|it| it.events.len() == 3);
    assert_eq!(viewer.events[2], (3, json!(3)));
    until("all works again", || a.troubles().is_empty() && b.troubles().is_empty());
}

#[test]
fn a_hub_that_was_away_for_longer_than_the_stream_goes_back_has_the_state_again() {
    let redis = Redis::start();
    let a = hub(&redis, |_| {});
    let mut viewer = Follower::connect(a.addr(), None);
    viewer.join(&json!("g"));
    a.update("g", [("x", json!(1).into()), ("y", json!(1).into())], []).unwrap();
    viewer.until(|it| it.state.len() == 2);
    // What another hub did of which the stream knows nothing any more.
    let away = r#"
        redis.call('HSET', 'circlet:state:g', 'x', '{"set":7}', '', 5)
        redis.call('HDEL', 'circlet:state:g', 'y')
        for n = 4, 5 do redis.call('RPUSH', 'circlet:log:g', '{"event":"agent-action","data":' .. n .. '}') end
        redis.call('INCR', 'circlet:count')
        redis.call('XTRIM', 'circlet:stream', 'MAXLEN', 0)
    "#;
    redis.cli(&["eval", away, "0"]);
    redis.cli(&["client", "kill", "type", "normal"]);
    viewer.until(|it| it.state.len() == 1 && it.events.len() == 2);
    assert_eq!((at(&viewer, "x"), viewer.lost), (json!(7), 3));
    assert_eq!(viewer.events, [(4, json!(4)), (5, json!(5))]);
}

#[test]
fn a_redis_that_comes_back_with_what_it_had_a_while_ago_is_told_the_rest_again() {
    let file = format!("circlet-older-{}.rdb", std::process::id());
    let redis = Redis::start_with(&["--dbfilename", &file]);
    let port = redis.port;
    let (a, b) = (hub(&redis, |_| {}), hub(&redis, |_| {}));
    let mut viewer = Follower::connect(b.addr(), None);
    viewer.join(&json!("g"));
    a.update("g", [("x", json!(1).into()), ("gone", json!(1).into())], []).unwrap();
    a.emit("g", "agent-action", json!(1)).unwrap();
    viewer.until(|it| it.state.len() == 2 && it.events.len() == 1);
    let before = viewer.hub.clone();
    redis.cli(&["save"]);
    a.update("g", [("x", json!(2).into())], ["gone"]).unwrap();
    a.emit("g", "agent-action", json!(2)).unwrap();
    viewer.until(|it| at(it, "x") == 2 && it.events.len() == 2);
    // One has the state as it was said before.
    let mut late = Follower::connect(b.addr(), None);
    late.join(&json!("g"));
    assert_eq!(late.hub, before);
    // What was done and not answered would be done again where that is forgotten.
    until("Redis has answered", || a.stats().unshared == 0);
    drop(redis);
    let redis = Redis::start_at(port, &["--dbfilename", &file]).expect("the port is still free");
    std::fs::remove_file(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(&file)).unwrap();
    until("all works again", || [&a, &b].iter().all(|hub| hub.troubles().is_empty()));
    until("it is told", || redis.cli(&["hget", "circlet:state:g", "x"]).contains('2'));
    a.emit("g", "agent-action", json!(3)).unwrap();
    viewer.until(|it| it.events.len() == 3);
    assert_eq!(viewer.events[2], (3, json!(3)));
    assert_eq!(json!(viewer.state), json!({ "x": 2 }));
    // It goes on by another id, of which those who are connected were told: whoever comes again with that has what it missed.
    let known_hub = viewer.hub.clone();
    assert_ne!(known_hub, before);
    late.until(|it| it.hub == known_hub);
    drop(viewer);
    a.emit("g", "agent-action", json!(4)).unwrap();
    until("it comes to the other", || redis.cli(&["hget", "circlet:state:g", ""]).contains('4'));
    let mut again = Follower::connect(b.addr(), None);
    let answer = again.join(&json!({ "room": "g", "hub": known_hub, "next": 4 }));
    assert_eq!(answer["resumed"], true, "{answer}, and not {before} or {known_hub}");
    again.until(|it| it.events == [(4, json!(4))]);
    let c = hub(&redis, |_| {});
    let mut other = Follower::connect(c.addr(), None);
    other.join(&json!("g"));
    assert_eq!(json!(other.state), json!({ "x": 2 }));
}

#[test]
fn a_redis_that_takes_only_a_part_is_told_the_rest_when_it_has_place() {
    let redis = Redis::start();
    let (a, b) = (hub(&redis, |_| {}), hub(&redis, |_| {}));
    let mut viewers = [Follower::connect(b.addr(), None), Follower::connect(b.addr(), None)];
    viewers[0].join(&json!("large"));
    viewers[1].join(&json!("small"));
    redis.signal("-STOP");
    a.set("large", "x", json!("x".repeat(2 << 20))).unwrap();
    a.set("small", "x", json!(1)).unwrap();
    redis.signal("-CONT");
    viewers[1].until(|it| at(it, "x") == 1);
    viewers[0].until(|it| it.state.contains_key("x"));
    let used: u64 = {
        let memory = redis.cli(&["info", "memory"]);
        memory.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok()).unwrap()
    };
    redis.cli(&["config", "set", "maxmemory", &(used + (1 << 20)).to_string()]);
    a.set("large", "y", json!("y".repeat(1_500_000))).unwrap();
    a.set("small", "x", json!(2)).unwrap();
    until("it is said that there is no place", || {
        a.troubles().iter().any(|trouble| trouble.contains("maxmemory"))
    });
    redis.cli(&["config", "set", "maxmemory", "0"]);
    viewers[0].until(|it| it.state.contains_key("y"));
    viewers[1].until(|it| at(it, "x") == 2);
    until("all works again", || a.troubles().is_empty() && a.stats().unshared == 0);
}

#[test]
fn hubs_that_start_before_redis_share_what_was_published_meanwhile_once_it_is_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://127.0.0.1:{port}");
    let of = |url: &str| {
        let url = url.to_owned();
        crate::hub_protocol::hub(|options| options.redis = Some(url))
    };
    let (a, b) = (of(&url), of(&url));
    let trouble = a.troubles().join("\n");
    assert!(trouble.contains(&format!("127.0.0.1:{port}")) && trouble.contains("refused"), "{trouble}");
    let with_password = of(&url.replace("//", "//:hunter2@")).troubles().join("\n");
    assert!(with_password.contains("refused") && !with_password.contains("hunter2"), "{with_password}");
    let (status, health) = crate::hub_protocol::get(a.addr(), "/healthz");
    assert!(status == 200 && health.starts_with("ok\nreading from redis: "), "{health}");
    let mut viewers = [Follower::connect(a.addr(), None), Follower::connect(b.addr(), None)];
    viewers.iter_mut().for_each(|viewer| drop(viewer.join(&json!("g"))));
    a.set("g", "of a", json!(1)).unwrap();
    b.set("g", "of b", json!(2)).unwrap();
    b.emit("g", "agent-action", json!("before")).unwrap();
    let redis = Redis::start_at(port, &[]).expect("the port is free still");
    for viewer in &mut viewers {
        viewer.until(|it| at(it, "of a") == 1 && at(it, "of b") == 2 && it.events.len() == 1);
    }
    for hub in [&a, &b] {
        until("all works", || hub.troubles().is_empty() && hub.stats().unshared == 0);
    }
    // One that comes later is one of them.
    let c = of(&redis.url());
    let mut viewer = Follower::connect(c.addr(), None);
    let answer = viewer.join(&json!("g"));
    viewer.until(|it| it.state.len() == 2);
    let mut other = Follower::connect(a.addr(), None);
    assert_eq!(other.join(&json!("g"))["hub"], answer["hub"]);
}
