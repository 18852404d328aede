//! What the rule remembers from one step to the next.

use std::time::Duration;

use super::{Sample, Scaling};

/// Parts that the time of [`Scaling::keep`] is cut into: what was needed is forgotten by so many steps.
const PARTS: usize = 8;
/// The average of the arrivals reaches back over so many services: 50 jobs of each busy worker say what the load is to
/// within a tenth or so, and a change is still seen soon.
const SERVICES: f64 = 50.0;
/// It reaches back over at least this, in seconds: shorter, and the batches of a caller look like a load.
const MEMORY_MIN: f64 = 0.25;
/// It reaches back over at most this, in seconds.
const MEMORY_MAX: f64 = 60.0;
/// The average of the service time reaches back over so many times as much: it moves less, and is known less well where
/// few jobs are long.
const SERVICE_MEMORIES: f64 = 8.0;
/// What was needed is kept for so many boots at least.
const BOOTS_KEPT: f64 = 4.0;
/// A worker that was stopped for less than so many times what needs are kept for was stopped too soon.
const TOO_SOON: u32 = 4;
/// Loads that differ by no more than this part are the same.
const SAME_LOAD: f64 = 0.1;
/// The most that needs are kept for longer, as a power of two.
const PATIENCE_MAX: u32 = 3;
/// After so many times what needs are kept for, without a worker that was stopped too soon, it is tried with half.
const PATIENT_FOR: u32 = 32;
/// Boots that the average of the boot time reaches back over.
const BOOTS: f64 = 16.0;

/// What the rule has learned. A default one knows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// The last sample; before the first, a pool without anything.
    pub(super) last: Sample,
    pub(super) is_old: bool,
    /// Seconds, and arrivals within them, of which older ones weigh less.
    time: f64,
    arrivals: f64,
    /// The same over the time of a boot alone.
    recent_time: f64,
    recent_arrivals: f64,
    /// Jobs, and seconds that they ran for, of which older ones weigh less.
    jobs: f64,
    service: f64,
    /// When jobs were last seen to have ended.
    ended: Duration,
    /// Workers, and seconds that they booted for, of which older ones weigh less.
    boots: f64,
    boot: f64,
    /// The most workers that were needed in each part of the time that needs are kept for.
    peaks: [f64; PARTS],
    /// Which part is the present one, counted from the beginning of time.
    part: u128,
    pub(super) look: Option<Duration>,
    /// When it may stop workers again.
    pub(super) stop_after: Duration,
    /// When it last stopped one, and the arrivals a second then.
    stopped: Option<(Duration, f64)>,
    /// How many times what was needed is kept for longer, as a power of two, and since when.
    patience: u32,
    patient_since: Duration,
    is_recut: bool,
}

impl State {
    /// Returns when to look again at the latest, from the last step on. `None` if nothing that time brings would
    /// change the decision: a pool that sleeps needs no timer.
    ///
    /// Beside that, look when a job is taken in and no worker is idle, though not sooner after the last step than
    /// [`State::shortest_gap`].
    pub fn next_look(&self) -> Option<Duration> {
        self.look
    }

    /// Returns the time between two steps within which the second would tell nothing new: 20 us to 1 ms, by how long a
    /// worker boots. A pool that has no worker at all does not wait for it to pass.
    pub fn shortest_gap(&self) -> Duration {
        Duration::from_secs_f64((self.boot_time() / 200.0).clamp(20e-6, 1e-3))
    }

    /// Returns when to look again at what waits, though no job comes.
    pub(super) fn look_at_queue(&self) -> Duration {
        Duration::from_secs_f64((self.boot_time() / 16.0).clamp(20e-6, 5e-3))
    }

    /// Returns for how long what was needed is kept: a worker that is stopped for less than a few boots is not worth it,
    /// and neither is one that had to be started again.
    pub(super) fn keep(&self, scaling: &Scaling) -> Duration {
        let boots = BOOTS_KEPT * self.boot_time();
        let keep = scaling.keep.max(Duration::try_from_secs_f64(boots).unwrap_or(Duration::MAX));
        keep.saturating_mul(1 << self.patience)
    }

    /// Notes that workers are stopped.
    pub(super) fn stops(&mut self) {
        self.stopped = Some((self.last.now, self.rate()));
    }

    /// Notes that workers are started, and keeps needs for longer if that undoes what was just done under the same load.
    pub(super) fn starts(&mut self, keep: Duration) {
        let now = self.last.now;
        let Some((stopped, rate)) = self.stopped.take() else { return };
        let is_same = (self.rate() - rate).abs() <= SAME_LOAD * rate;
        if is_same && now.saturating_sub(stopped) < keep.saturating_mul(TOO_SOON) {
            self.set_patience((self.patience + 1).min(PATIENCE_MAX));
        }
    }

    /// Keeps needs for less long when that has long been enough.
    pub(super) fn calm(&mut self, keep: Duration) {
        if self.patience > 0
            && self.last.now.saturating_sub(self.patient_since) > keep.saturating_mul(PATIENT_FOR)
        {
            self.set_patience(self.patience - 1);
        }
    }

    fn set_patience(&mut self, patience: u32) {
        self.patience = patience;
        self.patient_since = self.last.now;
        // The parts have another length from now on.
        self.peaks = [self.peaks.iter().copied().fold(0.0, f64::max); PARTS];
        self.is_recut = true;
    }

    /// Returns the mean time in seconds that a job runs for, unknown before the first job has ended.
    pub(super) fn service_time(&self) -> Option<f64> {
        (self.jobs > 0.0).then(|| self.service / self.jobs)
    }

    /// Returns for how long no job has been seen to end.
    pub(super) fn quiet(&self) -> Duration {
        self.last.now.saturating_sub(self.ended)
    }

    /// Returns the mean time in seconds that a worker boots for, 0 before one has.
    pub(super) fn boot_time(&self) -> f64 {
        if self.boots > 0.0 { self.boot / self.boots } else { 0.0 }
    }

    /// Returns the arrivals a second, on average.
    pub(super) fn rate(&self) -> f64 {
        if self.time > 0.0 { self.arrivals / self.time } else { 0.0 }
    }

    /// Returns the arrivals a second in the time of the last boot or so.
    pub(super) fn recent_rate(&self) -> f64 {
        if self.recent_time > 0.0 { self.recent_arrivals / self.recent_time } else { 0.0 }
    }

    /// Learns what has happened since the last sample.
    pub(super) fn learn(&mut self, sample: &Sample) {
        let last = self.last;
        let elapsed = sample.now.saturating_sub(last.now).as_secs_f64();

        let booted = sample.booted.saturating_sub(last.booted) as f64;
        let keep = fade(booted, BOOTS);
        self.boots = self.boots * keep + booted;
        self.boot = self.boot * keep + sample.boot.saturating_sub(last.boot).as_secs_f64();

        let memory = (SERVICES * self.service_time().unwrap_or(0.0)).clamp(MEMORY_MIN, MEMORY_MAX);
        let finished = sample.finished.saturating_sub(last.finished) as f64;
        // Nothing is learned of the service time while nothing runs, and so nothing is forgotten either.
        let keep = if finished > 0.0 { fade(elapsed, SERVICE_MEMORIES * memory) } else { 1.0 };
        self.jobs = self.jobs * keep + finished;
        self.service = self.service * keep + sample.service.saturating_sub(last.service).as_secs_f64();

        if self.is_old {
            let arrived = sample.arrived.saturating_sub(last.arrived) as f64;
            forget(&mut self.time, &mut self.arrivals, elapsed, arrived, memory);
            let recent = (self.boot_time() / 2.0).clamp(1e-4, MEMORY_MIN);
            forget(&mut self.recent_time, &mut self.recent_arrivals, elapsed, arrived, recent);
        }
        self.last = Sample { now: sample.now.max(last.now), ..*sample };
        if finished > 0.0 {
            self.ended = self.last.now;
        }
        self.is_old = true;
    }

    /// Remembers what is needed now, and returns the most that was needed within the time that needs are kept for.
    pub(super) fn peak(&mut self, keep: Duration, need: f64) -> f64 {
        let length = (keep.as_nanos() / PARTS as u128).max(1);
        let part = self.last.now.as_nanos() / length;
        if std::mem::take(&mut self.is_recut) {
            self.part = part;
        }
        let passed = part.saturating_sub(self.part).min(PARTS as u128) as usize;
        for ago in 0..passed {
            self.peaks[slot(part - ago as u128)] = 0.0;
        }
        self.part = part;
        let present = &mut self.peaks[slot(part)];
        *present = present.max(need);
        self.peaks.iter().copied().fold(0.0, f64::max)
    }
}

fn slot(part: u128) -> usize {
    (part % PARTS as u128) as usize
}

/// Returns what is left of a weight: an implicit step of exponential decay, which needs no exponential and so gives the
/// same bits everywhere.
fn fade(elapsed: f64, memory: f64) -> f64 {
    memory / (memory + elapsed)
}

/// Adds a time and the arrivals within it to what the memory holds of both.
fn forget(time: &mut f64, arrivals: &mut f64, elapsed: f64, arrived: f64, memory: f64) {
    let keep = fade(elapsed, memory);
    // An hour of nothing weighs no more than the memory, so that what follows it is learned as soon as ever.
    let part = if elapsed > memory { memory / elapsed } else { 1.0 };
    *time = *time * keep + elapsed * part;
    *arrivals = *arrivals * keep + arrived * part;
}
