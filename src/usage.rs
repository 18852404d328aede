//! What threads and processes have used: time on a processor, and memory.
#![allow(unsafe_code, reason = "clocks and usage, which std has no calls for")]
#![cfg_attr(
    not(feature = "exec"),
    allow(dead_code, reason = "processes are looked at for their pools alone")
)]

#[cfg(all(target_os = "linux", feature = "exec"))]
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

#[cfg(target_os = "linux")]
use crate::procfs::{self, Found, Stat};

/// Somebody whose use can be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Probe {
    /// A thread of this process.
    #[cfg(target_os = "linux")]
    Thread { tid: libc::pid_t, clock: libc::clockid_t },
    /// A process.
    #[cfg(target_os = "linux")]
    Process { pid: u32 },
}

/// What somebody has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// Bytes in memory, of a process.
    pub(crate) resident: Option<u64>,
}

#[cfg(target_os = "linux")]
impl Probe {
    /// Looks at the calling thread from now on, also from others.
    pub(crate) fn this_thread() -> Option<Self> {
        let mut clock = 0;
        // SAFETY: the thread is the calling one, and the clock's number goes to a variable of ours.
        let (tid, refused) =
            unsafe { (libc::gettid(), libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock)) };
        (refused == 0).then_some(Self::Thread { tid, clock })
    }

    /// Returns what was used by now; `None` of somebody who is no more.
    pub(crate) fn usage(self) -> Option<Usage> {
        match self {
            Self::Thread { tid, clock } => {
                let (user, system) = times(&format!("/proc/self/task/{tid}"))?;
                let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
                // SAFETY: the time goes to a variable of ours. A clock of a thread that has ended is refused.
                if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
                    return None;
                }
                let whole =
                    Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
                // The clock is exact and knows no kinds, the kinds are counted in hundredths of a second.
                let ticks = (user + system).as_secs_f64();
                let part = if ticks > 0.0 { user.as_secs_f64() / ticks } else { 1.0 };
                let user = whole.mul_f64(part);
                Some(Usage { user, system: whole.saturating_sub(user), resident: None })
            }
            Self::Process { pid } => {
                let (user, system) = times(&format!("/proc/{pid}"))?;
                Some(Usage { user, system, resident: Some(memory(pid)?.resident) })
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Probe {
    pub(crate) fn this_thread() -> Option<Self> {
        None
    }

    pub(crate) fn usage(self) -> Option<Usage> {
        match self {}
    }
}

impl Probe {
    /// Returns the process's id, of a process.
    pub(crate) fn process_id(self) -> Option<u32> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Process { pid } => Some(pid),
            #[cfg(target_os = "linux")]
            Self::Thread { .. } => None,
        }
    }
}

/// What this process has used, all of its threads together.
#[cfg(unix)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// The largest resident set so far.
    pub(crate) peak_resident: Option<u64>,
    pub(crate) major_faults: Option<u64>,
}

/// Looks at what this process has used (getrusage(2)).
#[cfg(unix)]
pub(crate) fn own() -> Option<Own> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the usage goes to a variable of ours, which is whole when the call succeeds.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        Some(
            Duration::from_secs(time.tv_sec.try_into().ok()?)
                + Duration::from_micros(time.tv_usec.try_into().ok()?),
        )
    };
    // Kibibytes, and bytes with Apple.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    Some(Own {
        user: time(usage.ru_utime)?,
        system: time(usage.ru_stime)?,
        peak_resident: u64::try_from(usage.ru_maxrss).ok().map(|peak| peak.saturating_mul(unit)),
        major_faults: usage.ru_majflt.try_into().ok(),
    })
}

/// Returns how many clock ticks, in which the kernel counts times of processes, a second has.
#[cfg(target_os = "linux")]
pub(crate) fn ticks_per_s() -> u64 {
    // SAFETY: the call takes an integer.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(ticks).ok().filter(|ticks| *ticks > 0).unwrap_or(100)
}

/// Returns the bytes of a page of memory.
#[cfg(target_os = "linux")]
pub(crate) fn page_bytes() -> u64 {
    // SAFETY: the call takes an integer.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(page).unwrap_or(4096)
}

/// Memory of a process in bytes.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// What no file is behind: `RssAnon` of its status, which takes ten times as long to read.
    pub(crate) anonymous: u64,
}

/// Looks at the memory of a process (`/proc/PID/statm`).
#[cfg(target_os = "linux")]
pub(crate) fn memory(pid: u32) -> Option<Memory> {
    let pages = |folder: &str| {
        let text = std::fs::read_to_string(format!("{folder}/statm")).ok()?;
        let mut pages = text.split(' ').map_while(|word| word.parse::<u64>().ok());
        let (_, resident, of_files) = (pages.next().filter(|size| *size > 0)?, pages.next()?, pages.next()?);
        Some((resident, of_files))
    };
    let (resident, of_files) = match procfs::of_living(pid, pages) {
        Found::There(pages) => pages,
        Found::Ended => (0, 0),
        Found::Unread | Found::NotNow => return None,
    };
    let page = page_bytes();
    Some(Memory { resident: resident * page, anonymous: resident.saturating_sub(of_files) * page })
}

/// Counts the processes that the kernel has killed for want of memory in this process's control group; `None` where it does
/// not say.
#[cfg(all(target_os = "linux", feature = "exec"))]
pub(crate) fn kills_for_memory() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    // `0::PATH` of the unified hierarchy, or `N:memory:PATH` of the older one.
    let path = groups.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        if controllers.split(',').any(|controller| controller == "memory") {
            return Some(format!("/sys/fs/cgroup/memory{path}/memory.oom_control"));
        }
        (number == "0").then(|| format!("/sys/fs/cgroup{path}/memory.events"))
    })?;
    let events = std::fs::read_to_string(path).ok()?;
    events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Tells whether the kernel has killed somebody for want of memory since it had killed so many, whom nobody has claimed
/// yet, and claims it: of two processes that ended by SIGKILL, one kill explains one. `None` where the kernel does not say.
#[cfg(all(target_os = "linux", feature = "exec"))]
pub(crate) fn claim_kill_for_memory(since: u64) -> Option<bool> {
    static CLAIMED: AtomicU64 = AtomicU64::new(0);
    let kills = kills_for_memory()?;
    let claim = |claimed: u64| (kills > claimed.max(since)).then(|| claimed.max(since) + 1);
    Some(CLAIMED.fetch_update(SeqCst, SeqCst, claim).is_ok())
}

/// Reads the times of a process or a thread, by its folder: in user mode, and in the kernel (fields 14 and 15, in clock ticks).
#[cfg(target_os = "linux")]
fn times(folder: &str) -> Option<(Duration, Duration)> {
    let stat = Stat::of(folder).ok()?;
    let ticks = ticks_per_s();
    let time = |field| Some(Duration::from_micros(stat.field(field)? * 1_000_000 / ticks));
    Some((time(14)?, time(15)?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_seen_from_another_to_use_its_own_time_alone() {
        let (probe, end) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
        let thread = std::thread::spawn(move || {
            while Probe::this_thread().unwrap().usage().unwrap().user < Duration::from_millis(20) {}
            probe.0.send(Probe::this_thread().unwrap()).unwrap();
            let _ = end.1.recv();
        });
        let usage = probe.1.recv().unwrap().usage().unwrap();
        assert!(usage.user + usage.system >= Duration::from_millis(20), "{usage:?}");
        assert_eq!(usage.resident, None);
        drop(end.0);
        thread.join().unwrap();
    }

    #[test]
    fn the_memory_of_a_process_is_what_its_status_says() {
        let pid = std::process::id();
        let held = vec![1_u8; 32 << 20];
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
        let said: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        let seen = memory(pid).unwrap();
        // Other tests go on meanwhile.
        assert!(seen.anonymous.abs_diff(said * 1024) < 16 << 20, "{seen:?}, {line}");
        assert!(seen.resident >= held.len() as u64);
        assert!(Probe::Process { pid }.usage().unwrap().resident.is_some());
    }
}
