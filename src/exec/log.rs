//! What sessions do, told on standard error for people: off unless somebody wants it.

use std::fmt::Display;
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::{env, io};

/// The variable that switches it on where the program says nothing.
const VARIABLE: &str = "CIRCLET_LOG";
/// Whose lines are not a session's own.
pub(super) const CIRCLET: &str = "Circlet";

const UNKNOWN: u8 = 0;
const OFF: u8 = 1;
const ON: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Switches lines on standard error on or off, for all sessions of this process: which session started, ran something,
/// was stopped and ended. `[Circlet]` says what the supervisor does, `[Python]` or `[Bun]` what a session said.
///
/// Without it, they are on where the variable `CIRCLET_LOG` is set to something other than 0.
///
/// ```
/// circlet::exec::log_to_stderr(true);
/// ```
pub fn log_to_stderr(is_on: bool) {
    STATE.store(if is_on { ON } else { OFF }, Relaxed);
}

/// Writes a line, if that is wanted.
pub(super) fn log<T: Display>(who: &str, what: impl FnOnce() -> T) {
    let state = STATE.load(Relaxed);
    if state != OFF && (state == ON || is_on_by_variable()) {
        // In one piece, among the lines of others. Where nobody reads it, nothing is lost.
        let _ = io::stderr().write_all(format!("[{who}] {}\n", what()).as_bytes());
    }
}

#[cold]
fn is_on_by_variable() -> bool {
    let is_on = env::var_os(VARIABLE).is_some_and(|value| !value.is_empty() && value != "0");
    log_to_stderr(is_on);
    is_on
}
