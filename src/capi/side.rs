//! State that one thread at a time is let into.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use super::call::Failure;
use super::status::circlet_status;

/// Something that is used by one thread at a time, and says so to a second one instead of making it wait.
#[derive(Debug)]
pub(super) struct Side<T> {
    entered: AtomicBool,
    inside: UnsafeCell<T>,
}

// SAFETY: the cell is only reached through `enter`, which lets one thread in at a time.
unsafe impl<T: Send> Sync for Side<T> {}

impl<T> Side<T> {
    pub(super) fn new(inside: T) -> Self {
        Self { entered: AtomicBool::new(false), inside: UnsafeCell::new(inside) }
    }

    /// Lets this thread in, unless another is inside.
    #[inline]
    pub(super) fn enter<R>(&self, body: impl FnOnce(&mut T) -> Result<R, Failure>) -> Result<R, Failure> {
        /// Leaves on a panic too.
        struct Inside<'a>(&'a AtomicBool);
        impl Drop for Inside<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Release);
            }
        }
        if self.entered.swap(true, Ordering::Acquire) {
            let message = "another thread is inside this handle: one thread at a time";
            return Err(Failure::new(circlet_status::CIRCLET_BUSY, message));
        }
        let _inside = Inside(&self.entered);
        // SAFETY: the flag was free, so that this thread is alone here until `_inside` is dropped.
        body(unsafe { &mut *self.inside.get() })
    }
}
