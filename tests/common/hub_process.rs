//! A hub as a process of its own, whose memory and descriptors can be looked at.
#![allow(dead_code, reason = "each test program has it as a module and uses a part of it")]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::hub_protocol::{get, until};

/// What emitters say.
pub(crate) const TOKEN: &str = "secret";

/// A command that serves, and where. It is killed when this is dropped.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) addr: SocketAddr,
}

impl Served {
    /// Runs `circlet` with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_circlet")).args(arguments).args(["--addr", "127.0.0.1:0"]))
    }

    /// Runs a command, which says where it listens.
    pub(crate) fn of(command: &mut Command) -> Self {
        command.env("CIRCLET_EMIT_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().rsplit('/').next().unwrap().parse().unwrap();
        Self { child, addr }
    }

    /// Ends it as Ctrl-C does, and returns what it said on standard error.
    pub(crate) fn end(self) -> String {
        self.end_with(0)
    }

    /// As [`end`](Self::end), where it ends with an exit code of its own.
    pub(crate) fn end_with(mut self, code: i32) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let said = std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{said}");
        said
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A hub as a process of its own. It ends when this is dropped, and may have complained of nothing by then.
pub(crate) struct Process {
    served: Served,
    pub(crate) addr: SocketAddr,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
        command.args(["serve", "--addr", "127.0.0.1:0"]).args(arguments);
        // What the allocator keeps for each thread would hide what is measured.
        let served = Served::of(command.env("MALLOC_ARENA_MAX", "1"));
        Self { addr: served.addr, served }
    }

    /// Returns how many KiB of its memory are its own.
    pub(crate) fn kib(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.served.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Returns how many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.served.child.id())).unwrap().count()
    }

    /// Returns what it counts.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let (status, text) = get(self.addr, "/metrics");
        assert_eq!(status, 200);
        let found = text.lines().find_map(|line| line.strip_prefix(&format!("circlet_hub_{name} ")));
        found.unwrap_or_else(|| panic!("no {name}: {text}")).parse().unwrap()
    }

    #[track_caller]
    pub(crate) fn until_viewers(&self, viewers: u64) {
        until(&format!("there are {viewers} viewers"), || self.metric("viewers") == viewers);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let is_alive = matches!(self.served.child.try_wait(), Ok(None));
        let _ = self.served.child.kill();
        let _ = self.served.child.wait();
        let mut complaints = String::new();
        let _ = self.served.child.stderr.as_mut().unwrap().read_to_string(&mut complaints);
        if !std::thread::panicking() {
            assert!(is_alive, "it ended by itself: {complaints}");
            assert_eq!(complaints, "");
        } else if !complaints.is_empty() {
            eprintln!("the hub said: {complaints}");
        }
    }
}
