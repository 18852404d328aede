//! How much memory a session has together with all that it has started: the kernel's own limit (`RLIMIT_DATA`) is of each process,
//! and leaves out memory that several share.
//!
//! It is looked at from outside, more often where less is left. A control group would be exact; but the kernel lets one limit memory
//! only where no process is in the groups above, so that a library would have to move the program that uses it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audit::Audit;
use super::census::{self, GAPS, PART};
use super::count::{Count, Holder, sum};

/// No session fills memory faster, in bytes a second: pages are cleared first.
const FASTEST: u64 = 8 << 30;

/// Looks at a session's memory.
#[derive(Debug)]
pub(in crate::exec) struct MemoryWatch {
    most: u64,
    /// Whether its files in `/tmp` are in memory, and its own.
    has_files: bool,
    /// Where these are, opened before any code has run: what a process shows of itself later may be nothing.
    files: Option<File>,
    due: Instant,
    /// The last count, or the one that is under way.
    count: Option<Count>,
    was_past: bool,
    audit: Arc<Audit>,
}

impl MemoryWatch {
    /// Begins with how many bytes a session may have.
    pub(super) fn new(most: u64, has_files: bool, audit: Arc<Audit>) -> Self {
        let due = Instant::now() + GAPS[0];
        Self { most, has_files, files: None, due, count: None, was_past: false, audit }
    }

    /// Counts the files of a session from now on, where they are in memory.
    ///
    /// # Errors
    /// As `open`.
    pub(in crate::exec) fn counts_files(&mut self, session: u32) -> io::Result<()> {
        if self.has_files {
            let place = format!("/proc/{session}/root/tmp");
            let options = libc::O_PATH | libc::O_DIRECTORY;
            self.files = Some(OpenOptions::new().read(true).custom_flags(options).open(place)?);
        }
        Ok(())
    }

    /// Ends with the session. The files would stay in memory else.
    pub(in crate::exec) fn end(&mut self) {
        (self.files, self.count) = (None, None);
    }

    /// When to look; never again, once there was too much.
    pub(in crate::exec) fn due(&self) -> Option<Instant> {
        (!self.was_past).then_some(self.due)
    }

    /// Tells whether there ever was too much.
    pub(in crate::exec) fn was_past(&self) -> bool {
        self.was_past
    }

    /// Writes down that there was.
    pub(in crate::exec) fn tell(&self, session: u32) {
        self.audit.ended(session, "more memory", "limits.memory_bytes");
    }

    /// Tells whether a group of processes has more than it may, if it is time to look, and once.
    pub(in crate::exec) fn is_past(&mut self, group: u32) -> bool {
        let begin = Instant::now();
        if self.was_past || begin < self.due {
            return false;
        }
        let files = self.files.as_ref().map_or(0, used);
        let holders: Option<Vec<Holder>> =
            census::recent_members(group).into_iter().map(Holder::of).collect();
        let Some(holders) = holders else {
            self.due = begin + GAPS[1];
            return false;
        };
        let mut found = sum(&holders, |holder| holder.held);
        if files.saturating_add(found) > self.most {
            let (proven, estimate) = self.count(&holders, files);
            self.was_past = files.saturating_add(proven) > self.most;
            found = estimate;
        }
        let end = Instant::now();
        self.due = end + self.gap(files.saturating_add(found), end - begin);
        self.was_past
    }

    /// Returns what they have for sure, and what they may have. It is counted anew when it is time.
    fn count(&mut self, holders: &[Holder], files: u64) -> (u64, u64) {
        let judged = |count: &Count| (count.proven(holders), count.estimate(holders));
        let (proven, estimate) = self.count.as_ref().map_or((0, u64::MAX), judged);
        let is_due = match self.count.as_ref().map(Count::end) {
            None => true,
            Some(None) => false,
            Some(Some((end, took))) => Instant::now() >= end + self.gap(files.saturating_add(estimate), took),
        };
        if is_due && files.saturating_add(proven) <= self.most {
            self.count = Count::begin(holders);
        }
        (proven, estimate)
    }

    /// Returns how long to wait after a look that took so long, where so many bytes are used.
    fn gap(&self, used: u64, took: Duration) -> Duration {
        let left = self.most.saturating_sub(used);
        let gap = Duration::from_secs_f64(left as f64 / FASTEST as f64);
        gap.max(took * PART).clamp(GAPS[0], GAPS[1])
    }
}

/// Returns how many bytes are used where a place is.
fn used(place: &File) -> u64 {
    // SAFETY: the struct is plain integers, of which zero is a value; it and the descriptor outlive the call.
    unsafe {
        let mut found: libc::statvfs = std::mem::zeroed();
        if libc::fstatvfs(place.as_raw_fd(), &raw mut found) != 0 {
            return u64::MAX;
        }
        found.f_blocks.saturating_sub(found.f_bfree).saturating_mul(found.f_frsize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(most: u64) -> MemoryWatch {
        MemoryWatch::new(most, false, Arc::default())
    }

    /// Looks when it is time, so often.
    fn looks(watch: &mut MemoryWatch, group: u32, times: usize) -> bool {
        (0..times).any(|_| {
            let Some(due) = watch.due() else { return false };
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            watch.is_past(group)
        })
    }

    #[test]
    fn a_group_is_past_what_it_may_have_once_and_is_not_looked_at_before_it_is_time() {
        // SAFETY: the call takes nothing.
        let group = unsafe { libc::getpgrp() }.unsigned_abs();
        for (most, is_past) in [(1, true), (1 << 50, false)] {
            let mut watch = watch(most);
            assert!(!watch.is_past(group), "it is not time");
            assert_eq!(looks(&mut watch, group, if is_past { 100 } else { 3 }), is_past);
            assert_eq!([watch.was_past(), watch.due().is_none()], [is_past; 2]);
            assert!(!watch.is_past(group));
        }
    }

    #[test]
    fn looks_are_never_further_apart_than_they_may_be() {
        let watch = watch(1 << 40);
        for (used, took, gap) in [
            (0, Duration::ZERO, GAPS[1]),
            (1 << 40, Duration::ZERO, GAPS[0]),
            (u64::MAX, Duration::from_millis(1), Duration::from_millis(20)),
            (1 << 40, Duration::from_secs(10), GAPS[1]),
        ] {
            assert_eq!(watch.gap(used, took), gap);
        }
    }
}
