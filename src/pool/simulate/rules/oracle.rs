//! What could be done by whoever knew what comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::super::engine::nanoseconds;
use super::super::{Occasion, Rule, Settings, Trace};
use crate::pool::scaling::{Action, Sample};

/// No job waits for a worker to boot: it starts at the moment at which it would with all workers there are allowed,
/// always ready. Of all ways to do that, this one takes the fewest worker-seconds.
///
/// That fixes when jobs start and end. Which end of a job is followed by which start on the same worker is free; the
/// time between costs itself if the worker stays, and a boot if it is stopped and started again just in time, so the
/// lesser of the two. As that is concave in the time, it is best to nest them: the last worker that became idle takes
/// the next job.
pub(super) struct Oracle {
    /// Times in nanoseconds, the last first, and changes.
    plan: Vec<(u64, isize)>,
    /// The workers that the plan has now.
    workers: usize,
}

impl Oracle {
    pub(super) fn new(settings: &Settings, trace: &Trace) -> Self {
        let boot = nanoseconds(settings.boot);
        // (time, starts): at the same time an end comes before a start.
        let mut moments = Vec::with_capacity(2 * trace.jobs.len());
        let mut free: BinaryHeap<Reverse<u64>> = (0..settings.max.max(1)).map(|_| Reverse(0)).collect();
        for job in &trace.jobs {
            let start = job.arrival_ns.max(free.pop().map_or(0, |free| free.0));
            let end = start + job.service_ns;
            free.push(Reverse(end));
            moments.extend([(start, true), (end, false)]);
        }
        moments.sort_unstable();

        let mut plan = Vec::new();
        // When each of the workers became idle, by how many others are busy; the minimum is there from the beginning.
        let mut idle_since = vec![None; settings.max.max(1)];
        let mut busy = 0;
        for (at, starts) in moments {
            if !starts {
                busy -= 1;
                idle_since[busy] = Some(at);
                continue;
            }
            if busy >= settings.min && idle_since[busy].is_none_or(|since| at - since > boot) {
                plan.extend(idle_since[busy].map(|since| (since, -1)));
                plan.push((at.saturating_sub(boot), 1));
            }
            idle_since[busy] = None;
            busy += 1;
        }
        plan.extend(idle_since.iter().skip(settings.min).flatten().map(|since| (*since, -1)));
        plan.sort_unstable_by(|one, other| other.cmp(one));
        Self { plan, workers: settings.min }
    }
}

impl Rule for Oracle {
    fn decide(&mut self, _: Occasion, sample: &Sample) -> Action {
        let now = nanoseconds(sample.now);
        while self.plan.last().is_some_and(|planned| planned.0 <= now) {
            let change = self.plan.pop().map_or(0, |planned| planned.1);
            self.workers = self.workers.saturating_add_signed(change);
        }
        // What cannot be stopped now, since the first jobs had to wait for a boot, is stopped later.
        match (self.workers, sample.workers()) {
            (wanted, workers) if wanted > workers => Action::Start(wanted - workers),
            (wanted, workers) if wanted < workers => Action::Stop(workers - wanted),
            _ => Action::None,
        }
    }

    fn timer(&self) -> Option<Duration> {
        self.plan.last().map(|planned| Duration::from_nanos(planned.0))
    }
}
