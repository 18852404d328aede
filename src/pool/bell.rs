//! How a line of completions tells an event loop that something has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    os::unix::net::UnixStream,
    sync::OnceLock,
};

/// A descriptor that is readable once something has come after the bell was armed. Whoever sends makes a system call only
/// where somebody has armed it.
#[derive(Debug, Default)]
pub(super) struct Bell {
    is_armed: AtomicBool,
    is_over: AtomicBool,
    /// What is read, and what is written. Made when it is first asked for.
    #[cfg(unix)]
    ends: OnceLock<(UnixStream, UnixStream)>,
}

impl Bell {
    /// Rings if it is armed. Called after what it tells of was done.
    ///
    /// The channel adds to its tail by a sequentially consistent exchange, and `is_empty` reads the tail by such a load. Hence
    /// either this load comes after [`Bell::arm`]'s store, or the tail that is looked at after that store is the new one.
    #[inline]
    pub(super) fn ring(&self) {
        if self.is_armed.load(Ordering::SeqCst) {
            self.sound();
        }
    }

    #[cold]
    fn sound(&self) {
        if self.is_armed.swap(false, Ordering::SeqCst) {
            #[cfg(unix)]
            if let Some((_, mut write)) = self.ends.get().map(|(read, write)| (read, write)) {
                // Where it has no room it is readable already.
                let _ = write.write(&[1]);
            }
        }
    }

    #[cfg(unix)]
    pub(super) fn fd(&self) -> io::Result<BorrowedFd<'_>> {
        if self.ends.get().is_none() {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            write.set_nonblocking(true)?;
            // A second thread's pair is dropped: one is as good as another.
            let _ = self.ends.set((read, write));
        }
        Ok(self.ends.get().expect("set above").0.as_fd())
    }

    /// Takes back what it has told, and has the next thing that comes told.
    #[cfg(unix)]
    pub(super) fn arm(&self) {
        if let Some((mut read, _)) = self.ends.get().map(|(read, write)| (read, write)) {
            // It holds a byte for each time that it was armed and rang, so seldom more than one.
            while read.read(&mut [0; 64]).is_ok_and(|bytes| bytes == 64) {}
        }
        self.is_armed.store(true, Ordering::SeqCst);
    }

    /// Tells whether nothing more will come.
    #[cfg(unix)]
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

/// Rings a bell for the last time when it is dropped.
#[derive(Debug)]
pub(super) struct Knell(pub(super) Arc<Bell>);

impl Drop for Knell {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
        self.0.ring();
    }
}
