//! Who waits for a pool: submitters for room, drainers for the last job to end, the keeper for something to do.

use std::time::{Duration, Instant};

use super::Error;
use super::dispatch::{Dispatch, Phase, State};
use super::sync::{MutexGuard, wait_for};
use super::task::Body;

impl<B: Body + ?Sized> Dispatch<B> {
    /// Waits to be told that there is room for so many jobs, or the end.
    pub(super) fn wait_for_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<B>>,
        jobs: usize,
        time: Duration,
    ) -> MutexGuard<'a, State<B>> {
        let is_batch = usize::from(jobs > 1);
        state.submitters += 1;
        state.batches += is_batch;
        state.wanted = state.wanted.min(jobs);
        let mut state = wait_for(&self.room, state, time);
        state.submitters -= 1;
        state.batches -= is_batch;
        if state.submitters == 0 {
            state.wanted = usize::MAX;
        }
        state
    }

    /// Returns how many of the submitters that wait should look again now that there is room for so many more jobs.
    pub(super) fn made_room(&self, state: &State<B>, places: usize) -> usize {
        if state.submitters == 0 || self.counts().room(self.rules.capacity) < state.wanted {
            return 0;
        }
        // Where one wants more room than another, nobody knows whom the notice would reach.
        if state.batches == 0 { places } else { state.submitters }
    }

    /// Has so many submitters that wait for room look again.
    pub(super) fn tell_submitters(&self, submitters: usize) {
        match submitters {
            0 => {}
            1 => self.room.notify_one(),
            _ => self.room.notify_all(),
        }
    }

    /// Tells whether every job is over.
    fn is_quiet(&self, state: &State<B>) -> bool {
        self.counts().waiting() == 0
            && state.ending == 0
            && state.entries().all(|entry| entry.phase != Phase::Working)
    }

    pub(super) fn grew_quiet(&self, state: &State<B>) {
        if state.drainers > 0 && self.is_quiet(state) {
            self.quiet.notify_all();
        }
    }

    /// Has the keeper look.
    pub(super) fn call_keeper(&self, state: &mut State<B>) {
        state.is_keeper_called = true;
        if state.keeper_waits {
            self.duty.notify_one();
        }
    }

    /// Waits until the keeper is called, or for so long.
    pub(super) fn await_duty(&self, until: Option<Instant>) -> MutexGuard<'_, State<B>> {
        let mut state = self.lock();
        while !state.is_keeper_called {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            state.keeper_waits = true;
            state = wait_for(&self.duty, state, left);
            state.keeper_waits = false;
        }
        state.is_keeper_called = false;
        self.drain_inbox(&mut state, usize::MAX);
        self.publish(&mut state);
        state
    }

    /// Waits for at most `timeout` until no job waits or runs.
    ///
    /// # Errors
    /// [`Error::Unfinished`].
    pub(super) fn drain(&self, timeout: Duration) -> Result<(), Error> {
        let until = Instant::now().checked_add(timeout);
        let mut state = self.lock();
        while !self.is_quiet(&state) {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                let taken = state.entries().map(|entry| entry.lane.unfinished()).sum::<usize>();
                let jobs = self.counts().waiting() + state.ending + taken;
                return Err(Error::Unfinished { jobs: jobs as u64 });
            }
            state.drainers += 1;
            state = wait_for(&self.quiet, state, left);
            state.drainers -= 1;
        }
        Ok(())
    }
}
