//! Which processes are in which group. A session's are in its own, which they cannot leave.

use std::collections::HashMap;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Looks are at least and at most so far apart, those for processes and those at their memory.
pub(super) const GAPS: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(500)];
/// Looks take at most this part of the time, as long as one takes no longer than this part of the longest gap.
pub(super) const PART: u32 = 20;

/// Finds the processes of a group.
pub(super) fn members(group: u32) -> Vec<u32> {
    processes().filter(|id| group_of(*id) == Some(group)).collect()
}

/// Returns the processes of a group as they were a moment ago, and its first always: one look at all processes serves all sessions.
pub(super) fn recent_members(group: u32) -> Vec<u32> {
    static LAST: Mutex<Option<Census>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let census = last.take().filter(|census| now < census.until).unwrap_or_else(Census::now);
    let mut members = vec![group];
    members.extend(census.groups.get(&group).into_iter().flatten().filter(|id| **id != group));
    *last = Some(census);
    members
}

/// The processes of each group.
#[derive(Debug)]
struct Census {
    groups: HashMap<u32, Vec<u32>>,
    until: Instant,
}

impl Census {
    fn now() -> Self {
        let begin = Instant::now();
        let mut groups: HashMap<u32, Vec<u32>> = HashMap::new();
        for (id, group) in processes().filter_map(|id| Some((id, group_of(id)?))) {
            groups.entry(group).or_default().push(id);
        }
        let end = Instant::now();
        Self { groups, until: end + ((end - begin) * PART).clamp(GAPS[0], GAPS[1]) }
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Returns the group of a process that is there, also where it has ended and nobody has waited for it. The call says it of everybody,
/// whatever a process makes of what can be read of it.
fn group_of(process: u32) -> Option<u32> {
    // SAFETY: the call takes an integer.
    let group = unsafe { libc::getpgid(libc::pid_t::try_from(process).ok()?) };
    u32::try_from(group).ok()
}
