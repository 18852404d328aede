//! What a pool says of itself: sums that add up, times, and the shape of the session payload.

#[path = "common/gate.rs"]
mod gate;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use circlet::pool::{Failure, Job, Pool, WorkerId};
use gate::{Gate, SOON, assert_sums_hold, pool, quick};
use serde_json::Value;

fn ids(pool: &Pool) -> Vec<WorkerId> {
    pool.snapshot().registry.into_keys().collect()
}

#[test]
fn every_snapshot_adds_up_while_jobs_are_sent_aborted_and_failing() {
    let pool = pool(3, 8);
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0..5_000 {
                    let job =
                        Job::new("mixed", move |_| if n % 7 == 0 { Err("seven".into()) } else { Ok(n) });
                    let handle = pool.submit(job).unwrap();
                    if n % 3 == 0 {
                        handle.abort();
                        match handle.wait() {
                            Ok(found) => assert_eq!(found, n),
                            Err(Failure::Aborted) => {}
                            Err(failure) => assert_eq!((failure.to_string().as_str(), n % 7), ("seven", 0)),
                        }
                    }
                }
                done.fetch_add(1, Relaxed);
            });
        }
        while done.load(Relaxed) < 2 {
            assert_sums_hold(&pool.snapshot());
        }
    });
    pool.drain(SOON).unwrap();
    let statistics = pool.statistics();
    assert_eq!((statistics.sent, statistics.queued), (10_000, 0));
    assert_eq!(statistics.received + statistics.withdrawn, 10_000);
}

#[test]
fn times_agree_with_those_that_the_jobs_took_themselves() {
    let pool = pool(2, 1000);
    let start = Instant::now();
    let jobs = (0..200_u64).map(|n| {
        Job::new("spin", move |_| {
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(n) {}
            Ok(start.elapsed())
        })
    });
    let handles = pool.submit_batch(jobs).unwrap();
    let mut times: Vec<_> = handles.into_iter().map(|handle| handle.wait().unwrap()).collect();
    let wall = start.elapsed();
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let statistics = pool.statistics();
    let total = statistics.avg_processing_ms.unwrap() * 200.0;
    // The pool's clock runs a little longer than the jobs', and two workers had no more than twice the time there was.
    assert!(total >= ms(times.iter().sum()) - 1e-6);
    assert!(total <= ms(wall) * 2.0 + 1e-6);
    assert!(statistics.processing.p50_ms.unwrap() >= ms(times[99]) * 0.99);
    assert!(statistics.processing.p99_ms.unwrap() >= ms(times[197]) * 0.99);
    assert!(statistics.processing.p99_ms.unwrap() <= ms(wall) * 1.01);
}

/// The `worker_threads` of the session payload, with one worker for each kind of entry.
const SESSION_PAYLOAD: &str = r#"{
    "pool": { "size": 4, "active": 2, "idle": 1, "terminated": 1, "strategy": "round-robin" },
    "features": { "errors_as_objects": true },
    "registry": {
        "w_3a7f": {
            "state": "idle", "created_at": 1731123456789, "messages_processed": 142, "errors": 0,
            "last_error": null, "heap_snapshot_count": 2,
            "resource_usage": { "user_cpu_ms": 2340, "system_cpu_ms": 120, "rss_mb": 45.2 }
        },
        "w_9b1c": {
            "state": "processing", "created_at": 1731123490123, "messages_processed": 89, "errors": 1,
            "last_error": "Error: MaxListenersExceededWarning", "heap_snapshot_count": 1,
            "resource_usage": { "user_cpu_ms": 1890, "system_cpu_ms": 95, "rss_mb": 52.8 },
            "current_job": {
                "id": "job-789", "type": "bezier_batch", "nodes": 1000, "elapsed_ms": 89, "abort_signal": false
            }
        }
    },
    "statistics": {
        "total_messages_sent": 231, "total_messages_received": 231, "total_errors": 1, "error_rate": 0.0043,
        "avg_processing_ms": 67.3, "p99_processing_ms": 145.2, "pool_utilization": 0.5
    },
    "message_port_registry": { "ports": [] }
}"#;

/// What a thread of a native pool does not have.
const UNKNOWN: [&str; 4] = ["features", "message_port_registry", "heap_snapshot_count", "resource_usage"];

fn assert_same_shape(found: &Value, expected: &Value, at: &str) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let known: BTreeSet<_> = expected.keys().filter(|key| !UNKNOWN.contains(&key.as_str())).collect();
            for key in known {
                let value = found.get(key).unwrap_or_else(|| panic!("there is no {key} at {at}"));
                assert_same_shape(value, &expected[key], &format!("{at}.{key}"));
            }
        }
        (Value::Number(found), Value::Number(expected)) => {
            assert_eq!(found.is_f64(), expected.is_f64(), "at {at}");
        }
        _ => assert_eq!(
            std::mem::discriminant(found),
            std::mem::discriminant(expected),
            "at {at}: {found} for {expected}"
        ),
    }
}

#[test]
fn a_snapshot_has_the_shape_of_the_session_payload() {
    let pool = pool(2, 4);
    // One worker is idle and without an error, another has had one and is busy, as in the session payload.
    let (other, other_gate) = Gate::hold(&pool);
    pool.submit(Job::<()>::new("faulty", |_| Err("MaxListenersExceededWarning".into())))
        .unwrap()
        .wait()
        .unwrap_err();
    pool.submit(quick()).unwrap().wait().unwrap();
    let (job, gate) = Gate::job();
    let held = pool.submit(job.nodes(1000)).unwrap();
    gate.started.recv_timeout(SOON).unwrap();
    other_gate.open();
    let idle = other.wait().unwrap();

    let mut found = serde_json::to_value(pool.snapshot()).unwrap();
    let mut workers = ids(&pool);
    workers.sort_by_key(|worker| *worker != idle);
    let registry = found["registry"].as_object_mut().unwrap();
    for (worker, name) in workers.iter().zip(["w_3a7f", "w_9b1c"]) {
        let entry = registry.remove(&worker.to_string()).unwrap();
        registry.insert(name.to_owned(), entry);
    }
    assert_same_shape(&found, &serde_json::from_str(SESSION_PAYLOAD).unwrap(), "worker_threads");
    let current = &found["registry"]["w_9b1c"]["current_job"];
    assert_eq!(
        (&current["id"], &current["type"], &current["nodes"]),
        (&"job-4".into(), &"gate".into(), &1000.into())
    );
    assert_eq!(found["pool"]["strategy"], "round-robin");
    assert_eq!(found["statistics"]["pool_utilization"], 0.5);
    gate.open();
    held.wait().unwrap();
}

#[test]
fn a_new_pool_claims_nothing_that_it_does_not_know() {
    let statistics = pool(2, 4).statistics();
    assert_eq!((statistics.sent, statistics.received, statistics.pool_utilization), (0, 0, Some(0.0)));
    assert_eq!(statistics.error_rate.or(statistics.avg_processing_ms).or(statistics.processing.p99_ms), None);
}

#[test]
fn worker_ids_are_w_and_four_digits_and_differ_between_pools() {
    let (one, other) = (pool(3, 1), pool(3, 1));
    let all: BTreeSet<_> = ids(&one).into_iter().chain(ids(&other)).map(|id| id.to_string()).collect();
    assert_eq!(all.len(), 6);
    for id in all {
        let digits = id.strip_prefix("w_").unwrap();
        assert!(digits.len() == 4 && u16::from_str_radix(digits, 16).is_ok(), "{id}");
    }
}
