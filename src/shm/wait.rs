//! Waiting for a word of the other side: spin, then sleep; and waking only somebody who sleeps.
//!
//! The sleeper sets its waiting word and then looks once more; the publisher stores and then looks at the waiting word.
//! Each must not look before its store is visible (Dekker's pattern), which costs a full fence on both sides, or, as
//! here, one `membarrier` of the sleeper that makes every running thread of every registered process pass a fence.
//! Publishing then costs none: a fence for each frame took 4 to 7 times the throughput at 8 and 64 bytes.

use std::hint;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, compiler_fence, fence};
use std::time::{Duration, Instant};

use super::{Deadline, sys};

/// How long a sleeper sleeps before it looks whether its peer still lives.
const LIVENESS_INTERVAL: Duration = Duration::from_millis(50);
/// The same where a wake-up can be missed: the peer publishes without a fence and the kernel refuses the barrier.
const UNORDERED_INTERVAL: Duration = Duration::from_millis(1);
/// Looks at the clock once in so many looks at the word.
const LOOKS_PER_CLOCK: u32 = 64;

/// How a side waits: for how long it spins before it sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    spin: Duration,
}

impl Wait {
    /// Never sleeps: the shortest latency, for a core of its own.
    pub const SPIN: Self = Self { spin: Duration::MAX };
    /// Sleeps at once.
    pub const SLEEP: Self = Self { spin: Duration::ZERO };

    /// Spins for as long and then sleeps.
    pub const fn spin_for(spin: Duration) -> Self {
        Self { spin }
    }
}

impl Default for Wait {
    /// Spins for 20 us, about twice what a sleep and its wake-up cost; sleeps at once on a single core.
    fn default() -> Self {
        static SPIN: OnceLock<Duration> = OnceLock::new();
        let spin = *SPIN.get_or_init(|| match std::thread::available_parallelism() {
            Ok(cores) if cores.get() > 1 => Duration::from_micros(20),
            _ => Duration::ZERO,
        });
        Self { spin }
    }
}

/// Tells whether this process publishes without a fence, and registers it for the barriers of others.
pub(crate) fn publishes_unfenced() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(sys::register_barrier)
}

/// Orders a publishing store before the look at the peer's waiting word; pairs with the sleeper's barrier.
#[inline]
pub(crate) fn publish_fence(unfenced: bool) {
    if unfenced {
        compiler_fence(SeqCst);
    } else {
        fence(SeqCst);
    }
}

/// Wakes the peer if its waiting word says that it sleeps. Call [`publish_fence`] before.
#[inline]
pub(crate) fn wake(peer_waiting: &AtomicU32) {
    if peer_waiting.load(Relaxed) != 0 {
        wake_slow(peer_waiting);
    }
}

#[cold]
fn wake_slow(peer_waiting: &AtomicU32) {
    peer_waiting.store(0, Relaxed);
    sys::futex_wake(peer_waiting);
}

/// Waits until `attempt` has something, spinning first and sleeping on `waiting` then; `None` when the deadline passes.
///
/// `attempt` gets `true` when it should also look whether the peer still lives; what it then returns as an error ends
/// the wait. It is called at least once with `true` before the deadline is called passed.
pub(crate) fn sleep_until<T, E>(
    waiting: &AtomicU32,
    wait: Wait,
    deadline: Deadline,
    peer_is_unfenced: impl Fn() -> bool,
    mut attempt: impl FnMut(bool) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    if let Some(done) = spin(wait, deadline, &mut attempt)? {
        return Ok(Some(done));
    }
    loop {
        let last = deadline.passed();
        waiting.store(1, Relaxed);
        fence(SeqCst);
        let ordered = sys::barrier_everywhere() || !peer_is_unfenced();
        let found = attempt(true);
        if last || !matches!(found, Ok(None)) {
            waiting.store(0, Relaxed);
            return found;
        }
        let slice = if ordered { LIVENESS_INTERVAL } else { UNORDERED_INTERVAL };
        sys::futex_wait(waiting, 1, deadline.left().map_or(slice, |left| left.min(slice)));
    }
}

fn spin<T, E>(
    wait: Wait,
    deadline: Deadline,
    attempt: &mut impl FnMut(bool) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    if wait.spin.is_zero() {
        return attempt(false);
    }
    let begin = Instant::now();
    let mut liveness_checked = begin;
    loop {
        for _ in 0..LOOKS_PER_CLOCK {
            if let Some(done) = attempt(false)? {
                return Ok(Some(done));
            }
            hint::spin_loop();
        }
        let now = Instant::now();
        if now - begin >= wait.spin || deadline.passed() {
            return Ok(None);
        }
        if now - liveness_checked >= LIVENESS_INTERVAL {
            liveness_checked = now;
            if let Some(done) = attempt(true)? {
                return Ok(Some(done));
            }
        }
    }
}
