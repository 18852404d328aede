//! Rooms that hubs share, by a real Redis server.
#![cfg(feature = "redis")]

mod bounds;
#[path = "../common/hub_follower.rs"]
mod hub_follower;
#[cfg(feature = "cli")]
#[path = "../common/hub_process.rs"]
mod hub_process;
#[path = "../common/hub_protocol.rs"]
mod hub_protocol;
mod outages;
mod viewers;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use circlet::hub::{Hub, HubOptions};
use serde_json::Value;

use hub_follower::Follower;
use hub_protocol::SOON;

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

fn hub(redis: &Redis, change: impl FnOnce(&mut HubOptions)) -> Hub {
    hub_protocol::hub(|options| {
        options.redis = Some(redis.url());
        change(options);
    })
}

fn at(viewer: &Follower, key: &str) -> Value {
    viewer.state.get(key).cloned().unwrap_or_default()
}
