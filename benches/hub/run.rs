//! A run: every row, in rounds, by every peer that can run here.

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;

use crate::options::{HELP, Options};
use crate::peers::Peer;
use crate::rows::{self, Sizes};
use crate::table::Table;
use crate::{Outcome, serve, system};

/// Descriptors beside those of the viewers.
const OTHER_DESCRIPTORS: u64 = 64;
const LOAD: &str = "/proc/loadavg";
const MOST_VIEWERS: u64 = 10_000;

/// Does what the options say. It fails where a peer that runs here could not do a row.
pub(crate) fn run() -> ExitCode {
    match Options::read().and_then(|options| act(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hub: {error}");
            ExitCode::FAILURE
        }
    }
}

fn act(options: &Options) -> Outcome<bool> {
    if options.help {
        println!("{HELP}");
        return Ok(true);
    }
    if let Some(name) = &options.serve {
        serve::serve(name, options.threads)?;
        return Ok(true);
    }
    let descriptors = system::raise_descriptor_limit()?;
    if !options.smoke && descriptors < MOST_VIEWERS + OTHER_DESCRIPTORS {
        eprintln!("LIMITED: {descriptors} descriptors are too few for the row of {MOST_VIEWERS} viewers");
    }
    let peers = prepared(options);
    if peers.is_empty() {
        return Err("none of the peers can run here".into());
    }
    let (begin, load) = (Instant::now(), first_line(LOAD));
    for peer in &peers {
        println!("{}: {}", peer.name, peer.told);
    }
    // Which paces senders, on loopback too, where it is bbr.
    let congestion = first_line("/proc/sys/net/ipv4/tcp_congestion_control");
    println!("load average before: {load}; congestion control: {congestion}");
    let table = measured(options, &peers);
    table.print();
    if let Some(path) = &options.json {
        let mut json = table.to_json();
        json["smoke"] = options.smoke.into();
        json["rounds"] = options.rounds.into();
        json["congestion_control"] = congestion.into();
        json["load_average"] = json!({"before": load, "after": first_line(LOAD)});
        json["peers"] = peers.iter().map(|peer| json!({"name": peer.name, "is": peer.told})).collect();
        fs::write(path, serde_json::to_string_pretty(&json)?)?;
    }
    eprintln!("{:.0} s in all", begin.elapsed().as_secs_f64());
    Ok(!table.has_failures())
}

/// Gives the peers that can run here, and says of the others why they cannot.
fn prepared(options: &Options) -> Vec<Peer> {
    let prepare = |name: &&'static str| match Peer::prepare(name, options) {
        Ok(peer) => Some(peer),
        Err(error) => {
            eprintln!("SKIPPED {name}: {error}");
            None
        }
    };
    options.peers.iter().filter_map(prepare).collect()
}

fn measured(options: &Options, peers: &[Peer]) -> Table {
    let sizes = if options.smoke { Sizes::SMOKE } else { Sizes::FULL };
    let mut table = Table::new(peers.iter().map(|peer| peer.name).collect());
    for row in &options.rows {
        for round in 0..options.rounds {
            for turn in 0..peers.len() {
                let index = (round + turn) % peers.len();
                let (peer, begin) = (&peers[index], Instant::now());
                if !peer.does(row) {
                    continue;
                }
                match rows::measure(row, peer, &sizes) {
                    Ok(figures) => table.note(row, index, figures),
                    Err(error) => table.fail(row, peer.name, &error.to_string()),
                }
                eprintln!(
                    "{row}, round {}, {}: {:.1} s",
                    round + 1,
                    peer.name,
                    begin.elapsed().as_secs_f64()
                );
            }
        }
    }
    table
}

fn first_line(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |line| line.trim().to_owned())
}
