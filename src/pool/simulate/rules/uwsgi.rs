//! The busyness algorithm of uWSGI.

use std::time::Duration;

use super::super::{Occasion, Rule, Settings};
use super::Meter;
use crate::pool::scaling::{Action, Sample};

/// Cycles of its master, a second each, between two looks at how busy workers are: `cheaper-overload`.
const OVERLOAD: u32 = 3;
/// Above this share of busy time, one more: `cheaper-busyness-max` and `cheaper-step`.
const MAX: f64 = 0.50;
/// Below this share of busy time, perhaps one fewer: `cheaper-busyness-min`.
const MIN: f64 = 0.25;
/// Looks to wait for that: `cheaper-busyness-multiplier`.
const MULTIPLIER: u32 = 10;
/// What is added to it when a worker was stopped too soon: `cheaper-busyness-penalty`, 2 in the source.
const PENALTY: u32 = 2;
/// With more in the queue than this, one more at once: `cheaper-busyness-backlog-alert`.
const BACKLOG: usize = 33;
/// Looks to wait before one of these is stopped: `cheaper-busyness-backlog-multiplier`.
const BACKLOG_MULTIPLIER: u32 = 3;

/// What `cheaper_busyness.c` of uWSGI 2.0 does with its defaults. Its times are scaled so that a cycle of its master, a
/// second, is the time of a boot: an application takes about that to load.
pub(super) struct Busyness {
    cycle: Duration,
    next: Duration,
    check: Duration,
    next_cheap: Duration,
    last_cheaped: Duration,
    multiplier: u32,
    tolerance: u32,
    emergency: u32,
    was_cheap: bool,
    meter: Meter,
}

impl Busyness {
    pub(super) fn new(settings: &Settings) -> Self {
        let cycle = settings.boot.max(Duration::from_millis(1));
        Self {
            cycle,
            next: cycle,
            check: cycle * OVERLOAD,
            next_cheap: cycle * OVERLOAD * MULTIPLIER,
            last_cheaped: Duration::ZERO,
            multiplier: MULTIPLIER,
            tolerance: 0,
            emergency: 0,
            was_cheap: false,
            meter: Meter::default(),
        }
    }

    fn wait_anew(&mut self, now: Duration) {
        let looks = if self.emergency > 0 { BACKLOG_MULTIPLIER } else { self.multiplier };
        self.next_cheap = now + self.cycle * OVERLOAD * looks;
    }

    fn ease(&mut self) {
        self.multiplier = self.multiplier.saturating_sub(1).max(MULTIPLIER);
    }

    fn look(&mut self, sample: &Sample) -> Action {
        let now = sample.now;
        let busyness = self.meter.take_utilization();
        if busyness > MAX {
            self.tolerance = 0;
            self.was_cheap = false;
            if now.saturating_sub(self.last_cheaped) <= self.cycle * OVERLOAD * self.multiplier {
                self.multiplier += PENALTY;
            } else {
                self.ease();
            }
            self.wait_anew(now);
            Action::Start(1)
        } else if sample.queued > BACKLOG {
            self.help(now)
        } else if sample.workers() <= 1 {
            Action::None
        } else if busyness < MIN {
            self.tolerance = 0;
            if now < self.next_cheap {
                return Action::None;
            }
            if self.was_cheap {
                self.ease();
            }
            self.wait_anew(now);
            self.last_cheaped = now;
            self.was_cheap = true;
            self.emergency = self.emergency.saturating_sub(1);
            Action::Stop(1)
        } else {
            self.emergency = self.emergency.saturating_sub(1);
            self.tolerance += 1;
            if self.tolerance >= 3 {
                self.wait_anew(now);
            } else {
                self.next_cheap += self.cycle * OVERLOAD;
            }
            Action::None
        }
    }

    fn help(&mut self, now: Duration) -> Action {
        self.multiplier = MULTIPLIER;
        self.was_cheap = false;
        self.emergency += 1;
        self.wait_anew(now);
        Action::Start(1)
    }
}

impl Rule for Busyness {
    fn decide(&mut self, occasion: Occasion, sample: &Sample) -> Action {
        self.meter.add(sample);
        if occasion == Occasion::Begin && sample.workers() == 0 {
            return Action::Start(1);
        }
        if sample.now < self.next {
            return Action::None;
        }
        self.next = sample.now + self.cycle;
        if sample.now >= self.check {
            self.check = sample.now + self.cycle * OVERLOAD;
            self.look(sample)
        } else if sample.queued > BACKLOG {
            self.help(sample.now)
        } else {
            Action::None
        }
    }

    fn timer(&self) -> Option<Duration> {
        Some(self.next)
    }
}
