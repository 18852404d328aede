//! Facts of which one cannot be more than another: a part and its whole, what is now and the most that it was, percentiles.

use serde_json::Value;

use super::Found;

/// Paths whose numbers, where they are known, are none of them more than the next one that is; `*` is any key.
const RISING: &[&[&str]] = &[
    &["process.rss_bytes", "process.peak_rss_bytes", "metadata.platform.memory_bytes"],
    &["bun.resources.event_loop_lag_us", "bun.resources.event_loop_lag_longest_us"],
    &["node.event_loop.lag_us", "node.event_loop.lag_longest_us"],
    &["python.event_loop.lag_us", "python.event_loop.lag_longest_us"],
    &["native.event_loop.lag_us", "native.event_loop.lag_longest_us"],
    &["node.heap.used_bytes", "node.heap.total_bytes", "node.heap.limit_bytes"],
    &["python.heap.used_bytes", "python.heap.total_bytes", "python.heap.limit_bytes"],
    &["native.heap.used_bytes", "native.heap.total_bytes", "native.heap.limit_bytes"],
    &["node.gc.longest_us", "node.gc.total_us"],
    &["python.gc.longest_us", "python.gc.total_us"],
    &["native.gc.longest_us", "native.gc.total_us"],
    &["worker_threads.pool.min", "worker_threads.pool.max"],
    &[
        "worker_threads.statistics.p50_processing_ns",
        "worker_threads.statistics.p95_processing_ns",
        "worker_threads.statistics.p99_processing_ns",
        "worker_threads.statistics.p99_9_processing_ns",
    ],
    &[
        "worker_threads.statistics.window.p50_processing_ns",
        "worker_threads.statistics.window.p95_processing_ns",
        "worker_threads.statistics.window.p99_processing_ns",
        "worker_threads.statistics.window.p99_9_processing_ns",
    ],
    &["rings.*.used_bytes", "rings.*.capacity_bytes"],
    &["rings.*.high_water_bytes", "rings.*.capacity_bytes"],
    &["git.staged_changes", "git.uncommitted_files"],
    &["git.conflicts", "git.unstaged_changes", "git.uncommitted_files"],
    &["git.untracked", "git.uncommitted_files"],
    &["git.submodules_changed", "git.uncommitted_files"],
];

pub(super) fn rising_numbers_rise(payload: &Value, found: &mut Found) {
    for paths in RISING {
        let star = paths.first().and_then(|first| first.split_once(".*."));
        let Some((above, _)) = star else {
            rise(payload, paths, None, found);
            continue;
        };
        for key in payload.get(above).and_then(Value::as_object).into_iter().flat_map(|map| map.keys()) {
            rise(payload, paths, Some(key), found);
        }
    }
}

/// Compares each number with the next that is known.
fn rise(payload: &Value, paths: &[&str], key: Option<&str>, found: &mut Found) {
    let mut before: Option<(&str, u64)> = None;
    for path in paths {
        let parts = path.split('.').map(|part| if part == "*" { key.unwrap_or(part) } else { part });
        let number = parts.into_iter().try_fold(payload, |here, part| here.get(part)).and_then(Value::as_u64);
        let Some(number) = number else { continue };
        if let Some((lower, less)) = before
            && less > number
        {
            let named = |path: &str| key.map_or(path.to_owned(), |key| path.replacen('*', key, 1));
            let what = format!("{less}, and it cannot be more than {number}");
            found.add(&[&named(lower), &named(path)], what);
        }
        before = Some((path, number));
    }
}
