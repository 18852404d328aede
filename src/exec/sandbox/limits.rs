//! Limits on what a session may use, as far as the kernel counts it.

use crate::exec::policy::Limits;

/// Returns the limits of a process, as `setrlimit` takes them.
pub(super) fn rlimits(limits: &Limits) -> Vec<(u32, u64)> {
    let seconds = |ms: u64| ms.div_ceil(1000).max(1);
    let given = [
        (libc::RLIMIT_CPU, limits.cpu_ms.map(seconds)),
        // Memory that is written and its own: what a file or a ring is mapped from does not count, nor what is only reserved.
        (libc::RLIMIT_DATA, limits.memory_bytes),
        (libc::RLIMIT_FSIZE, limits.file_bytes),
        (libc::RLIMIT_NOFILE, limits.descriptors),
        // No file of what was in memory, no messages of the kernel's, no place before others.
        (libc::RLIMIT_CORE, Some(0)),
        (libc::RLIMIT_MSGQUEUE, Some(0)),
        (libc::RLIMIT_RTPRIO, Some(0)),
        (libc::RLIMIT_NICE, Some(0)),
    ];
    given.into_iter().filter_map(|(resource, most)| Some((resource, most?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_second_is_a_whole_one() {
        let limits = Limits { cpu_ms: Some(1500), ..Limits::default() };
        assert!(rlimits(&limits).contains(&(libc::RLIMIT_CPU, 2)));
    }
}
