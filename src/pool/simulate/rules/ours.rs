//! The rule of this crate, driven as a pool drives it.

use std::time::Duration;

use super::super::{Occasion, Rule, Settings};
use crate::pool::scaling::{Action, Reason, Sample, Scaling, State, step};

pub(super) struct Ours {
    scaling: Scaling,
    state: State,
    looked_at: Option<Duration>,
    timer: Option<Duration>,
    reason: Option<Reason>,
}

impl Ours {
    pub(super) fn new(settings: &Settings) -> Self {
        let scaling =
            Scaling::new(settings.min, settings.max).target_wait(settings.target_wait).keep(settings.keep);
        Self { scaling, state: State::default(), looked_at: None, timer: None, reason: None }
    }

    fn look(&mut self, sample: &Sample) -> Action {
        let (state, decision) = step(&self.scaling, &self.state, sample);
        self.looked_at = Some(sample.now);
        self.timer = state.next_look().map(|look| sample.now + look);
        self.reason = Some(decision.reason);
        self.state = state;
        decision.action
    }
}

impl Rule for Ours {
    fn decide(&mut self, occasion: Occasion, sample: &Sample) -> Action {
        match occasion {
            Occasion::Begin | Occasion::Timer => self.look(sample),
            Occasion::Queued => {
                let soonest = self.looked_at.map(|at| at + self.state.shortest_gap());
                match soonest {
                    Some(soonest) if sample.now < soonest && sample.workers() > 0 => {
                        self.timer = Some(self.timer.map_or(soonest, |timer| timer.min(soonest)));
                        Action::None
                    }
                    _ => self.look(sample),
                }
            }
            Occasion::Taken | Occasion::Idle | Occasion::Booted => Action::None,
        }
    }

    fn timer(&self) -> Option<Duration> {
        self.timer
    }

    fn reason(&self) -> Option<Reason> {
        self.reason
    }
}
