//! A peer's process: started, found ready, looked at, ended.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::frames::Order;
use crate::peers::{Orders, Peer};
use crate::system::{self, Memory};

const READY_IN: Duration = Duration::from_secs(30);
const ENDED_IN: Duration = Duration::from_secs(3);

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    done: mpsc::Receiver<u64>,
    pub(crate) port: u16,
}

impl Server {
    /// Starts a peer, and waits for the line that has its port.
    pub(crate) fn start(peer: &Peer) -> Outcome<Self> {
        let mut command = peer.command();
        let stdin = if peer.orders == Orders::Line { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped());
        system::end_with_this_thread(&mut command);
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let Some(stdout) = child.stdout.take() else { return Err("no stdout".into()) };
        let (tell, told) = mpsc::channel();
        let (tell_done, done) = mpsc::channel();
        // Reads on to the end, so that whatever else is printed never fills the pipe.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                match line.strip_prefix("done ").map(str::parse) {
                    Some(Ok(frames)) => drop(tell_done.send(frames)),
                    _ => drop(port_in(&line).map(|port| tell.send(port))),
                }
            }
        });
        let stdin = child.stdin.take();
        let mut server = Self { child, stdin, done, port: 0 };
        server.port = told
            .recv_timeout(READY_IN)
            .map_err(|_| format!("{command:?} printed no port{}", server.why_ended()))?;
        Ok(server)
    }

    /// Gives an order, and tells whether it is one that takes them so.
    pub(crate) fn order(&mut self, order: &Order) -> Outcome<bool> {
        let Some(stdin) = &mut self.stdin else { return Ok(false) };
        writeln!(stdin, "{}", serde_json::to_string(order)?)?;
        Ok(true)
    }

    /// Tells of an order that it was given how many frames it came to, once it is done.
    pub(crate) fn done(&self) -> Option<u64> {
        self.done.try_recv().ok()
    }

    pub(crate) fn memory(&self) -> Outcome<Memory> {
        system::memory(self.child.id())
    }

    pub(crate) fn rss(&self) -> Outcome<f64> {
        system::rss(self.child.id())
    }

    pub(crate) fn processor_seconds(&self) -> Outcome<f64> {
        system::processor_seconds(self.child.id())
    }

    /// Says that the server has ended, where it has.
    pub(crate) fn why_ended(&mut self) -> String {
        match self.child.try_wait() {
            Ok(Some(status)) => format!("; the server ended: {status}"),
            _ => String::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            system::terminate(self.child.id());
        }
        let begin = Instant::now();
        while let Ok(None) = self.child.try_wait() {
            if begin.elapsed() > ENDED_IN {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Finds the port in a line that is nothing else, or that has an address with a port.
fn port_in(line: &str) -> Option<u16> {
    let after_colons = line.split(':').skip(1).filter_map(|part| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        part[..digits].parse().ok()
    });
    line.trim().parse().ok().or_else(|| after_colons.last()).filter(|port| *port != 0)
}
