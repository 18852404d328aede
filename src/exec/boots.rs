//! How many workers of a pool boot at a time.

use std::num::NonZero;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A boot that takes longer than this holds up no other.
const PATIENCE: Duration = Duration::from_millis(100);

/// Lets as many workers boot at a time as there are processors: to boot takes one, so that many at once would all be late,
/// and the first result with them.
#[derive(Debug)]
pub(super) struct Boots {
    free: Mutex<usize>,
    freed: Condvar,
}

/// The time in which a worker boots.
pub(super) struct Boot<'a>(Option<&'a Boots>);

impl Boots {
    pub(super) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self { free: Mutex::new(processors), freed: Condvar::new() }
    }

    /// Waits until a worker may boot.
    pub(super) fn begin(&self) -> Boot<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(free, PATIENCE, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            return Boot(None);
        }
        *free -= 1;
        Boot(Some(self))
    }
}

impl Drop for Boot<'_> {
    fn drop(&mut self) {
        if let Some(boots) = self.0 {
            *boots.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            boots.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_waits_for_another_but_not_for_ever() {
        let boots = Boots { free: Mutex::new(1), freed: Condvar::new() };
        let first = boots.begin();
        assert!(boots.begin().0.is_none(), "it went on without");
        thread::scope(|scope| {
            let second = scope.spawn(|| boots.begin().0.is_some());
            drop(first);
            assert!(second.join().unwrap());
        });
        assert_eq!(*boots.free.lock().unwrap(), 1);
    }
}
