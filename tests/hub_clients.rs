//! The hub and the clients of Socket.IO as they are published: socket.io-client in Node and in Bun, and python-socketio with threads and
//! with asyncio. What each does is said here once; the scripts in `tests/hub_clients` merely do it.
#![cfg(all(target_os = "linux", feature = "hub"))]

mod common;
#[path = "hub_clients/cut.rs"]
mod cut;
#[path = "common/programs.rs"]
mod programs;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use circlet::hub::{Column, Hub, HubOptions};
use serde_json::{Value, json};

use common::{bun, bun_package, python, root};
use cut::Way;
use programs::program;

/// How long anything may take that comes at once.
const SOON: Duration = Duration::from_secs(10);
const TOKEN: &str = "an emitter's token";
/// How many events a room keeps for whoever was away.
const LOG: u64 = 32;

fn hub_at(addr: SocketAddr) -> Hub {
    let mut options = HubOptions::default();
    options.addr = addr;
    options.emit_token = Some(TOKEN.to_owned());
    // What comes over a way that can be cut names its port.
    options.hosts = vec!["127.0.0.1".to_owned()];
    options.log = LOG as usize;
    // Whoever polled and was cut off is known to have gone by its silence alone.
    options.ping_interval = Duration::from_millis(500);
    options.ping_timeout = Duration::from_secs(3);
    // Where it ended and starts again, a client elsewhere may have its port for a moment.
    let deadline = Instant::now() + SOON;
    loop {
        match Hub::start(options.clone()) {
            Ok(hub) => return hub,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Where what clients get goes, by their number: its kind, and what it is.
type Inboxes = HashMap<u64, Sender<(String, Value)>>;

/// A process that has clients.
struct Runtime {
    child: Child,
    stdin: Mutex<Option<ChildStdin>>,
    inboxes: Arc<Mutex<Inboxes>>,
}

impl Runtime {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let inboxes = Arc::new(Mutex::new(Inboxes::new()));
        let known = inboxes.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
                let inboxes = known.lock().unwrap();
                let inbox = inboxes.get(&said["id"].as_u64().unwrap()).unwrap();
                let _ = inbox.send((said["kind"].as_str().unwrap().to_owned(), said["what"].clone()));
            }
        });
        let stdin = Mutex::new(child.stdin.take());
        Self { child, stdin, inboxes }
    }

    fn tell(&self, what: &Value) {
        let mut stdin = self.stdin.lock().unwrap();
        writeln!(stdin.as_mut().unwrap(), "{what}").unwrap();
    }

    fn client(&self, how: &How, addr: SocketAddr, auth: &Value) -> Client<'_> {
        let (sender, inbox) = mpsc::channel();
        let mut inboxes = self.inboxes.lock().unwrap();
        let id = inboxes.len() as u64;
        inboxes.insert(id, sender);
        drop(inboxes);
        self.tell(&json!({
            "do": "connect", "id": id, "url": format!("http://{addr}"), "path": how.path,
            "transports": how.transports, "auth": auth, "wait_ms": 50,
        }));
        Client { runtime: self, id, inbox, how: format!("{how:?}") }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.child.kill();
        }
        // It ends with its input.
        drop(self.stdin.lock().unwrap().take());
        let _ = self.child.wait();
    }
}

/// How a client connects.
#[derive(Clone, Copy, Debug)]
struct How {
    path: &'static str,
    transports: &'static [&'static str],
}

struct Client<'a> {
    runtime: &'a Runtime,
    id: u64,
    inbox: Receiver<(String, Value)>,
    how: String,
}

impl Client<'_> {
    /// The next thing that comes: its kind, and what it is.
    #[track_caller]
    fn next(&self) -> (String, Value) {
        let Ok(next) = self.inbox.recv_timeout(SOON) else { panic!("nothing came: {}", self.how) };
        next
    }

    /// The next thing that comes, which is of this kind.
    #[track_caller]
    fn comes(&self, kind: &str) -> Value {
        let (found, what) = self.next();
        assert_eq!(found, kind, "{}: {what}", self.how);
        what
    }

    /// Says an event that gets an answer, which comes next.
    #[track_caller]
    fn ask(&self, event: &str, argument: Value) -> Value {
        self.runtime.tell(&json!({ "do": "ask", "id": self.id, "event": event, "args": [argument] }));
        self.comes("answer")
    }

    fn say(&self, event: &str, argument: Value) {
        self.runtime.tell(&json!({ "do": "emit", "id": self.id, "event": event, "args": [argument] }));
    }

    #[track_caller]
    fn transport(&self) -> Value {
        self.runtime.tell(&json!({ "do": "transport", "id": self.id }));
        self.comes("transport")
    }

    #[track_caller]
    fn end(self) {
        self.runtime.tell(&json!({ "do": "disconnect", "id": self.id }));
        self.comes("disconnected");
    }

    /// Joins the room from where it was, and returns the answer, and the state that came with it.
    #[track_caller]
    fn join(&self, from: &Value) -> (Value, Value) {
        let answer = self.ask("join-game", from.clone());
        assert_eq!(answer["ok"], true, "{}: {answer}", self.how);
        let state = self.comes("gameState");
        assert_eq!(state[1]["room"], "g");
        (answer, state[0].clone())
    }

    /// Takes what changed since the state that it has. Whoever polls is told the whole state where it had no poll waiting.
    #[track_caller]
    fn change(&self, state: &mut Value) {
        let (kind, what) = self.next();
        match kind.as_str() {
            "gameState" if !self.how.contains("[\"websocket\"]") => *state = what[0].clone(),
            "game-state-update" => {
                let members = state.as_object_mut().unwrap();
                members.extend(what[0].as_object().unwrap().clone());
                what[1]["removed"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .for_each(|key| drop(members.remove(key.as_str().unwrap())));
            }
            _ => panic!("{}: {kind} {what}", self.how),
        }
    }

    /// Takes the numbers of so many events.
    #[track_caller]
    fn events(&self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            numbers.push(self.comes("agent-action")[1]["n"].as_u64().unwrap());
        }
        numbers
    }
}

/// Does all that a client does, over one transport and in one codec.
fn goes_through_everything(runtime: &Runtime, how: &How) {
    let mut hub = hub_at("127.0.0.1:0".parse().unwrap());
    let way = Way::to(hub.addr());
    hub.set("g", "a", json!({"x": 1.5, "name": "ä\u{1f600}"})).unwrap();
    hub.set(
        "g",
        "points",
        vec![Column::f32("x", [0.5, -1.0, 1e-9, f32::MAX]), Column::f64("y", [0.1, f64::MIN])],
    )
    .unwrap();
    let viewer = runtime.client(how, way.addr, &json!({}));
    viewer.comes("connected");
    let (joined, mut state) = viewer.join(&json!("g"));
    let points = json!({"x": {"f32": [0.5, -1.0, 1e-9_f32, f32::MAX]}, "y": {"f64": [0.1, f64::MIN]}});
    assert_eq!(state["a"], json!({"x": 1.5, "name": "ä\u{1f600}"}));
    assert_eq!(numbers(&state["points"]), numbers(&points), "{how:?}");
    if how.transports.len() > 1 {
        until("it goes on over a websocket", || viewer.transport() == "websocket");
    } else {
        assert_eq!(viewer.transport(), how.transports[0]);
    }

    changes_come(&hub, &viewer, &mut state);
    emitters_may(runtime, how, &hub, way.addr, &viewer, &mut state);

    assert_eq!(viewer.ask("leave-game", json!("g")), json!({"ok": true, "room": "g"}));
    let ticks = hub.stats().ticks;
    hub.emit("g", "agent-action", json!({})).unwrap();
    until("it is told to whoever is in the room", || hub.stats().ticks > ticks);
    assert_eq!(viewer.ask("leave-game", json!("g"))["ok"], false, "and nothing came before it: {how:?}");

    comes_again(&hub, &way, &viewer, &joined);
    viewer.end();
    until(&format!("it has left: {how:?}"), || hub.stats().viewers == 0);

    // The hub ends, and one of the same address comes later.
    let direct = runtime.client(how, hub.addr(), &json!({}));
    direct.comes("connected");
    let (before, _) = direct.join(&json!("g"));
    let addr = hub.addr();
    hub.stop(Duration::ZERO);
    assert_eq!(direct.next().0, "disconnected");
    hub = hub_at(addr);
    hub.set("g", "again", json!(true)).unwrap();
    hub.emit("g", "agent-action", json!({})).unwrap();
    direct.comes("connected");
    let answer = direct.ask("join-game", json!({"room": "g", "hub": before["hub"], "next": before["next"]}));
    assert!(answer["hub"] != before["hub"], "another hub: {answer}");
    until("it has what the new one has", || {
        let (kind, what) = direct.next();
        ["gameState", "game-state-update"].contains(&kind.as_str()) && what[0]["again"] == true
    });
    direct.end();
    until(&format!("nobody is left: {how:?}"), || hub.stats().viewers == 0);
}

/// All numbers of a value, as 32 bits where they were: JSON has no others.
fn numbers(value: &Value) -> Vec<f64> {
    let of = |axis: &str, kind: &str| value[axis][kind].as_array().unwrap().clone();
    [of("x", "f32"), of("y", "f64")].concat().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn changes_come(hub: &Hub, viewer: &Client<'_>, state: &mut Value) {
    hub.update("g", [("b", json!([1, 2]).into())], ["a"]).unwrap();
    viewer.change(state);
    assert_eq!((&state["b"], state.get("a")), (&json!([1, 2]), None), "{}", viewer.how);
    hub.set("g", "points", vec![Column::f32("x", [2.5]), Column::f64("y", [3.5])]).unwrap();
    viewer.change(state);
    assert_eq!(numbers(&state["points"]), [2.5, 3.5]);
    for n in 1..=30 {
        hub.emit("g", "agent-action", json!({"n": n})).unwrap();
        std::thread::sleep(Duration::from_millis(n % 3));
    }
    assert_eq!(viewer.events(30), (1..=30).collect::<Vec<_>>(), "{}", viewer.how);
}

fn emitters_may(
    runtime: &Runtime,
    how: &How,
    hub: &Hub,
    addr: SocketAddr,
    viewer: &Client<'_>,
    state: &mut Value,
) {
    let emitter = runtime.client(how, addr, &json!({"token": TOKEN}));
    emitter.comes("connected");
    let next = 31;
    let none = json!({"$undefined": true});
    let answer = emitter.ask("agent-action", json!({"room": "g", "action": "edit", "none": none}));
    assert_eq!(answer, json!({"ok": true, "room": "g", "n": next}));
    assert_eq!(viewer.comes("agent-action"), json!([{"action": "edit"}, {"room": "g", "n": next}]));
    emitter.say("game-state-update", json!({"room": "g", "set": {"c": {"deep": [true, null]}}}));
    viewer.change(state);
    assert_eq!(state["c"], json!({"deep": [true, null]}));
    let columns =
        json!({"p": {"x": {"f32": {"$bytes": {"f32": [1, 2.5]}}}, "y": {"f64": {"$bytes": {"f64": [0.1]}}}}});
    emitter.say("game-state-update", json!({"room": "g", "columns": columns}));
    viewer.change(state);
    assert_eq!(numbers(&state["p"]), numbers(&json!({"x": {"f32": [1, 2.5]}, "y": {"f64": [0.1]}})));
    emitter.end();

    let answer = viewer.ask("agent-action", json!({"room": "g"}));
    assert!(answer["ok"] == false && answer["error"].as_str().unwrap().contains("only emitters"), "{answer}");
    viewer.say("agent-action", json!({"room": "g"}));
    let refused = viewer.comes("refused");
    assert_eq!((&refused[0]["ok"], &refused[0]["event"]), (&json!(false), &json!("agent-action")));
    let stranger = runtime.client(how, addr, &json!({"token": "a guess"}));
    assert_eq!(
        stranger.comes("refused"),
        "this hub does not know the token: give that of its viewers or of its emitters"
    );
    // It may try again, with another one.
    runtime.tell(&json!({ "do": "disconnect", "id": stranger.id }));
    until(&format!("the stranger has gone: {how:?}"), || hub.stats().viewers == 1);
}

/// Is cut off, and comes again: with what the log still has, and without.
fn comes_again(hub: &Hub, way: &Way, viewer: &Client<'_>, joined: &Value) {
    let (again, _) = viewer.join(&json!("g"));
    assert_eq!(again["hub"], joined["hub"]);
    let mut next = again["next"].as_u64().unwrap();
    for (missed, lost) in [(5, 0), (LOG + 4, 4)] {
        way.cut();
        viewer.comes("disconnected");
        for _ in 0..missed {
            hub.emit("g", "agent-action", json!({})).unwrap();
        }
        way.mend();
        viewer.comes("connected");
        viewer.join(&json!({"room": "g", "hub": joined["hub"], "next": next}));
        if lost > 0 {
            let said = viewer.comes("lost");
            assert_eq!((&said[0]["lost"], &said[0]["next"]), (&json!(lost), &json!(next + lost)));
        }
        let all: Vec<_> = (next + lost..next + missed).collect();
        assert_eq!(viewer.events(all.len()), all, "{}", viewer.how);
        // Once each: what comes next is new.
        assert_eq!(hub.emit("g", "agent-action", json!({})).unwrap(), Some(next + missed));
        assert_eq!(viewer.events(1), [next + missed], "{}", viewer.how);
        next += missed + 1;
    }
}

/// Has a runtime's client do everything over each transport in each codec.
fn each_way(command: &mut Command) {
    let runtime = Runtime::start(command);
    let ways: [&[_]; 3] = [&["websocket"], &["polling"], &["polling", "websocket"]];
    std::thread::scope(|scope| {
        for path in ["/socket.io/", "/socket.io-msgpack/"] {
            for transports in ways {
                let runtime = &runtime;
                scope.spawn(move || goes_through_everything(runtime, &How { path, transports }));
            }
        }
    });
}

fn script(program: impl AsRef<std::ffi::OsStr>, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(root().join("tests/hub_clients").join(name)).env("CIRCLET_NPM", bun_package());
    command
}

#[test]
fn socket_io_client_in_node_goes_through_everything() {
    let Some(node) = program("node") else { return };
    each_way(&mut script(node, "client.mjs"));
}

#[test]
fn socket_io_client_in_bun_goes_through_everything() {
    each_way(&mut script(bun(), "client.mjs"));
}

#[test]
fn python_socketio_with_threads_goes_through_everything() {
    each_way(script(python(), "client.py").arg("threads"));
}

#[test]
fn python_socketio_with_asyncio_goes_through_everything() {
    each_way(script(python(), "client.py").arg("tasks"));
}
