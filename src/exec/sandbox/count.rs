//! What processes have in memory that no file is behind.
//!
//! What each has is quickly said, and counts what several have for each of them. What their shares are takes the kernel the longer the
//! more areas of memory there are, and a process can hold it up: so they are counted on a thread, of which nobody waits for the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::procfs::{Found, Lines, of_living};

/// A process whose share is not known after so long counts whole.
const PATIENCE: Duration = Duration::from_secs(1);
/// A count that takes longer than this is for what it has found, and all else counts whole.
const LONGEST: Duration = Duration::from_secs(5);
/// The longest rest after a process, which is as long as counting it took otherwise.
const REST: Duration = Duration::from_millis(500);

/// What a process has, in bytes, as was looked up just now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    id: u32,
    /// What it shares is in it. `u64::MAX` where the kernel does not say, though the process is there.
    pub(super) held: u64,
}

impl Holder {
    /// Looks at a process; `None` where this one cannot look at anything.
    pub(super) fn of(id: u32) -> Option<Self> {
        bytes(of_living(id, held)).map(|held| Self { id, held })
    }
}

fn bytes(found: Found<u64>) -> Option<u64> {
    match found {
        Found::There(bytes) => Some(bytes),
        Found::Ended => Some(0),
        Found::Unread => Some(u64::MAX),
        Found::NotNow => None,
    }
}

/// Reads what the process of a thread has, what was swapped out included.
fn held(folder: &str) -> Option<u64> {
    let status = Lines::of(&format!("{folder}/status")).ok()?;
    let number = |name| status.number(name);
    Some((number("RssAnon")? + number("RssShmem")? + number("VmSwap").unwrap_or(0)) << 10)
}

/// Reads the same with its share alone of what several have; all of it, where the kernel does not say.
fn share(folder: &str) -> Option<u64> {
    let rollup = Lines::of(&format!("{folder}/smaps_rollup"));
    let number = |name| rollup.as_ref().ok()?.number(name);
    let share = || Some((number("Pss_Anon")? + number("Pss_Shmem")? + number("SwapPss").unwrap_or(0)) << 10);
    share().or_else(|| held(folder))
}

/// A count of the shares of some processes, which may be under way.
#[derive(Debug)]
pub(super) struct Count(Arc<Mutex<Progress>>);

#[derive(Debug)]
struct Progress {
    begin: Instant,
    counted: HashMap<u32, Counted>,
    /// Which is counted now, and since when.
    current: Option<(u32, Instant)>,
    /// How long it took, without rests.
    took: Duration,
    end: Option<Instant>,
}

impl Default for Progress {
    fn default() -> Self {
        let (begin, counted) = (Instant::now(), HashMap::new());
        Self { begin, counted, current: None, took: Duration::ZERO, end: None }
    }
}

/// What a process had when it was counted.
#[derive(Clone, Copy, Debug)]
struct Counted {
    share: u64,
    held: u64,
}

impl Count {
    /// Begins one, with those that have most: they may be enough to know. `None` where there is no thread for it.
    pub(super) fn begin(holders: &[Holder]) -> Option<Self> {
        let mut holders = holders.to_vec();
        holders.sort_unstable_by_key(|holder| std::cmp::Reverse(holder.held));
        let processes: Vec<u32> = holders.into_iter().map(|holder| holder.id).collect();
        let progress = Arc::<Mutex<Progress>>::default();
        let theirs = progress.clone();
        let thread = thread::Builder::new().name("circlet-count".to_owned());
        thread.spawn(move || count(&theirs, &processes)).ok()?;
        Some(Self(progress))
    }

    /// Returns when it was done, and how long it took.
    pub(super) fn end(&self) -> Option<(Instant, Duration)> {
        let progress = lock(&self.0);
        Some((progress.end?, progress.took))
    }

    /// Returns how much they have together for sure: what of it was counted and is still there.
    pub(super) fn proven(&self, now: &[Holder]) -> u64 {
        let progress = lock(&self.0);
        if progress.end.is_none() && progress.begin.elapsed() > LONGEST {
            drop(progress);
            return self.estimate(now);
        }
        let is_late = |id| progress.current.is_some_and(|(at, since)| at == id && since.elapsed() > PATIENCE);
        sum(now, |holder| match progress.counted.get(&holder.id) {
            _ if holder.held == u64::MAX || is_late(holder.id) => holder.held,
            Some(counted) => counted.share.min(holder.held),
            None => 0,
        })
    }

    /// Returns how much they may have: what was counted, by how much each has grown since, and all of those that were not counted.
    pub(super) fn estimate(&self, now: &[Holder]) -> u64 {
        let progress = lock(&self.0);
        sum(now, |holder| match progress.counted.get(&holder.id) {
            Some(counted) => counted.share.saturating_add(holder.held.saturating_sub(counted.held)),
            None => holder.held,
        })
    }
}

/// Adds up what holders have.
pub(super) fn sum(holders: &[Holder], bytes: impl Fn(&Holder) -> u64) -> u64 {
    holders.iter().map(bytes).fold(0, u64::saturating_add)
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts processes until all are, or nobody wants to know any more.
fn count(progress: &Arc<Mutex<Progress>>, processes: &[u32]) {
    for id in processes {
        let begin = Instant::now();
        lock(progress).current = Some((*id, begin));
        let held = Holder::of(*id).map(|holder| holder.held);
        let share = bytes(of_living(*id, share));
        let took = begin.elapsed();
        let mut now = lock(progress);
        if let (Some(share), Some(held)) = (share, held) {
            now.counted.insert(*id, Counted { share, held });
        }
        now.current = None;
        now.took += took;
        drop(now);
        if Arc::strong_count(progress) == 1 {
            return;
        }
        // Half of a processor at the most, however much there is to count.
        thread::sleep(took.min(REST));
    }
    lock(progress).end = Some(Instant::now());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(holders: &[Holder]) -> Count {
        let count = Count::begin(holders).unwrap();
        while count.end().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        count
    }

    #[test]
    fn memory_that_is_written_counts_and_what_is_only_reserved_does_not() {
        let own = || Holder::of(std::process::id()).unwrap();
        let share = || counted(&[own()]).proven(&[own()]);
        let before = share();
        let mut much = Vec::<u8>::with_capacity(64 << 20);
        assert!(share() < before + (32 << 20));
        much.resize(64 << 20, 1);
        let after = share();
        assert!(after > before + (60 << 20) && own().held >= after, "{before} {after}");
        drop(much);
    }

    #[test]
    fn what_has_grown_since_a_count_is_estimated_and_what_has_gone_is_not_proven() {
        let other = Holder { id: 8, held: 100 };
        let count = Count(Arc::default());
        lock(&count.0).counted.insert(7, Counted { share: 600, held: 1000 });
        let holder = |held| [Holder { id: 7, held }];
        assert_eq!(count.estimate(&holder(1500)), 1100);
        assert_eq!(count.estimate(&[holder(1000), [other]].concat()), 700);
        assert_eq!(count.proven(&[holder(1500), [other]].concat()), 600);
        assert_eq!(count.proven(&holder(5)), 5);
        assert_eq!(count.proven(&holder(u64::MAX)), u64::MAX, "nobody knows");
    }

    #[test]
    fn what_a_count_that_does_not_end_has_not_reached_counts_whole() {
        let (old, born) = (Holder { id: 7, held: 100 }, Holder { id: 8, held: 50 });
        let count = Count(Arc::default());
        lock(&count.0).counted.insert(7, Counted { share: 10, held: 100 });
        assert_eq!(count.proven(&[old, born]), 10);
        lock(&count.0).begin -= LONGEST + Duration::from_millis(1);
        assert_eq!(count.proven(&[old, born]), 60);
    }

    #[test]
    fn a_process_that_takes_too_long_counts_whole() {
        let holder = [Holder { id: 7, held: 100 }];
        let count = Count(Arc::default());
        for (since, proven) in [(Duration::ZERO, 0), (PATIENCE + Duration::from_millis(1), 100)] {
            lock(&count.0).current = Some((7, Instant::now() - since));
            assert_eq!(count.proven(&holder), proven);
        }
    }
}
