//! Heap snapshots of sessions. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::time::Duration;

use circlet::exec::{Error, HeapOptions, RunOptions};
use circlet::shm::Deadline;
use serde_json::json;

use sessions::start;

#[test]
fn what_came_since_the_first_snapshot_is_known_by_the_line_of_its_run() {
    let mut python = start();
    assert_eq!(python.run("import tracemalloc; tracemalloc.is_tracing()").unwrap().value, Some(json!(false)));
    let first = python.heap_snapshot(&HeapOptions::new()).unwrap();
    assert!(first.is_first && first.source == "tracemalloc" && first.grown.is_empty(), "{first:?}");
    python.run("kept = []\nkept.append(bytes(1 << 20))").unwrap();
    let second = python.heap_snapshot(&HeapOptions::new().top(5).stop()).unwrap();
    let (most, grown) = (&second.lines[0], &second.grown[0]);
    assert!(most.file.starts_with("<run-") && most.line == 2 && most.bytes >= 1 << 20, "{second:?}");
    assert!(grown.bytes_change >= 1 << 20 && second.types.len() == 5, "{second:?}");
    assert_eq!(python.run("tracemalloc.is_tracing()").unwrap().value, Some(json!(false)));
}

#[test]
fn a_snapshot_that_cannot_be_taken_says_why_and_the_session_stays() {
    let mut python = start();
    python.run("x = 1").unwrap();
    let refused = python.heap_snapshot(&HeapOptions::new().file("/nowhere/heap"));
    assert!(
        matches!(&refused, Err(Error::Raised(raised)) if raised.kind == "FileNotFoundError"),
        "{refused:?}"
    );
    let late = python.heap_snapshot(&HeapOptions::new().within(Duration::ZERO));
    assert!(matches!(late, Err(Error::TookTooLong { .. })), "{late:?}");
    let file = common::scratch("session-heap").join("heap.pickle");
    let taken = python.heap_snapshot(&HeapOptions::new().file(&file)).unwrap();
    assert_eq!(taken.file.as_deref(), Some(&*file));
    assert!(fs::metadata(&file).unwrap().len() > 0);
    assert_eq!(python.run("x").unwrap().value, Some(json!(1)));

    let session = python.session().unwrap();
    session.begin("input()", RunOptions::new().asks()).unwrap();
    assert!(matches!(session.heap_snapshot(&HeapOptions::new()), Err(Error::Running)));
    session.interrupter().interrupt();
    while session.next(Deadline::NEVER).unwrap().is_some() {}
}
