//! The descriptor of a session, for event loops: a pipe that has something to read once there is something to take.
//!
//! A pipe and no eventfd: what a session does to its end, such as letting writes wait, changes nothing of the supervisor's two.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use super::Session;
use super::words::Words;
use crate::exec::Error;

/// So often the pipe is read at a time: it has room for 64 KiB, as a rule.
const HUSHES: usize = 17;

/// The supervisor's reading end.
pub(super) struct Bell(PipeReader);

impl Bell {
    /// Makes the pipe; the words ring it from now on. Returns what the session is to write into.
    pub(super) fn new(words: &mut Words) -> Result<(Self, OwnedFd), Error> {
        let (reader, theirs) = io::pipe().map_err(Error::os("pipe"))?;
        // SAFETY: the call takes integers.
        let is_set = unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) } == 0;
        if !is_set {
            return Err(Error::os("fcntl")(io::Error::last_os_error()));
        }
        // Opened once more: flags belong to what was opened, and not to the pipe.
        let ours: File = OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(format!("/proc/self/fd/{}", theirs.as_raw_fd()))
            .map_err(Error::os("open(/proc/self/fd)"))?;
        words.set_bell(Arc::new(ours.into()));
        Ok((Self(reader), theirs.into()))
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Takes what was rung so far.
    pub(super) fn hush(&mut self) {
        // One that rings all the while is not followed for ever: what is left calls the event loop once more.
        let mut bytes = [0; 4096];
        for _ in 0..HUSHES {
            if !self.0.read(&mut bytes).is_ok_and(|count| count == bytes.len()) {
                break;
            }
        }
    }
}

impl Session {
    /// Returns what an event loop is to look at: once [`Session::arm`] has returned `false`, it has something to read as soon as
    /// [`Session::next`] may have something. It stays the session's; nobody has to read from it.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.bell.descriptor()
    }

    /// Is called before whoever takes events goes back to an event loop. `true` if there is something to take already; else
    /// [`Session::descriptor`] becomes readable, and maybe without a reason. Where no run is under way nothing comes.
    pub fn arm(&mut self) -> bool {
        if !self.events.is_empty() {
            return true;
        }
        if self.run.is_none() {
            return false;
        }
        self.bell.hush();
        let (shared, from) = (&self.shared, &self.from);
        shared.words.arm(|| {
            shared.is_over.load(SeqCst)
                || shared.is_called.load(SeqCst)
                || shared.pipes.kept() != [0, 0]
                || from.has_frame()
        })
    }

    /// Tells whether a run is under way: its end was not taken yet.
    pub fn is_running(&self) -> bool {
        self.run.is_some() || !self.events.is_empty()
    }
}
