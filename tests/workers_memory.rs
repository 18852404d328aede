//! A supervisor that keeps no memory of what was long, and a worker that the kernel kills for want of memory. The pool of the
//! latter runs in a control group of its own, which needs the right to make one: where there is none, the test says so and ends.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/processes.rs"]
mod processes;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use circlet::exec::{Call, Codec};
use circlet::pool::Failure;
use processes::{call, marker, python, python_with, wait_until};
use serde_json::json;

/// Set where the test runs again within the group.
const INSIDE: &str = "CIRCLET_TEST_WITHIN_A_GROUP";
/// What the group may have: more than a supervisor and a worker take.
const BYTES: u64 = 192 << 20;

/// A control group beneath that of this process, which goes with this.
struct Group(PathBuf);

impl Group {
    /// Makes one that kills whoever takes more than [`BYTES`].
    fn new() -> io::Result<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        let v1 = groups.lines().find_map(|line| line.split_once(":memory:"));
        let v2 = || groups.lines().find_map(|line| line.strip_prefix("0::"));
        let (own, limits) = match v1 {
            // Swap counts in the second.
            Some((_, path)) => (
                format!("/sys/fs/cgroup/memory{path}"),
                ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"],
            ),
            None => {
                (format!("/sys/fs/cgroup{}", v2().unwrap_or_default()), ["memory.max", "memory.swap.max"])
            }
        };
        let group = Self(Path::new(&own).join(format!("circlet-test-{}", std::process::id())));
        fs::create_dir(&group.0)?;
        fs::write(group.0.join(limits[0]), BYTES.to_string())?;
        let swap = if v1.is_some() { BYTES } else { 0 };
        // Of no use where there is no swap, and not there where it is not counted.
        let _ = fs::write(group.0.join(limits[1]), swap.to_string());
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_worker_that_the_kernel_kills_for_memory_is_said_to_have_run_out_of_it() {
    if env::var_os(INSIDE).is_some() {
        return within_a_group();
    }
    let group = match Group::new() {
        Ok(group) => group,
        Err(error) => {
            eprintln!("passed over: no control group can be made here ({error})");
            return;
        }
    };
    let entry = group.0.join("cgroup.procs");
    // A shell enters the group and becomes the test.
    let mut inside = Command::new("sh");
    inside.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(entry).arg(env::current_exe().unwrap());
    inside.args(["--exact", "a_worker_that_the_kernel_kills_for_memory_is_said_to_have_run_out_of_it"]);
    common::run(inside.args(["--nocapture"]).env(INSIDE, "1").env("CIRCLET_LIBRARY", common::library()));
}

/// Returns the bytes of memory that this process has.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn a_supervisor_keeps_no_memory_of_a_long_answer_while_its_worker_idles() {
    const LONG_ANSWER: u64 = 128 << 20;
    let pool = python().max(1).build().unwrap();
    let repeat = |times: u64| {
        let arguments = json!(["x", times]).to_string();
        pool.submit(Call::raw("operator:mul", Codec::Json, arguments.as_bytes())).unwrap().wait().unwrap()
    };
    repeat(1);
    let before = resident();
    assert!(repeat(LONG_ANSWER).len() as u64 > LONG_ANSWER);
    wait_until(|| resident() < before + LONG_ANSWER / 2);
    pool.close().unwrap();
}

fn within_a_group() {
    // Cargo, which would look whether it is up to date, is not to be in the group.
    let library = PathBuf::from(env::var_os("CIRCLET_LIBRARY").unwrap());
    let pool = python_with(&library).max(1).build().unwrap();
    // Its worker is there all the while.
    let other_pool = python_with(&library).max(1).build().unwrap();
    let other = other_pool.submit(call("process", json!([]))).unwrap().wait().unwrap();
    let value = |function: &str, arguments| pool.submit(call(function, arguments)).unwrap().wait();
    assert_eq!(value("add", json!([1])).unwrap(), json!(2));
    match value("leak", json!([2 * BYTES])).unwrap_err() {
        Failure::Crashed { signal: Some(libc::SIGKILL), out_of_memory: Some(true), kills: 1, .. } => {}
        other => panic!("{other:?}"),
    }
    let pid = value("process", json!([])).unwrap();
    assert_eq!(value("process", json!([])).unwrap(), pid, "the pool goes on with another worker");

    // One that somebody kills has not run out of memory, though another had.
    for (pool, pid) in [(&pool, &pid), (&other_pool, &other)] {
        let (path, runs) = marker("killed");
        let killed = pool.submit(call("patient", json!([runs]))).unwrap();
        processes::appeared(&path);
        common::run(Command::new("kill").arg("-9").arg(pid.to_string()));
        match killed.wait().unwrap_err() {
            Failure::Crashed { signal: Some(libc::SIGKILL), out_of_memory: Some(false), .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
