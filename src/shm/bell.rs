//! The doorbell: a descriptor that an event loop watches, which becomes readable when the other side has done something.
//!
//! It is the kernel's notice that a file changed (inotify) on the segment's own file. Whoever finds the bell bit in a
//! waiting word sets the file's times, which costs a fraction of a microsecond, needs no second file and no descriptor
//! passed beforehand, and works for named and anonymous segments alike; a peer that dies closes its descriptors, which
//! is a notice too.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use super::{Error, Segment, sys};

/// A side's doorbell, made when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Bell(OnceLock<OwnedFd>);

impl Bell {
    /// Returns the descriptor: readable once something may have happened since [`Bell::clear`].
    pub(crate) fn fd(&self, segment: &Segment) -> Result<BorrowedFd<'_>, Error> {
        use std::os::fd::AsFd;
        if self.0.get().is_none() {
            // A second thread's bell is dropped: one is as good as another.
            let _ = self.0.set(sys::watch(segment.file())?);
        }
        Ok(self.0.get().expect("set above").as_fd())
    }

    /// Forgets the notices so far, and tells whether one of them says that a writer of the file has gone.
    pub(crate) fn clear(&self) -> bool {
        self.0.get().is_some_and(|fd| sys::forget_notices(fd.as_raw_fd()))
    }
}
