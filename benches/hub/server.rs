//! A peer's process: started, found ready, looked at, ended.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::peers::Peer;
use crate::system::{self, Memory};

const READY_IN: Duration = Duration::from_secs(30);
const ENDED_IN: Duration = Duration::from_secs(3);

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts a peer, and waits for the line that has its port.
    pub(crate) fn start(peer: &Peer) -> Outcome<Self> {
        let mut command = peer.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        system::end_with_this_thread(&mut command);
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let Some(stdout) = child.stdout.take() else { return Err("no stdout".into()) };
        let (tell, told) = mpsc::channel();
        // Reads on to the end, so that whatever else is printed never fills the pipe.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = port_in(&line).map(|port| tell.send(port));
            }
        });
        let mut server = Self { child, port: 0 };
        server.port = told
            .recv_timeout(READY_IN)
            .map_err(|_| format!("{command:?} printed no port{}", server.why_ended()))?;
        Ok(server)
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
