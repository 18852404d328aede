//! The parent: starts the sides, lets the peers take turns, and keeps every run's figures.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::peer::{Part, Peer, Place, Shared};
use crate::peers::{self, bare};
use crate::row::Row;
use crate::side::{Role, SIDE, Task};
use crate::work;

/// How long a side may take for an answer before the peer counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// Counts grow until a measurement takes this long, from which the count of the runs follows.
const CALIBRATION: Duration = Duration::from_millis(30);
const CALIBRATION_FRAMES: u64 = 256;
const ROUND_TRIPS_MAX: u64 = 2_000_000;

/// One run's figures.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Figures {
    Stream { frames_per_second: f64, lost: f64 },
    RoundTrip { p50_ns: f64, p99_ns: f64 },
}

/// A peer's line: its runs, or why it has none.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) runs: Vec<Figures>,
    pub(crate) reason: Option<String>,
}

/// A row with all of its lines, and the limits of the same runs.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) row: Row,
    pub(crate) lines: Vec<Line>,
    /// One cache line from core to core and back.
    pub(crate) line_ns: Vec<f64>,
    /// A copy of a frame within the cache.
    pub(crate) copy_bytes_per_second: Vec<f64>,
}

/// Measures a row: run 1 of all peers, run 2 of all peers, and so on, so that a slow moment hits all.
pub(crate) fn measure(row: Row, names: &[String], runs: u32, length: Duration) -> Table {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(part.as_str()));
    let peers = peers::all();
    let mut taking_part = Vec::new();
    let mut lines = Vec::new();
    for peer in peers.iter().filter(|peer| wanted(peer.name())) {
        let (name, runs) = (peer.name(), Vec::new());
        match peer.part(row) {
            Part::No => continue,
            Part::Yes => lines.push(Line { name, runs, reason: None }),
            Part::Cannot(reason) => lines.push(Line { name, runs, reason: Some(reason.into()) }),
        }
        taking_part.push((peer.as_ref(), None));
    }
    let mut table = Table { row, lines, line_ns: Vec::new(), copy_bytes_per_second: Vec::new() };
    for run in 1..=runs {
        match limits(row) {
            Ok((line_ns, copy)) => {
                table.line_ns.push(line_ns);
                table.copy_bytes_per_second.push(copy);
            }
            Err(reason) => eprintln!("{row:?}, run {run}: the limits failed: {reason}"),
        }
        for ((peer, count), line) in taking_part.iter_mut().zip(&mut table.lines) {
            if line.reason.is_some() {
                continue;
            }
            eprintln!("{row:?}, run {run} of {runs}: {}", line.name);
            match once(*peer, row, count, length) {
                Ok(figures) => line.runs.push(figures),
                Err(reason) => line.reason = Some(format!("run {run}: {reason}")),
            }
        }
    }
    table
}

fn limits(row: Row) -> Result<(f64, f64), String> {
    let (_, p50_ns, _) = Session::start(&bare::Line, Row::Spin)?.round_trips(50_000)?;
    let place = Place { name: String::new(), fds: Vec::new() };
    let mut copier = Side::start(&Task { peer: String::new(), row, role: Role::Copier, place })?;
    copier.go(1)?;
    Ok((p50_ns, copier.numbers(1)?[0]))
}

/// Runs one peer once. The first run finds out how many frames take about `length`, and leaves the count for the others.
fn once(peer: &dyn Peer, row: Row, count: &mut Option<u64>, length: Duration) -> Result<Figures, String> {
    let mut session = Session::start(peer, row)?;
    if row.is_round_trip() {
        let (elapsed_ns, ..) = session.round_trips(1000)?;
        let count = *count.get_or_insert_with(|| {
            let wanted = length.as_nanos() as f64 * 1000.0 / elapsed_ns.max(1.0);
            (wanted as u64).clamp(1000, ROUND_TRIPS_MAX)
        });
        let (_, p50_ns, p99_ns) = session.round_trips(count)?;
        return Ok(Figures::RoundTrip { p50_ns, p99_ns });
    }
    let count = match *count {
        Some(count) => {
            // Warms up: the pages are touched and the positions have gone around.
            session.stream(count / 10 + 1)?;
            count
        }
        None => {
            let mut tried = CALIBRATION_FRAMES;
            let elapsed_ns = loop {
                let elapsed_ns = session.stream(tried)?.0;
                if elapsed_ns >= CALIBRATION.as_nanos() as f64 {
                    break elapsed_ns;
                }
                tried *= 4;
            };
            *count.insert((tried as f64 * length.as_nanos() as f64 / elapsed_ns) as u64 + 1)
        }
    };
    let (elapsed_ns, lost) = session.stream(count)?;
    let sent = (count * row.producers() as u64) as f64;
    Ok(Figures::Stream { frames_per_second: (sent - lost) / elapsed_ns * 1e9, lost: lost / sent })
}

/// The sides of one peer, ready.
struct Session {
    row: Row,
    /// Before what they share, so that they have ended when that goes.
    sides: Vec<Side>,
    _shared: Shared,
}

impl Session {
    fn start(peer: &dyn Peer, row: Row) -> Result<Self, String> {
        let name = format!("circlet-peers-{}-{}", std::process::id(), work::now_ns());
        let shared = peer.prepare(row, name);
        let roles = if peer.is_in_process() {
            vec![Role::All]
        } else if row.is_round_trip() {
            vec![Role::Asker, Role::Echoer]
        } else {
            (0..row.producers()).map(Role::Producer).chain([Role::Consumer]).collect()
        };
        let place = shared.place.clone();
        let task = |role| Task { peer: peer.name().into(), row, role, place: place.clone() };
        let mut sides: Vec<_> =
            roles.into_iter().map(|role| Side::spawn(&task(role))).collect::<Result<_, _>>()?;
        for side in &mut sides {
            side.expect_ready()?;
        }
        Ok(Self { row, sides, _shared: shared })
    }

    /// Streams `count` frames of each producer; returns the nanoseconds and how many were lost.
    fn stream(&mut self, count: u64) -> Result<(f64, f64), String> {
        // The consumer first.
        for side in self.sides.iter_mut().rev() {
            side.go(count)?;
        }
        let mut answers = Vec::new();
        for side in &mut self.sides {
            answers.extend(side.integers()?);
        }
        // Of each producer when it began, and of the consumer when it ended and what it read.
        let [begins @ .., end, sum, lost, out_of_order] = &answers[..] else {
            return Err(format!("the sides said {answers:?}"));
        };
        let producers = self.row.producers();
        if *lost == 0 && *sum != work::expected_sum(self.row.words(), producers, count) {
            return Err("the sum of what was read is wrong".into());
        }
        if *lost == 0 && *out_of_order > 0 {
            return Err(format!("{out_of_order} frames came out of order"));
        }
        let begin = *begins.iter().min().expect("a row has a producer");
        Ok((end.saturating_sub(begin).max(1) as f64, *lost as f64))
    }

    /// Does `count` round trips; returns the nanoseconds, and the two percentiles in nanoseconds.
    fn round_trips(&mut self, count: u64) -> Result<(f64, f64, f64), String> {
        let begin = work::now_ns();
        for side in self.sides.iter_mut().rev() {
            side.go(count)?;
        }
        let percentiles = self.sides[0].numbers(2)?;
        let elapsed_ns = (work::now_ns() - begin) as f64;
        for echoer in &mut self.sides[1..] {
            echoer.line()?;
        }
        Ok((elapsed_ns, percentiles[0], percentiles[1]))
    }
}

/// A process of ours.
struct Side {
    child: Child,
    /// `None` once it has been told to end.
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Side {
    fn spawn(task: &Task) -> Result<Self, String> {
        let program = env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(program)
            .env(SIDE, task.to_text())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Ok(Self { child, input, lines })
    }

    fn start(task: &Task) -> Result<Self, String> {
        let mut side = Self::spawn(task)?;
        side.expect_ready()?;
        Ok(side)
    }

    fn expect_ready(&mut self) -> Result<(), String> {
        self.line()
            .and_then(|line| if line == "ready" { Ok(()) } else { Err(format!("a side said {line:?}")) })
    }

    fn go(&mut self, count: u64) -> Result<(), String> {
        let input = self.input.as_mut().expect("it has not been told to end");
        writeln!(input, "{count}").map_err(|error| format!("a side has ended: {error}"))
    }

    fn line(&mut self) -> Result<String, String> {
        self.lines.recv_timeout(PATIENCE).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => format!("no answer in {} s", PATIENCE.as_secs()),
            mpsc::RecvTimeoutError::Disconnected => "a side ended by itself".into(),
        })
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<f64>, String> {
        let line = self.line()?;
        let numbers: Vec<_> = line.split(' ').map_while(|word| word.parse().ok()).collect();
        if numbers.len() == count { Ok(numbers) } else { Err(format!("a side said {line:?}")) }
    }

    fn integers(&mut self) -> Result<Vec<u64>, String> {
        let line = self.line()?;
        line.split(' ').map(|word| word.parse().map_err(|_| format!("a side said {line:?}"))).collect()
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        drop(self.input.take());
        // One that is stuck never reads that it should end.
        for _ in 0..200 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
