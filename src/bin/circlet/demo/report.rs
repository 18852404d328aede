//! What came of the demo: compared, as a table, as a session and as JSON.

use std::path::Path;
use std::time::Duration;

use circlet::exec::Outcome;
use circlet::payload::{self, FileChange, FileStatus, Files, SUMMARY_TOKENS, SessionPayload, WorkerThreads};
use circlet::pool::Pool;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Arguments;
use super::batch::Measured;
use super::drawing::Drawing;
use crate::failure::Failure;
use crate::output;

/// Rows that are shown unless all are asked for.
const ROWS: usize = 20;
/// How far two sums of the same numbers in another order may lie apart, relatively.
const AGREEMENT: f64 = 1e-9;

/// One path, as the worker measured it: its number, points, length, and least and greatest x and y.
#[derive(Debug, Deserialize)]
struct Found(usize, usize, f64, f64, f64, f64, f64);

/// One path, as both sides see it. Lengths and coordinates are in the units of the box.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// The path's id in the file.
    id: String,
    curves: usize,
    segments: usize,
    /// Points that went through the ring.
    pub(super) points: usize,
    /// The length of the curves.
    length: f64,
    /// The length of the lines between the points, as Python added it up.
    python_length: f64,
    /// Least x and y, greatest x and y of the points, as Python found them.
    python_box: [f64; 4],
}

/// All of it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    source: String,
    definitions: usize,
    said: String,
}

impl Report {
    /// Holds what the worker found against what the pool computed.
    pub(super) fn new(drawing: &Drawing, measured: Vec<Measured>, outcome: Outcome) -> Result<Self, Failure> {
        if let Some(error) = outcome.error {
            let text =
                format!("the worker's code failed: {}: {}\n{}", error.kind, error.message, error.traceback);
            return Err(Failure::run(text.trim_end()));
        }
        let found: Vec<Found> = serde_json::from_value(outcome.value.unwrap_or_default())
            .map_err(|error| Failure::run(format!("the worker's answer is not a list of paths: {error}")))?;
        let drawn = measured.into_iter().filter(|measured| measured.points > 0).collect::<Vec<_>>();
        if drawn.len() != found.len() {
            let (ours, theirs) = (drawn.len(), found.len());
            return Err(Failure::run(format!("{ours} paths were sent and Python measured {theirs}")));
        }
        let rows = drawn.iter().zip(&found).map(|(ours, theirs)| row(drawing, ours, theirs));
        Ok(Self {
            rows: rows.collect::<Result<_, _>>()?,
            source: drawing.source.clone(),
            definitions: drawing.definitions,
            said: outcome.stdout.trim_end().to_owned(),
        })
    }

    pub(super) fn points(&self) -> usize {
        self.rows.iter().map(|row| row.points).sum()
    }

    /// Fills the sections of the payload that the demo knows.
    pub(super) fn session(&self, arguments: &Arguments, pool: &Pool, elapsed: Duration) -> SessionPayload {
        let here = Path::new(".");
        let file = arguments.file.as_ref().map(|file| file.display().to_string());
        SessionPayload {
            metadata: Some(payload::host(&payload::new_session_id())),
            process: payload::process(),
            worker_threads: WorkerThreads::from_snapshot(&pool.snapshot()).ok(),
            git: payload::git_state(here).ok(),
            goal: Some("flatten a drawing into shared memory and have Python measure it there".to_owned()),
            last: Some(format!(
                "{} paths of {} as {} points in {} ms, lengths agreed with Python",
                self.rows.len(),
                self.source,
                self.points(),
                elapsed.as_millis(),
            )),
            context: file.map(|file| vec![file]),
            files: Some(Files {
                breakdown: Some(vec![FileChange {
                    path: Some(arguments.output.display().to_string()),
                    status: Some(FileStatus::Created),
                    ..FileChange::default()
                }]),
                ..Files::default()
            }),
            ..SessionPayload::default()
        }
    }

    /// Prints the table and the session's summary, or JSON.
    pub(super) fn print(&self, arguments: &Arguments, session: &SessionPayload) -> Result<(), Failure> {
        if arguments.json {
            let definitions = self.definitions;
            let all =
                json!({ "paths": self.rows, "definitions": definitions, "session": session.to_value() });
            return output::print(all);
        }
        let mut lines = vec![self.table(if arguments.all { self.rows.len() } else { ROWS }).to_string()];
        if self.rows.len() > ROWS && !arguments.all {
            lines.push(format!("The longest {ROWS} of {} paths; --all shows them all.", self.rows.len()));
        }
        if self.definitions > 0 {
            lines.push(format!(
                "{} more paths define markers and the like, and are not drawn.",
                self.definitions
            ));
        }
        lines.push(format!("Python {}, in place in the ring; its lengths agree.", self.said));
        lines.push(format!(
            "\n{}\n\nPicture: {}",
            session.summary(SUMMARY_TOKENS),
            arguments.output.display()
        ));
        output::print(lines.join("\n"))
    }

    fn table(&self, most: usize) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["path", "segments", "points", "length", "Python's length", "Python's box"]);
        let mut longest: Vec<_> = self.rows.iter().collect();
        longest.sort_by(|one, other| other.length.total_cmp(&one.length));
        for row in longest.iter().take(most) {
            let [x0, y0, x1, y1] = row.python_box.map(tenths);
            table.add_row([
                output::harmless(&row.id),
                row.segments.to_string(),
                row.points.to_string(),
                format!("{:.3}", row.length),
                format!("{:.3}", row.python_length),
                format!("{x0} {y0} to {x1} {y1}"),
            ]);
        }
        table.add_row([
            format!("all {}", self.rows.len()),
            self.rows.iter().map(|row| row.segments).sum::<usize>().to_string(),
            self.points().to_string(),
            format!("{:.3}", self.rows.iter().map(|row| row.length).sum::<f64>()),
            format!("{:.3}", self.rows.iter().map(|row| row.python_length).sum::<f64>()),
            String::new(),
        ]);
        for column in 1..5 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// Rounds to a tenth, without the sign of a zero.
fn tenths(value: f64) -> String {
    format!("{:.1}", (value * 10.0).round() / 10.0 + 0.0)
}

fn row(drawing: &Drawing, ours: &Measured, theirs: &Found) -> Result<Row, Failure> {
    let path = &drawing.paths[ours.number];
    let &Found(number, points, length, x0, y0, x1, y1) = theirs;
    let agreed = number == ours.number
        && points == ours.points
        && (length - ours.polyline).abs() <= AGREEMENT * ours.polyline.max(1.0);
    if !agreed {
        return Err(Failure::run(format!(
            "path {:?}: {} points of length {} were written, and Python read {points} of length {length}",
            path.id, ours.points, ours.polyline
        )));
    }
    Ok(Row {
        id: path.id.clone(),
        curves: path.curves.len(),
        segments: drawing.segments(ours.number),
        points,
        length: ours.length,
        python_length: length,
        python_box: [x0, y0, x1, y1],
    })
}
