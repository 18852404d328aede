//! How many processes and threads a session has: a limit that holds whoever the user is.
//!
//! The kernel's own limit (`RLIMIT_NPROC`) counts everything of a user's, and does not bind root. Here each new process or thread
//! is asked for. All of them are in the session's group, which they cannot leave.

use std::fs;

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

/// Counts the threads of all processes of a group.
fn count(group: u32) -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_group = processes.filter_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name may have anything in it; what follows is numbers: state, parent, group, ... and, 17th, threads.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let its_group: u32 = fields.nth(2)?.parse().ok()?;
        let threads: u64 = fields.nth(14)?.parse().ok()?;
        // One that has ended takes a place as well, until somebody has waited for it.
        (its_group == group).then_some(threads.max(1))
    });
    of_group.sum()
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
