//! When to stop waiting.

use std::time::{Duration, Instant};

/// The moment after which a wait gives up, or never.
///
/// ```
/// use circlet::shm::Deadline;
/// use std::time::Duration;
///
/// assert!(Deadline::now().passed());
/// assert!(!Deadline::after(Duration::from_secs(60)).passed());
/// assert_eq!(Deadline::NEVER.left(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Never gives up.
    pub const NEVER: Self = Self(None);

    /// Gives up at once: the wait becomes a try.
    pub fn now() -> Self {
        Self(Some(Instant::now()))
    }

    /// Gives up after `timeout`; a timeout too long for the clock never does.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    /// Reads a timeout in milliseconds as the C face has it: negative never gives up, 0 is a try.
    ///
    /// NaN is `None`.
    pub fn after_ms(timeout_ms: f64) -> Option<Self> {
        if timeout_ms.is_nan() {
            return None;
        }
        if timeout_ms < 0.0 {
            return Some(Self::NEVER);
        }
        Some(Duration::try_from_secs_f64(timeout_ms / 1e3).map_or(Self::NEVER, Self::after))
    }

    /// Tells whether the moment is over.
    pub fn passed(&self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }

    /// Returns the time left: `None` without a deadline, zero once it has passed.
    pub fn left(&self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }
}
