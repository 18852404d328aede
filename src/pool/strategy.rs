//! Which worker a job goes to.

use std::fmt;

use serde::{Serialize, Serializer};

/// The rule that gives each job its worker when it is submitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Job *i* goes to worker *i* mod *n*, whatever the workers are doing: a long job delays those that follow it in
    /// its worker's queue, even while other workers are idle.
    #[default]
    RoundRobin,
}

impl Strategy {
    /// Returns the index of the worker for the job of this turn, turns counting from 0.
    pub(super) fn choose(self, turn: u64, workers: usize) -> usize {
        match self {
            Self::RoundRobin => (turn % workers as u64) as usize,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoundRobin => "round-robin",
        })
    }
}

impl Serialize for Strategy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round() {
        let workers: Vec<_> = (0..7).map(|turn| Strategy::RoundRobin.choose(turn, 3)).collect();
        assert_eq!(workers, [0, 1, 2, 0, 1, 2, 0]);
    }
}
