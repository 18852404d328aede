//! A run: how it is wanted, and what comes of it while it is under way.

use std::time::Duration;

use serde_json::Value;

use super::{Outcome, State};
use crate::exec::outputs::Stream;

/// How a code string is to be run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct RunOptions {
    pub(super) within: Option<Duration>,
    pub(super) asks: bool,
    pub(super) states: bool,
}

impl RunOptions {
    /// Begins with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has the run stopped after that time, as by [`Interrupter::interrupt`](super::Interrupter::interrupt).
    pub fn within(self, within: Duration) -> Self {
        Self { within: Some(within), ..self }
    }

    /// Lets the code ask for lines, by `input()` and standard input: [`Event::Ask`] is to be answered. Without it, `input()`
    /// fails at once.
    pub fn asks(self) -> Self {
        Self { asks: true, ..self }
    }

    /// Has [`Event::State`] tell what becomes of the run, for a log. Without it, nothing is spent on that.
    pub fn states(self) -> Self {
        Self { states: true, ..self }
    }
}

/// What comes of a run, in order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Something was printed. Whole characters, where it was text that was printed.
    Output(Stream, Vec<u8>),
    /// Something is to be shown: by MIME type, as in [`Outcome::data`].
    Display(Value),
    /// The code sent bytes.
    Data(Vec<u8>),
    /// The code asks for a line: [`Session::answer`](super::Session::answer).
    Ask {
        /// What it shows beside the place where the line is to be written.
        prompt: String,
        /// Whether nobody is to see what is written there.
        is_secret: bool,
    },
    /// Something became of the run, where [`RunOptions::states`] asks for that.
    State(State),
    /// The run is over. What was printed is not repeated in it.
    End(Box<Outcome>),
}
