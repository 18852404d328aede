//! What is left when a pool of worker processes has ended. Alone in its process, so that it can count what that has.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use circlet::exec::{Call, Workers};
use circlet::pool::Failure;
use serde_json::json;

/// Names what the process has: its descriptors, its threads, its children, and the segments and folders of its kind.
fn belongings() -> BTreeSet<String> {
    let list = |folder: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let descriptors = list("/proc/self/fd").into_iter().filter_map(|path| {
        let target = fs::read_link(&path).ok()?.display().to_string();
        // The one of the listing itself.
        (!target.starts_with("/proc/")).then(|| format!("{} -> {target}", path.display()))
    });
    let threads = list("/proc/self/task").into_iter().map(|path| path.display().to_string());
    let own = std::process::id();
    let children = list("/proc").into_iter().filter_map(|path| {
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let parent = stat[stat.rfind(')')? + 2..].split(' ').nth(1)?.parse::<u32>().ok()?;
        (parent == own).then(|| path.display().to_string())
    });
    let is_ours = |path: &std::path::PathBuf| path.to_string_lossy().contains(&format!("circlet-{own}"));
    let files = list("/dev/shm").into_iter().chain(list("/tmp")).filter(is_ours);
    let files = files.map(|path| path.display().to_string());
    descriptors.chain(threads).chain(children).chain(files).collect()
}

/// Waits until the process has no more than it had. A thread that has been joined may be seen for a moment.
fn nothing_more_than(before: &BTreeSet<String>) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let more: Vec<_> = belongings().difference(before).cloned().collect();
        if more.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left: {more:#?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_pool_that_was_closed_or_dropped_leaves_nothing() {
    let library = common::library();
    let folder = common::root().join("tests/data/workers");
    let bun = Workers::bun(folder.join("jobs.ts")).program(common::bun()).library(&library);
    let python = Workers::python().library(&library).module_path(&folder).grace(Duration::from_millis(20));
    // What is made once for the process, whichever pool is the first.
    python.clone().max(1).build().unwrap().close().unwrap();
    let before = belongings();

    let pool = python.clone().workers(2).build().unwrap();
    let calls = (0..100).map(|n| Call::new("jobs:add", &json!([n])));
    let handles = pool.submit_batch(calls).unwrap();
    let crash = pool.submit(Call::new("jobs:leave", &json!([1]))).unwrap();
    pool.close().unwrap();
    assert!(handles.into_iter().all(|handle| handle.wait().is_ok()));
    assert!(matches!(crash.wait(), Err(Failure::Crashed { .. })));
    // At once: not even a thread that is about to end.
    let threads =
        |all: &BTreeSet<String>| all.iter().filter(|name| name.starts_with("/proc/self/task")).count();
    assert_eq!(threads(&belongings()), threads(&before));
    drop(pool);
    nothing_more_than(&before);

    let pool = python.clone().workers(2).build().unwrap();
    let path = common::scratch("end").join("runs");
    let stubborn = pool.submit(Call::new("jobs:stubborn", &json!([path]))).unwrap();
    let queued: Vec<_> =
        (0..10).map(|_| pool.submit(Call::new("jobs:sleep", &json!([0.01]))).unwrap()).collect();
    while !path.exists() {
        std::thread::yield_now();
    }
    stubborn.abort();
    drop(pool);
    assert!(matches!(stubborn.wait(), Err(Failure::Aborted)));
    assert!(queued.into_iter().all(|handle| matches!(handle.wait(), Ok(_) | Err(Failure::Closed))));
    nothing_more_than(&before);

    // One that is still booting.
    drop(python.min(2).max(2).build().unwrap());
    nothing_more_than(&before);

    let pool = bun.max(1).build().unwrap();
    assert_eq!(pool.submit(Call::new("add", &json!([1]))).unwrap().wait().unwrap(), json!(2));
    drop(pool);
    nothing_more_than(&before);
}
