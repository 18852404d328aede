//! How long a worker process lives: limits that it reaches while it has nothing to do, ends that it did not choose, and pools
//! that are dropped. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]
#![allow(unsafe_code, reason = "std has no call that kills a process which is no child of its own making")]

mod common;
#[path = "common/processes.rs"]
mod processes;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use circlet::exec::{Call, Limits, Workers};
use circlet::pool::{Failure, Strategy, WorkerEnd, WorkerEntry, WorkerState};
use processes::{LONG, appeared, call, marker, python, wait_until};
use serde_json::json;

/// Returns the workers that have ended so.
fn ended(pool: &Workers, end: WorkerEnd) -> usize {
    pool.snapshot().registry.values().filter(|entry| entry.end == Some(end)).count()
}

/// Returns the workers that there are.
fn present(pool: &Workers) -> Vec<WorkerEntry> {
    let registry = pool.snapshot().registry;
    registry.into_values().filter(|entry| entry.state != WorkerState::Terminated).collect()
}

fn send(pid: u32, signal: libc::c_int) {
    // SAFETY: the call takes integers.
    unsafe { libc::kill(pid.cast_signed(), signal) };
}

#[test]
fn an_idle_worker_whose_time_is_over_is_replaced() {
    let limits = Limits::new().lifetime(Duration::from_millis(300));
    let pool = python().workers(1).limits(limits).build().unwrap();
    wait_until(|| ended(&pool, WorkerEnd::Recycled) >= 2);
    assert_eq!(ended(&pool, WorkerEnd::Crashed) + ended(&pool, WorkerEnd::Stopped), 0);
    assert_eq!(pool.submit(call("add", json!([1]))).unwrap().wait().unwrap(), json!(2));
}

#[test]
fn an_idle_worker_that_grows_beyond_its_memory_is_replaced() {
    let pool = python().workers(1).limits(Limits::new().memory(96 << 20)).build().unwrap();
    let pid = pool.submit(call("grow_later", json!([256 << 20]))).unwrap().wait().unwrap();
    wait_until(|| ended(&pool, WorkerEnd::Recycled) == 1);
    let other = pool.submit(call("process", json!([]))).unwrap().wait().unwrap();
    assert_ne!(pid, other);
}

#[test]
fn an_idle_worker_that_ends_is_replaced_before_the_next_call() {
    let pool = python().workers(1).build().unwrap();
    pool.submit(call("nothing", json!([]))).unwrap().wait().unwrap();
    let before = present(&pool)[0].pid.unwrap();
    send(before, libc::SIGKILL);
    wait_until(|| present(&pool).iter().any(|entry| entry.pid.is_some_and(|pid| pid != before)));
    assert_eq!(ended(&pool, WorkerEnd::Crashed), 1);
    assert_eq!(pool.statistics().errors, 0);
}

#[test]
fn a_call_that_its_worker_never_began_runs_elsewhere() {
    let pool = python().workers(1).build().unwrap();
    let before = pool.submit(call("process", json!([]))).unwrap().wait().unwrap();
    let pid = before.as_u64().unwrap() as u32;
    // It is sent the call, and does not read it.
    send(pid, libc::SIGSTOP);
    let next = pool.submit(call("process", json!([]))).unwrap();
    wait_until(|| present(&pool).iter().any(|entry| entry.current_job.is_some()));
    send(pid, libc::SIGKILL);
    assert_ne!(next.wait().unwrap(), before);
    assert_eq!(pool.statistics().errors, 0);
}

#[test]
fn jobs_of_a_key_keep_their_order_where_their_worker_dies() {
    let pool = python().workers(2).strategy(Strategy::Affinity).build().unwrap();
    let (path, runs) = marker("order");
    let once = common::scratch("order-once").join("runs");
    let key = |call: Call<serde_json::Value>| call.key("one").idempotent();
    let mut calls = vec![key(call("leave_once_and_mark", json!([once, runs, 0])))];
    calls.extend((1..20).map(|number| key(call("mark", json!([runs, number])))));
    for handle in pool.submit_batch(calls).unwrap() {
        handle.wait().unwrap();
    }
    let ran: Vec<u32> = fs::read_to_string(path).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(ran, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_script_in_the_place_of_the_interpreter_is_asked_once() {
    let folder = common::scratch("shim");
    let (script, asked) = (folder.join("python3"), folder.join("asked"));
    let program =
        common::run(std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]));
    let text = format!("#!/bin/sh\necho asked >> {}\nexec {} \"$@\"\n", asked.display(), program.trim());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for _ in 0..3 {
        let pool = python().program(&script).workers(1).build().unwrap();
        let executable = pool.submit(Call::new("jobs:executable", &json!([]))).unwrap();
        assert_eq!(executable.wait().unwrap(), json!(program.trim()));
    }
    assert_eq!(fs::read_to_string(asked).unwrap(), "asked\n");
}

#[test]
fn dropping_a_pool_kills_what_does_not_end_within_the_grace() {
    let grace = Duration::from_millis(100);
    let pool = python().workers(2).grace(grace).build().unwrap();
    let (path, runs) = marker("endless");
    let endless = pool.submit(call("stubborn", json!([runs]))).unwrap();
    appeared(&path);
    let short = pool.submit(call("process", json!([]))).unwrap();
    let pid = short.wait().unwrap();
    let pids: Vec<_> = present(&pool).iter().filter_map(|entry| entry.pid).collect();
    assert!(pids.contains(&(pid.as_u64().unwrap() as u32)));
    let begin = Instant::now();
    drop(pool);
    assert!(begin.elapsed() >= grace && begin.elapsed() < LONG, "{:?}", begin.elapsed());
    assert!(matches!(endless.wait(), Err(Failure::Closed)));
    assert!(pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()));
}

#[test]
fn dropping_a_pool_lets_what_runs_finish_within_the_grace() {
    let pool = python().workers(1).grace(LONG).build().unwrap();
    let (path, runs) = marker("finishes");
    let job = pool.submit(call("mark_after", json!([runs, 7, 0.05]))).unwrap();
    let queued = pool.submit(call("mark", json!([runs, 8]))).unwrap();
    wait_until(|| present(&pool).iter().any(|entry| entry.current_job.is_some()));
    drop(pool);
    assert_eq!(job.wait().unwrap(), json!(7));
    // Where the drop was late, it has run as well.
    let others = usize::from(queued.wait().is_ok());
    assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 1 + others);
}

#[test]
fn dropping_a_pool_does_not_wait_for_a_worker_that_boots() {
    let program = common::scratch("never-ready").join("python");
    fs::write(&program, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let pool = python().program(program).ready_within(Duration::from_secs(600)).workers(1).build().unwrap();
    wait_until(|| !present(&pool).is_empty());
    let begin = Instant::now();
    drop(pool);
    assert!(begin.elapsed() < LONG);
}

#[test]
fn a_long_call_to_a_worker_that_does_not_read_ends_at_its_deadline() {
    let pool = python().min(1).max(2).grace(Duration::from_millis(100)).build().unwrap();
    let pid = pool.submit(call("process", json!([]))).unwrap().wait().unwrap();
    send(pid.as_u64().unwrap() as u32, libc::SIGSTOP);
    // More than the ring has room for, so that the worker would have to read while it is sent.
    let long = json!(["x".repeat(5 << 20)]);
    let late = pool.submit(call("add", long.clone()).deadline(Duration::from_millis(100))).unwrap();
    let aborted = pool.submit(call("add", long)).unwrap();
    aborted.abort();
    // Others do not notice, nor does whoever looks at the pool.
    assert_eq!(pool.submit(call("add", json!([1]))).unwrap().wait().unwrap(), json!(2));
    assert!(matches!(late.wait(), Err(Failure::TimedOut)));
    pool.snapshot();
    pool.close().unwrap();
}

#[test]
fn a_worker_that_takes_its_time_to_end_keeps_nobody_waiting() {
    let pool = python().min(0).max(1).keep(Duration::from_millis(1)).build().unwrap();
    let pid = pool.submit(call("linger", json!([]))).unwrap().wait().unwrap();
    wait_until(|| pool.size() == 0);
    let other = pool.submit(call("process", json!([]))).unwrap().wait().unwrap();
    assert_ne!(pid, other);
    let is_there = fs::exists(format!("/proc/{pid}/exe")).unwrap();
    assert!(is_there, "its place was taken before it had ended");
}

#[test]
fn what_reads_standard_input_finds_its_end() {
    let pool = python().workers(1).build().unwrap();
    assert_eq!(pool.submit(Call::new("sys:stdin.read", &json!([]))).unwrap().wait().unwrap(), json!(""));
    let pool = processes::bun().workers(1).build().unwrap();
    for _ in 0..3 {
        assert_eq!(pool.submit(Call::new("input", &json!([]))).unwrap().wait().unwrap(), json!(""));
    }
}
