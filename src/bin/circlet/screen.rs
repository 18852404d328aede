//! The terminal as a screen of its own for a while, left as it was however the program ends.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, queue};

use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// Ctrl-C, where the terminal makes no signal of it.
const CTRL_C: u8 = 3;
/// How soon a signal is heard.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Standard output as a screen.
#[derive(Debug)]
pub(crate) struct Screen {
    keys: Receiver<u8>,
    /// Kept where nobody reads keys, so that nobody is told that there will be none.
    _no_keys: Option<Sender<u8>>,
    is_raw: bool,
}

impl Screen {
    /// Takes the terminal. Keys are read where standard input is one too.
    pub(crate) fn open() -> Result<Self, Failure> {
        let (sender, keys) = mpsc::channel();
        let is_raw = io::stdin().is_terminal();
        if is_raw {
            terminal::enable_raw_mode().map_err(wrong)?;
        }
        // From here on, dropping it gives the terminal back.
        let mut screen = Self { keys, _no_keys: None, is_raw };
        queue!(io::stdout(), EnterAlternateScreen, cursor::Hide).map_err(wrong)?;
        if is_raw {
            // It ends with the program.
            thread::spawn(move || {
                for key in io::stdin().lock().bytes().map_while(Result::ok) {
                    if sender.send(key).is_err() {
                        break;
                    }
                }
            });
        } else {
            screen._no_keys = Some(sender);
        }
        Ok(screen)
    }

    /// Draws a text from the top, cut to what fits.
    pub(crate) fn draw(&self, text: &str) -> Result<(), Failure> {
        let (columns, rows) = terminal::size().map_err(wrong)?;
        let mut out = io::stdout().lock();
        queue!(out, cursor::MoveTo(0, 0)).map_err(wrong)?;
        for (row, line) in text.lines().take(rows.into()).enumerate() {
            let line: String = line.chars().take(columns.into()).collect();
            let end = if row == 0 { "" } else { "\r\n" };
            // Cleared first: a line that ends at the edge would lose its last character.
            write!(out, "{end}").and_then(|()| queue!(out, Clear(ClearType::CurrentLine))).map_err(wrong)?;
            write!(out, "{line}").map_err(wrong)?;
        }
        queue!(out, Clear(ClearType::FromCursorDown)).and_then(|()| out.flush()).map_err(wrong)
    }

    /// Waits, and tells whether somebody asked for the end meanwhile.
    pub(crate) fn wait_until(&self, moment: Instant, interrupt: &Interrupt) -> bool {
        loop {
            if interrupt.check().is_err() {
                return true;
            }
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            match self.keys.recv_timeout(left.min(LOOK_EVERY)) {
                Ok(b'q' | b'Q' | CTRL_C) => return true,
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                // The terminal has gone.
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody left to tell of a failure.
        let mut out = io::stdout();
        let _ = queue!(out, cursor::Show, LeaveAlternateScreen).and_then(|()| out.flush());
        if self.is_raw {
            let _ = terminal::disable_raw_mode();
        }
    }
}

/// Waits without a screen, and tells whether somebody asked for the end meanwhile.
pub(crate) fn wait_until(moment: Instant, interrupt: &Interrupt) -> bool {
    loop {
        if interrupt.check().is_err() {
            return true;
        }
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        thread::sleep(left.min(LOOK_EVERY));
    }
}

fn wrong(error: io::Error) -> Failure {
    Failure::run(format!("the terminal cannot be used: {error}"))
}
