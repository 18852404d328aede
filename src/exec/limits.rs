//! What a worker process may use before another takes its place.

use std::time::{Duration, Instant};

use crate::pool::{Enforcer, Limit, Resource};

/// Looks at a worker's memory are at least so far apart: one takes a few microseconds.
const GAP: Duration = Duration::from_millis(2);
/// Looks at the memory of a worker that has nothing to do are so far apart.
const IDLE_GAP: Duration = Duration::from_millis(500);
/// A worker whose time is over asks so often for another in its place.
const RETRY_GAP: Duration = Duration::from_millis(100);
/// A slope is believed after so many looks, and where half of the memory is used: what a worker loads at first is no leak.
const LOOKS: u32 = 8;
/// A worker that will reach its memory within so many boots is to be replaced.
const BOOTS: u32 = 8;

/// What every worker process may use. Nothing is limited that is not set.
///
/// A worker that reaches a limit is replaced between two calls: the other one boots first, at most a quarter of the workers
/// (at least one) is being replaced at a time, and no call is lost. In a [`Snapshot`](crate::pool::Snapshot) it is draining
/// and then terminated, with [`Recycled`](crate::pool::WorkerEnd::Recycled) as its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    memory: Option<u64>,
    hard_memory: Option<u64>,
    tasks: Option<u64>,
    lifetime: Option<Duration>,
}

impl Limits {
    /// Begins without any limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the anonymous memory (`RssAnon`) that a worker may have, in bytes. It is looked at between calls, and each 500 ms
    /// while there are none: a worker is replaced that would have more after the next ones, or that is growing towards it.
    pub fn memory(self, bytes: u64) -> Self {
        Self { memory: Some(bytes), ..self }
    }

    /// Sets the memory that the kernel lets a worker have, in bytes (`RLIMIT_DATA`, which also counts what was asked for and
    /// not used yet): what asks for more fails, in Python as a `MemoryError`. For Bun, which reserves more than it uses, it
    /// is too much of a limit.
    pub fn hard_memory(self, bytes: u64) -> Self {
        Self { hard_memory: Some(bytes), ..self }
    }

    /// Sets how many calls a worker may run.
    pub fn tasks(self, calls: u64) -> Self {
        Self { tasks: Some(calls), ..self }
    }

    /// Sets for how long a worker may exist, beside the call that it runs then.
    pub fn lifetime(self, time: Duration) -> Self {
        Self { lifetime: Some(time), ..self }
    }

    pub(super) fn hard(&self) -> Option<u64> {
        self.hard_memory
    }

    /// Says who sees to each.
    pub(super) fn enforced(&self) -> Vec<Limit> {
        let lifetime = self.lifetime.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let limits = [
            (Resource::Memory, self.memory, Enforcer::Watchdog),
            (Resource::HardMemory, self.hard_memory, Enforcer::Rlimit),
            (Resource::Tasks, self.tasks, Enforcer::Watchdog),
            (Resource::Lifetime, lifetime, Enforcer::Watchdog),
        ];
        limits.into_iter().filter_map(|(what, much, who)| Some(Limit::new(what, much?, who))).collect()
    }
}

/// What is to become of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It goes on.
    Fine,
    /// It goes on until another has taken its place.
    Soon,
    /// It runs no other call.
    Now,
}

/// What one worker has used of its limits.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    born: Instant,
    boot: Duration,
    tasks: u64,
    judged: Instant,
    looked: Instant,
    looks: u32,
    anonymous: u64,
    /// How much the memory grows from one look to the next, at most of late.
    growth: u64,
    /// How much it grows in a second, on average of late.
    slope: f64,
    memory: Verdict,
}

impl Meter {
    /// Begins with a worker that was ready at `now`, `boot` after its start.
    pub(super) fn new(limits: Limits, now: Instant, boot: Duration) -> Self {
        Self {
            limits,
            born: now,
            boot,
            tasks: 0,
            judged: now,
            looked: now,
            looks: 0,
            anonymous: 0,
            growth: 0,
            slope: 0.0,
            memory: Verdict::Fine,
        }
    }

    /// Returns how many more calls the worker may be sent beside the one that runs.
    pub(super) fn tasks_left(&self) -> u64 {
        self.limits.tasks.map_or(u64::MAX, |most| most.saturating_sub(self.tasks + 1))
    }

    /// Counts a call that has ended, and says what is to become of the worker.
    pub(super) fn count(&mut self, now: Instant, anonymous: impl FnOnce() -> Option<u64>) -> Verdict {
        self.tasks += 1;
        self.judge(now, anonymous)
    }

    /// Says what is to become of the worker. `anonymous` looks at its memory, which is done now and then.
    pub(super) fn judge(&mut self, now: Instant, anonymous: impl FnOnce() -> Option<u64>) -> Verdict {
        self.judged = now;
        let elapsed = now.saturating_duration_since(self.looked);
        if let Some(most) = self.limits.memory.filter(|_| elapsed >= GAP || self.looks == 0) {
            if let Some(anonymous) = anonymous() {
                self.look(anonymous, most, elapsed);
            }
            self.looked = now;
        }
        let tasks = self.limits.tasks.map_or(Verdict::Fine, |most| match self.tasks {
            tasks if tasks >= most => Verdict::Now,
            tasks if tasks >= most - most / 8 => Verdict::Soon,
            _ => Verdict::Fine,
        });
        let age = now.saturating_duration_since(self.born);
        let is_old = self.limits.lifetime.is_some_and(|time| age >= time);
        self.memory.max(tasks).max(if is_old { Verdict::Soon } else { Verdict::Fine })
    }

    /// Returns when to look at a worker that has nothing to do: when its time is over, and now and then at its memory.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let look = self.limits.memory.and_then(|_| self.looked.checked_add(IDLE_GAP));
        let end = self.limits.lifetime.and_then(|time| self.born.checked_add(time));
        // Where no other may take its place yet, it asks again.
        let end = end.map(|end| if end > self.judged { end } else { self.judged + RETRY_GAP });
        look.into_iter().chain(end).min()
    }

    fn look(&mut self, anonymous: u64, most: u64, elapsed: Duration) {
        let grown = if self.looks == 0 { 0 } else { anonymous.saturating_sub(self.anonymous) };
        self.growth = grown.max(self.growth - self.growth / 16);
        let rate = grown as f64 / elapsed.as_secs_f64().max(1e-4);
        self.slope += (rate - self.slope) / 8.0;
        self.looks = self.looks.saturating_add(1);
        self.anonymous = anonymous;
        let ahead = (self.boot * BOOTS).as_secs_f64();
        let is_leaking = self.looks >= LOOKS
            && anonymous >= most / 2
            && anonymous as f64 + self.slope * ahead >= most as f64;
        self.memory = if anonymous.saturating_add(2 * self.growth) >= most {
            Verdict::Now
        } else if is_leaking {
            Verdict::Soon
        } else {
            Verdict::Fine
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;
    const BOOT: Duration = Duration::from_millis(10);

    /// Runs calls of 5 ms after which the memory is what is given, and returns the verdicts.
    fn verdicts(limits: Limits, memory: impl Iterator<Item = u64>) -> Vec<Verdict> {
        let begin = Instant::now();
        let mut meter = Meter::new(limits, begin, BOOT);
        let at = |call: u32| begin + Duration::from_millis(5) * call;
        (1..).zip(memory).map(|(call, memory)| meter.count(at(call), || Some(memory))).collect()
    }

    #[test]
    fn a_leak_is_seen_before_it_is_at_the_limit_and_stopped_at_it() {
        let verdicts = verdicts(Limits::new().memory(100 * MB), (10..100).map(|call| call * MB));
        let first = |verdict| verdicts.iter().position(|found| *found == verdict).unwrap() as u64 + 10;
        assert!((50..90).contains(&first(Verdict::Soon)), "{}", first(Verdict::Soon));
        assert!((96..=98).contains(&first(Verdict::Now)), "{}", first(Verdict::Now));
    }

    #[test]
    fn what_is_loaded_at_first_is_no_leak() {
        let memory = (0..20).map(|call| call * 3 * MB).chain(std::iter::repeat_n(60 * MB, 500));
        let verdicts = verdicts(Limits::new().memory(100 * MB), memory);
        assert!(verdicts[40..].iter().all(|verdict| *verdict == Verdict::Fine));
    }

    #[test]
    fn memory_is_not_looked_at_after_each_of_many_short_calls() {
        let begin = Instant::now();
        let mut meter = Meter::new(Limits::new().memory(MB), begin, BOOT);
        let mut looks = 0;
        for call in 0..100_000 {
            meter.count(begin + Duration::from_micros(1) * call, || {
                looks += 1;
                Some(0)
            });
        }
        assert!((45..=55).contains(&looks), "{looks}");
    }

    #[test]
    fn tasks_and_lifetime_are_counted() {
        let tasks = verdicts(Limits::new().tasks(16), std::iter::repeat_n(0, 17));
        assert_eq!(tasks.iter().position(|verdict| *verdict == Verdict::Soon), Some(13));
        assert_eq!(tasks.iter().position(|verdict| *verdict == Verdict::Now), Some(15));
        let old = verdicts(Limits::new().lifetime(Duration::from_millis(50)), std::iter::repeat_n(0, 12));
        assert_eq!(old.iter().position(|verdict| *verdict == Verdict::Soon), Some(9));
    }
}
