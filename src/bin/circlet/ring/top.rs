//! `circlet ring top`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

use circlet::ring::{Mode, Stats};
use circlet::shm::Segment;
use indicatif::{HumanCount, HumanFloatCount};
use serde_json::{Value, json};

use super::list::{or_dash, table};
use super::look::{Look, PageLook, error_fields, share};

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{harmless, print_line};
use crate::screen::{self, Screen};
use crate::time::parse_interval;

const BAR_WIDTH: usize = 10;
const HEADER: [&str; 9] =
    ["NAME", "MODE", "FILL", "FRAMES/S", "MB/S", "DROPPED", "WAITS/S", "PRODUCER", "CONSUMER"];

/// Watch all named rings and pages: rates, fill, what was dropped, who waits, who is there
///
/// On a terminal it goes on until q or Ctrl-C; elsewhere it prints one table after one interval, and ends.
/// MB/S are millions of bytes of payload in a second; WAITS/S is how often producers and consumer went to sleep.
///
/// Examples:
///   circlet ring top
///   circlet ring top --interval 250ms
///   circlet ring top --json --count 10 | jq '.rings[].frames_per_s'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// How long an interval is, as in 1s, 250ms or 0.5 (seconds)
    #[arg(long, default_value = "1s", value_parser = parse_interval)]
    interval: Duration,
    /// End after so many intervals
    #[arg(long, value_name = "INTERVALS", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Print a line of JSON for each interval, on and on unless there is a --count
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let interrupt = Interrupt::watch()?;
    if stdout().is_terminal() && !arguments.json {
        return on_screen(arguments, &interrupt);
    }
    let count = arguments.count.or((!arguments.json).then_some(1));
    let mut before = Sample::take()?;
    for _ in 0..count.unwrap_or(u64::MAX) {
        if screen::wait_until(before.at + arguments.interval, &interrupt) {
            // Without a count this is how one ends it.
            return if count.is_some() { Err(Failure::Interrupted) } else { Ok(()) };
        }
        let now = Sample::take()?;
        let text = if arguments.json { report(&before, &now).to_string() } else { text(&before, &now) };
        if !print_line(text)? {
            break;
        }
        before = now;
    }
    Ok(())
}

fn on_screen(arguments: &Arguments, interrupt: &Interrupt) -> Result<(), Failure> {
    let screen = Screen::open()?;
    let mut before = Sample::take()?;
    // Something to look at during the first interval.
    let mut body = text(&before, &before);
    for _ in 0..arguments.count.unwrap_or(u64::MAX) {
        let rings = before.looks.len();
        let every = arguments.interval;
        screen.draw(&format!("circlet ring top: {rings} of them, every {every:?}; q ends it\n\n{body}"))?;
        if screen.wait_until(before.at + arguments.interval, interrupt) {
            break;
        }
        let now = Sample::take()?;
        body = text(&before, &now);
        before = now;
    }
    Ok(())
}

/// All that there is at one moment. Nothing stays open from one to the next: what is abandoned can be removed.
#[derive(Debug)]
struct Sample {
    at: Instant,
    looks: BTreeMap<String, Result<Look, Failure>>,
}

impl Sample {
    fn take() -> Result<Self, Failure> {
        let names = Segment::names().map_err(Failure::run)?;
        let looks = names.into_iter().map(|name| (Look::at(&name), name));
        Ok(Self { at: Instant::now(), looks: looks.map(|(look, name)| (name, look)).collect() })
    }

    fn ring(&self, name: &str) -> Option<&Look> {
        self.looks.get(name)?.as_ref().ok()
    }
}

/// What happened in an interval, in a second. What a mode does not have is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rates {
    frames: f64,
    payload_bytes: Option<f64>,
    dropped: Option<f64>,
    producer_waits: Option<f64>,
    consumer_waits: Option<f64>,
}

/// Compares two looks at what has one name; `None` where it is not the same ring any more.
fn rates(before: &Look, now: &Look, seconds: f64) -> Option<Rates> {
    let rate = |before: u64, now: u64| Some(now.checked_sub(before)? as f64 / seconds);
    match (before, now) {
        (Look::Ring(before), Look::Ring(now)) => {
            let of = |field: fn(&Stats) -> u64| rate(field(before), field(now));
            Some(Rates {
                frames: of(|stats| stats.frames_sent)?,
                payload_bytes: Some(of(|stats| stats.payload_bytes_sent)?),
                dropped: Some(of(|stats| stats.dropped)?),
                producer_waits: Some(of(|stats| stats.producer_waits)?),
                consumer_waits: of(|stats| stats.consumer_waits).filter(|_| now.mode != Mode::Broadcast),
            })
        }
        (Look::Page(before), Look::Page(now)) => {
            let version = |page: &PageLook| Some(page.value.as_ref().ok()?.map_or(0, |value| value.0));
            Some(Rates {
                frames: rate(version(before)?, version(now)?)?,
                payload_bytes: None,
                dropped: None,
                producer_waits: None,
                consumer_waits: None,
            })
        }
        _ => None,
    }
}

fn rates_of(name: &str, before: &Sample, now: &Sample) -> Option<Rates> {
    let seconds = now.at.duration_since(before.at).as_secs_f64();
    if seconds > 0.0 { rates(before.ring(name)?, now.ring(name)?, seconds) } else { None }
}

fn report(before: &Sample, now: &Sample) -> Value {
    let one = |(name, look): (&String, &Result<Look, Failure>)| {
        let look = match look {
            Ok(look) => look,
            Err(error) => return error_fields(name, error),
        };
        let mut fields = look.fields(name);
        let rates = rates_of(name, before, now);
        let more = json!({
            "fill": look.fill(),
            "frames_per_s": rates.map(|rates| rates.frames),
            "payload_bytes_per_s": rates.and_then(|rates| rates.payload_bytes),
            "dropped_per_s": rates.and_then(|rates| rates.dropped),
            "producer_waits_per_s": rates.and_then(|rates| rates.producer_waits),
            "consumer_waits_per_s": rates.and_then(|rates| rates.consumer_waits),
        });
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        fields
    };
    let seconds = now.at.duration_since(before.at).as_secs_f64();
    json!({ "interval_s": seconds, "rings": now.looks.iter().map(one).collect::<Vec<_>>() })
}

fn text(before: &Sample, now: &Sample) -> String {
    let mut table = table(&HEADER, 3..7);
    let mut unreadable = String::new();
    for (name, look) in &now.looks {
        match look {
            Ok(look) => {
                table.add_row(row(name, look, rates_of(name, before, now)));
            }
            Err(error) => unreadable += &format!("\n{error}"),
        }
    }
    table.trim_fmt() + &unreadable
}

fn row(name: &str, look: &Look, rates: Option<Rates>) -> [String; 9] {
    let rate = |rate: f64| HumanFloatCount(rate.round()).to_string();
    let dropped = match look {
        Look::Ring(stats) => Some(HumanCount(stats.dropped).to_string()),
        Look::Page(_) => None,
    };
    let waits =
        rates.and_then(|rates| Some(rates.producer_waits? + rates.consumer_waits.unwrap_or_default()));
    [
        harmless(name),
        look.mode().to_string(),
        or_dash(look.fill().map(|fill| share(fill, BAR_WIDTH))),
        or_dash(rates.map(|rates| rate(rates.frames))),
        or_dash(rates.and_then(|rates| rates.payload_bytes).map(|bytes| format!("{:.2}", bytes / 1e6))),
        or_dash(dropped),
        or_dash(waits.map(rate)),
        look.producers(),
        or_dash(look.consumer().map(|state| state.to_string())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use circlet::ring::{self, Options, PeerState};

    fn page(version: u64) -> Look {
        Look::Page(PageLook {
            schema: String::new(),
            capacity_bytes: 4096,
            max_bytes: 100,
            writer: PeerState::Alive,
            value: Ok(Some((version, 3))),
        })
    }

    #[test]
    fn rates_are_differences_in_a_second() {
        let ring = ring::anonymous(&Options::new()).unwrap();
        let mut sender = ring.sender().unwrap();
        let before = ring.stats();
        sender.send(&[0; 100]).unwrap();
        sender.send(&[0; 100]).unwrap();
        let now = ring.stats();
        let found = rates(&Look::Ring(before.clone()), &Look::Ring(now.clone()), 0.5).unwrap();
        assert_eq!((found.frames, found.payload_bytes), (4.0, Some(400.0)));
        // Another ring has the name by now.
        assert_eq!(rates(&Look::Ring(now), &Look::Ring(before.clone()), 1.0), None);
        assert_eq!(rates(&page(1), &Look::Ring(before), 1.0), None);
        assert_eq!(rates(&page(1), &page(11), 2.0).unwrap().frames, 5.0);
    }

    #[test]
    fn intervals_are_read_with_their_units() {
        let ms = |text: &str| parse_interval(text).map(|interval| interval.as_millis());
        assert_eq!(ms("1s"), Ok(1000));
        assert_eq!(ms("250ms"), Ok(250));
        assert_eq!(ms("0.5"), Ok(500));
        assert_eq!(ms("1h"), Ok(3_600_000));
        for wrong in ["", "s", "1x", "-1", "0", "9ms", "2h", "NaN", "inf", "1 s"] {
            assert!(ms(wrong).unwrap_err().contains("10ms to 1h"), "{wrong}");
        }
    }
}
