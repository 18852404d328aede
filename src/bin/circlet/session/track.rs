//! `circlet session track`.

use std::io::{self, BufRead, Read, stdin};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use circlet::payload::{SessionTracker, TrackerError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::options::Tracked;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::print_line;

/// How soon a signal is heard.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The longest line that is read.
const LINE_BYTES: u64 = 16 << 20;

/// Track a session for a program that cannot load the library: it writes requests, a line of JSON each
///
/// Each request gets a line of JSON as its answer, `{"error": ..., "status": ...}` where it is refused, with the status
/// that C has for it. A line may have 16 MiB. It ends with standard input. Requests:
///   {"patch": {"goal": "draw"}}                   a JSON Merge Patch; answers which paths are measured and refused
///   {"log_api_usage": "node:vm"}                  note an interface that is used
///   {"register_worker": "w_1"}                    add a worker
///   {"update_worker": {"id": "w_1", "patch": {"state": "idle"}}}
///   {"snapshot": {}}   {"history": {}}   {"diff": 3}   {"wait_for_project": {"within_ms": 5000}}
///
/// Examples:
///   echo '{"snapshot": {}}' | circlet session track --pid $$
///   sleep infinity | circlet session track --pid $$ --page app &
///   circlet session watch app
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    tracked: Tracked,
    /// Publish snapshots to this page in shared memory
    #[arg(long, value_name = "NAME")]
    page: Option<String>,
    /// How often, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    interval: u64,
    /// What runs the session's code
    #[arg(long, default_value = "native", value_parser = ["bun", "node", "python", "native"])]
    runtime: String,
    /// The id of the session; made where it is not given
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// How many snapshots are remembered
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    history: u32,
    /// How long what is said may be as JSON, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(1..))]
    max_bytes: u32,
    /// Leave the project alone
    #[arg(long)]
    no_project: bool,
}

/// What a line asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    Patch(Value),
    LogApiUsage(String),
    RegisterWorker(String),
    UpdateWorker { id: String, patch: Value },
    Snapshot {},
    History {},
    Diff(u64),
    WaitForProject { within_ms: u64 },
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let interrupt = Interrupt::watch()?;
    let mut options = arguments.tracked.options()?;
    options.page.clone_from(&arguments.page);
    options.interval_ms = arguments.interval;
    options.runtime.clone_from(&arguments.runtime);
    options.session.clone_from(&arguments.session);
    options.project = !arguments.no_project;
    options.history = arguments.history as usize;
    options.max_bytes = arguments.max_bytes;
    let tracker = SessionTracker::start(options).map_err(Failure::input)?;
    let (sender, lines) = mpsc::sync_channel(16);
    // It ends with the program, or with standard input.
    thread::spawn(move || {
        let mut input = stdin().lock();
        while let Ok(Some(line)) = next_line(&mut input, LINE_BYTES) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    loop {
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(Line::Whole(line)) if line.trim_ascii().is_empty() => {}
            Ok(line) => {
                if !print_line(answer(&tracker, &line))? {
                    return Ok(());
                }
            }
            Err(RecvTimeoutError::Timeout) => interrupt.check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// A line of the input.
#[derive(Debug, PartialEq)]
enum Line {
    Whole(Vec<u8>),
    /// One that is longer than allowed, of so many bytes, which was passed over.
    TooLong(u64),
}

/// Reads the next line, of which no more than `most` bytes are kept at a time; `None` at the end.
fn next_line(input: &mut impl BufRead, most: u64) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut len = 0;
    loop {
        let read = input.take(most + 1).read_until(b'\n', &mut line)? as u64;
        len += read;
        let is_over = read <= most || line.last() == Some(&b'\n');
        if is_over {
            return Ok(match len {
                0 => None,
                _ if len > most => Some(Line::TooLong(len)),
                _ => Some(Line::Whole(line)),
            });
        }
        line.clear();
    }
}

fn refusal(error: &str, status: &str) -> String {
    json!({ "error": error, "status": status }).to_string()
}

/// Names the status that C has for what is refused.
fn status_of(error: &TrackerError) -> &'static str {
    match error {
        TrackerError::Patch(_) => "CIRCLET_BAD_JSON",
        TrackerError::TooLarge { .. } => "CIRCLET_TOO_LARGE",
        TrackerError::KnownWorker(_) => "CIRCLET_NAME_TAKEN",
        TrackerError::UnknownWorker(_) | TrackerError::Forgotten { .. } => "CIRCLET_NOT_FOUND",
        TrackerError::Option { .. } | TrackerError::Measured(_) => "CIRCLET_INVALID",
        _ => "CIRCLET_OS",
    }
}

/// Does what a line asks for, and says what came of it.
fn answer(tracker: &SessionTracker, line: &Line) -> String {
    let line = match line {
        Line::Whole(line) => line,
        Line::TooLong(len) => {
            let error = format!("a line of {len} bytes: {LINE_BYTES} are allowed");
            return refusal(&error, "CIRCLET_TOO_LARGE");
        }
    };
    let request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => return refusal(&format!("no request: {error}; see --help"), "CIRCLET_BAD_JSON"),
    };
    let done = |()| "{}".to_owned();
    let answered: Result<String, TrackerError> = match request {
        Request::Patch(patch) => {
            tracker.patch(patch).map(|refused| json!({ "refused": refused }).to_string())
        }
        Request::LogApiUsage(name) => tracker.log_api_usage(&name).map(done),
        Request::RegisterWorker(id) => tracker.register_worker(&id).map(done),
        Request::UpdateWorker { id, patch } => tracker.update_worker(&id, patch).map(done),
        Request::Snapshot {} => tracker.snapshot_json().map(|json| format!(r#"{{"snapshot":{json}}}"#)),
        Request::History {} => tracker.history().map(|all| format!(r#"{{"history":[{}]}}"#, all.join(","))),
        Request::WaitForProject { within_ms } => {
            let has_looked = tracker.wait_for_project(Duration::from_millis(within_ms));
            Ok(json!({ "has_looked": has_looked }).to_string())
        }
        Request::Diff(from) => tracker.diff(from).map(|patch| json!({ "diff": patch }).to_string()),
    };
    answered.unwrap_or_else(|error| refusal(&error.to_string(), status_of(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_those_behind_it_are_read() {
        for over in 1..20 {
            let text = format!("one\n{}\n\nlast", "x".repeat(8 + over));
            let mut input = text.as_bytes();
            let lines: Vec<_> = std::iter::from_fn(|| next_line(&mut input, 8).unwrap()).collect();
            let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
            assert_eq!(lines, [whole("one\n"), Line::TooLong(9 + over as u64), whole("\n"), whole("last")]);
        }
        let mut input = &b"1234567\n12345678"[..];
        assert_eq!(next_line(&mut input, 8).unwrap(), Some(Line::Whole(b"1234567\n".to_vec())));
        assert_eq!(next_line(&mut input, 8).unwrap(), Some(Line::Whole(b"12345678".to_vec())));
        assert_eq!(next_line(&mut input, 8).unwrap(), None);
    }
}
