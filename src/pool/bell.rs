//! How a line of completions tells an event loop that something has come.

use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::fence;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::OnceLock,
};

/// A descriptor that is readable once something has come after the bell was armed. Whoever sends makes a system call only
/// where somebody has armed it.
#[derive(Debug, Default)]
pub(super) struct Bell {
    is_armed: AtomicBool,
    is_over: AtomicBool,
    /// Whether it has rung while there was no descriptor, which then begins readable.
    #[cfg(unix)]
    was_missed: AtomicBool,
    /// Made when it is first asked for.
    #[cfg(unix)]
    notice: OnceLock<notice::Notice>,
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
            {
                self.was_missed.store(true, Ordering::SeqCst);
                // Either this sees the descriptor that is made just now, or whoever makes it sees what was missed.
                fence(Ordering::SeqCst);
                self.tell();
            }
        }
    }

    /// Makes the descriptor readable if there is one and something to tell.
    #[cfg(unix)]
    fn tell(&self) {
        if let Some(notice) = self.notice.get()
            && self.was_missed.swap(false, Ordering::SeqCst)
        {
            // Where it has no room it is readable already.
            let _ = notice.write().write(&1_u64.to_ne_bytes());
        }
    }

    #[cfg(unix)]
    pub(super) fn fd(&self) -> io::Result<BorrowedFd<'_>> {
        if self.notice.get().is_none() {
            // A second thread's notice is dropped: one is as good as another.
            let _ = self.notice.set(notice::Notice::new()?);
            fence(Ordering::SeqCst);
            self.tell();
        }
        Ok(self.notice.get().expect("set above").read().as_fd())
    }

    /// Takes back what it has told, and has the next thing that comes told.
    #[cfg(unix)]
    pub(super) fn arm(&self) {
        self.was_missed.store(false, Ordering::SeqCst);
        if let Some(notice) = self.notice.get() {
            // One read is enough for a counter; of sockets, each notice is a word.
            while notice.read().read(&mut [0; 64]).is_ok_and(|bytes| bytes == 64) {}
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

/// A counter of the kernel's: a descriptor that is readable while it is not 0.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod notice {
    #![allow(unsafe_code, reason = "the standard library cannot make one")]

    use std::fs::File;
    use std::io;
    use std::os::fd::FromRawFd;

    #[derive(Debug)]
    pub(super) struct Notice(File);

    impl Notice {
        pub(super) fn new() -> io::Result<Self> {
            // SAFETY: the call takes two integers.
            let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: it was just made, and belongs to nobody else.
            Ok(Self(unsafe { File::from_raw_fd(fd) }))
        }

        pub(super) fn read(&self) -> &File {
            &self.0
        }

        pub(super) fn write(&self) -> &File {
            &self.0
        }
    }
}

/// Two sockets, of which the one is readable once the other was written.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod notice {
    use std::io;
    use std::os::unix::net::UnixStream;

    #[derive(Debug)]
    pub(super) struct Notice(UnixStream, UnixStream);

    impl Notice {
        pub(super) fn new() -> io::Result<Self> {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            write.set_nonblocking(true)?;
            Ok(Self(read, write))
        }

        pub(super) fn read(&self) -> &UnixStream {
            &self.0
        }

        pub(super) fn write(&self) -> &UnixStream {
            &self.1
        }
    }
}
