//! The picture of a simulation: the queue, the workers, and how long jobs waited, over time.

use std::fmt::Write;
use std::path::Path;

use circlet::pool::simulate::{Column, Kind, Report, Settings, Shape};

use super::axes::{LEFT, Panel, WIDTH};
use crate::failure::Failure;
use crate::file;

const FULL_WIDTH: f64 = LEFT + WIDTH + 24.0;
const FULL_HEIGHT: f64 = 630.0;

/// Draws a report into a file; nothing of it is there if that fails.
pub(super) fn draw(
    shape: Shape,
    kind: Kind,
    report: &Report,
    settings: &Settings,
    place: &Path,
) -> Result<(), Failure> {
    let text = svg(shape, kind, report, settings)?;
    file::write_whole(place, &text).map_err(|error| {
        let place = place.display();
        Failure::input(format!(
            "{place} cannot be written: {error}; give --svg a file in a folder that exists"
        ))
    })
}

fn svg(shape: Shape, kind: Kind, report: &Report, settings: &Settings) -> Result<String, Failure> {
    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {FULL_WIDTH} {FULL_HEIGHT}" width="{FULL_WIDTH}" height="{FULL_HEIGHT}">"#
    )?;
    writeln!(svg, "<title>{shape} under the rule {kind}: queue, workers and waits</title>")?;
    // The colours are of Paul Tol's bright scheme, which colour-blind people tell apart.
    svg.push_str(
        "<style>\n\
         :root { --paper: #ffffff; --text: #333333; --grid: #dddddd; --busy: #4477aa; --booting: #ee6677; --idle: #bbccdd; --queue: #aa3377; --wait: #228833 }\n\
         @media (prefers-color-scheme: dark) {\n\
         :root { --paper: #16181c; --text: #cccccc; --grid: #333840; --busy: #77aadd; --booting: #ee7755; --idle: #445566; --queue: #dd77bb; --wait: #66bb77 } }\n\
         .paper { fill: var(--paper) } text { fill: var(--text); font: 12px sans-serif } .title { font-size: 15px }\n\
         .name { font-size: 13px } .left { text-anchor: end } .under { text-anchor: middle }\n\
         .grid { fill: none; stroke: var(--grid); stroke-width: 1 }\n\
         .busy { fill: var(--busy) } .booting { fill: var(--booting) } .idle { fill: var(--idle) }\n\
         .queue { fill: none; stroke: var(--queue); stroke-width: 1.5 } .wait { fill: none; stroke: var(--wait); stroke-width: 1.5 }\n\
         </style>\n",
    );
    writeln!(svg, r#"<rect class="paper" width="100%" height="100%"/>"#)?;
    writeln!(
        svg,
        r#"<text class="title" x="{LEFT}" y="26">{shape}, rule {kind}: p99 wait {:.1} ms, {:.0} worker-seconds, {} starts</text>"#,
        report.p99_wait.as_secs_f64() * 1e3,
        report.worker_seconds,
        report.starts,
    )?;
    writeln!(
        svg,
        r#"<text x="{LEFT}" y="44">{} jobs, {} to {} workers that boot in {} ms, seed {}</text>"#,
        report.jobs,
        settings.min,
        settings.max,
        settings.boot.as_secs_f64() * 1e3,
        settings.seed,
    )?;

    let seconds = settings.seconds as f64;
    let values = |of: fn(&Column) -> f64| report.columns.iter().map(of).collect::<Vec<f64>>();
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);

    let queued = values(|column| column.queued);
    let panel = Panel::new(78.0, 130.0, most(&queued));
    panel.frame(&mut svg, "jobs that wait", seconds)?;
    panel.line(&mut svg, "queue", &queued)?;

    let running = values(|column| column.running);
    let with_idle = values(|column| column.running + column.idle);
    let all = values(|column| column.running + column.idle + column.booting);
    let panel = Panel::new(264.0, 150.0, most(&all).max(settings.max as f64));
    panel.frame(&mut svg, "workers", seconds)?;
    panel.area(&mut svg, "busy", &vec![0.0; running.len()], &running)?;
    panel.area(&mut svg, "idle", &running, &with_idle)?;
    panel.area(&mut svg, "booting", &with_idle, &all)?;
    for (index, name) in ["busy", "idle", "booting"].into_iter().enumerate() {
        let x = LEFT + WIDTH - 220.0 + 74.0 * index as f64;
        writeln!(svg, r#"<rect class="{name}" x="{x}" y="247" width="11" height="11"/>"#)?;
        writeln!(svg, r#"<text x="{:.1}" y="257">{name}</text>"#, x + 16.0)?;
    }

    let waits = values(|column| column.wait_max * 1e3);
    let panel = Panel::new(470.0, 120.0, most(&waits));
    panel.frame(&mut svg, "longest wait of the jobs that came then, ms", seconds)?;
    panel.line(&mut svg, "wait", &waits)?;
    svg.push_str("</svg>\n");
    Ok(svg)
}
