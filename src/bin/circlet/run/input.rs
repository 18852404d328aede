//! Lines of standard input, read when somebody asks for one.

use std::io::{self, BufRead, IsTerminal};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::secret::{self, Secret};

/// What came of a question.
#[derive(Debug)]
pub(super) enum Line {
    /// A line with its newline, or the last one without; nothing at the end.
    Bytes(Vec<u8>),
    /// Ctrl-C, where the terminal makes no signal of it.
    Interrupted,
}

impl From<Secret> for Line {
    fn from(secret: Secret) -> Self {
        match secret {
            Secret::Text(text) => Self::Bytes(format!("{text}\n").into_bytes()),
            Secret::End => Self::Bytes(Vec::new()),
            Secret::Interrupted => Self::Interrupted,
        }
    }
}

/// Reads in a thread of its own, as nothing ends a read that is under way.
#[derive(Debug)]
pub(super) struct Input {
    reader: Option<(Sender<bool>, Receiver<Line>)>,
    is_reading: bool,
    is_wanted: bool,
}

impl Input {
    pub(super) fn new() -> Self {
        Self { reader: None, is_reading: false, is_wanted: false }
    }

    /// Tells whether a line was asked for that has not been taken.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Asks for a line; a read that is under way is for this question then. Nobody is to see what is written if `is_secret`.
    pub(super) fn want(&mut self, is_secret: bool) {
        let (ask, _) = self.reader.get_or_insert_with(start);
        if !self.is_reading {
            // The thread lives as long as this.
            let _ = ask.send(is_secret);
        }
        (self.is_reading, self.is_wanted) = (true, true);
    }

    /// Waits for the line.
    pub(super) fn take(&mut self, within: Duration) -> Option<Line> {
        let (_, lines) = self.reader.as_ref()?;
        let line = match lines.recv_timeout(within) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => Line::Bytes(Vec::new()),
        };
        (self.is_reading, self.is_wanted) = (false, false);
        Some(line)
    }

    /// Wants the line no longer: the next question gets it.
    pub(super) fn give_up(&mut self) {
        self.is_wanted = false;
    }
}

fn start() -> (Sender<bool>, Receiver<Line>) {
    let (ask, asked) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    // It ends with the program.
    thread::spawn(move || {
        for is_secret in asked {
            let line = if is_secret && io::stdin().is_terminal() { secret::read().into() } else { read() };
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    (ask, told)
}

fn read() -> Line {
    let mut line = Vec::new();
    match io::stdin().lock().read_until(b'\n', &mut line) {
        Ok(_) => Line::Bytes(line),
        Err(_) => Line::Bytes(Vec::new()),
    }
}
