//! Waiting for a word of the other side: spin, then sleep; and waking only somebody who sleeps.
//!
//! The sleeper sets a bit of its waiting word and then looks once more; the publisher stores and then looks at the
//! waiting word. Each must not look before its store is visible (Dekker's pattern), which costs a full fence on both
//! sides, or, as here, one `membarrier` of the sleeper that makes every running thread of every registered process pass
//! a fence. Publishing then costs none: a fence for each frame took 4 to 7 times the throughput at 8 and 64 bytes.

use std::hint;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::time::{Duration, Instant};

use super::layout::waiting::{BELL, SLEEPS};
use super::memory::{Memory, Shared};
use super::pace::{self, Pace};
use super::{Deadline, sys};

/// How long a sleeper sleeps before it looks whether its peer still lives.
const LIVENESS_INTERVAL: Duration = Duration::from_millis(50);
/// The same where a wake-up can be missed: the peer publishes without a fence and the kernel refuses the barrier.
const UNORDERED_INTERVAL: Duration = Duration::from_millis(1);
/// Looks at the clock once in so many looks at the word.
const LOOKS_PER_CLOCK: u32 = 64;
/// How often a peer is looked at that may just have died: about 2 ms, yielding first and sleeping then.
const LOOKS_AFTER_A_LEAVE: u32 = 60;
/// How long the adaptive wait spins at the most: about twice what a sleep and its wake-up cost.
const ADAPTIVE_MAX: Duration = Duration::from_micros(20);
/// How long it spins at the least, so that it learns when spinning pays again.
const ADAPTIVE_MIN: Duration = Duration::from_micros(1);

/// How a side waits: for how long it spins before it sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    spin: Duration,
    adapts: bool,
}

impl Wait {
    /// Never sleeps: the shortest latency, for a core of its own.
    pub const SPIN: Self = Self::spin_for(Duration::MAX);
    /// Sleeps at once.
    pub const SLEEP: Self = Self::spin_for(Duration::ZERO);
    /// Spins for 20 us where spinning has lately ended the wait, less where it has not, and then sleeps.
    pub const ADAPTIVE: Self = Self { spin: ADAPTIVE_MAX, adapts: true };

    /// Returns this as a number that another process makes the same of.
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(crate) fn to_word(self) -> u32 {
        if self.adapts { u32::MAX } else { u32::try_from(self.spin.as_micros()).unwrap_or(u32::MAX - 1) }
    }

    /// Makes it of such a number.
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(crate) fn from_word(word: u32) -> Self {
        match word {
            u32::MAX => Self::ADAPTIVE,
            0 => Self::SLEEP,
            micros if micros == u32::MAX - 1 => Self::SPIN,
            micros => Self::spin_for(Duration::from_micros(micros.into())),
        }
    }

    /// Spins for as long and then sleeps.
    pub const fn spin_for(spin: Duration) -> Self {
        Self { spin, adapts: false }
    }
}

impl Default for Wait {
    /// [`Wait::ADAPTIVE`]; [`Wait::SLEEP`] on a single core, where nobody else can come while one spins.
    fn default() -> Self {
        static SEVERAL: OnceLock<bool> = OnceLock::new();
        let several =
            *SEVERAL.get_or_init(|| std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1));
        if several { Self::ADAPTIVE } else { Self::SLEEP }
    }
}

/// How a side waits, and what it has learnt of waiting.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    wait: Wait,
    spin: Duration,
    /// How often it slept.
    pub(crate) sleeps: u64,
    pace: Pace,
}

impl Patience {
    pub(crate) fn new(wait: Wait, sleeps: u64) -> Self {
        Self { wait, spin: wait.spin, sleeps, pace: Pace::default() }
    }

    pub(crate) fn set(&mut self, wait: Wait) {
        *self = Self::new(wait, self.sleeps);
    }

    /// Puts the next look off where that pays. To be called where there was nothing to do, in a call that may wait.
    #[cold]
    pub(crate) fn put_off(&mut self, done: u64) {
        let begin = Instant::now();
        if !self.spin.is_zero() && self.pace.puts_off(begin, done) {
            while begin.elapsed() < pace::PUT_OFF {
                hint::spin_loop();
            }
        }
    }

    /// Spins until something is there, as long as that may pay. `false` if nothing came.
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(crate) fn spin_until(&mut self, is_there: impl Fn() -> bool) -> bool {
        let found: Result<_, std::convert::Infallible> =
            spin(self.spin, Deadline::NEVER, &mut |_| Ok(is_there().then_some(())));
        let is_there = matches!(found, Ok(Some(())));
        self.learn(is_there);
        is_there
    }

    /// Learns whether spinning ended a wait.
    fn learn(&mut self, spinning_ended_it: bool) {
        if self.wait.adapts {
            self.spin = if spinning_ended_it { self.spin * 2 } else { self.spin / 2 };
            self.spin = self.spin.clamp(ADAPTIVE_MIN, ADAPTIVE_MAX);
        }
    }
}

/// Where a side waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Offset of the waiting word.
    pub(crate) word: usize,
    /// Whether others wait there too, so that nobody may take the bit back.
    pub(crate) is_shared: bool,
}

/// Tells whether this process publishes without a fence, and registers it for the barriers of others.
pub(crate) fn publishes_unfenced() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(sys::register_barrier)
}

/// Wakes whoever waits at a word, after a store that they may wait for.
#[inline]
pub(crate) fn wake<M: Memory>(memory: &M, waiting: usize) {
    memory.order_publish();
    if memory.u32_at(waiting).load(Relaxed) != 0 {
        wake_slow(memory, waiting);
    }
}

#[cold]
fn wake_slow<M: Memory>(memory: &M, waiting: usize) {
    let word = memory.u32_at(waiting);
    let wanted = word.swap(0, AcqRel);
    if wanted & SLEEPS != 0 {
        memory.futex_wake(word);
    }
    if wanted & BELL != 0 {
        memory.ring_bell();
    }
}

/// Waits until `attempt` has something, spinning first and sleeping then; `None` when the deadline passes.
///
/// `attempt` gets `true` when it should also look whether the peer still lives; what it then returns as an error ends
/// the wait. It is called at least once with `true` before the deadline is called passed.
pub(crate) fn sleep_until<M: Memory, T, E>(
    memory: &M,
    place: Place,
    patience: &mut Patience,
    deadline: Deadline,
    peer_is_unfenced: impl Fn() -> bool,
    mut attempt: impl FnMut(bool) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let found = spin(patience.spin, deadline, &mut attempt);
    patience.learn(!matches!(found, Ok(None)));
    if let Some(done) = found? {
        return Ok(Some(done));
    }
    let word = memory.u32_at(place.word);
    let leave = || {
        if !place.is_shared {
            word.fetch_and(!SLEEPS, Relaxed);
        }
    };
    loop {
        let last = deadline.passed();
        let expected = word.fetch_or(SLEEPS, Relaxed) | SLEEPS;
        let ordered = memory.order_sleep() || !peer_is_unfenced();
        let found = attempt(true);
        if last || !matches!(found, Ok(None)) {
            leave();
            return found;
        }
        let slice = if ordered { LIVENESS_INTERVAL } else { UNORDERED_INTERVAL };
        patience.sleeps = patience.sleeps.wrapping_add(1);
        memory.futex_wait(word, expected, deadline.left().map_or(slice, |left| left.min(slice)));
        // Whoever was woken need not order anything first: what it waited for is there.
        let found = attempt(false);
        if !matches!(found, Ok(None)) {
            leave();
            return found;
        }
    }
}

/// Asks for the bell and looks once more: `true` where there is no need to wait for it.
///
/// Where somebody has left since the last look it may have been the peer, whose lock the kernel drops a moment after it
/// has told of the closed file: that moment is waited for.
pub(crate) fn ask_for_bell<M: Memory>(
    memory: &M,
    waiting: usize,
    somebody_left: bool,
    mut ready: impl FnMut() -> bool,
) -> bool {
    memory.u32_at(waiting).fetch_or(BELL, Relaxed);
    memory.order_sleep();
    let looks = if somebody_left { LOOKS_AFTER_A_LEAVE } else { 1 };
    (0..looks).any(|look| {
        if look > 0 {
            memory.relax(look + 5);
        }
        ready()
    })
}

fn spin<T, E>(
    limit: Duration,
    deadline: Deadline,
    attempt: &mut impl FnMut(bool) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    if limit.is_zero() {
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
        if now - begin >= limit || deadline.passed() {
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
