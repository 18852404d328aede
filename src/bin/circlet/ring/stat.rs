//! `circlet ring stat`.

use std::fmt::Write;

use circlet::ring::{Mode, PeerState, Stats};
use indicatif::{HumanBytes, HumanCount};

use super::look::{Look, PageLook, share};
use crate::failure::Failure;
use crate::output::{harmless, print};

const BAR_WIDTH: usize = 30;

pub(super) fn run(name: &str, json: bool) -> Result<(), Failure> {
    let look = Look::at(name)?;
    if json { print(look.fields(name)) } else { print(text(name, &look)?.trim_end()) }
}

fn text(name: &str, look: &Look) -> Result<String, Failure> {
    let mut text = harmless(name);
    text += match look.mode() {
        Mode::Spsc => ": a ring, spsc: one producer, one consumer",
        Mode::Mpsc => ": a ring, mpsc: up to 32 producers, one consumer",
        Mode::Broadcast => ": a ring, broadcast: one producer, any number of readers",
        _ => ": a page: one latest value",
    };
    text.push('\n');
    let mut line = |what: &str, says: String| writeln!(text, "  {what:<11} {says}");
    if !look.schema().is_empty() {
        line("schema", harmless(look.schema()))?;
    }
    match look {
        Look::Ring(stats) => ring(look, stats, &mut line)?,
        Look::Page(page) => self::page(page, &mut line)?,
    }
    Ok(text)
}

fn ring(
    look: &Look,
    stats: &Stats,
    line: &mut dyn FnMut(&str, String) -> Result<(), std::fmt::Error>,
) -> Result<(), std::fmt::Error> {
    let is_queue = stats.mode != Mode::Broadcast;
    let of_capacity = |bytes: u64| {
        let of = bytes as f64 / stats.capacity_bytes as f64;
        format!("{}  {}", share(of, BAR_WIDTH), exactly(bytes))
    };
    line("capacity", exactly(stats.capacity_bytes))?;
    if let (Some(used), Some(high_water)) = (look.used_bytes(), look.high_water_bytes()) {
        line("used", of_capacity(used))?;
        line("high water", of_capacity(high_water))?;
    }
    let frame = exactly(stats.max_frame.into());
    line(
        "longest",
        match stats.max_message {
            message if message > stats.max_frame => {
                format!("message {}, in fragments above a frame's {frame}", exactly(message.into()))
            }
            message if message < stats.max_frame => {
                format!("message {}, a frame could have {frame}", exactly(message.into()))
            }
            _ => format!("frame {frame}"),
        },
    )?;
    let payload = exactly(stats.payload_bytes_sent);
    line("sent", format!("{}, {payload} of payload", counted(stats.frames_sent, "frame")))?;
    if is_queue {
        line("received", counted(stats.frames_received, "frame"))?;
    }
    if is_queue {
        line(
            "full",
            format!(
                "{}, {} dropped (overflow: {})",
                counted(stats.full_events, "time"),
                counted(stats.dropped, "frame"),
                stats.overflow
            ),
        )?;
        line(
            "waits",
            format!(
                "producers {} for room, the consumer {} for a frame",
                counted(stats.producer_waits, "time"),
                counted(stats.consumer_waits, "time")
            ),
        )?;
    }
    line(
        "producer",
        match stats.producers {
            0 | 1 => said(stats.producer).to_owned(),
            living => format!("{living} alive"),
        },
    )?;
    line("consumer", if is_queue { said(stats.consumer) } else { "readers take no seat" }.to_owned())
}

fn page(
    page: &PageLook,
    line: &mut dyn FnMut(&str, String) -> Result<(), std::fmt::Error>,
) -> Result<(), std::fmt::Error> {
    line("capacity", format!("{}, two slots", exactly(page.capacity_bytes)))?;
    line("longest", format!("value {}", exactly(page.max_bytes.into())))?;
    line(
        "version",
        match &page.value {
            Ok(Some((version, _))) => HumanCount(*version).to_string(),
            Ok(None) => "0: nothing was written yet".to_owned(),
            Err(error) => error.clone(),
        },
    )?;
    if let Ok(Some((_, bytes))) = page.value {
        line("value", exactly(bytes as u64))?;
    }
    line("writer", said(page.writer).to_owned())
}

/// "1 frame", "1,234 frames".
fn counted(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", HumanCount(count))
}

/// A size for people with the exact one beside it.
fn exactly(bytes: u64) -> String {
    let count = HumanCount(bytes);
    if bytes < 1024 { format!("{count} bytes") } else { format!("{} ({count} bytes)", HumanBytes(bytes)) }
}

fn said(state: PeerState) -> &'static str {
    match state {
        PeerState::Never => "never came",
        PeerState::Alive => "alive",
        PeerState::Closed => "closed",
        PeerState::Dead => "died without closing",
    }
}
