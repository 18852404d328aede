//! A hub as a process of its own, whose memory and descriptors can be looked at.
#![allow(dead_code, reason = "each test program has it as a module and uses a part of it")]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::hub_protocol::{get, until};

/// What emitters say.
pub(crate) const TOKEN: &str = "secret";

/// A hub as a process of its own. It ends when this is dropped, and may have complained of nothing by then.
pub(crate) struct Process {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
        command.args(["serve", "--addr", "127.0.0.1:0"]).args(arguments).env("CIRCLET_EMIT_TOKEN", TOKEN);
        // What the allocator keeps for each thread would hide what is measured.
        command.env("MALLOC_ARENA_MAX", "1");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().rsplit('/').next().unwrap().parse().unwrap();
        Self { child, addr }
    }

    /// Returns how many KiB of its memory are its own.
    pub(crate) fn kib(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Returns how many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
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
        let is_alive = matches!(self.child.try_wait(), Ok(None));
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut complaints = String::new();
        let _ = self.child.stderr.as_mut().unwrap().read_to_string(&mut complaints);
        if !std::thread::panicking() {
            assert!(is_alive, "it ended by itself: {complaints}");
            assert_eq!(complaints, "");
        } else if !complaints.is_empty() {
            eprintln!("the hub said: {complaints}");
        }
    }
}
