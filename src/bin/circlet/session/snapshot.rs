//! `circlet session snapshot`.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use circlet::payload::{SessionPayload, SessionTracker};
use serde_json::Value;

use super::options::Tracked;
use crate::failure::Failure;
use crate::output::{harmless_json, print};

/// How long a project may take to be looked at.
const PROJECT_WITHIN: Duration = Duration::from_secs(30);

/// Take a snapshot of what is going on here: this machine, a process, the project in a folder
///
/// Prints the payload as JSON, indented on a terminal. What should not leave, as home folders, user names and
/// keys, is taken out, and named in `redacted`.
///
/// Examples:
///   circlet session snapshot
///   circlet session snapshot --pid 4711 --folder ~/src/app | circlet session summary -
///   circlet session snapshot --junit report.xml --lcov coverage/lcov.info --view | jq .test
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    tracked: Tracked,
    /// Print the view: units of MB, ms and s, with totals and rates
    #[arg(long)]
    view: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let payload = taken(&arguments.tracked)?;
    print(written(&if arguments.view { payload.to_view() } else { payload.to_value() }))
}

/// Takes a snapshot of the machine and of the project in the folder that this program runs in.
pub(super) fn here() -> Result<SessionPayload, Failure> {
    taken(&Tracked::default())
}

fn taken(tracked: &Tracked) -> Result<SessionPayload, Failure> {
    let tracker = SessionTracker::start(tracked.options()?).map_err(Failure::input)?;
    if !tracker.wait_for_project(PROJECT_WITHIN) {
        return Err(Failure::run(format!(
            "the project was not looked at within {PROJECT_WITHIN:?}; name a smaller --folder"
        )));
    }
    let mut payload = tracker.snapshot().map_err(Failure::run)?;
    if tracked.pid.is_none() {
        without_this_program(&mut payload);
    }
    Ok(payload)
}

/// Nobody asked for this program itself.
fn without_this_program(payload: &mut SessionPayload) {
    payload.process = None;
    if let Some(env) = payload.metadata.as_mut().and_then(|metadata| metadata.env.as_mut()) {
        (env.process_id, env.uptime_ms) = (None, None);
    }
    if let Some(ages) = &mut payload.ages_ms {
        ages.remove("process");
    }
}

/// Writes JSON for whoever reads it.
pub(super) fn written(value: &Value) -> String {
    // JSON escapes what commands a terminal but for the second set of control characters and what turns writing.
    if stdout().is_terminal() { harmless_json(&format!("{value:#}")) } else { value.to_string() }
}
