//! Rooms that hubs share, by a real Redis server.
#![cfg(feature = "redis")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use circlet::hub::{Column, Hub, HubError, HubOptions};
use serde_json::{Value, json};

#[path = "common/hub_follower.rs"]
mod hub_follower;
#[cfg(feature = "cli")]
#[path = "common/hub_process.rs"]
mod hub_process;
#[path = "common/hub_protocol.rs"]
mod hub_protocol;

use hub_follower::Follower;
use hub_protocol::{SOON, until};

/// A server of its own, with nothing on disk.
struct Redis {
    port: u16,
    process: Child,
}

impl Redis {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(options: &[&str]) -> Self {
        // Whoever takes the port meanwhile has the server end, and another one is tried.
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(redis) = Self::start_at(port, options) {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    fn start_at(port: u16, options: &[&str]) -> Option<Self> {
        let mut command = Command::new("redis-server");
        let port_text = port.to_string();
        command.args(["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--dir", env!("CARGO_TARGET_TMPDIR")]).args(options);
        let process = command.args(["--daemonize", "no"]).stdout(Stdio::null()).spawn();
        let mut redis =
            Self { port, process: process.expect("redis-server is there (Debian: redis-server)") };
        let deadline = Instant::now() + SOON;
        while redis.process.try_wait().unwrap().is_none() && Instant::now() < deadline {
            if redis.answers() {
                return Some(redis);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut answer = [0; 7];
        stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == *b"+PONG\r\n"
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn cli(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let done = Command::new("redis-cli").args(["-e", "-p", &port]).args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// Stops it for a time, as a network that is gone: connections stay, and nothing is answered.
    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn hub(redis: &Redis, change: impl FnOnce(&mut HubOptions)) -> Hub {
    hub_protocol::hub(|options| {
        options.redis = Some(redis.url());
        change(options);
    })
}

fn at(viewer: &Follower, key: &str) -> Value {
    viewer.state.get(key).cloned().unwrap_or_default()
}

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

/// The way to a server, on which nothing comes back for a while.
struct Way {
    port: u16,
    is_stopped: Arc<AtomicBool>,
}

impl Way {
    fn to(redis: &Redis) -> Self {
        let (listener, to) = (TcpListener::bind("127.0.0.1:0").unwrap(), redis.port);
        let (port, is_stopped) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let stops = is_stopped.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
                let (mut from, mut back) = (stream.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut { server }));
                let (mut stream, stops) = (stream, stops.clone());
                std::thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = back.read(&mut buffer) {
                        while stops.load(Ordering::Relaxed) {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        if stream.write_all(&buffer[..length]).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { port, is_stopped }
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
        let mut serve = Command::new(env!("CARGO_BIN_EXE_circlet"));
        serve.args(["serve", "--addr", "127.0.0.1:0"]).env("CIRCLET_REDIS", redis.url());
        hub_process::Served::of(&mut serve)
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
    redis.cli(&["save"]);
    a.update("g", [("x", json!(2).into())], ["gone"]).unwrap();
    a.emit("g", "agent-action", json!(2)).unwrap();
    viewer.until(|it| at(it, "x") == 2 && it.events.len() == 2);
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
fn hubs_that_start_before_redis_share_what_was_published_meanwhile_once_it_is_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://127.0.0.1:{port}");
    let of = |url: &str| {
        let url = url.to_owned();
        hub_protocol::hub(|options| options.redis = Some(url))
    };
    let (a, b) = (of(&url), of(&url));
    let trouble = a.troubles().join("\n");
    assert!(trouble.contains(&format!("127.0.0.1:{port}")) && trouble.contains("refused"), "{trouble}");
    let with_password = of(&url.replace("//", "//:hunter2@")).troubles().join("\n");
    assert!(with_password.contains("refused") && !with_password.contains("hunter2"), "{with_password}");
    let (status, health) = hub_protocol::get(a.addr(), "/healthz");
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
