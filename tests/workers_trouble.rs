//! Pools of worker processes where something else fails: an interpreter that goes, a worker that dies while it is sent a call,
//! an owner whose output is held up, a worker that never gets ready.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]
#![allow(unsafe_code, reason = "std has no call that kills a process which is no child of its own making")]

mod common;
#[path = "common/processes.rs"]
mod processes;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use circlet::exec::Limits;
use circlet::pool::{Failure, WorkerState};
use processes::{LONG, call, python, wait_until};
use serde_json::json;

/// A name of the interpreter that can be taken away.
fn leaving_interpreter(name: &str) -> PathBuf {
    let real =
        common::run(std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]));
    let path = common::scratch(name).join("python");
    symlink(fs::canonicalize(real.trim()).unwrap(), &path).unwrap();
    path
}

#[test]
fn where_no_worker_can_take_the_place_of_one_that_is_due_the_calls_end_and_few_boots_are_tried() {
    let program = leaving_interpreter("leaving");
    let pool = python().program(&program).workers(2).limits(Limits::new().tasks(5)).build().unwrap();
    pool.submit(call("nothing", json!([]))).unwrap().wait().unwrap();
    fs::remove_file(&program).unwrap();

    let calls: Vec<_> = (0..30).map(|_| pool.submit(call("nothing", json!([]))).unwrap()).collect();
    let ends: Vec<_> = calls.into_iter().map(circlet::pool::Handle::wait).collect();
    let ran = ends.iter().filter(|end| end.is_ok()).count();
    assert!(ran <= 10, "two workers do five each, and {ran} calls ran");
    for end in ends.iter().filter_map(|end| end.as_ref().err()) {
        assert!(matches!(end, Failure::NoWorker { .. }), "{end:?}");
    }
    pool.drain(LONG).unwrap();
    let started = pool.snapshot().registry.len();
    assert!(started < 20, "{started} workers were started");
    pool.close().unwrap();
}

#[test]
fn a_call_that_its_worker_never_began_runs_elsewhere_whatever_waits_behind_it() {
    let pool = python().workers(1).build().unwrap();
    let before = pool.submit(call("process", json!([]))).unwrap().wait().unwrap();
    let pid = before.as_u64().unwrap() as libc::pid_t;
    // It does not read what it is sent, of which the ring has no room for all.
    // SAFETY: the call takes integers.
    unsafe { libc::kill(pid, libc::SIGSTOP) };
    let text = "x".repeat(8 << 20);
    let long = call("echo", json!([text]));
    // All at once, so that the worker takes some of them together with the long one.
    let calls = std::iter::once(long).chain((0..400).map(|n| call("add", json!([n]))));
    let mut handles = pool.submit_batch(calls).unwrap().into_iter();
    wait_until(|| pool.snapshot().registry.values().any(|entry| entry.current_job.is_some()));
    // SAFETY: as above.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    assert!(handles.next().unwrap().wait().unwrap() == json!(text));
    for (n, handle) in handles.enumerate() {
        assert_eq!(handle.wait().unwrap(), json!(n + 1));
    }
    assert_eq!(pool.statistics().errors, 0);
}

#[test]
fn a_deadline_holds_while_whoever_takes_the_output_is_held_up() {
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let pool = python()
        .workers(1)
        .grace(Duration::from_millis(100))
        .output(move |_, _, _| _ = held.lock().unwrap().recv())
        .build()
        .unwrap();
    let call = call("speak_and_wait", json!([]));
    let handle = pool.submit(call.deadline(Duration::from_millis(100))).unwrap();
    assert!(matches!(handle.wait(), Err(Failure::TimedOut)));
    drop(release);
    pool.close().unwrap();
}

#[test]
fn a_pool_that_nobody_uses_is_closed_before_a_worker_is_ready_that_never_will_be() {
    let folder = common::scratch("never");
    let program = folder.join("never");
    fs::write(&program, "#!/bin/sh\nexec sleep 3600\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let pool = python().program(&program).workers(1).ready_within(LONG).build().unwrap();
    wait_until(|| pool.snapshot().registry.values().any(|entry| entry.state == WorkerState::Booting));
    let begin = Instant::now();
    pool.close().unwrap();
    assert!(begin.elapsed() < LONG / 2, "{:?}", begin.elapsed());
}
