//! Tables and JSON of what was measured.

use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::{Value, json};

use crate::row::Row;
use crate::run::{Figures, Line, Table};

/// The peer whose figures the others are divided by: the first line of this name.
const REFERENCE: &str = "circlet";

/// Returns the middle of the values, `None` without any.
fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A line's medians.
struct Medians {
    /// Frames in a second, or the 50th percentile of a round trip.
    main: f64,
    /// The part that was lost, or the 99th percentile.
    other: f64,
    range: (f64, f64),
}

impl Medians {
    fn of(line: &Line) -> Option<Self> {
        let split = |figures: &Figures| match *figures {
            Figures::Stream { frames_per_second, lost } => (frames_per_second, lost),
            Figures::RoundTrip { p50_ns, p99_ns } => (p50_ns, p99_ns),
        };
        let mains = || line.runs.iter().map(|run| split(run).0);
        Some(Self {
            main: median(mains())?,
            other: median(line.runs.iter().map(|run| split(run).1))?,
            range: (mains().fold(f64::INFINITY, f64::min), mains().fold(0.0, f64::max)),
        })
    }
}

pub(crate) fn text(table: &Table) -> String {
    let row = table.row;
    let mut grid = Grid::new();
    grid.load_style(presets::ASCII_MARKDOWN);
    grid.set_header(if row.is_round_trip() {
        vec!["", "p50", "p99", "range of p50", "times circlet's"]
    } else {
        vec!["", "M frames/s", "GB/s", "range, M frames/s", "times circlet's"]
    });
    let reference = table.lines.iter().find(|line| line.name.starts_with(REFERENCE)).and_then(Medians::of);
    let mut notes = Vec::new();
    for line in &table.lines {
        let mut cells = vec![line.name.to_owned()];
        match Medians::of(line) {
            Some(medians) => cells.extend(columns(row, &medians, reference.as_ref())),
            None => cells.extend(["-"; 4].map(String::from)),
        }
        if let Some(lost) = Medians::of(line).map(|medians| medians.other).filter(|lost| *lost > 0.0)
            && !row.is_round_trip()
        {
            notes.push(format!(
                "{}: lost {:.2} % of the frames; its figure counts those that arrived",
                line.name,
                lost * 100.0
            ));
        }
        if let Some(reason) = &line.reason {
            notes.push(format!("{}: {reason}", line.name));
        }
        grid.add_row(cells);
    }
    for column in grid.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let runs = table.lines.iter().map(|line| line.runs.len()).max().unwrap_or(0);
    let mut text = format!("\n{}: medians of {runs} runs\n\n{grid}\n\n{}\n", row.title(), limits(table));
    for note in notes {
        text += &format!("{note}\n");
    }
    text
}

fn columns(row: Row, medians: &Medians, reference: Option<&Medians>) -> [String; 4] {
    let ratio = reference.map_or("-".into(), |reference| format!("{:.2}", medians.main / reference.main));
    let (low, high) = medians.range;
    if row.is_round_trip() {
        return [nanoseconds(medians.main), nanoseconds(medians.other), range(nanoseconds, low, high), ratio];
    }
    let millions = |frames: f64| significant(frames / 1e6);
    let gigabytes = medians.main * row.frame_bytes() as f64 / 1e9;
    [millions(medians.main), significant(gigabytes), range(millions, low, high), ratio]
}

fn limits(table: &Table) -> String {
    let line = median(table.line_ns.iter().copied()).map_or("-".into(), nanoseconds);
    let line = format!("limits of the same runs: one cache line there and back {line}");
    match median(table.copy_bytes_per_second.iter().copied()) {
        Some(bytes) if !table.row.is_round_trip() => {
            format!("{line}; a copy of a frame within the cache {} GB/s", significant(bytes / 1e9))
        }
        _ => line,
    }
}

fn range(show: impl Fn(f64) -> String, low: f64, high: f64) -> String {
    format!("{} to {}", show(low), show(high))
}

fn nanoseconds(value: f64) -> String {
    if value < 10_000.0 { format!("{value:.0} ns") } else { format!("{:.1} us", value / 1e3) }
}

/// Shows about three digits.
fn significant(value: f64) -> String {
    let decimals = [100.0, 10.0, 1.0].iter().filter(|limit| value < **limit).count();
    format!("{value:.decimals$}")
}

pub(crate) fn json(table: &Table) -> Value {
    let run = |figures: &Figures| match *figures {
        Figures::Stream { frames_per_second, lost } => {
            json!({ "frames_per_second": frames_per_second, "lost": lost })
        }
        Figures::RoundTrip { p50_ns, p99_ns } => json!({ "p50_ns": p50_ns, "p99_ns": p99_ns }),
    };
    let line = |line: &Line| {
        let runs: Vec<_> = line.runs.iter().map(run).collect();
        json!({ "name": line.name, "runs": runs, "reason": line.reason })
    };
    json!({
        "row": table.row.title(),
        "frame_bytes": table.row.frame_bytes(),
        "line_round_trip_ns": table.line_ns,
        "copy_bytes_per_second": table.copy_bytes_per_second,
        "peers": table.lines.iter().map(line).collect::<Vec<_>>(),
    })
}
