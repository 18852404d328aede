//! `circlet ring list`.

use circlet::shm::Segment;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;
use serde_json::Value;

use super::look::{Look, error_fields, size};
use crate::failure::Failure;
use crate::output::{harmless, print};

const HEADER: [&str; 11] = [
    "NAME",
    "MODE",
    "SCHEMA",
    "CAPACITY",
    "USED",
    "HIGH WATER",
    "SENT",
    "RECEIVED",
    "DROPPED",
    "PRODUCER",
    "CONSUMER",
];

pub(super) fn run(json: bool) -> Result<(), Failure> {
    let names = Segment::names().map_err(Failure::run)?;
    // It may have gone meanwhile; what cannot be read is listed with its reason.
    let looks: Vec<_> = names.into_iter().map(|name| (Look::at(&name), name)).collect();
    if json {
        let fields = |(look, name): &(Result<Look, Failure>, String)| match look {
            Ok(look) => look.fields(name),
            Err(error) => error_fields(name, error),
        };
        return print(Value::from(looks.iter().map(fields).collect::<Vec<_>>()));
    }
    if looks.is_empty() {
        return print("no rings and no pages: a program that creates one with a name makes it appear here");
    }
    let mut table = table(&HEADER, 3..9);
    let mut unreadable = Vec::new();
    for (look, name) in looks {
        match look {
            Ok(look) => {
                table.add_row(row(&name, &look));
            }
            Err(error) => unreadable.push(error.to_string()),
        }
    }
    let mut text = table.trim_fmt();
    for error in unreadable {
        text += &format!("\n{error}");
    }
    print(text)
}

/// A plain table, whose columns of numbers stand at the right.
pub(super) fn table(header: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// What stands where there is nothing to say.
pub(super) fn or_dash(text: Option<String>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

fn row(name: &str, look: &Look) -> [String; 11] {
    let (sent, received, dropped, high_water, capacity, used) = match look {
        Look::Ring(stats) => {
            let is_queue = look.used_bytes().is_some();
            let count = |count| Some(HumanCount(count).to_string());
            (
                count(stats.frames_sent),
                count(stats.frames_received).filter(|_| is_queue),
                count(stats.dropped),
                look.high_water_bytes().map(size),
                stats.capacity_bytes,
                look.used_bytes().map(size),
            )
        }
        Look::Page(page) => {
            let value = page.value.as_ref().ok().copied().flatten();
            let version = value.map(|value| HumanCount(value.0).to_string());
            (version, None, None, None, page.capacity_bytes, value.map(|value| size(value.1 as u64)))
        }
    };
    [
        harmless(name),
        look.mode().to_string(),
        or_dash(Some(harmless(look.schema()))),
        size(capacity),
        or_dash(used),
        or_dash(high_water),
        or_dash(sent),
        or_dash(received),
        or_dash(dropped),
        look.producers(),
        or_dash(look.consumer().map(|state| state.to_string())),
    ]
}
