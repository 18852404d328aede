//! What changes by itself: memory, descriptors, lag, collections, timings, ages.

use super::super::dates::rfc3339;
use super::super::escape::name;
use super::super::{Runtime, SessionPayload};
use super::line::Level::{Full, Least, Usual};
use super::line::{Line, few, plural, size, some_nouns, time};

pub(super) fn resources(payload: &SessionPayload) -> Option<Line> {
    let process = payload.process.as_ref();
    let resources = payload.bun.as_ref().and_then(|bun| bun.resources.as_ref());
    let mut line = Line::new("Resources", 200);
    line.add(
        Least,
        process.and_then(|process| process.rss_bytes).map(|bytes| format!("{} RSS", size(bytes))),
    );
    line.add(Least, process.and_then(|process| process.fd_count).map(|open| plural(open, "FD")));
    line.add(Least, lag(payload));
    let env = payload.metadata.as_ref().and_then(|metadata| metadata.env.as_ref());
    line.add(Usual, env.and_then(|env| env.uptime_ms).map(|ms| format!("up {}", time(ms, 1e3))));
    if let Some(process) = process {
        line.add(Usual, process.cpu_us().map(|us| format!("{} CPU", time(us, 1e6))));
        line.add(Usual, process.threads.map(|threads| plural(threads, "thread")));
        line.add(Full, process.peak_rss_bytes.map(|bytes| format!("{} peak RSS", size(bytes))));
        line.add(Full, some_nouns(process.major_faults, "major fault"));
    }
    let longest = resources.and_then(|resources| resources.event_loop_lag_longest_us);
    line.add(Full, longest.map(|us| format!("{} longest lag", time(us, 1e6))));
    if let Some(network) = resources.and_then(|resources| resources.network_io.as_ref()) {
        line.add(Full, network.bytes_read.map(|bytes| format!("{} read", size(bytes))));
        line.add(Full, network.bytes_written.map(|bytes| format!("{} written", size(bytes))));
    }
    line.done()
}

/// The lag of each event loop; whose it is is said where it is not Bun's.
fn lag(payload: &SessionPayload) -> Option<String> {
    let of_bun = payload.bun.as_ref().and_then(|bun| bun.resources.as_ref()?.event_loop_lag_us);
    let bun = of_bun.map(|us| format!("{} event loop lag", time(us, 1e6)));
    let others = runtimes(payload).into_iter().map(|(label, runtime)| {
        let us = runtime?.event_loop.as_ref()?.lag_us?;
        Some(format!("{} {label} event loop lag", time(us, 1e6)))
    });
    few([bun].into_iter().chain(others), usize::MAX)
}

fn runtimes(payload: &SessionPayload) -> [(&'static str, Option<&Runtime>); 3] {
    [
        ("Node", payload.node.as_ref()),
        ("Python", payload.python.as_ref()),
        ("native", payload.native.as_ref()),
    ]
}

pub(super) fn heap(payload: &SessionPayload) -> Option<Line> {
    let mut line = Line::new("Heap", 60);
    let memory = payload.bun.as_ref().and_then(|bun| bun.performance.as_ref()?.memory.as_ref());
    if let Some(memory) = memory {
        line.add(Least, memory.heap_bytes.map(|bytes| format!("Bun {}", size(bytes))));
        line.add(Usual, memory.external_bytes.map(|bytes| format!("external {}", size(bytes))));
        line.add(Full, memory.array_buffers_bytes.map(|bytes| format!("array buffers {}", size(bytes))));
    }
    for (label, runtime) in runtimes(payload) {
        let Some(heap) = runtime.and_then(|runtime| runtime.heap.as_ref()) else { continue };
        let limit = heap.limit_bytes.map(|bytes| format!(" of {}", size(bytes))).unwrap_or_default();
        line.add(Least, heap.used_bytes.map(|bytes| format!("{label} {}{limit}", size(bytes))));
        line.add(Usual, heap.blocks.map(|blocks| format!("{label} {}", plural(blocks, "block"))));
        line.add(Full, heap.total_bytes.map(|bytes| format!("{label} total {}", size(bytes))));
        line.add(Full, heap.external_bytes.map(|bytes| format!("{label} external {}", size(bytes))));
    }
    line.done()
}

pub(super) fn collections(payload: &SessionPayload) -> Option<Line> {
    let mut line = Line::new("GC", 50);
    if let Some(gc) = payload.bun.as_ref().and_then(|bun| bun.performance.as_ref()?.gc.as_ref()) {
        line.add(Least, gc.total_us().map(|us| format!("Bun {}", time(us, 1e6))));
        line.add(Usual, gc.scavenge_us.map(|us| format!("scavenge {}", time(us, 1e6))));
        line.add(Usual, gc.mark_sweep_us.map(|us| format!("mark-sweep {}", time(us, 1e6))));
    }
    for (label, runtime) in runtimes(payload) {
        let Some(gc) = runtime.and_then(|runtime| runtime.gc.as_ref()) else { continue };
        line.add(Least, gc.total_us.map(|us| format!("{label} {}", time(us, 1e6))));
        line.add(Usual, gc.collections.map(|count| format!("{label} {}", plural(count, "collection"))));
        line.add(Full, gc.longest_us.map(|us| format!("{label} longest {}", time(us, 1e6))));
        line.add(Full, gc.collected.map(|count| format!("{label} {}", plural(count, "object"))));
    }
    line.done()
}

pub(super) fn timings(payload: &SessionPayload) -> Option<Line> {
    let performance = payload.bun.as_ref()?.performance.as_ref()?;
    let mut line = Line::new("Timings", 35);
    line.add(Least, performance.startup_us.map(|us| format!("startup {}", time(us, 1e6))));
    line.add(Usual, performance.per_op_baseline_ns.map(|ns| format!("per op {}", time(ns, 1e9))));
    line.add(Usual, performance.per_op_batched_ns.map(|ns| format!("batched {}", time(ns, 1e9))));
    line.add(Full, performance.cold_start_target_us.map(|us| format!("cold start target {}", time(us, 1e6))));
    line.done()
}

/// Says which payload of the session this is, and how old its sections are, the oldest first.
pub(super) fn snapshot(payload: &SessionPayload) -> Option<Line> {
    let mut line = Line::new("Snapshot", 55);
    let told = payload.ages_ms.iter().flatten().map(|(section, &age)| (section, age));
    // What is of this moment has no age to speak of.
    let mut ages: Vec<(&String, u64)> = told.filter(|&(_, age)| age > 0).collect();
    ages.sort_by_key(|&(_, age)| std::cmp::Reverse(age));
    line.add_each(|level| {
        let said =
            ages.iter().map(|&(section, age)| Some(format!("{} {} old", name(section)?, time(age, 1e3))));
        few(said, level.of([1, 4, 32]))
    });
    line.add(Usual, payload.seq.map(|seq| format!("number {seq}")));
    line.add(Full, payload.captured_at_ms.and_then(rfc3339));
    line.done()
}
