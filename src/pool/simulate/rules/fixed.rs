//! A pool that does not change.

use super::super::{Occasion, Rule};
use crate::pool::scaling::{Action, Sample};

pub(super) struct Fixed(pub(super) usize);

impl Rule for Fixed {
    fn decide(&mut self, occasion: Occasion, sample: &Sample) -> Action {
        match occasion {
            Occasion::Begin if self.0 > sample.workers() => Action::Start(self.0 - sample.workers()),
            _ => Action::None,
        }
    }
}
