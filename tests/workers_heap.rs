//! Heap snapshots of worker processes: what they know, when they are taken, and what they leave alone. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/processes.rs"]
mod processes;

use std::fs;
use std::time::Duration;

use circlet::exec::{Call, Error, HeapOptions, Workers};
use circlet::payload::WorkerThreads;
use circlet::pool::{WorkerEnd, WorkerId};
use processes::{LONG, appeared, bun, call, marker, python};
use serde_json::{Value, json};

fn only(pool: &Workers) -> WorkerId {
    let registry = pool.snapshot().registry;
    assert_eq!(registry.len(), 1);
    *registry.keys().next().unwrap()
}

fn value(pool: &Workers, function: &str, arguments: Value) -> Value {
    pool.submit(Call::new(function, &arguments)).unwrap().wait().unwrap()
}

fn count(pool: &Workers) -> Option<u64> {
    pool.snapshot().registry[&only(pool)].heap_snapshot_count
}

#[test]
fn nothing_is_traced_before_the_first_snapshot_and_what_comes_after_it_is_known_by_line() {
    let pool = python().workers(1).build().unwrap();
    value(&pool, "jobs:leak", json!([1 << 20]));
    let (worker, options) = (only(&pool), HeapOptions::new());
    assert_eq!(value(&pool, "tracemalloc:is_tracing", json!([])), json!(false));
    assert_eq!(count(&pool), Some(0));

    let first = pool.heap_snapshot(worker, &options).unwrap();
    assert!(first.is_first && first.grown.is_empty() && first.source == "tracemalloc");
    assert!(first.bytes < 1 << 20, "it cannot know the one before: {first:?}");
    assert!(first.types.iter().any(|kind| kind.name == "builtins.dict" && kind.count > 100), "{first:?}");

    for _ in 0..5 {
        value(&pool, "jobs:leak", json!([1 << 20]));
    }
    let second = pool.heap_snapshot(worker, &options).unwrap();
    let (most, grown) = (&second.lines[0], &second.grown[0]);
    assert!(!second.is_first && most.file.ends_with("jobs.py") && most.bytes >= 5 << 20, "{second:?}");
    assert!(grown.line == *most && grown.bytes_change >= 5 << 20, "{second:?}");
    assert!(second.types.iter().all(|kind| kind.count_change.is_some()));

    value(&pool, "jobs:leak", json!([1 << 20]));
    let third = pool.heap_snapshot(worker, &options.top(3).stop()).unwrap();
    let change = third.grown[0].bytes_change;
    assert!(((1 << 20)..(2 << 20)).contains(&change), "of one call alone: {change}");
    assert!(third.lines.len() == 3 && third.types.len() == 3);
    assert_eq!(value(&pool, "tracemalloc:is_tracing", json!([])), json!(false));

    let snapshot = pool.snapshot();
    assert_eq!(count(&pool), Some(3));
    assert_eq!((snapshot.statistics.sent, snapshot.statistics.errors), (9, 0), "it is no call");
    let payload = WorkerThreads::from_snapshot(&snapshot).unwrap();
    assert_eq!(payload.features.unwrap().heap_snapshot.as_deref(), Some("enabled"));
    assert_eq!(payload.registry.unwrap()[&worker.to_string()].heap_snapshot_count, Some(3));
}

#[test]
fn it_is_taken_between_calls_and_not_in_one() {
    let pool = python().workers(1).build().unwrap();
    let (path, runs) = marker("heap-busy");
    let long = pool.submit(call("patient", json!([runs]))).unwrap();
    appeared(&path);
    let options = HeapOptions::new();
    let refused = pool.heap_snapshot(only(&pool), &options.clone().within(Duration::from_millis(20)));
    assert!(matches!(refused, Err(Error::NotTaken { .. })));
    std::thread::scope(|scope| {
        let taken = scope.spawn(|| pool.heap_snapshot(only(&pool), &options));
        long.abort();
        assert!(taken.join().unwrap().unwrap().is_first, "the one that nobody waited for was not taken");
    });
}

#[test]
fn calls_that_were_sent_ahead_are_neither_lost_nor_doubled() {
    let pool = python().workers(2).build().unwrap();
    let (path, runs) = marker("heap-ahead");
    let calls: Vec<_> = (0..3000).map(|number| call("mark", json!([runs, number]))).collect();
    let handles = pool.submit_batch(calls).unwrap();
    let mut taken = 0;
    while !handles.iter().all(circlet::pool::Handle::is_done) {
        let worker = *pool.snapshot().registry.keys().next().unwrap();
        pool.heap_snapshot(worker, &HeapOptions::new().stop()).unwrap();
        taken += 1;
    }
    for (number, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.wait().unwrap(), json!(number));
    }
    assert!(taken > 0);
    assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 3000);
}

#[test]
fn what_cannot_be_taken_says_why_and_the_worker_goes_on() {
    let pool = python().workers(1).build().unwrap();
    value(&pool, "jobs:nothing", json!([]));
    let worker = only(&pool);
    let refused = pool.heap_snapshot(worker, &HeapOptions::new().file("/nowhere/heap"));
    assert!(
        matches!(&refused, Err(Error::Raised(raised)) if raised.kind == "FileNotFoundError"),
        "{refused:?}"
    );
    let folder = common::scratch("heap");
    let file = folder.join("heap.pickle");
    let taken = pool.heap_snapshot(worker, &HeapOptions::new().file(&file)).unwrap();
    assert_eq!(taken.file.as_deref(), Some(&*file));
    assert!(fs::metadata(&file).unwrap().len() > 0);
    assert_eq!(only(&pool), worker);
    pool.close().unwrap();
    assert_eq!(pool.snapshot().registry[&worker].end, Some(WorkerEnd::Stopped));
    let gone = pool.heap_snapshot(worker, &HeapOptions::new().within(LONG));
    assert!(matches!(gone, Err(Error::NoSuchWorker { worker: named }) if named == worker));
}

#[test]
fn a_worker_that_dies_at_it_is_said_to_have_died_and_replaced() {
    let pool = python().workers(1).build().unwrap();
    value(&pool, "jobs:nothing", json!([]));
    let worker = only(&pool);
    value(&pool, "jobs:die_in_snapshots", json!([]));
    let died = pool.heap_snapshot(worker, &HeapOptions::new());
    assert!(matches!(died, Err(Error::Died { .. })), "{died:?}");
    assert_eq!(value(&pool, "jobs:add", json!([1])), json!(2));
    assert_eq!(pool.statistics().errors, 0);
}

#[test]
fn bun_counts_its_objects_by_type_and_writes_what_browsers_read() {
    let pool = bun().workers(1).build().unwrap();
    value(&pool, "add", json!([1, 2]));
    let (worker, file) = (only(&pool), common::scratch("heap-bun").join("bun.heapsnapshot"));
    let first = pool.heap_snapshot(worker, &HeapOptions::new().top(1000)).unwrap();
    assert!(first.is_first && first.source == "jsc" && first.bytes > 0 && first.lines.is_empty());
    value(&pool, "keep", json!([1000]));
    let second = pool.heap_snapshot(worker, &HeapOptions::new().top(1000).file(&file)).unwrap();
    let change = second.types.iter().find(|kind| kind.name == "Map").unwrap().count_change.unwrap();
    assert!((900..1100).contains(&change), "{second:?}");
    let written: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(written["snapshot"]["node_count"].as_u64().unwrap() > 1000);
    assert_eq!(count(&pool), Some(2));
}
