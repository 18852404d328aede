//! How a run is stopped: asked first, and made to in the end.

use std::time::{Duration, Instant};

use super::{Moment, Stopped};

/// How long code that was asked to stop has at each step, before the next one is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Grace {
    /// From SIGINT to the session to SIGINT to all of its group: 1 s without it.
    pub group: Duration,
    /// From that to SIGKILL: 1 s without it.
    pub kill: Duration,
}

impl Default for Grace {
    fn default() -> Self {
        Self { group: Duration::from_secs(1), kill: Duration::from_secs(1) }
    }
}

/// The steps that are left for one run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) request: u32,
    grace: Grace,
    next: Option<(Stopped, Instant)>,
    taken: Vec<(Stopped, Moment)>,
}

impl Plan {
    /// Plans a run, which is to be stopped at an instant if at all.
    pub(super) fn new(request: u32, grace: Grace, at: Option<Instant>) -> Self {
        Self { request, grace, next: at.map(|at| (Stopped::Interrupted, at)), taken: Vec::new() }
    }

    /// Has the run stopped from now on, if it is not being stopped already.
    pub(super) fn stop(&mut self, now: Instant) {
        if self.taken.is_empty() {
            self.next = Some((Stopped::Interrupted, now));
        }
    }

    /// Returns when the next step is to be taken.
    pub(super) fn due(&self) -> Option<Instant> {
        self.next.map(|(_, at)| at)
    }

    /// Returns the step to take now.
    pub(super) fn step(&mut self, now: Instant) -> Option<Stopped> {
        let (step, _) = self.next.filter(|(_, at)| *at <= now)?;
        self.taken.push((step, Moment::now()));
        self.next = match step {
            Stopped::Interrupted => {
                now.checked_add(self.grace.group).map(|at| (Stopped::GroupInterrupted, at))
            }
            Stopped::GroupInterrupted => now.checked_add(self.grace.kill).map(|at| (Stopped::Killed, at)),
            Stopped::Killed => None,
        };
        Some(step)
    }

    /// Returns the last step that was taken.
    pub(super) fn reached(&self) -> Option<Stopped> {
        self.taken.last().map(|(step, _)| *step)
    }

    /// Returns the steps that were taken after the first so many, and when.
    pub(super) fn taken_after(&self, known: usize) -> &[(Stopped, Moment)] {
        self.taken.get(known..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_taken_once_and_the_next_when_its_time_has_come() {
        let (second, start) = (Duration::from_secs(1), Instant::now());
        let grace = Grace { group: second, kill: 2 * second };
        let mut plan = Plan::new(1, grace, Some(start + second));
        assert_eq!(plan.step(start), None);
        assert_eq!(plan.step(start + second), Some(Stopped::Interrupted));
        assert_eq!(plan.step(start + second), None);
        plan.stop(start + second);
        assert_eq!(
            plan.due(),
            Some(start + 2 * second),
            "an interrupt of a run that is being stopped changes nothing"
        );
        assert_eq!(plan.step(start + 2 * second), Some(Stopped::GroupInterrupted));
        assert_eq!(plan.step(start + 4 * second), Some(Stopped::Killed));
        assert_eq!((plan.due(), plan.reached()), (None, Some(Stopped::Killed)));
        let after: Vec<_> = plan.taken_after(1).iter().map(|(step, _)| *step).collect();
        assert_eq!(after, [Stopped::GroupInterrupted, Stopped::Killed]);
    }

    #[test]
    fn a_run_without_a_deadline_is_stopped_when_somebody_says_so() {
        let mut plan = Plan::new(1, Grace::default(), None);
        assert_eq!((plan.due(), plan.reached()), (None, None));
        let now = Instant::now();
        plan.stop(now);
        assert_eq!(plan.step(now), Some(Stopped::Interrupted));
    }
}
