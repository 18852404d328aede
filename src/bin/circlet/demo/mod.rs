//! `circlet demo`: one real job through every part of the library.
//!
//! A drawing is read and fitted (`drawing`), its paths are flattened by the pool straight into a ring (`batch`), a Python
//! worker measures the points in place (`measure.py`), and what came of it is told (`report`) and drawn (`picture`).

mod batch;
mod drawing;
mod picture;
mod report;

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::{Builder, Executor, Killer, Outcome};
use circlet::pool::{self, Completions, Job, Pool};
use circlet::ring::{self, Mode, Options, Ring};
use circlet::shm::{self, PeerState, Segment};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::library;
use batch::{Feed, Measured, Trouble};
use drawing::Drawing;

/// The code that the worker runs.
const MEASURE: &str = include_str!("measure.py");
/// How often the program looks up from waiting.
const TICK: Duration = Duration::from_millis(20);

/// Read an SVG file, flatten its paths on the pool into shared memory, and have a Python worker measure them there
///
/// Examples:
///   circlet demo                                  a flowchart of 82 edges that is built in
///   circlet demo drawing.svg --tolerance 0.01
///   circlet demo drawing.svg --json | jq .paths
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The drawing: an SVG file; a flowchart that is built in else
    file: Option<PathBuf>,
    /// The largest distance between a curve and its points, in the units of the box
    #[arg(long, default_value_t = 0.1, allow_negative_numbers = true)]
    tolerance: f64,
    /// The box that the drawing is fitted into, WIDTHxHEIGHT
    #[arg(long = "box", value_name = "WIDTHxHEIGHT", default_value = "1600x1000", value_parser = parse_box)]
    size: [f64; 2],
    /// How it is fitted
    #[arg(long, value_enum, default_value_t = FitArgument::Contain)]
    fit: FitArgument,
    /// Threads of the pool
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Bytes of the ring that the points go through
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES")]
    capacity: u64,
    /// Give that ring a name, so that others can look at it (circlet ring stat NAME)
    #[arg(long, value_name = "NAME")]
    ring: Option<String>,
    /// The Python interpreter
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: PathBuf,
    /// How long the worker may get no further before it is ended, in seconds
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS", value_parser = parse_seconds)]
    patience: f64,
    /// Where the picture goes
    #[arg(long, short, default_value = "circlet-demo.svg", value_name = "FILE")]
    output: PathBuf,
    /// Show every path, not only the longest
    #[arg(long)]
    all: bool,
    /// Print JSON: the paths and the session
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FitArgument {
    /// All of it, with one scale for both axes
    Contain,
    /// The whole box, with one scale for both axes
    Cover,
    /// Each axis with a scale of its own
    Stretch,
}

fn parse_box(text: &str) -> Result<[f64; 2], String> {
    let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
    sides.ok_or_else(|| "give WIDTHxHEIGHT, two numbers above 0, such as 1600x1000".to_owned())
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0);
    seconds.ok_or_else(|| "give a number of seconds above 0".to_owned())
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let interrupt = Interrupt::watch()?;
    let begin = Instant::now();
    picture::check(arguments)?;
    let drawing = Arc::new(Drawing::read(arguments)?);
    let library = library::find()?;
    let ring = open_ring(arguments)?;
    let feed = Feed::new(&ring, arguments.workers, arguments.tolerance);
    let feed = Arc::new(feed.map_err(Failure::run)?);
    // Room for every job, so that submitting never waits: Ctrl-C is looked at between the waits below.
    let pool = Pool::builder().workers(arguments.workers).queue(drawing.paths.len()).name("demo");
    let pool = pool.build().map_err(Failure::input)?;
    let worker = Executor::builder().python(&arguments.python).library(library).ring("points", &ring);
    let worker = start(worker, &ring, &interrupt)?;
    let watch = Watch::new(&ring, arguments.patience, &interrupt);
    let (measured, outcome) = work(&drawing, &feed, &pool, worker, &watch)?;
    let report = report::Report::new(&drawing, measured, outcome)?;
    picture::draw(&drawing, &report, arguments, &interrupt)?;
    let session = report.session(arguments, &pool, begin.elapsed());
    pool.close().map_err(Failure::run)?;
    report.print(arguments, &session)
}

/// Opens the ring for the points. A named one that a killed program left behind is replaced.
fn open_ring(arguments: &Arguments) -> Result<Ring, Failure> {
    let options = Options::new().mode(Mode::Mpsc).capacity(arguments.capacity);
    let Some(name) = &arguments.ring else { return ring::anonymous(&options).map_err(Failure::input) };
    match ring::create(name, &options) {
        Err(ring::Error::Segment(shm::Error::NameTaken { .. }))
            if Segment::remove_abandoned(name).map_err(Failure::input)? =>
        {
            ring::create(name, &options).map_err(Failure::input)
        }
        other => other.map_err(Failure::input),
    }
}

/// Looks after a run: whether somebody asked for its end, and whether the worker gets on.
struct Watch<'a> {
    ring: &'a Ring,
    patience: Duration,
    interrupt: &'a Interrupt,
    /// How many frames the worker had read, and since when.
    progress: Cell<(u64, Instant)>,
}

impl<'a> Watch<'a> {
    fn new(ring: &'a Ring, patience: f64, interrupt: &'a Interrupt) -> Self {
        let patience = Duration::try_from_secs_f64(patience).unwrap_or(Duration::MAX);
        Self { ring, patience, interrupt, progress: Cell::new((0, Instant::now())) }
    }

    fn check(&self) -> Result<(), Failure> {
        self.interrupt.check()?;
        let stats = self.ring.stats();
        let read = stats.frames_received;
        let (before, since) = self.progress.get();
        // While there is nothing to read and more will come, the worker waits for the pool.
        let waits = stats.used_bytes == 0 && stats.producer == PeerState::Alive;
        if read != before || waits {
            self.progress.set((read, Instant::now()));
        } else if since.elapsed() > self.patience {
            let seconds = self.patience.as_secs_f64();
            let text = format!(
                "the worker got no further for {seconds} s (--patience) after {read} frames, and was ended"
            );
            return Err(Failure::run(text));
        }
        Ok(())
    }
}

/// Starts the worker, and waits for it only as long as nobody asks for the end.
fn start(worker: Builder, ring: &Ring, interrupt: &Interrupt) -> Result<Executor, Failure> {
    let (tell, told) = mpsc::channel();
    // It ends with the program, and the worker that it starts with it.
    thread::spawn(move || {
        // Nobody listens any more where somebody asked for the end.
        let _ = tell.send(worker.start());
    });
    loop {
        // The thread keeps the ring open, and is not waited for.
        interrupt.check().inspect_err(|_| ring.segment().end_name())?;
        match told.recv_timeout(TICK) {
            Ok(started) => return started.map_err(Failure::run),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::run("the thread that starts the worker panicked"));
            }
        }
    }
}

/// Has the pool write and the worker read at the same time, until both are done or one of them fails.
fn work(
    drawing: &Arc<Drawing>,
    feed: &Arc<Feed>,
    pool: &Pool,
    mut worker: Executor,
    watch: &Watch<'_>,
) -> Result<(Vec<Measured>, Outcome), Failure> {
    let killer = worker.killer();
    let running = thread::spawn(move || {
        let outcome = worker.run(MEASURE);
        outcome.and_then(|outcome| worker.stop().map(|()| outcome))
    });
    let kill = || killer.iter().for_each(Killer::kill);
    let written = submit(drawing, feed, pool).and_then(|done| collect(&done, drawing.paths.len(), watch));
    if written.is_err() {
        // First of all, as a job may wait for it to make room.
        kill();
        feed.stop();
    }
    // The worker's loop over the ring ends with the ring.
    feed.close();
    let mut stopped = Ok(());
    while !running.is_finished() {
        thread::sleep(TICK / 10);
        if stopped.is_ok() && written.is_ok() {
            stopped = watch.check();
            if stopped.is_err() {
                kill();
            }
        }
    }
    let outcome =
        running.join().map_err(|_| Failure::run("the thread that waits for the worker panicked"))?;
    stopped?;
    match (written, outcome) {
        (Ok(measured), Ok(outcome)) => Ok((measured, outcome)),
        (Err(Trouble::Own(failure)), _) => Err(failure),
        (_, Err(ended)) => Err(Failure::run(ended)),
        (Err(Trouble::ReaderGone), Ok(_)) => {
            Err(Failure::run("the worker ended before it had read everything"))
        }
    }
}

fn submit(drawing: &Arc<Drawing>, feed: &Arc<Feed>, pool: &Pool) -> Result<Completions<Measured>, Trouble> {
    let (completer, completions) = pool::completions();
    for number in 0..drawing.paths.len() {
        let (drawing, feed) = (Arc::clone(drawing), Arc::clone(feed));
        let segments = drawing.segments(number) as u64;
        let job = Job::new("bezier_batch", move |context| Ok(feed.write(&drawing, number, context)?));
        pool.submit_to(job.nodes(segments), &completer).map_err(Failure::run)?;
    }
    Ok(completions)
}

/// Takes the jobs' results as they come, in the order of the paths, and shows how far it is.
fn collect(
    completions: &Completions<Measured>,
    count: usize,
    watch: &Watch<'_>,
) -> Result<Vec<Measured>, Trouble> {
    let bar = ProgressBar::new(count as u64).with_message("flattening into the ring");
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} paths") {
        bar.set_style(style);
    }
    let mut measured = Vec::with_capacity(count);
    loop {
        watch.check()?;
        match completions.recv_timeout(TICK) {
            Ok(completion) => {
                measured.push(completion.result?);
                bar.inc(1);
            }
            Err(pool::Error::TimedOut) => {}
            Err(_) => break,
        }
    }
    bar.finish_and_clear();
    measured.sort_by_key(|measured| measured.number);
    Ok(measured)
}
