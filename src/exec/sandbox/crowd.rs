//! How many processes and threads a session has: a limit that holds whoever the user is.
//!
//! The kernel's own limit (`RLIMIT_NPROC`) counts everything of a user's, and does not bind root. Here each new process or thread
//! is asked for. All of them are in the session's group, which they cannot leave.

use super::census::members;
use crate::procfs::Stat;

/// Counts a session's processes and threads.
#[derive(Debug)]
pub(super) struct Crowd {
    group: u32,
    most: u64,
    /// At most so many are there: what has ended is not told of, and counted anew where it matters.
    counted: u64,
}

impl Crowd {
    pub(super) fn new(group: u32, most: u64) -> Self {
        Self { group, most, counted: most }
    }

    /// Tells whether there may be one more, which is counted then.
    pub(super) fn takes(&mut self) -> bool {
        if self.counted >= self.most {
            self.counted = count(self.group);
        }
        let takes = self.counted < self.most;
        self.counted += u64::from(takes);
        takes
    }
}

/// Counts the threads of all processes of a group. One that has ended takes a place as well, until somebody has waited for it, and
/// so does one that cannot be read.
fn count(group: u32) -> u64 {
    let threads = |id: &u32| Stat::of(&format!("/proc/{id}")).ok()?.threads();
    members(group).iter().map(|id| threads(id).unwrap_or(1).max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_its_processes_and_their_threads() {
        // SAFETY: the call takes nothing.
        let group = unsafe { libc::getpgrp() }.unsigned_abs();
        let before = count(group);
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let others: Vec<_> = (0..3).map(|_| std::thread::spawn(|| {})).collect();
        others.into_iter().for_each(|other| other.join().unwrap());
        let other = std::thread::spawn(move || ended.recv().is_err());
        assert!(before >= 1 && count(group) >= 2, "{before}");
        drop(end);
        assert!(other.join().unwrap());
        assert!(!Crowd::new(group, 1).takes());
        assert!(Crowd::new(group, 1 << 20).takes());
    }
}
