//! Every rule that is compared.

mod fixed;
mod hpa;
mod oracle;
mod ours;
mod piscina;
mod uwsgi;

use std::fmt;
use std::time::Duration;

use super::{Rule, Settings, Trace};
use crate::pool::scaling::Sample;

/// The rules that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The rule of this crate, [`step`](crate::pool::scaling::step).
    Ours,
    /// One more worker for each job that finds all busy, and none that is idle: Piscina with its default `idleTimeout`
    /// of 0.
    Piscina,
    /// The `busyness` algorithm of uWSGI's cheaper subsystem, with its defaults.
    Uwsgi,
    /// The algorithm of the Kubernetes HorizontalPodAutoscaler, with its defaults, at a utilization of 0.8.
    Hpa,
    /// As many workers as the minimum, but at least one.
    FixedMin,
    /// As many workers as the maximum.
    FixedMax,
    /// Knows what comes: no job ever waits for a worker to boot, and no rule does that with fewer worker-seconds.
    Oracle,
}

impl Kind {
    /// All of them, in the order in which tables have them.
    pub const ALL: [Self; 7] =
        [Self::Oracle, Self::Ours, Self::Piscina, Self::Uwsgi, Self::Hpa, Self::FixedMin, Self::FixedMax];

    /// Returns the name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Piscina => "piscina",
            Self::Uwsgi => "uwsgi",
            Self::Hpa => "hpa",
            Self::FixedMin => "fixed-min",
            Self::FixedMax => "fixed-max",
            Self::Oracle => "oracle",
        }
    }

    /// Makes the rule anew.
    pub fn rule(self, settings: &Settings, trace: &Trace) -> Box<dyn Rule> {
        match self {
            Self::Ours => Box::new(ours::Ours::new(settings)),
            Self::Piscina => Box::new(piscina::Piscina),
            Self::Uwsgi => Box::new(uwsgi::Busyness::new(settings)),
            Self::Hpa => Box::new(hpa::Hpa::new(settings)),
            Self::FixedMin => Box::new(fixed::Fixed(settings.min.max(1))),
            Self::FixedMax => Box::new(fixed::Fixed(settings.max)),
            Self::Oracle => Box::new(oracle::Oracle::new(settings, trace)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Worker time between two looks, for rules that know a pool by how busy it is.
#[derive(Debug, Default)]
struct Meter {
    now: Duration,
    running: usize,
    ready: usize,
    busy_time: f64,
    ready_time: f64,
}

impl Meter {
    /// Adds the time since the last sample, at the levels of the last sample.
    fn add(&mut self, sample: &Sample) {
        let elapsed = sample.now.saturating_sub(self.now).as_secs_f64();
        self.busy_time += elapsed * self.running as f64;
        self.ready_time += elapsed * self.ready as f64;
        self.now = sample.now;
        self.running = sample.running;
        self.ready = sample.running + sample.idle;
    }

    /// Returns the share of the worker time since the last call that was busy.
    fn take_utilization(&mut self) -> f64 {
        let utilization = if self.ready_time > 0.0 { self.busy_time / self.ready_time } else { 0.0 };
        (self.busy_time, self.ready_time) = (0.0, 0.0);
        utilization
    }
}
