//! Lines of standard input, read when somebody asks for one.

use std::io::{self, BufRead, IsTerminal};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::secret::{self, Secret};

/// Reads in a thread of its own, as nothing ends a read that is under way.
#[derive(Debug)]
pub(super) struct Input {
    reader: Option<(Sender<bool>, Receiver<Secret>)>,
    is_wanted: bool,
}

impl Input {
    pub(super) fn new() -> Self {
        Self { reader: None, is_wanted: false }
    }

    /// Tells whether a line was asked for that has not been taken.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Asks for a line; a read that is under way is for this question then. Nobody is to see what is written if `is_secret`.
    pub(super) fn want(&mut self, is_secret: bool) {
        let (ask, _) = self.reader.get_or_insert_with(start);
        if !self.is_wanted {
            // The thread lives as long as this.
            let _ = ask.send(is_secret);
        }
        self.is_wanted = true;
    }

    /// Waits for the line.
    pub(super) fn take(&mut self, within: Duration) -> Option<Secret> {
        let (_, lines) = self.reader.as_ref()?;
        let line = match lines.recv_timeout(within) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => Secret::End,
        };
        self.is_wanted = false;
        Some(line)
    }
}

fn start() -> (Sender<bool>, Receiver<Secret>) {
    let (ask, asked) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    // It ends with the program.
    thread::spawn(move || {
        for is_secret in asked {
            let line = if is_secret && io::stdin().is_terminal() { secret::read() } else { read() };
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    (ask, told)
}

fn read() -> Secret {
    let mut line = Vec::new();
    match io::stdin().lock().read_until(b'\n', &mut line) {
        Ok(0) | Err(_) => Secret::End,
        Ok(_) => {
            line.pop_if(|last| *last == b'\n');
            Secret::Text(String::from_utf8_lossy(&line).into_owned())
        }
    }
}
