//! Piscina's rule.

use super::super::{Occasion, Rule};
use crate::pool::scaling::{Action, Sample};

/// Starts one worker for each job that finds no idle one, and stops every worker that has nothing to do: `runTask` and
/// `_onWorkerAvailable` of Piscina 4 with `idleTimeout: 0`, its default.
pub(super) struct Piscina;

impl Rule for Piscina {
    fn decide(&mut self, occasion: Occasion, sample: &Sample) -> Action {
        match occasion {
            Occasion::Queued => Action::Start(1),
            Occasion::Idle | Occasion::Booted if sample.idle > 0 => Action::Stop(1),
            _ => Action::None,
        }
    }
}
