//! `circlet session watch`.

use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

use circlet::page::{self, Reader};
use circlet::payload::{PAGE_SCHEMA, SessionPayload};

use circlet::shm::PeerState;

use super::read::said;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{harmless, print_line};
use crate::screen::{self, Screen};
use crate::time::parse_interval;

/// How much of a payload is drawn: for people it may be more than for a prompt.
const SCREEN_TOKENS: u64 = 1_000;

/// Watch a session on its page in shared memory: what goes on, as it changes
///
/// On a terminal it goes on until q or Ctrl-C, and draws the summary anew; elsewhere it prints each snapshot
/// that it sees as a line of JSON. It ends when the one who writes the page has gone.
///
/// Examples:
///   circlet session watch app
///   circlet session watch app --count 1 | jq .process
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The name of the page; page:NAME is the same
    #[arg(value_name = "PAGE")]
    page: String,
    /// How long an interval is, as in 1s, 250ms or 0.5 (seconds)
    #[arg(long, default_value = "500ms", value_parser = parse_interval)]
    interval: Duration,
    /// End after so many snapshots
    #[arg(long, value_name = "SNAPSHOTS", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Print lines of JSON on a terminal too
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = arguments.page.strip_prefix("page:").unwrap_or(&arguments.page);
    let options = page::Options::new().schema(PAGE_SCHEMA);
    let page = page::open(name, &options)
        .map_err(|error| Failure::input(format!("{}: {}", harmless(name), said(&error.into()))))?;
    let interrupt = Interrupt::watch()?;
    let mut reader = page.reader();
    let on_screen = stdout().is_terminal() && !arguments.json;
    let screen = on_screen.then(Screen::open).transpose()?;
    let (mut seen, mut last) = (0, 0);
    loop {
        let has_gone = reader.writer_state() != PeerState::Alive;
        let next = Instant::now() + arguments.interval;
        if let Some((version, payload)) = snapshot(&mut reader)?
            && version != last
        {
            last = version;
            seen += 1;
            match &screen {
                Some(screen) => screen.draw(&drawn(name, &payload, has_gone))?,
                None if !print_line(payload.to_json())? => return Ok(()),
                None => {}
            }
        } else if has_gone {
            return Ok(());
        }
        if arguments.count.is_some_and(|count| seen >= count) {
            return Ok(());
        }
        let is_over = match &screen {
            Some(screen) => screen.wait_until(next, &interrupt),
            None => screen::wait_until(next, &interrupt),
        };
        if is_over {
            return Ok(());
        }
    }
}

fn snapshot(reader: &mut Reader) -> Result<Option<(u64, SessionPayload)>, Failure> {
    let Some(value) = reader.read().map_err(Failure::run)? else { return Ok(None) };
    let text = std::str::from_utf8(value.bytes).map_err(|_| Failure::run("the page's value is not UTF-8"))?;
    Ok(Some((value.version, SessionPayload::from_json(text).map_err(Failure::run)?)))
}

fn drawn(name: &str, payload: &SessionPayload, has_gone: bool) -> String {
    let state = if has_gone { "its writer has gone" } else { "live" };
    let seq = payload.seq.unwrap_or_default();
    format!(
        "circlet session watch {}: snapshot {seq}, {state}; q ends it\n\n{}",
        harmless(name),
        payload.summary(SCREEN_TOKENS)
    )
}
