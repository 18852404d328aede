//! `circlet ring dump`.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io::{IsTerminal, stdout};

use circlet::page::{Page, Value as PageValue};
use circlet::ring::{DumpedFrame, FrameState, Poison, Ring};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::look::Opened;
use crate::failure::Failure;
use crate::output::{harmless, print, write_bytes};

/// Bytes in one row of a hexadecimal dump.
const ROW: usize = 16;

/// Print the frames that are in a ring now, or a page's value, and leave them there
///
/// The ring goes on meanwhile: a frame that its reader releases before it is copied is passed over.
///
/// Examples:
///   circlet ring dump frames
///   circlet ring dump frames --from newest --limit 3 --bytes 64
///   circlet ring dump frames --json | jq '.[].payload_bytes'
///   circlet ring dump frames --raw | xxd
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The ring's name, a file in /dev/shm
    name: String,
    /// Print so many frames at the most
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Which frames to print where there are more: the oldest, or the newest
    #[arg(long, value_enum, default_value_t = From::Oldest)]
    from: From,
    /// Print so many bytes of each payload
    #[arg(long, default_value_t = ROW, value_name = "BYTES")]
    bytes: usize,
    /// Write the payloads as they are, one behind the other, with nothing between them
    #[arg(long, conflicts_with_all = ["json", "bytes"])]
    raw: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum From {
    Oldest,
    Newest,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.raw && stdout().is_terminal() {
        return Err(Failure::input("--raw may command a terminal: send it to a file, or to a pipe"));
    }
    match Opened::open(&arguments.name)? {
        Opened::Ring(ring) => dump_ring(&ring, arguments),
        Opened::Page(page) => dump_page(&page, arguments),
    }
}

fn dump_ring(ring: &Ring, arguments: &Arguments) -> Result<(), Failure> {
    let (frames, poison) = collect(ring, arguments);
    if arguments.raw {
        for frame in &frames {
            if !write_bytes(&frame.payload)? {
                break;
            }
        }
    } else if arguments.json {
        print(frames.iter().map(|frame| fields(frame, arguments.bytes)).collect::<Value>())?;
    } else {
        print(text(&frames, arguments)?.trim_end())?;
    }
    match poison {
        Some(poison) => Err(Failure::run(format!(
            "{:?} is poisoned, and its reader will get no further: {poison}",
            harmless(&arguments.name)
        ))),
        None => Ok(()),
    }
}

/// Collects what was asked for, with as much of the payloads as is printed, and what ended it.
fn collect(ring: &Ring, arguments: &Arguments) -> (VecDeque<DumpedFrame>, Option<Poison>) {
    let limit = arguments.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut frames = VecDeque::new();
    for frame in ring.dump() {
        let frame = match frame {
            Ok(frame) => frame,
            Err(poison) => return (frames, Some(poison)),
        };
        if arguments.raw && frame.payload.is_empty() {
            continue;
        }
        frames.push_back(frame);
        if frames.len() > limit {
            frames.pop_front();
        }
        if frames.len() == limit && arguments.from == From::Oldest {
            break;
        }
    }
    (frames, None)
}

fn fields(frame: &DumpedFrame, bytes: usize) -> Value {
    let mut fields = json!({
        "position": frame.position,
        "state": frame.state.to_string(),
        "ring_bytes": frame.ring_bytes,
    });
    let Some(object) = fields.as_object_mut() else { return fields };
    let mut put = |field: &str, value: Value| object.insert(field.to_owned(), value);
    match frame.state {
        FrameState::Fragment(header) => {
            put("message_bytes", header.total.into());
            put("offset", header.offset.into());
            put("slot", header.slot.into());
        }
        FrameState::Claimed { slot } => {
            put("slot", slot.into());
            return fields;
        }
        FrameState::Committed => {}
        _ => return fields,
    }
    put("payload_bytes", frame.payload.len().into());
    put("hex", hex(first(&frame.payload, bytes)).into());
    fields
}

fn text(frames: &VecDeque<DumpedFrame>, arguments: &Arguments) -> Result<String, Failure> {
    if frames.is_empty() {
        return Ok(format!("{}: no frame waits in it now", harmless(&arguments.name)));
    }
    let mut text = format!("{:>14}  {:<9} {:>11}  FIRST BYTES\n", "POSITION", "STATE", "BYTES");
    let mut end = None;
    for frame in frames {
        if let Some(gone) = end.map(|end| frame.position.wrapping_sub(end)).filter(|gone| *gone > 0) {
            writeln!(text, "{:>14}  {} bytes of the ring went by meanwhile", "...", HumanCount(gone))?;
        }
        end = Some(frame.position.wrapping_add(frame.ring_bytes));
        let state = frame.state.to_string();
        let line = |bytes: u64| format!("{:>14}  {state:<9} {:>11}", frame.position, bytes);
        match frame.state {
            FrameState::Padding => writeln!(text, "{}  to skip", line(frame.ring_bytes))?,
            FrameState::Claimed { slot } => {
                writeln!(text, "{}  by the producer in slot {slot}", line(frame.ring_bytes))?;
            }
            FrameState::Fragment(header) => {
                writeln!(
                    text,
                    "{}  from byte {} of a message of {}, slot {}",
                    line(frame.payload.len() as u64),
                    header.offset,
                    header.total,
                    header.slot
                )?;
                write_rows(&mut text, String::new(), first(&frame.payload, arguments.bytes))?;
            }
            _ => {
                let begin = line(frame.payload.len() as u64);
                write_rows(&mut text, begin, first(&frame.payload, arguments.bytes))?;
            }
        }
    }
    Ok(text)
}

fn dump_page(page: &Page, arguments: &Arguments) -> Result<(), Failure> {
    let mut reader = page.reader();
    let value =
        reader.read().map_err(|error| Failure::run(format!("{:?}: {error}", harmless(&arguments.name))))?;
    if arguments.raw {
        return write_bytes(value.map_or(&[], |value| value.bytes)).map(|_| ());
    }
    if arguments.json {
        let fields = |value: PageValue<'_>| {
            let hex = hex(first(value.bytes, arguments.bytes));
            json!({ "version": value.version, "payload_bytes": value.bytes.len(), "hex": hex })
        };
        return print(value.into_iter().map(fields).collect::<Value>());
    }
    let Some(value) = value else {
        return print(format_args!("{}: nothing was written into it yet", harmless(&arguments.name)));
    };
    let mut text = format!("{:>14}  {:<9} {:>11}  FIRST BYTES\n", "VERSION", "STATE", "BYTES");
    let begin = format!("{:>14}  {:<9} {:>11}", value.version, "published", value.bytes.len());
    write_rows(&mut text, begin, first(value.bytes, arguments.bytes))?;
    print(text.trim_end())
}

fn first(payload: &[u8], bytes: usize) -> &[u8] {
    &payload[..payload.len().min(bytes)]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes rows of hexadecimal numbers and characters; the first one stands behind a beginning, the others below it.
fn write_rows(text: &mut String, begin: String, bytes: &[u8]) -> Result<(), Failure> {
    const INDENT: usize = 38;
    if bytes.is_empty() && !begin.is_empty() {
        writeln!(text, "{begin}")?;
    }
    let mut begin = begin;
    for row in bytes.chunks(ROW) {
        let numbers: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let characters: String = row
            .iter()
            .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
            .collect();
        let width = ROW * 3 - 1;
        writeln!(text, "{begin:<INDENT$}  {:<width$}  |{characters}|", numbers.join(" "))?;
        begin.clear();
    }
    Ok(())
}
