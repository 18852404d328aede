//! Fail points, in this crate's own tests alone: every store of a protocol passes [`point`], and a test can have its
//! process killed there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::Location;

thread_local! {
    /// How many stores this thread may still make, if it is to be killed.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
    /// The places in the source that this thread has stored from since [`watch`].
    static PLACES: RefCell<Option<BTreeSet<(&'static str, u32)>>> = const { RefCell::new(None) };
}

/// Kills this process, for real, before this thread's next store but `stores`.
pub(crate) fn before(stores: u64) {
    LEFT.set(Some(stores));
}

/// Notes from where this thread stores, from now on.
pub(crate) fn watch() {
    PLACES.set(Some(BTreeSet::new()));
}

/// Returns the places noted.
pub(crate) fn places() -> BTreeSet<(&'static str, u32)> {
    PLACES.take().unwrap_or_default()
}

#[track_caller]
pub(crate) fn point() {
    let place = Location::caller();
    PLACES.with_borrow_mut(|places| {
        if let Some(places) = places {
            places.insert((place.file(), place.line()));
        }
    });
    match LEFT.get() {
        Some(0) => {
            // SAFETY: the call takes two integers.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
            unreachable!("nobody outlives SIGKILL");
        }
        Some(left) => LEFT.set(Some(left - 1)),
        None => {}
    }
}
