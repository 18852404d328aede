//! A pool of worker processes: what their calls give back, and what becomes of the others when one ends. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]
#![allow(unsafe_code, reason = "std has no call that kills a process which is no child of its own making")]

mod common;
#[path = "common/processes.rs"]
mod processes;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use circlet::exec::{Call, Codec, Limits, Stream, Workers};
use circlet::pool::{self, Enforcer, Failure, WorkerEnd, WorkerState};
use processes::{LONG, appeared, bun, call, exception, marker, python, wait_until};
use serde_json::{Value, json};

/// Returns the processes whose parent is this test.
fn children() -> Vec<u32> {
    let own = std::process::id();
    let stats = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let rest = &stat[stat.rfind(')')? + 2..];
        let parent: u32 = rest.split(' ').nth(1)?.parse().ok()?;
        (parent == own).then(|| entry.file_name().to_str()?.parse().ok())?
    });
    stats.collect()
}

#[test]
fn a_call_gives_what_its_function_returns() {
    let pool = python().max(2).build().unwrap();
    let sum = pool.submit(call("add", json!([1, 2]))).unwrap();
    let named = pool.submit(call("add", json!({"a": 5}))).unwrap();
    let one = pool.submit(call("echo", json!("äö\u{1f600}"))).unwrap();
    let root = pool.submit(Call::new("math:sqrt", &json!([2]))).unwrap();
    assert_eq!(sum.wait().unwrap(), json!(3));
    assert_eq!(named.wait().unwrap(), json!(6));
    assert_eq!(one.wait().unwrap(), json!("äö\u{1f600}"));
    assert_eq!(root.wait().unwrap(), json!(2_f64.sqrt()));
    pool.close().unwrap();
}

#[test]
fn pickled_arguments_come_back_as_a_pickled_value() {
    let pool = python().max(1).build().unwrap();
    // Protocol 0 is text: ((1, 2), {}).
    let arguments = b"((I1\nI2\nt(dt.";
    let answer = pool.submit(Call::raw("jobs:add", Codec::Pickle, arguments)).unwrap().wait().unwrap();
    assert_eq!(answer, b"\x80\x05K\x03.", "3, by protocol 5");
}

#[test]
fn an_exception_is_a_failure_with_its_traceback_and_the_worker_goes_on() {
    let pool = python().max(1).build().unwrap();
    let error = exception(pool.submit(call("divide", json!([1, 0]))).unwrap().wait().unwrap_err());
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("ZeroDivisionError", "division by zero"));
    assert!(error.traceback.contains("return a / b"), "{}", error.traceback);
    let kind = |function: &str, arguments: Value| {
        exception(pool.submit(Call::new(function, &arguments)).unwrap().wait().unwrap_err()).kind
    };
    assert_eq!(kind("jobs:unsayable", json!([])), "TypeError");
    assert_eq!(kind("jobs:add", json!([])), "TypeError");
    assert_eq!(kind("jobs:nowhere", json!([])), "AttributeError");
    assert_eq!(kind("no.such.module:f", json!([])), "ModuleNotFoundError");
    assert_eq!(kind("jobs", json!([])), "ValueError");
    assert_eq!(kind("sys:exit", json!([3])), "SystemExit");
    assert_eq!(kind("builtins:float", json!(["nan"])), "ValueError");
    pool.drain(LONG).unwrap();
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.statistics.received, snapshot.statistics.errors), (8, 8));
    assert_eq!(snapshot.registry.len(), 1, "no worker died of it");
}

#[test]
fn a_value_longer_than_a_ring_arrives_whole() {
    let pool = python().max(2).build().unwrap();
    let text = "x".repeat(5_000_000);
    let handles: Vec<_> = (0..4).map(|_| pool.submit(call("echo", json!([text]))).unwrap()).collect();
    for handle in handles {
        assert_eq!(handle.wait().unwrap(), json!(text));
    }
}

#[test]
fn many_short_calls_come_back_each_with_its_own_answer() {
    let pool = python().workers(2).build().unwrap();
    let calls: Vec<_> = (0..20_000).map(|n| call("add", json!([n, 0]))).collect();
    for (number, handle) in pool.submit_batch(calls).unwrap().into_iter().enumerate() {
        assert_eq!(handle.wait().unwrap(), json!(number));
    }
    let statistics = pool.statistics();
    assert_eq!((statistics.sent, statistics.received, statistics.errors), (20_000, 20_000, 0));
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_call() {
    let pool = python().max(1).build().unwrap();
    let name = "x".repeat(70_000);
    let refused = pool.try_submit(Call::raw(&name, Codec::Json, b"[]")).unwrap_err();
    assert!(refused.to_string().contains("at most 65535"), "{refused}");
}

#[test]
fn a_call_that_ends_its_process_fails_with_the_exit_code_and_the_last_words() {
    let pool = python().max(1).build().unwrap();
    match pool.submit(call("leave", json!([7]))).unwrap().wait().unwrap_err() {
        Failure::Crashed { exit_code: Some(7), signal: None, stderr, kills: 1, .. } => {
            assert_eq!(stderr, "farewell\n");
        }
        other => panic!("{other:?}"),
    }
    match pool.submit(call("fault", json!([]))).unwrap().wait().unwrap_err() {
        Failure::Crashed { exit_code: None, signal: Some(libc::SIGSEGV), .. } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(pool.submit(call("add", json!([1]))).unwrap().wait().unwrap(), json!(2), "the pool goes on");
    assert_eq!(pool.statistics().errors, 2);
}

#[test]
fn calls_behind_one_that_ends_its_process_run_elsewhere() {
    let pool = python().max(1).build().unwrap();
    // So that the next ones are sent ahead.
    let quick: Vec<_> = (0..500).map(|n| call("add", json!([n]))).collect();
    pool.submit_batch(quick).unwrap().into_iter().for_each(|handle| assert!(handle.wait().is_ok()));
    let (path, runs) = marker("behind");
    let mut calls: Vec<_> = (0..50).map(|n| call("mark", json!([runs, n]))).collect();
    calls.insert(10, call("leave", json!([1])));
    let results: Vec<_> = pool.submit_batch(calls).unwrap().into_iter().map(pool::Handle::wait).collect();
    let failed: Vec<_> = (0..51).filter(|n| results[*n].is_err()).collect();
    assert_eq!(failed, [10]);
    assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 50, "each ran once");
}

#[test]
fn an_idempotent_call_runs_again_and_is_set_aside_after_two_kills() {
    let pool = python().max(1).build().unwrap();
    let (path, once) = marker("idempotent");
    let again = pool.submit(call("leave_once", json!([once])).idempotent()).unwrap();
    assert_eq!(again.wait().unwrap(), json!("again"));
    assert!(path.exists());
    let poison = pool.submit(call("leave", json!([9])).idempotent()).unwrap();
    assert!(matches!(poison.wait().unwrap_err(), Failure::Crashed { exit_code: Some(9), kills: 2, .. }));
    assert_eq!(pool.submit(call("add", json!([1]))).unwrap().wait().unwrap(), json!(2));
}

#[test]
fn an_interpreter_that_is_not_there_fails_the_calls_with_its_name() {
    let pool = python().program("/nowhere/python9").max(2).build().unwrap();
    let failure = pool.submit(call("nothing", json!([]))).unwrap().wait().unwrap_err();
    assert!(
        matches!(&failure, Failure::NoWorker { message } if message.contains("/nowhere/python9")),
        "{failure}"
    );
}

#[test]
fn a_call_that_runs_for_long_does_not_hold_up_those_behind_it() {
    let pool = python().workers(2).build().unwrap();
    let quick = |count: usize| (0..count).map(|n| call("add", json!([n]))).collect::<Vec<_>>();
    for handle in pool.submit_batch(quick(2000)).unwrap() {
        handle.wait().unwrap();
    }
    let (path, runs) = marker("held-up");
    let long = pool.submit(call("patient", json!([runs])).priority(1)).unwrap();
    let behind = pool.submit_batch(quick(500)).unwrap();
    for handle in behind {
        handle.wait_timeout(LONG).unwrap().unwrap();
    }
    appeared(&path);
    assert!(!long.is_done());
    long.abort();
    assert!(matches!(long.wait().unwrap_err(), Failure::Aborted));
    let snapshot = pool.snapshot();
    assert!(
        snapshot.registry.values().all(|entry| entry.state != WorkerState::Terminated),
        "no worker was killed"
    );
}

#[test]
fn an_abort_that_is_swallowed_kills_the_worker_after_the_grace_and_nothing_else() {
    let pool = python().workers(2).grace(Duration::from_millis(50)).build().unwrap();
    let (path, runs) = marker("stubborn");
    let stubborn = pool.submit(call("stubborn", json!([runs]))).unwrap();
    appeared(&path);
    let others: Vec<_> = (0..200).map(|n| pool.submit(call("add", json!([n]))).unwrap()).collect();
    stubborn.abort();
    assert!(matches!(stubborn.wait().unwrap_err(), Failure::Aborted));
    for other in others {
        other.wait().unwrap();
    }
    assert_eq!(pool.statistics().errors, 0);
}

#[test]
fn an_abort_reaches_a_call_that_holds_the_interpreters_lock_in_c() {
    let pool = python().max(1).grace(Duration::from_millis(50)).build().unwrap();
    let (path, runs) = marker("held-lock");
    let held = pool.submit(call("hold_the_lock", json!([runs]))).unwrap();
    appeared(&path);
    held.abort();
    assert!(matches!(held.wait().unwrap_err(), Failure::Aborted));
    assert_eq!(pool.submit(call("add", json!([1]))).unwrap().wait().unwrap(), json!(2));
}

#[test]
fn a_function_can_ask_whether_it_is_to_stop() {
    let pool = python().max(1).grace(LONG).build().unwrap();
    let (path, runs) = marker("polite");
    let polite = pool.submit(call("polite", json!([runs]))).unwrap();
    appeared(&path);
    polite.abort();
    assert!(matches!(polite.wait().unwrap_err(), Failure::Aborted));
}

#[test]
fn a_deadline_ends_a_call_that_runs_and_one_that_waits() {
    let pool = python().max(1).grace(Duration::from_millis(50)).build().unwrap();
    // The deadline is not to pass while the worker boots.
    pool.submit(call("nothing", json!([]))).unwrap().wait().unwrap();
    let (path, runs) = marker("late");
    let first = pool.submit(call("stubborn", json!([runs])).deadline(Duration::from_secs(1))).unwrap();
    let behind = pool.submit(call("nothing", json!([])).deadline(Duration::from_millis(1))).unwrap();
    assert!(matches!(behind.wait().unwrap_err(), Failure::TimedOut));
    assert!(matches!(first.wait().unwrap_err(), Failure::TimedOut));
    assert!(path.exists());
    assert_eq!(pool.submit(call("add", json!([1]))).unwrap().wait().unwrap(), json!(2));
}

#[test]
fn a_closed_pool_leaves_no_process() {
    let before = children();
    let pool = python().workers(2).build().unwrap();
    let pids =
        [0; 8].map(|_| pool.submit(call("process", json!([]))).unwrap().wait().unwrap().as_u64().unwrap());
    pool.close().unwrap();
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
    drop(pool);
    drop(before);
}

/// A generator of numbers (xorshift64; Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Returns the processes of the workers that there are.
fn pids(pool: &Workers) -> Vec<u32> {
    let registry = pool.snapshot().registry;
    registry
        .values()
        .filter(|entry| entry.state != WorkerState::Terminated)
        .filter_map(|entry| entry.pid)
        .collect()
}

#[test]
fn killing_workers_loses_doubles_and_hangs_nothing() {
    const CALLS: usize = 6000;
    let pool = python().min(2).max(4).build().unwrap();
    let (path, runs) = marker("chaos");
    let is_idempotent = |number: usize| number.is_multiple_of(2);
    let calls = (0..CALLS).map(|number| {
        let call = call("mark_after", json!([runs, number, 0.0005]));
        if is_idempotent(number) { call.idempotent() } else { call }
    });
    let handles = pool.submit_batch(calls.collect::<Vec<_>>()).unwrap();
    let (mut random, mut kills) = (Random(7), 0);
    let mut next = Instant::now();
    while !handles.iter().all(pool::Handle::is_done) {
        if Instant::now() >= next {
            let pids = pids(&pool);
            if !pids.is_empty() {
                let victim = pids[random.below(pids.len())];
                // SAFETY: the call takes integers.
                unsafe { libc::kill(victim.cast_signed(), libc::SIGKILL) };
                kills += 1;
            }
            next = Instant::now() + Duration::from_millis(100);
        }
        std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
    }
    let mut ran = vec![0; CALLS];
    for line in fs::read_to_string(path).unwrap().lines() {
        ran[line.parse::<usize>().unwrap()] += 1;
    }
    let mut failed = 0;
    for (number, handle) in handles.into_iter().enumerate() {
        match handle.wait() {
            Ok(value) => assert_eq!(value, json!(number)),
            Err(Failure::Crashed { signal: Some(libc::SIGKILL), kills, .. }) => {
                failed += 1;
                assert_eq!(kills, if is_idempotent(number) { 2 } else { 1 });
            }
            Err(other) => panic!("call {number}: {other:?}"),
        }
        let most = if is_idempotent(number) { 2 } else { 1 };
        assert!(ran[number] <= most, "call {number} ran {} times", ran[number]);
    }
    assert!(kills >= 5 && failed <= kills, "{failed} calls failed of {kills} kills");
    let statistics = pool.statistics();
    assert_eq!((statistics.sent, statistics.received), (CALLS as u64, CALLS as u64));
    pool.close().unwrap();
}

#[test]
fn a_leak_is_recycled_below_its_limit_and_loses_no_call() {
    const CAP: u64 = 128 << 20;
    const CALLS: u64 = 10_000;
    let pool = python().workers(2).limits(Limits::new().memory(CAP)).build().unwrap();
    let calls: Vec<_> = (0..CALLS).map(|_| call("leak", json!([1 << 20]))).collect();
    let mut most = 0;
    for handle in pool.submit_batch(calls).unwrap() {
        most = most.max(handle.wait().unwrap().as_u64().unwrap());
    }
    assert!(most <= CAP, "{} MB", most >> 20);
    assert!(most >= CAP / 2, "{} MB: it was recycled too soon", most >> 20);
    let snapshot = pool.snapshot();
    let ends = |end| snapshot.registry.values().filter(|entry| entry.end == Some(end)).count();
    assert!(ends(WorkerEnd::Recycled) >= 10, "{snapshot:?}");
    assert_eq!(ends(WorkerEnd::Crashed), 0);
    assert_eq!((snapshot.statistics.received, snapshot.statistics.errors), (CALLS, 0));
    assert_eq!(snapshot.limits[0].enforced_by, Enforcer::Watchdog);
    pool.close().unwrap();
}

#[test]
fn no_worker_runs_more_calls_than_it_may() {
    let pool = python().workers(2).limits(Limits::new().tasks(20)).build().unwrap();
    let calls: Vec<_> = (0..400).map(|_| call("process", json!([]))).collect();
    let mut counts = std::collections::HashMap::new();
    for handle in pool.submit_batch(calls).unwrap() {
        *counts.entry(handle.wait().unwrap().as_u64().unwrap()).or_insert(0) += 1;
    }
    assert!(counts.values().all(|count| *count <= 20), "{counts:?}");
    assert!(counts.len() >= 20);
}

#[test]
fn what_the_kernel_refuses_is_a_memory_error_and_no_crash() {
    let pool = python().max(1).limits(Limits::new().hard_memory(256 << 20)).build().unwrap();
    let error = exception(pool.submit(call("leak", json!([1_u64 << 30]))).unwrap().wait().unwrap_err());
    assert_eq!(error.kind, "MemoryError");
    assert!(pool.submit(call("leak", json!([1 << 20]))).unwrap().wait().is_ok());
    assert_eq!(pool.snapshot().limits[0].enforced_by, Enforcer::Rlimit);
}

#[test]
fn the_registry_has_the_process_its_time_and_its_memory() {
    let pool = python().max(1).build().unwrap();
    let pid = pool.submit(call("burn", json!([0.1]))).unwrap().wait().unwrap().as_u64().unwrap();
    let snapshot = pool.snapshot();
    let entry = snapshot.registry.values().next().unwrap();
    assert_eq!(u64::from(entry.pid.unwrap()), pid);
    let usage = entry.resource_usage.unwrap();
    assert!(usage.user_cpu_ns + usage.system_cpu_ns >= 50_000_000, "{usage:?}");
    assert!(usage.rss_bytes.unwrap() > 1 << 20 && usage.rss_absent.is_none());
}

#[test]
fn what_workers_print_is_passed_on_with_the_worker() {
    let (sender, printed) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let pool = python().max(1).output(move |worker, stream, bytes| {
        let _ = sender.lock().unwrap().send((worker, stream, String::from_utf8_lossy(bytes).into_owned()));
    });
    let pool = pool.build().unwrap();
    pool.submit(call("speak", json!(["out", "err"]))).unwrap().wait().unwrap();
    let worker = *pool.snapshot().registry.keys().next().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    while !out.ends_with('\n') || !err.ends_with('\n') {
        let (from, stream, text) = printed.recv_timeout(LONG).unwrap();
        assert_eq!(from, worker);
        if stream == Stream::Stdout { &mut out } else { &mut err }.push_str(&text);
    }
    assert_eq!((out.as_str(), err.as_str()), ("out\n", "err\n"));
}

#[test]
fn a_supervisor_that_is_killed_leaves_no_worker() {
    let program = common::rust_example("workers");
    let mut supervisor = std::process::Command::new(program);
    let supervisor = supervisor.arg("--wait").env("CIRCLET_LIBRARY", common::library());
    let mut supervisor = supervisor.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(supervisor.stdout.take().unwrap()), &mut line)
        .unwrap();
    let pid: u32 = line.trim().parse().unwrap();
    let lives = || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(lives());
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    wait_until(|| !lives());
}

#[test]
fn bun_calls_what_its_script_exports() {
    let pool = bun().max(1).build().unwrap();
    let value = |function: &str, arguments: Value| {
        pool.submit(Call::new(function, &arguments)).unwrap().wait().map_err(exception)
    };
    assert_eq!(value("add", json!([1, 2])).unwrap(), json!(3));
    assert_eq!(value("echo", json!([{"ä": [1.5, null]}])).unwrap(), json!({"ä": [1.5, null]}));
    assert_eq!(value("nothing", json!([])).unwrap(), json!(null));
    assert_eq!(value("nested.twice", json!([21])).unwrap(), json!(42));
    assert_eq!(value("later", json!(["x"])).unwrap(), json!("x"));
    let error = value("fail", json!([])).unwrap_err();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("RangeError", "too far"));
    assert!(error.traceback.contains("jobs.ts"), "{}", error.traceback);
    assert_eq!(value("nowhere", json!([])).unwrap_err().kind, "TypeError");
    let text = "x".repeat(3_000_000);
    assert_eq!(value("echo", json!([text])).unwrap(), json!(text));
}

#[test]
fn many_short_calls_of_bun_come_back_each_with_its_own_answer() {
    let pool = bun().workers(2).build().unwrap();
    let calls: Vec<_> = (0..20_000).map(|n| Call::new("add", &json!([n, 0]))).collect();
    for (number, handle) in pool.submit_batch(calls).unwrap().into_iter().enumerate() {
        assert_eq!(handle.wait().unwrap(), json!(number));
    }
    for number in 0..200 {
        let one = pool.submit(Call::new("add", &json!([number, 0]))).unwrap();
        assert_eq!(one.wait().unwrap(), json!(number), "after its event loop went to wait");
    }
}

#[test]
fn bun_that_ends_or_does_not_give_in_is_replaced() {
    let pool = bun().max(1).grace(Duration::from_millis(50)).build().unwrap();
    match pool.submit(Call::new("leave", &json!([7]))).unwrap().wait().unwrap_err() {
        Failure::Crashed { exit_code: Some(7), stderr, .. } => assert_eq!(stderr, "farewell\n"),
        other => panic!("{other:?}"),
    }
    let (path, runs) = marker("bun-stubborn");
    let stubborn = pool.submit(Call::new("stubborn", &json!([runs]))).unwrap();
    appeared(&path);
    stubborn.abort();
    assert!(matches!(stubborn.wait().unwrap_err(), Failure::Aborted));
    assert_eq!(pool.submit(Call::new("add", &json!([1]))).unwrap().wait().unwrap(), json!(2));
    pool.close().unwrap();
}

#[test]
fn a_function_of_bun_gives_in_by_its_signal() {
    let pool = bun().max(1).grace(LONG).build().unwrap();
    let (path, runs) = marker("bun-polite");
    let polite = pool.submit(Call::new("polite", &json!([runs]))).unwrap();
    appeared(&path);
    polite.abort();
    assert!(matches!(polite.wait().unwrap_err(), Failure::Aborted));
}
