//! What a process can measure of itself and of its machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::dates::civil_from_days;
use super::{Env, Metadata, Platform, Process, ProcessProbe};

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
            uptime_ms: uptime_ms(),
            process_id: Some(u64::from(std::process::id())),
            ..Env::default()
        }),
        platform: Some(platform()),
        ..Metadata::default()
    }
}

/// Measures what this process holds and has used by now. What the platform does not tell stays absent.
///
/// To look often, keep a [`ProcessProbe`].
///
/// ```
/// use circlet::payload::{SessionPayload, process};
///
/// let payload = SessionPayload { process: process(), ..SessionPayload::default() };
/// println!("{}", payload.summary(450));
/// ```
pub fn process() -> Option<Process> {
    ProcessProbe::this().and_then(|mut probe| probe.sample()).ok()
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

fn uptime_ms() -> Option<u64> {
    let started = ProcessProbe::this().ok()?.started()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    now.checked_sub(started)?.as_millis().try_into().ok()
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
        memory_bytes: system.map(|system| system.total_memory()).filter(|&bytes| bytes > 0),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{base36, session_id};

    #[test]
    fn a_session_id_begins_with_its_day() {
        let id = session_id(Duration::from_millis(1_762_700_000_123), 82_347, 1);
        assert_eq!(id, "sess-2025-11-09-mhru2gsb-1rjf-1");
        assert_eq!(base36(0), "0");
        assert_eq!(base36(u64::MAX), "3w5e11264sgsf");
    }
}
