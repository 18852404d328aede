//! The clock, the queue and the workers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::report::{LoggedAction, Report};
use super::series::Series;
use super::{Kind, Occasion, Rule, Service, Shape, Trace};
use crate::pool::scaling::{Action, Sample, Scaling};

/// What a simulation is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The seed of the arrivals and of the service times.
    pub seed: u64,
    /// The fewest workers. They are there from the beginning.
    pub min: usize,
    /// The most workers. Loads are parts of it.
    pub max: usize,
    /// How long a worker boots: about 0.05 ms for a thread, 40 ms for a Python process.
    pub boot: Duration,
    /// How long jobs take, where it is not what the shape has.
    pub service: Option<Service>,
    /// How long arrivals go on, 1 to 3600 seconds.
    pub seconds: u64,
    /// What our rule is told, see [`Scaling::target_wait`].
    pub target_wait: Duration,
    /// What our rule is told, see [`Scaling::keep`].
    pub keep: Duration,
}

impl Default for Settings {
    /// Settings of the tables of `docs/pool.md`: 1 to 16 processes for 40 seconds.
    fn default() -> Self {
        Self {
            seed: 1,
            min: 1,
            max: 16,
            boot: Duration::from_millis(40),
            service: None,
            seconds: 40,
            target_wait: Scaling::TARGET_WAIT,
            keep: Scaling::KEEP,
        }
    }
}

impl Settings {
    /// Makes the jobs.
    pub fn trace(&self, shape: Shape) -> Trace {
        Trace::new(self, shape)
    }
}

/// Runs a trace under one of the rules that are known.
pub fn run(settings: &Settings, trace: &Trace, kind: Kind) -> Report {
    run_rule(settings, trace, kind.rule(settings, trace).as_mut())
}

/// Runs a trace under a rule. It ends when the trace has and every job is done.
///
/// # Panics
/// If the rule leaves jobs waiting, with no worker, no timer and nothing to come.
pub fn run_rule(settings: &Settings, trace: &Trace, rule: &mut dyn Rule) -> Report {
    let mut pool = Pool::new(settings, trace);
    pool.ask(rule, Occasion::Begin);
    while let Some(event) = pool.next() {
        pool.advance(event.0);
        let occasion = match event.1 {
            Event::Booted => pool.booted(),
            Event::Done => pool.done(event.2),
            Event::Timer => {
                pool.timer = None;
                Some(Occasion::Timer)
            }
            Event::Arrival => Some(pool.arrive()),
        };
        if let Some(occasion) = occasion {
            pool.ask(rule, occasion);
        }
    }
    assert!(pool.is_over(), "the rule left {} jobs without a worker", pool.arrived - pool.started);
    pool.report()
}

/// What happens. Of what happens at once, the first here is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Booted,
    Done,
    Timer,
    Arrival,
}

struct Pool<'t> {
    settings: Settings,
    trace: &'t Trace,
    now: u64,
    /// When, what, and how long the job took that is done.
    events: BinaryHeap<Reverse<(u64, Event, u64)>>,
    timer: Option<u64>,
    /// Jobs that have come, and those that a worker has taken: what is between them waits.
    arrived: usize,
    started: usize,
    finished: u64,
    /// Time that finished jobs ran for.
    service: Duration,
    running: usize,
    idle: usize,
    booting: usize,
    booted: u64,
    waits: Vec<u64>,
    worker_time: u128,
    log: Vec<LoggedAction>,
    /// The number of workers from each moment on.
    sizes: Vec<(u64, usize)>,
    series: Series,
}

impl<'t> Pool<'t> {
    fn new(settings: &Settings, trace: &'t Trace) -> Self {
        let max = settings.max.max(1);
        let settings = Settings { max, min: settings.min.min(max), ..*settings };
        Self {
            settings,
            trace,
            now: 0,
            events: BinaryHeap::new(),
            timer: None,
            arrived: 0,
            started: 0,
            finished: 0,
            service: Duration::ZERO,
            running: 0,
            idle: settings.min,
            booting: 0,
            booted: 0,
            waits: Vec::with_capacity(trace.jobs.len()),
            worker_time: 0,
            log: Vec::new(),
            sizes: vec![(0, settings.min)],
            series: Series::new(trace.end),
        }
    }

    fn workers(&self) -> usize {
        self.running + self.idle + self.booting
    }

    fn is_over(&self) -> bool {
        self.arrived == self.trace.jobs.len() && self.started == self.arrived && self.running == 0
    }

    fn next(&mut self) -> Option<(u64, Event, u64)> {
        let arrival = self.trace.jobs.get(self.arrived).map(|job| (job.arrival_ns, Event::Arrival, 0));
        let event = self.events.peek().map(|event| event.0);
        let timer = self.timer.map(|at| (at.max(self.now), Event::Timer, 0));
        let next = [arrival, event, timer].into_iter().flatten().min()?;
        if self.is_over() && next.0 > self.trace.end {
            return None;
        }
        if Some(next) == event {
            self.events.pop();
        }
        Some(next)
    }

    fn advance(&mut self, to: u64) {
        let elapsed = to - self.now;
        self.worker_time += u128::from(elapsed) * self.workers() as u128;
        let levels = [self.arrived - self.started, self.booting, self.running, self.idle];
        self.series.add(self.now, to, levels);
        self.now = to;
    }

    fn arrive(&mut self) -> Occasion {
        self.arrived += 1;
        if self.idle > 0 {
            self.idle -= 1;
            self.take();
            Occasion::Taken
        } else {
            Occasion::Queued
        }
    }

    fn booted(&mut self) -> Option<Occasion> {
        self.booting -= 1;
        self.booted += 1;
        self.work();
        Some(Occasion::Booted)
    }

    fn done(&mut self, service_ns: u64) -> Option<Occasion> {
        self.service += Duration::from_nanos(service_ns);
        self.running -= 1;
        self.finished += 1;
        self.work();
        (self.arrived == self.started).then_some(Occasion::Idle)
    }

    /// A worker has nothing to do: it takes what waits, or is idle.
    fn work(&mut self) {
        if self.started < self.arrived { self.take() } else { self.idle += 1 }
    }

    fn take(&mut self) {
        let job = self.trace.jobs[self.started];
        self.started += 1;
        self.running += 1;
        let wait = self.now - job.arrival_ns;
        self.waits.push(wait);
        self.series.wait(job.arrival_ns, wait);
        self.events.push(Reverse((self.now + job.service_ns, Event::Done, job.service_ns)));
    }

    fn sample(&self) -> Sample {
        let queued = self.arrived - self.started;
        let oldest = self.trace.jobs.get(self.started).filter(|_| queued > 0);
        Sample {
            now: Duration::from_nanos(self.now),
            queued,
            oldest_age: Duration::from_nanos(oldest.map_or(0, |job| self.now - job.arrival_ns)),
            running: self.running,
            idle: self.idle,
            booting: self.booting,
            arrived: self.arrived as u64,
            finished: self.finished,
            service: self.service,
            booted: self.booted,
            boot: self.settings.boot.saturating_mul(u32::try_from(self.booted).unwrap_or(u32::MAX)),
            quota: None,
        }
    }

    fn ask(&mut self, rule: &mut dyn Rule, occasion: Occasion) {
        let action = rule.decide(occasion, &self.sample());
        let change = match action {
            Action::Start(workers) => {
                let more = workers.min(self.settings.max - self.workers().min(self.settings.max));
                let ready = self.now + nanoseconds(self.settings.boot);
                self.events.extend((0..more).map(|_| Reverse((ready, Event::Booted, 0))));
                self.booting += more;
                more as isize
            }
            Action::Stop(workers) => {
                let fewer =
                    workers.min(self.idle).min(self.workers() - self.settings.min.min(self.workers()));
                self.idle -= fewer;
                -(fewer as isize)
            }
            Action::None => 0,
        };
        if change != 0 {
            let workers = self.workers();
            let reason = rule.reason();
            self.log.push(LoggedAction { at: Duration::from_nanos(self.now), change, workers, reason });
            self.sizes.push((self.now, workers));
        }
        self.timer = rule.timer().map(nanoseconds);
    }

    fn report(mut self) -> Report {
        self.advance(self.now.max(self.trace.end));
        Report::new(self.trace, self.waits, self.worker_time, self.log, &self.sizes, self.series.columns())
    }
}

pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
