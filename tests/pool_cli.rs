//! `circlet pool simulate`: what it prints, what it draws, what it refuses, and the tables of `docs/pool.md`.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod common;

use std::fs;
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;

const TRACES: [&str; 6] = ["step", "ramp", "burst", "sine", "onoff", "bimodal"];

/// The traces that `docs/pool.md` has pictures of.
const PICTURES: [&str; 4] = ["step", "burst", "sine", "onoff"];

fn circlet(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_circlet")).args(["pool", "simulate"]).args(arguments).output().unwrap()
}

fn text(arguments: &[&str]) -> String {
    let output = circlet(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn reports(arguments: &[&str]) -> Vec<Value> {
    serde_json::from_str(&text(&[arguments, &["--json"]].concat())).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = circlet(arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed something");
    error
}

#[test]
fn the_same_words_print_the_same_report() {
    let words = ["--trace", "onoff", "--seconds", "4", "--workers-min", "0"];
    let table = text(&words);
    assert_eq!(table, text(&words));
    assert_eq!(table.lines().count(), 8, "{table}");
    let reports = reports(&words);
    assert_eq!(reports, self::reports(&words));
    let ours = reports.iter().find(|report| report["rule"] == "ours").unwrap();
    assert!(ours["log"][0]["reason"].as_str().unwrap().contains("no worker runs"), "{ours}");
    assert_eq!(ours["log_hash"].as_str().unwrap().len(), 16);
    let other = self::reports(&[&words[..], &["--seed", "2"]].concat());
    assert_ne!(reports, other);
}

#[test]
fn a_real_pool_does_the_jobs_of_the_same_trace_beside_the_simulation() {
    let words =
        ["--trace", "step", "--seconds", "4", "--workers-max", "4", "--boot", "0.05", "--rule", "ours"];
    let reports = reports(&[&words[..], &["--real", "0.25"]].concat());
    let [ours, real] = &reports[..] else { panic!("two reports: {reports:?}") };
    assert_eq!((&ours["rule"], &real["rule"]), (&"ours".into(), &"real".into()));
    assert_eq!(ours["jobs"], real["jobs"]);
    let seconds = real["worker_seconds"].as_f64().unwrap();
    assert!((4.0..=16.5).contains(&seconds), "{real}");
    assert!(real["p99_wait_ms"].as_f64().unwrap() > 0.0, "{real}");
    assert!(real["starts"].as_u64().unwrap() >= 3, "{real}");
}

#[test]
fn what_cannot_be_simulated_is_refused_with_what_can() {
    assert!(refused(&["--workers-max", "0"]).contains("give 1 to 1024"));
    assert!(refused(&["--workers-min", "17"]).contains("at most --workers-max, which is 16"));
    assert!(refused(&["--boot", "-1"]).contains("milliseconds from 0 to 3600000"));
    assert!(refused(&["--service", "gamma:2"]).contains("fixed:5"));
    assert!(refused(&["--trace", "saw"]).contains("bimodal"));
    assert!(refused(&["--real", "0"]).contains("from 0.001 to 1000"));
    assert!(refused(&["--trace", "step", "--svg", "x.svg"]).contains("--rule ours"));
    let nowhere = ["--trace", "step", "--rule", "ours", "--seconds", "1", "--svg", "/nowhere/x.svg"];
    assert!(refused(&nowhere).contains("a folder that exists"));
}

#[test]
fn the_pictures_are_what_the_program_draws() {
    let folder = common::scratch("pool-pictures");
    let docs = common::root().join("docs/pool");
    let page = fs::read_to_string(common::root().join("docs/pool.md")).unwrap();
    for trace in PICTURES {
        let place = folder.join("one.svg");
        let printed = text(&["--trace", trace, "--rule", "ours", "--svg", place.to_str().unwrap()]);
        assert_eq!(printed, "");
        let svg = fs::read_to_string(&place).unwrap();
        assert!(svg.len() < 100_000, "{trace}: {} bytes", svg.len());
        common::blessed(&docs.join(trace).with_extension("svg"), &svg);
        assert!(page.contains(&format!("pool/{trace}.svg")), "docs/pool.md does not show {trace}");
    }
    assert_eq!(
        fs::read_dir(&docs).unwrap().count(),
        PICTURES.len(),
        "docs/pool has a file that nothing draws"
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_tables_are_what_the_program_prints() {
    let place = common::root().join("docs/pool.md");
    let mut page = fs::read_to_string(&place).unwrap();
    replace(&mut page, "processes", &text(&["--markdown"]));
    replace(&mut page, "verdicts", &verdicts());
    let threads = ["--markdown", "--boot", "0.05", "--trace"];
    let tables: Vec<String> =
        ["step", "burst"].iter().map(|trace| text(&[&threads[..], &[*trace]].concat())).collect();
    replace(&mut page, "threads", &tables.join("\n"));
    common::blessed(&place, &page);
}

/// Puts a text between the two marks of that name.
fn replace(page: &mut String, name: &str, text: &str) {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let from = page.find(&begin).unwrap_or_else(|| panic!("docs/pool.md has no {begin:?}")) + begin.len();
    let to = page.find(&end).unwrap_or_else(|| panic!("docs/pool.md has no {end:?}"));
    page.replace_range(from..to, &format!("\n{text}\n"));
}

/// Compares ours with the aims, for the seeds 1 to 3.
fn verdicts() -> String {
    let seeds: Vec<Vec<Value>> = ["1", "2", "3"]
        .map(|seed| thread::spawn(move || reports(&["--seed", seed])))
        .map(|reports| reports.join().unwrap())
        .to_vec();
    let mut table = String::from(
        "| trace | p99 wait, times the oracle's | worker-seconds, times the oracle's | both within 1.2 and 1.3 | reversals at constant load | better on both than piscina | than hpa |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for trace in TRACES {
        let of = |seed: &[Value], rule: &str, field: &str| {
            let report =
                seed.iter().find(|report| report["trace"] == trace && report["rule"] == rule).unwrap();
            report[field].as_f64()
        };
        let ratios = |field: &str| -> Vec<f64> {
            let ratio =
                |seed: &Vec<Value>| of(seed, "ours", field).unwrap() / of(seed, "oracle", field).unwrap();
            seeds.iter().map(ratio).collect()
        };
        let [waits, costs] = ["p99_wait_ms", "worker_seconds"].map(ratios);
        let within = waits.iter().zip(&costs).filter(|(wait, cost)| **wait <= 1.2 && **cost <= 1.3).count();
        let better = |rule: &str| {
            let is_less = |field: &str| {
                seeds.iter().all(|seed| of(seed, "ours", field).unwrap() < of(seed, rule, field).unwrap())
            };
            match (is_less("p99_wait_ms"), is_less("worker_seconds")) {
                (true, true) => "yes",
                (true, false) => "wait alone",
                (false, true) => "cost alone",
                (false, false) => "no",
            }
        };
        let turns = seeds.iter().filter_map(|seed| of(seed, "ours", "reversals_at_top"));
        let turns: Vec<String> = turns.map(|turns| turns.to_string()).collect();
        let turns = if turns.is_empty() { "-".to_owned() } else { turns.join(", ") };
        let three =
            |ratios: &[f64]| ratios.iter().map(|ratio| format!("{ratio:.2}")).collect::<Vec<_>>().join(", ");
        table += &format!(
            "| {trace} | {} | {} | {within} of 3 | {turns} | {} | {} |\n",
            three(&waits),
            three(&costs),
            better("piscina"),
            better("hpa")
        );
    }
    table
}
