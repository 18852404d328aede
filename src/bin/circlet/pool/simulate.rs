//! `circlet pool simulate`.

use std::path::PathBuf;
use std::time::Duration;

use circlet::pool::MAX_WORKERS;
use circlet::pool::scaling::Scaling;
use circlet::pool::simulate::{
    Kind, LoggedAction, Report, Service, Settings, Shape, replay, run as simulate,
};
use clap::builder::PossibleValuesParser;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::picture;
use crate::failure::Failure;
use crate::output;

/// Simulate a pool that sizes itself, and compare rules for it
///
/// Nothing runs and no time passes: jobs, workers and the clock are numbers. The same words give the same output on
/// every machine, except for what --real adds. Traces tell the load as a part of the most workers: step (0.1, 0.8, 0.1), ramp (0.05 to 0.95 and
/// back), burst (0.1, and hundreds of jobs at once), sine (0.1 to 0.9), onoff (0.8, 0), bimodal (0.7, of jobs some of
/// which are long).
///
/// Examples:
///   circlet pool simulate --trace step
///   circlet pool simulate --trace onoff --rule ours --workers-min 0 --svg onoff.svg
///   circlet pool simulate --trace burst --boot 0.05 --service fixed:2 --workers-max 4
///   circlet pool simulate --trace sine --rule ours --json | jq '.[].log[] | .reason'
///   circlet pool simulate --rule ours --boot 0.05 --trace step --real
///   circlet pool simulate --markdown
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// How jobs come; all of them in turn if it is left out
    #[arg(long, value_parser = PossibleValuesParser::new(Shape::ALL.map(Shape::name)))]
    trace: Option<String>,
    /// Who sizes the pool
    #[arg(long, default_value = "all",
          value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name).into_iter().chain(["all"])))]
    rule: String,
    /// What arrivals and service times are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seconds jobs come for
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// The fewest workers
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    workers_min: usize,
    /// The most workers
    #[arg(long, default_value_t = 16, value_name = "COUNT")]
    workers_max: usize,
    /// How long a worker boots, in ms: about 0.05 for a thread, 40 for a process
    #[arg(long, default_value_t = 40.0, value_name = "MS", allow_negative_numbers = true)]
    boot: f64,
    /// How long jobs take: a mean in ms, fixed:MS, or bimodal:MS,MS,PERCENT; 5, or bimodal:3,103,2 for that trace
    #[arg(long)]
    service: Option<Service>,
    /// Our rule: how soon a backlog is to be gone once its workers have booted, in ms
    #[arg(long, value_name = "MS", default_value_t = ms(Scaling::TARGET_WAIT), allow_negative_numbers = true)]
    target_wait: f64,
    /// Our rule: for how long it keeps what it needed, in ms
    #[arg(long, value_name = "MS", default_value_t = ms(Scaling::KEEP), allow_negative_numbers = true)]
    keep: f64,
    /// Also run each trace on a pool of threads, with jobs that sleep, in so many times its time
    #[arg(long, value_name = "SCALE", num_args = 0..=1, default_missing_value = "1", conflicts_with = "svg",
          allow_negative_numbers = true)]
    real: Option<f64>,
    /// Print JSON, with every decision
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print a table of Markdown, as in docs/pool.md
    #[arg(long)]
    markdown: bool,
    /// Draw queue, workers and waits over time into this file, and print nothing else unless it is asked for
    #[arg(long, value_name = "FILE", requires = "trace")]
    svg: Option<PathBuf>,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = settings(arguments)?;
    let shapes: Vec<Shape> = match &arguments.trace {
        Some(name) => Shape::ALL.into_iter().filter(|shape| shape.name() == name).collect(),
        None => Shape::ALL.to_vec(),
    };
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| ["all", kind.name()].contains(&arguments.rule.as_str()))
        .collect();
    if arguments.svg.is_some() && (shapes.len(), kinds.len(), arguments.real) != (1, 1, None) {
        return Err(Failure::input(
            "a picture shows one trace under one rule: give --trace and --rule, such as --rule ours, and no --real, beside --svg",
        ));
    }
    if arguments.real.is_some() && !kinds.contains(&Kind::Ours) {
        return Err(Failure::input(format!(
            "--rule is {}: --real replays the trace with a pool of circlet's, which follows its own rule, so give --rule ours or none",
            arguments.rule
        )));
    }
    let mut rows = Vec::new();
    for shape in shapes {
        let trace = settings.trace(shape);
        for kind in &kinds {
            rows.push((shape, kind.name(), simulate(&settings, &trace, *kind)));
        }
        if let Some(scale) = arguments.real {
            let report =
                replay(&settings, &trace, scale).map_err(|error| Failure::input(error.to_string()))?;
            rows.push((shape, "real", report));
        }
    }
    if let Some(place) = &arguments.svg {
        for ((shape, _, report), kind) in rows.iter().zip(&kinds) {
            picture::draw(*shape, *kind, report, &settings, place)?;
        }
        if !arguments.json && !arguments.markdown {
            return Ok(());
        }
    }
    if arguments.json {
        return output::print(rows.iter().map(|row| fields(row, arguments.seed)).collect::<Value>());
    }
    output::print(table(&rows, arguments.markdown))
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let time = |word: &str, ms: f64| {
        if (0.0..=3.6e6).contains(&ms) {
            Ok(Duration::from_nanos((ms * 1e6) as u64))
        } else {
            Err(Failure::input(format!("--{word} is {ms}: give milliseconds from 0 to 3600000, an hour")))
        }
    };
    let (min, max) = (arguments.workers_min, arguments.workers_max);
    if !(1..=MAX_WORKERS).contains(&max) {
        return Err(Failure::input(format!("--workers-max is {max}: give 1 to {MAX_WORKERS}")));
    }
    if let Some(scale) = arguments.real
        && !(0.001..=1000.0).contains(&scale)
    {
        return Err(Failure::input(format!(
            "--real is {scale}: give a factor from 0.001 to 1000, 1 without one"
        )));
    }
    if min > max {
        return Err(Failure::input(format!(
            "--workers-min is {min}: give at most --workers-max, which is {max}"
        )));
    }
    Ok(Settings {
        seed: arguments.seed,
        min,
        max,
        boot: time("boot", arguments.boot)?,
        service: arguments.service,
        seconds: arguments.seconds,
        target_wait: time("target-wait", arguments.target_wait)?,
        keep: time("keep", arguments.keep)?,
    })
}

/// A trace, the name of a rule or of a pool that is there, and what it came to.
type Row = (Shape, &'static str, Report);

const HEADER: [&str; 11] = [
    "TRACE",
    "RULE",
    "P50 MS",
    "P99 MS",
    "MAX MS",
    "WORKER-S",
    "STARTS",
    "REVERSALS",
    "AT TOP",
    "OVERSHOOT",
    "SETTLED MS",
];

fn cells((shape, rule, report): &Row) -> [String; 11] {
    let dash = || "-".to_owned();
    [
        shape.to_string(),
        (*rule).to_owned(),
        format!("{:.1}", ms(report.p50_wait)),
        format!("{:.1}", ms(report.p99_wait)),
        format!("{:.1}", ms(report.max_wait)),
        format!("{:.1}", report.worker_seconds),
        report.starts.to_string(),
        report.reversals.to_string(),
        report.reversals_at_top.map_or_else(dash, |reversals| reversals.to_string()),
        report.overshoot.map_or_else(dash, |workers| format!("{workers:.1}")),
        report.settling.map_or_else(dash, |time| format!("{:.0}", ms(time))),
    ]
}

fn table(rows: &[Row], markdown: bool) -> String {
    let mut table = Table::new();
    table.load_style(if markdown { presets::ASCII_MARKDOWN } else { presets::NOTHING });
    table.set_header(if markdown { HEADER.map(str::to_lowercase) } else { HEADER.map(str::to_owned) });
    for column in 2..HEADER.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        table.add_row(cells(row));
    }
    table.trim_fmt()
}

fn fields((shape, rule, report): &Row, seed: u64) -> Value {
    let action = |action: &LoggedAction| {
        json!({
            "at_ms": ms(action.at),
            "change": action.change,
            "workers": action.workers,
            "reason": action.reason.map(|reason| reason.to_string()),
        })
    };
    json!({
        "trace": shape.name(),
        "rule": rule,
        "seed": seed,
        "jobs": report.jobs,
        "p50_wait_ms": ms(report.p50_wait),
        "p99_wait_ms": ms(report.p99_wait),
        "max_wait_ms": ms(report.max_wait),
        "worker_seconds": report.worker_seconds,
        "starts": report.starts,
        "reversals": report.reversals,
        "reversals_at_top": report.reversals_at_top,
        "peak": report.peak,
        "overshoot": report.overshoot,
        "settling_ms": report.settling.map(ms),
        "log_hash": format!("{:016x}", report.log_hash()),
        "log": report.log.iter().map(action).collect::<Vec<_>>(),
    })
}
