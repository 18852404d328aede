//! What a process can measure of itself and of its machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sysinfo::{
    CpuRefreshKind, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System,
};

use super::dates::civil_from_days;
use super::{Bun, Env, Measure, MemoryUse, Metadata, Performance, Platform, Resources};

/// Units of 2^20 and 2^30 bytes.
const MB: f64 = 1_048_576.0;
const GB: f64 = 1_073_741_824.0;

/// Measures the process and the machine, for `metadata`. What the platform does not tell stays absent.
///
/// Give the id of the session, or make one with [`new_session_id`].
///
/// ```
/// use circlet::payload::{host, new_session_id};
///
/// let metadata = host(&new_session_id());
/// assert_eq!(metadata.env.and_then(|env| env.process_id), Some(u64::from(std::process::id())));
/// ```
pub fn host(session: &str) -> Metadata {
    Metadata {
        env: Some(Env {
            session: Some(session.to_owned()),
            uptime_s: uptime_s().and_then(Measure::rounded),
            process_id: Some(u64::from(std::process::id())),
            ..Env::default()
        }),
        platform: Some(platform()),
        ..Metadata::default()
    }
}

/// Measures what this process holds now: its resident memory and its open descriptors, at their places in `bun`.
///
/// ```
/// use circlet::payload::{SessionPayload, process};
///
/// let payload = SessionPayload { bun: Some(process()), ..SessionPayload::default() };
/// println!("{}", payload.summary());
/// ```
pub fn process() -> Bun {
    let memory = MemoryUse {
        rss: rss_bytes().and_then(|bytes| Measure::rounded(bytes as f64 / MB)),
        ..MemoryUse::default()
    };
    Bun {
        performance: Some(Performance { memory_mb: Some(memory), ..Performance::default() }),
        resources: Some(Resources { fd_count: fd_count(), ..Resources::default() }),
        ..Bun::default()
    }
}

/// Makes the id of a new session: `sess-`, the day (UTC), and a part that no other session of this machine has.
pub fn new_session_id() -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    session_id(since_epoch, std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// Writes a session id. Time, process and count together are unique: a process id is not used again within a millisecond.
fn session_id(since_epoch: Duration, process_id: u32, count: u64) -> String {
    let (year, month, day) = civil_from_days(since_epoch.as_secs() / 86_400);
    let time = base36(since_epoch.as_millis() as u64);
    let unique = format!("{time}-{}-{}", base36(u64::from(process_id)), base36(count));
    format!("sess-{year:04}-{month:02}-{day:02}-{unique}")
}

fn base36(mut value: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(value % 36) as usize] as char);
        value /= 36;
        if value == 0 {
            return digits.iter().rev().collect();
        }
    }
}

fn platform() -> Platform {
    let name = kernel_name();
    let useragent = format!("circlet/{} ({name} {})", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).ok();
    let kernel = System::kernel_version().ok();
    let cpus = system.as_ref().map_or(&[][..], System::cpus);
    Platform {
        useragent: Some(useragent),
        os: kernel.as_ref().map(|release| format!("{name} {release}")),
        kernel,
        cpu: cpus.first().map(|cpu| cpu.brand().trim().to_owned()).filter(|brand| !brand.is_empty()),
        cpu_count: Some(cpus.len() as u64).filter(|&count| count > 0),
        memory_gb: system
            .map(|system| system.total_memory())
            .filter(|&bytes| bytes > 0)
            .and_then(|bytes| Measure::rounded(bytes as f64 / GB)),
        ..Platform::default()
    }
}

/// Names the kernel as `uname -s` does.
fn kernel_name() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Darwin",
        "windows" => "Windows",
        other => other,
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

fn rss_bytes() -> Option<u64> {
    own_process(sysinfo::Process::memory).filter(|&bytes| bytes > 0)
}

/// Counts the entries of the kernel's folder of open descriptors, without the one that reads it.
fn fd_count() -> Option<u64> {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    if !cfg!(any(target_os = "linux", target_os = "macos")) {
        return None;
    }
    let open = std::fs::read_dir(folder).ok()?.count() as u64;
    open.checked_sub(1)
}

/// Gives the age of this process in seconds; whole seconds where the system tells no more.
fn uptime_s() -> Option<f64> {
    if cfg!(target_os = "linux") {
        uptime_from_proc()
    } else {
        own_process(|process| process.run_time() as f64)
    }
}

/// Subtracts the time of the start from the time of the machine, both since it was booted.
fn uptime_from_proc() -> Option<f64> {
    let read = |path| std::fs::read_to_string(path).ok();
    let ticks_per_s = clock_ticks(&std::fs::read("/proc/self/auxv").ok()?)?;
    let started_s = start_ticks(&read("/proc/self/stat")?)? as f64 / ticks_per_s as f64;
    let booted_s: f64 = read("/proc/uptime")?.split_whitespace().next()?.parse().ok()?;
    // A container may show its own uptime beside the machine's start times; their difference says nothing.
    Some(booted_s - started_s).filter(|&age| age >= 0.0)
}

/// Reads field 22 of /proc/<pid>/stat (proc_pid_stat(5)). Field 2, the name, may itself hold blanks and brackets.
fn start_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(22 - 3)?.parse().ok()
}

/// Finds AT_CLKTCK, the kernel's clock ticks a second, in the auxiliary vector: pairs of a type and a value (getauxval(3)).
fn clock_ticks(auxv: &[u8]) -> Option<usize> {
    const AT_CLKTCK: usize = 17;
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8]| bytes.try_into().ok().map(usize::from_ne_bytes);
    auxv.chunks_exact(2 * WORD)
        .find(|pair| word(&pair[..WORD]) == Some(AT_CLKTCK))
        .and_then(|pair| word(&pair[WORD..]))
        .filter(|&ticks| ticks > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{base36, clock_ticks, session_id, start_ticks};

    #[test]
    fn a_session_id_begins_with_its_day() {
        let id = session_id(Duration::from_millis(1_762_700_000_123), 82_347, 1);
        assert_eq!(id, "sess-2025-11-09-mhru2gsb-1rjf-1");
        assert_eq!(base36(0), "0");
        assert_eq!(base36(u64::MAX), "3w5e11264sgsf");
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let rest: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        assert_eq!(start_ticks(&format!("7 (a) R (b c) S {}", rest.join(" "))), Some(22));
        assert_eq!(start_ticks("7 (short) S 1 2"), None);
    }

    #[test]
    fn an_auxiliary_vector_without_ticks_gives_none() {
        assert_eq!(clock_ticks(&[]), None);
        assert_eq!(clock_ticks(&[0; 64]), None);
        let pair: Vec<u8> = [17_usize, 250].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(clock_ticks(&pair), Some(250));
    }
}
