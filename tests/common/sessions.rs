//! Sessions for tests: what they are started with, and what comes of them.
#![allow(dead_code, unreachable_pub, reason = "each test program has it as a module and uses a part of it")]

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use circlet::exec::{Builder, Event, Executor, Outcome, RunOptions, Session, SessionPool};
use circlet::shm::Deadline;

use crate::common;

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(60);

pub fn builder() -> Builder {
    Executor::builder().library(common::library())
}

/// Starts a session of Python.
pub fn start() -> Executor {
    builder().start().unwrap()
}

pub fn pool() -> SessionPool {
    ready(builder().pool().unwrap())
}

/// Waits until a pool has as many sessions ready as it keeps.
pub fn ready(pool: SessionPool) -> SessionPool {
    assert!(pool.wait_ready(Deadline::after(LONG)).unwrap());
    pool
}

/// Runs code, and returns everything that came.
pub fn events(session: &mut Session, code: &str, options: RunOptions) -> (Vec<Event>, Outcome) {
    session.begin(code, options).unwrap();
    let mut events = Vec::new();
    loop {
        match session.next(Deadline::after(LONG)).unwrap().expect("something comes") {
            Event::End(outcome) => return (events, *outcome),
            event => events.push(event),
        }
    }
}

pub fn alive(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// Sends a signal by the program of that name.
pub fn signal(process: u32, name: &str) {
    common::run(std::process::Command::new("kill").args([format!("-{name}"), process.to_string()]));
}

pub fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "{what} in 20 s");
        std::thread::yield_now();
    }
}

/// A session that listens and accepts nobody, its port, and those who fill it: one waits, perhaps two, and nobody else is answered.
pub fn full_listener() -> (Executor, u16, Vec<TcpStream>) {
    let mut outside = builder().start().unwrap();
    let listen = "import socket\nkept = socket.socket()\nkept.bind(('127.0.0.1', 0))\nkept.listen(0)\nkept.getsockname()[1]";
    let port = u16::try_from(outside.run(listen).unwrap().value.unwrap().as_u64().unwrap()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let kept: Vec<_> =
        (0..3).map_while(|_| TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok()).collect();
    assert!(kept.len() < 3, "the listener is full");
    (outside, port, kept)
}
