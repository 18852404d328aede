//! How fast the payload of a session is: a sample of the process, a read of the page, a snapshot as JSON, a summary; beside what Node and
//! Bun have, and beside a tracker as the payload's first document writes it, in the same run.
//!
//! `cargo bench --features cli --bench payload -- [--node=PROGRAM] [--bun=PROGRAM]`, in a git repository. The snapshot is of the document's
//! own size: its payload is what the guest says. Medians of five rounds, all in turns. Linux, a core that nothing else uses.

#[cfg(not(all(feature = "project", target_os = "linux")))]
fn main() {}

#[cfg(all(feature = "project", target_os = "linux"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    rows::print()
}

#[cfg(all(feature = "project", target_os = "linux"))]
mod rows {
    use std::hint::black_box;
    use std::path::Path;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use circlet::page::{self, Options};
    use circlet::payload::{ProcessProbe, SessionPayload, SessionTracker, TrackerOptions};
    use serde_json::Value;

    type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

    const ROUNDS: usize = 5;
    const SEED: &str = include_str!("../tests/data/payload/seed.json");
    const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/session");

    struct Row {
        name: String,
        measure: Box<dyn FnMut() -> Outcome<f64>>,
        /// Medians of rounds, in microseconds.
        rounds: Vec<f64>,
    }

    fn row(name: &str, measure: impl FnMut() -> Outcome<f64> + 'static) -> Row {
        Row { name: name.to_owned(), measure: Box::new(measure), rounds: Vec::new() }
    }

    /// Returns what a call takes at the median, in microseconds.
    fn timed(calls: usize, mut call: impl FnMut()) -> f64 {
        let mut times: Vec<Duration> = (0..calls)
            .map(|_| {
                let begin = Instant::now();
                call();
                begin.elapsed()
            })
            .collect();
        median(&mut times).as_secs_f64() * 1e6
    }

    fn median<T: Copy + PartialOrd>(values: &mut [T]) -> T {
        values.sort_by(|a, b| a.partial_cmp(b).expect("no value is no number"));
        values[values.len() / 2]
    }

    pub(super) fn print() -> Outcome<()> {
        let name = format!("circlet-bench-payload-{}", std::process::id());
        let options = TrackerOptions {
            runtime: "bun".to_owned(),
            page: Some(name.clone()),
            // Nothing else is to be measured meanwhile.
            interval_ms: 3_600_000,
            project_interval_ms: 3_600_000,
            max_bytes: 1 << 20,
            ..TrackerOptions::default()
        };
        let tracker = SessionTracker::start(options)?;
        tracker.wait_for_project(Duration::from_secs(60));
        tracker.patch(SessionPayload::from_json(SEED)?.to_value())?;
        let bytes = tracker.snapshot_json()?.len();
        let mut probe = ProcessProbe::this()?;
        let other = page::anonymous(&Options::new())?;
        let (mut writer, mut of_size) = (other.writer()?, other.reader());
        writer.write(tracker.snapshot_json()?.as_bytes())?;
        let json = tracker.snapshot_json()?;
        let payload = SessionPayload::from_json(&json)?;
        let mut rows = vec![
            row("sample of the process", move || Ok(timed(20_000, || drop(black_box(probe.sample()))))),
            row(&format!("read of the page, {bytes} bytes"), move || {
                Ok(timed(20_000, || {
                    drop(black_box(of_size.read().map(|value| value.map(|value| value.version))));
                }))
            }),
            row(&format!("snapshot as JSON, {bytes} bytes"), move || {
                Ok(timed(20_000, || drop(black_box(tracker.snapshot_json()))))
            }),
            row("summary of 450 tokens", move || Ok(timed(500, || drop(black_box(payload.summary(450)))))),
        ];
        for (runtime, option) in [("node", "--node="), ("bun", "--bun=")] {
            let Some(program) =
                std::env::args().find_map(|word| word.strip_prefix(option).map(str::to_owned))
            else {
                continue;
            };
            for (script, what) in [
                ("report.mjs", "process.report.getReport()"),
                ("seed.mjs", "tracker as the first document has it"),
            ] {
                let program = program.clone();
                rows.push(row(&format!("{runtime}: {what}"), move || peer(&program, script)));
            }
        }
        for _ in 0..ROUNDS {
            for row in &mut rows {
                let time = (row.measure)()?;
                row.rounds.push(time);
            }
        }
        for row in &mut rows {
            println!("{:<52} {:>10.2} us", row.name, median(&mut row.rounds));
        }
        Ok(())
    }

    fn peer(program: &str, script: &str) -> Outcome<f64> {
        let output = Command::new(program).arg(Path::new(PEERS).join(script)).output()?;
        let said: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
            format!("{program} {script}: {error}: {}", String::from_utf8_lossy(&output.stderr))
        })?;
        Ok(said["us"].as_f64().ok_or("no time")?)
    }
}
