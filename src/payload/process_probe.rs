//! Looks at a process often: what is opened once is read again and again.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Process;

/// Looks at one process, this one or another, at the cost of a few system calls. What the platform does not tell stays absent.
///
/// On Linux its files in `/proc` are opened once: they stay those of this very process, also when another has its id later. Elsewhere
/// only this process can be looked at.
///
/// ```
/// use circlet::payload::ProcessProbe;
///
/// let mut probe = ProcessProbe::this()?;
/// let process = probe.sample()?;
/// assert!(process.rss_bytes > Some(0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ProcessProbe {
    pid: u32,
    is_own: bool,
    /// When it was started, since 1970.
    started: Option<Duration>,
    files: files::Files,
}

impl ProcessProbe {
    /// Makes one for this process. In a child that was forked it looks at the child.
    ///
    /// # Errors
    /// What the system says, such as that there is no `/proc`.
    pub fn this() -> io::Result<Self> {
        Self::new(std::process::id(), true)
    }

    /// Makes one for another process.
    ///
    /// # Errors
    /// There is none, or it may not be looked at. `Unsupported` where there is no `/proc`.
    pub fn of(pid: u32) -> io::Result<Self> {
        Self::new(pid, pid == std::process::id())
    }

    fn new(pid: u32, is_own: bool) -> io::Result<Self> {
        let files = files::Files::open(pid, is_own)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = files.age().and_then(|age| now.checked_sub(age));
        Ok(Self { pid, is_own, started, files })
    }

    /// Returns the id of the process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns when the process was started, since 1970-01-01 UTC, where the system tells.
    pub fn started(&self) -> Option<Duration> {
        self.started
    }

    /// Looks at it now.
    ///
    /// # Errors
    /// It has ended.
    pub fn sample(&mut self) -> io::Result<Process> {
        if self.is_own && self.pid != std::process::id() {
            *self = Self::this()?;
        }
        let mut process = self.files.look().map_err(gone)?;
        #[cfg(unix)]
        if self.is_own
            && let Some(own) = crate::usage::own()
        {
            process.user_cpu_us = own.user.as_micros().try_into().ok();
            process.system_cpu_us = own.system.as_micros().try_into().ok();
            process.peak_rss_bytes = own.peak_resident.max(process.rss_bytes);
            process.major_faults = own.major_faults;
        }
        Ok(process)
    }
}

/// A process that has gone is one that is not there.
fn gone(error: io::Error) -> io::Error {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::ESRCH) {
        return io::ErrorKind::NotFound.into();
    }
    error
}

#[cfg(target_os = "linux")]
mod files {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::{FileExt, MetadataExt};
    use std::time::Duration;

    use super::Process;
    use crate::procfs::Stat;
    use crate::usage::{page_bytes, ticks_per_s};

    /// How long a `stat` or a `statm` is at the most: numbers, and a name of 15 bytes, or 64 of a kernel's thread.
    const LINE_BYTES: usize = 2048;

    /// How much of a `status` is read: its lines of memory are within.
    const STATUS_BYTES: usize = 4096;

    #[derive(Debug)]
    pub(super) struct Files {
        folder: String,
        /// What this process asks the kernel for in another way.
        stat: Option<File>,
        status: Option<File>,
        statm: File,
        tasks: File,
        /// Absent where this process may not look.
        descriptors: Option<File>,
        page_bytes: u64,
    }

    impl Files {
        pub(super) fn open(pid: u32, is_own: bool) -> io::Result<Self> {
            let folder = format!("/proc/{pid}");
            let open = |name: &str| File::open(format!("{folder}/{name}"));
            Ok(Self {
                stat: if is_own { None } else { Some(open("stat")?) },
                status: if is_own { None } else { open("status").ok() },
                statm: open("statm")?,
                tasks: open("task")?,
                descriptors: open("fd").ok(),
                page_bytes: page_bytes(),
                folder,
            })
        }

        pub(super) fn look(&self) -> io::Result<Process> {
            let mut buffer = [0; LINE_BYTES];
            let mut pages = line(&self.statm, &mut buffer)?.split(|byte| *byte == b' ').map(number);
            // A process that is a zombie has no memory any more.
            let resident = pages.nth(1).flatten();
            let mut process = Process {
                rss_bytes: resident.map(|pages| pages * self.page_bytes),
                // The kernel gives the folder a link for each thread, as for any subfolder, beside the two that every folder has.
                threads: self.tasks.metadata()?.nlink().checked_sub(2).filter(|threads| *threads > 0),
                fd_count: self.descriptors.as_ref().and_then(|folder| self.descriptors(folder)),
                ..Process::default()
            };
            if let Some(stat) = &self.stat {
                let stat = Stat::read(line(stat, &mut buffer)?);
                if stat.has_ended() {
                    return Err(io::ErrorKind::NotFound.into());
                }
                let ticks = |field| stat.field(field)?.checked_mul(1_000_000)?.checked_div(ticks_per_s());
                (process.user_cpu_us, process.system_cpu_us) = (ticks(14), ticks(15));
                process.major_faults = stat.field(12);
            }
            if let Some(status) = &self.status {
                // The kernel's counters may lag behind one another.
                let peak = line(status, &mut [0; STATUS_BYTES]).ok().and_then(peak);
                process.peak_rss_bytes = peak.max(process.rss_bytes.filter(|_| peak.is_some()));
            }
            Ok(process)
        }

        /// Counts descriptors: the size of the folder since Linux 6.2, its entries before.
        fn descriptors(&self, folder: &File) -> Option<u64> {
            match folder.metadata().ok()?.size() {
                0 => std::fs::read_dir(format!("{}/fd", self.folder))
                    .ok()
                    .map(|entries| entries.count() as u64),
                open => Some(open),
            }
        }

        /// Returns how old the process is: the time of the machine less that of its start, both since it was booted.
        pub(super) fn age(&self) -> Option<Duration> {
            let ticks = Stat::of(&self.folder).ok()?.field(22)?;
            let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
            let booted: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
            // A container may show its own uptime beside the machine's start times; their difference says nothing.
            Duration::try_from_secs_f64(booted - ticks as f64 / ticks_per_s() as f64).ok()
        }
    }

    /// Returns the most memory that a process has held, from its `status`: `VmHWM`, in KiB.
    fn peak(status: &[u8]) -> Option<u64> {
        let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"VmHWM:"))?;
        number(line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty())?)?.checked_mul(1024)
    }

    fn line<'a>(file: &File, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let length = file.read_at(buffer, 0)?;
        Ok(&buffer[..length])
    }

    fn number(word: &[u8]) -> Option<u64> {
        std::str::from_utf8(word).ok()?.parse().ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod files {
    use std::io;
    use std::time::Duration;

    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

    use super::Process;

    #[derive(Debug)]
    pub(super) struct Files(());

    impl Files {
        pub(super) fn open(_pid: u32, is_own: bool) -> io::Result<Self> {
            if is_own { Ok(Self(())) } else { Err(io::ErrorKind::Unsupported.into()) }
        }

        pub(super) fn look(&self) -> io::Result<Process> {
            let rss_bytes = own_process(sysinfo::Process::memory).filter(|&bytes| bytes > 0);
            // The folder of open descriptors, without the one that reads it.
            let open = if cfg!(target_os = "macos") { std::fs::read_dir("/dev/fd").ok() } else { None };
            let fd_count = open.and_then(|open| (open.count() as u64).checked_sub(1));
            Ok(Process { rss_bytes, fd_count, ..Process::default() })
        }

        pub(super) fn age(&self) -> Option<Duration> {
            own_process(|process| Duration::from_secs(process.run_time()))
        }
    }

    /// Reads this process from the system's list, with nothing but its memory.
    fn own_process<T>(read: impl FnOnce(&sysinfo::Process) -> T) -> Option<T> {
        let pid = Pid::from_u32(std::process::id());
        let mut system = System::new_with_specifics(RefreshKind::nothing()).ok()?;
        let wanted = ProcessRefreshKind::nothing().with_memory();
        let _ = system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, wanted);
        system.process(pid).map(read)
    }
}
