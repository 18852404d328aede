//! Workers that are no more.

use std::collections::VecDeque;

use super::WorkerId;
use super::lane::Lane;
use super::snapshot::{Forgotten, WorkerEntry};
use super::tally::Tally;
use super::task::Body;

/// How many of the last workers a snapshot still has by name.
pub(super) const REMEMBERED: usize = 64;

/// What is left of workers that ended: the last ones by name, and the counts and times of all.
pub(super) struct Departed {
    tally: Tally,
    remembered: VecDeque<(WorkerId, WorkerEntry)>,
    forgotten: Forgotten,
}

impl Departed {
    pub(super) fn new() -> Self {
        Self { tally: Tally::new(), remembered: VecDeque::new(), forgotten: Forgotten::default() }
    }

    /// Adds a worker that has ended, as of a part of time.
    pub(super) fn add<B: Body + ?Sized>(&mut self, lane: &Lane<B>, slice: u64) {
        self.tally.merge(lane.tally(slice));
        self.remembered.push_back((lane.worker, WorkerEntry::terminated(lane)));
        if self.remembered.len() > REMEMBERED
            && let Some((_, entry)) = self.remembered.pop_front()
        {
            self.forgotten.add(&entry);
        }
    }

    /// Returns the counts and times of all of them, as of a part of time.
    pub(super) fn tally(&self, slice: u64) -> Tally {
        let mut tally = self.tally.clone();
        tally.slide(slice);
        tally
    }

    /// Returns what a sample needs of the same.
    pub(super) fn totals(&self) -> (u64, std::time::Duration) {
        (self.tally.received, self.tally.total)
    }

    pub(super) fn remembered(&self) -> impl Iterator<Item = &(WorkerId, WorkerEntry)> {
        self.remembered.iter()
    }

    pub(super) fn forgotten(&self) -> Forgotten {
        self.forgotten
    }
}
