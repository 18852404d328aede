//! circlet's pool beside crossbeam-channel with threads, threadpool, rusty_pool, rayon and tokio's blocking pool: the same
//! tasks in the same run, in turns.
//!
//! `cargo run --release --bin pool -- --help`. Python and Bun have scripts of their own beside this crate.

mod contenders;
mod row;
mod work;

use clap::{Parser, value_parser};
use comfy_table::{CellAlignment, Table, presets};

use row::{Line, Row, Sizes};

/// The pool whose figures the others are divided by: the first line of this name.
const REFERENCE: &str = "circlet";

/// Measures circlet's pool beside its peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which rows to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Row::ALL)]
    rows: Vec<Row>,
    /// Measure only pools whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// Runs of each pool, of which the medians are printed; the pools take turns within a run
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    runs: u32,
    /// Workers of each pool; a burst may have 64
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u32).range(1..=1024))]
    workers: u32,
    /// Empty tasks of a measurement, where tasks in a second are measured
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u32).range(1..))]
    tasks: u32,
}

fn main() {
    let Arguments { rows, peers, runs, workers, tasks } = Arguments::parse();
    let sizes = Sizes { workers: workers as usize, tasks: tasks as usize, runs: runs as usize };
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["", "pool", "median", "range", "times circlet's"]);
    for row in rows {
        let lines = row.measure(&peers, sizes);
        for (index, title) in row.titles().iter().enumerate() {
            add(&mut table, title, index, &lines);
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("\npools of {workers} workers: medians of {runs} runs\n\n{table}");
}

/// Adds a line for each pool, with the figure of this index.
fn add(table: &mut Table, title: &str, index: usize, lines: &[Line]) {
    let sorted = |line: &Line| {
        let mut values: Vec<f64> = line.runs.iter().map(|run| run[index]).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let median = |values: &[f64]| values[values.len() / 2];
    let reference =
        lines.iter().find(|line| line.name.starts_with(REFERENCE)).map(|line| median(&sorted(line)));
    for line in lines {
        let values = sorted(line);
        let middle = median(&values);
        table.add_row([
            title.to_owned(),
            line.name.to_owned(),
            significant(middle),
            format!("{} to {}", significant(values[0]), significant(values[values.len() - 1])),
            reference.map_or("-".into(), |reference| format!("{:.2}", middle / reference)),
        ]);
    }
}

/// Shows about three digits.
fn significant(value: f64) -> String {
    let decimals = [100.0, 10.0, 1.0].iter().filter(|limit| value < **limit).count();
    format!("{value:.decimals$}")
}
