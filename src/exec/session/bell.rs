//! The descriptor of a session, for event loops: a pipe that has something to read once there is something to take.
//!
//! A pipe and no eventfd: what a session does to its end, such as letting writes wait, changes nothing of the supervisor's two.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use super::words::Words;
use crate::exec::Error;

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
        let mut bytes = [0; 64];
        while self.0.read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}
