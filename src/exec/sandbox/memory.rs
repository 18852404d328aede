//! How much memory a session has together with all that it has started: the kernel's own limit (`RLIMIT_DATA`) is of each process,
//! and leaves out memory that several share.
//!
//! It is looked at from outside, more often where less is left. A control group would be exact; but the kernel lets one limit memory
//! only where no process is in the groups above, so that a library would have to move the program that uses it.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::usage;

/// No session fills memory faster, in bytes a second: pages are cleared first.
const FASTEST: u64 = 8 << 30;
/// Looks are at least and at most so far apart.
const GAPS: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(500)];
/// A look takes at most this part of the time.
const PART: u32 = 20;

/// Looks at a session's memory.
#[derive(Debug)]
pub(in crate::exec) struct MemoryWatch {
    most: u64,
    /// Whether its files in `/tmp` are in memory, and its own.
    has_files: bool,
    due: Instant,
}

impl MemoryWatch {
    /// Begins with how many bytes a session may have.
    pub(in crate::exec) fn new(most: u64, has_files: bool) -> Self {
        Self { most, has_files, due: Instant::now() + GAPS[0] }
    }

    /// When to look.
    pub(in crate::exec) fn due(&self) -> Instant {
        self.due
    }

    /// Tells whether a group of processes has more than it may, if it is time to look.
    pub(in crate::exec) fn is_past(&mut self, group: u32) -> bool {
        let begin = Instant::now();
        if begin < self.due {
            return false;
        }
        let files = if self.has_files { files(group) } else { 0 };
        let mut used = files + Census::of(group, |found| found.resident());
        // What several of them have is counted for each there; exactly, it takes longer to say.
        if used > self.most {
            used = files + Census::of(group, |found| found.proportional());
        }
        let left = self.most.saturating_sub(used);
        let gap = Duration::from_secs_f64(left as f64 / FASTEST as f64).clamp(GAPS[0], GAPS[1]);
        let end = Instant::now();
        self.due = end + gap.max((end - begin) * PART);
        used > self.most
    }
}

/// Returns how many bytes a session has in its `/tmp`.
fn files(session: u32) -> u64 {
    let Ok(place) = CString::new(format!("/proc/{session}/root/tmp")) else { return 0 };
    // SAFETY: the struct is plain integers, of which zero is a value; it and the path outlive the call.
    unsafe {
        let mut found: libc::statvfs = std::mem::zeroed();
        if libc::statvfs(place.as_ptr(), &raw mut found) != 0 {
            return 0;
        }
        found.f_blocks.saturating_sub(found.f_bfree).saturating_mul(found.f_frsize)
    }
}

/// The processes of each group, as they were a moment ago: one look at all processes serves all sessions.
#[derive(Debug, Default)]
struct Census {
    groups: HashMap<u32, Vec<Found>>,
    until: Option<Instant>,
}

/// A process that was found.
#[derive(Clone, Copy, Debug)]
struct Found(u32);

impl Census {
    /// Adds up what the processes of a group have.
    fn of(group: u32, memory: impl Fn(&Found) -> u64) -> u64 {
        static LAST: Mutex<Option<Census>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let census = last.get_or_insert_default();
        let now = Instant::now();
        if census.until.is_none_or(|until| now >= until) {
            census.groups = groups();
            let end = Instant::now();
            census.until = Some(end + ((end - now) * PART).max(GAPS[0]));
        }
        let found = census.groups.get(&group).cloned().unwrap_or_default();
        drop(last);
        // The first is there whenever anybody looks, in whatever census.
        let others = found.iter().filter(|found| found.0 != group);
        memory(&Found(group)) + others.map(memory).sum::<u64>()
    }
}

/// Finds all processes.
fn groups() -> HashMap<u32, Vec<Found>> {
    let mut groups: HashMap<u32, Vec<Found>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(text) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        // The name may have anything in it; what follows is state, parent, group.
        let group = text.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(2)?.parse().ok());
        if let Some(group) = group {
            groups.entry(group).or_default().push(Found(id));
        }
    }
    groups
}

impl Found {
    /// Its pages in memory, those of files included, in bytes.
    fn resident(self) -> u64 {
        usage::memory(self.0).map_or(0, |memory| memory.resident)
    }

    /// What it has of memory that no file is behind, in bytes: of what several have, its share (`Pss_Anon`, `Pss_Shmem`), and what
    /// was swapped out.
    fn proportional(self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0)).unwrap_or_default();
        let kib = text.lines().filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let counts = ["Pss_Anon", "Pss_Shmem", "SwapPss"].contains(&name);
            counts.then(|| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())?
        });
        kib.sum::<u64>() << 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_written_counts_and_what_is_only_reserved_does_not() {
        let own = Found(std::process::id());
        let before = own.proportional();
        let mut much = Vec::<u8>::with_capacity(64 << 20);
        assert!(own.proportional() < before + (32 << 20));
        much.resize(64 << 20, 1);
        let after = own.proportional();
        assert!(after > before + (60 << 20) && own.resident() >= after, "{before} {after}");
        drop(much);
    }

    #[test]
    fn a_group_is_past_what_it_may_have_and_is_not_looked_at_before_it_is_time() {
        // SAFETY: the call takes nothing.
        let group = unsafe { libc::getpgrp() }.unsigned_abs();
        for (most, is_past) in [(1, true), (1 << 50, false)] {
            let mut watch = MemoryWatch::new(most, false);
            assert!(!watch.is_past(group), "it is not time");
            std::thread::sleep(watch.due() - Instant::now());
            assert_eq!(watch.is_past(group), is_past);
            assert!(watch.due() > Instant::now());
        }
    }
}
