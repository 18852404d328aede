//! `circlet session track`.

use std::io::{BufRead, Read, stdin};
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
/// Each request gets a line of JSON as its answer, `{"error": ...}` where it is refused. It ends with standard
/// input. Requests:
///   {"patch": {"goal": "draw"}}                   a JSON Merge Patch; answers which paths are measured and refused
///   {"log_api_usage": "node:vm"}                  note an interface that is used
///   {"register_worker": "w_1"}                    add a worker
///   {"update_worker": {"id": "w_1", "patch": {"state": "idle"}}}
///   {"snapshot": {}}   {"history": {}}   {"diff": 3}   {"wait_for_project": {"within_ms": 5000}}
///
/// Examples:
///   echo '{"snapshot": {}}' | circlet session track --pid $$
///   mkfifo in && circlet session track --pid $$ --page app < in &
///   circlet session watch page:app
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
    let tracker = SessionTracker::start(options).map_err(Failure::input)?;
    let (sender, lines) = mpsc::sync_channel(16);
    // It ends with the program, or with standard input.
    thread::spawn(move || {
        let mut input = stdin().lock();
        let mut line = Vec::new();
        while let Ok(1..) = (&mut input).take(LINE_BYTES + 1).read_until(b'\n', &mut line) {
            // What comes after one that is too long is no line.
            let is_last = line.len() as u64 > LINE_BYTES;
            if sender.send(std::mem::take(&mut line)).is_err() || is_last {
                break;
            }
        }
    });
    loop {
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(line) if line.trim_ascii().is_empty() => {}
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

/// Does what a line asks for, and says what came of it.
fn answer(tracker: &SessionTracker, line: &[u8]) -> String {
    if line.len() as u64 > LINE_BYTES {
        return json!({ "error": format!("a line of {} bytes: {LINE_BYTES} are allowed", line.len()) })
            .to_string();
    }
    let request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => return json!({ "error": format!("no request: {error}; see --help") }).to_string(),
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
    answered.unwrap_or_else(|error| json!({ "error": error.to_string() }).to_string())
}
