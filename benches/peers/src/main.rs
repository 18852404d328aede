//! circlet's rings beside what the public registries have: the same work, in the same run, between two pinned processes.
//!
//! `cargo run --release -- --help`. Each side of each peer is this program again, started with [`side::SIDE`] set.

mod limits;
mod peer;
mod peers;
mod report;
mod row;
mod run;
mod side;
mod work;

use std::env;
use std::time::Duration;

use clap::Parser;

use row::Row;

/// Measures circlet's rings beside their peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which tables to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Row::ALL)]
    rows: Vec<Row>,
    /// Measure only peers whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// Runs of each peer, of which the medians are printed; the peers take turns within a run
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How long one run of one peer takes, about
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Print JSON with every run's figures instead of tables
    #[arg(long)]
    json: bool,
}

fn main() {
    if let Ok(task) = env::var(side::SIDE) {
        return side::serve(&task);
    }
    let arguments = Arguments::parse();
    let length = Duration::from_secs_f64(arguments.seconds);
    let mut tables = Vec::new();
    for row in &arguments.rows {
        let table = run::measure(*row, &arguments.peers, arguments.runs, length);
        if arguments.json {
            tables.push(report::json(&table));
        } else {
            println!("{}", report::text(&table));
        }
    }
    if arguments.json {
        println!("{}", serde_json::Value::Array(tables));
    }
}
