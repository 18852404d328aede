//! The workers: the pool, those that have a job or had an error, and the totals.

use super::super::escape::{name, quoted};
use super::super::{SessionPayload, Worker, WorkerFeatures, WorkerState, WorkerThreads};
use super::line::Level::{self, Full, Least, Usual};
use super::line::{Line, counted, few, percent, plural, size, some, time};
use super::project::stated_or_counted;
use super::purpose::named;

pub(super) fn workers(payload: &SessionPayload) -> Option<Line> {
    let workers = payload.worker_threads.as_ref()?;
    let mut line = Line::new("Workers", 230);
    let pool = workers.pool.as_ref();
    line.add(Least, counted(pool.and_then(|pool| pool.active), "active"));
    let size = pool.and_then(|pool| pool.size());
    line.add(Least, stated_or_counted(payload, "worker_threads.pool.size", size, "pool size"));
    if let Some(pool) = pool {
        line.add(Usual, counted(pool.idle, "idle"));
        line.add(Usual, some(pool.ready, "ready"));
        line.add(Usual, some(pool.booting, "booting"));
        line.add(Usual, some(pool.draining, "draining"));
        line.add(Usual, some(pool.terminated, "terminated"));
        line.add(Full, pool.max.map(|max| format!("{max} at most")));
        line.add(Full, pool.strategy.as_ref().and_then(|strategy| name(strategy.as_str())));
    }
    let busy = busy(workers);
    line.add_each(|level| few(busy.iter().map(|(id, worker)| doing(id, worker)), level.of([2, 4, 8])));
    line.done()
}

/// The workers that have a job or had an error, those with the most errors first.
fn busy(workers: &WorkerThreads) -> Vec<(&String, &Worker)> {
    let mut busy: Vec<(&String, &Worker)> = workers
        .registry
        .iter()
        .flatten()
        .filter(|(_, worker)| errors_of(worker) > 0 || worker.current_job.is_some() || has_crashed(worker))
        .collect();
    busy.sort_by_key(|(_, worker)| std::cmp::Reverse(errors_of(worker)));
    busy
}

fn errors_of(worker: &Worker) -> u64 {
    worker.errors.unwrap_or(u64::from(last_error(worker).is_some()))
}

fn last_error(worker: &Worker) -> Option<&str> {
    worker.last_error.as_ref()?.as_deref()
}

fn has_crashed(worker: &Worker) -> bool {
    worker.end.as_deref() == Some("crashed")
}

/// Says of a worker, in one fact, what its errors are and what it runs.
fn doing(id: &str, worker: &Worker) -> Option<String> {
    let id = name(id).unwrap_or_else(|| "\"\"".to_owned());
    let errors = errors_of(worker);
    let state = worker.state.as_ref().unwrap_or(&WorkerState::Processing);
    let job = worker.current_job.as_ref().and_then(|job| {
        let job = job.id.as_deref().and_then(name).unwrap_or_else(|| "a job".to_owned());
        Some(format!("{} {job}", name(state.as_str())?))
    });
    let said: Vec<String> = [
        (errors > 0).then(|| format!("has {}", plural(errors, "error"))),
        has_crashed(worker).then(|| "crashed".to_owned()),
        job,
    ]
    .into_iter()
    .flatten()
    .collect();
    (!said.is_empty()).then(|| format!("{id} {}", said.join(", ")))
}

pub(super) fn errors(payload: &SessionPayload) -> Option<Line> {
    let busy = busy(payload.worker_threads.as_ref()?);
    let mut line = Line::new("Worker errors", 165);
    line.add_each(|level| {
        let said = busy.iter().map(|(id, worker)| {
            let error = quoted(last_error(worker)?, level.chars([60, 120, 240]))?;
            Some(format!("{} {error}", name(id).unwrap_or_else(|| "\"\"".to_owned())))
        });
        few(said, level.of([1, 3, 8]))
    });
    line.done()
}

pub(super) fn jobs(payload: &SessionPayload) -> Option<Line> {
    let registry = payload.worker_threads.as_ref()?.registry.as_ref()?;
    let mut line = Line::new("Jobs", 90);
    line.add_each(|level| few(registry.values().map(job), level.of([1, 3, 8])));
    line.done()
}

fn job(worker: &Worker) -> Option<String> {
    let job = worker.current_job.as_ref()?;
    let said: Vec<String> = [
        job.id.as_deref().and_then(name),
        job.r#type.as_deref().and_then(name),
        job.nodes.map(|nodes| plural(nodes, "node")),
        job.elapsed_us.map(|us| format!("for {}", time(us, 1e6))),
        (job.abort_signal == Some(true)).then(|| "told to stop".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!said.is_empty()).then(|| said.join(" "))
}

pub(super) fn messages(payload: &SessionPayload) -> Option<Line> {
    let statistics = payload.worker_threads.as_ref()?.statistics.as_ref()?;
    let mut line = Line::new("Messages", 125);
    let rate = statistics.error_rate().filter(|&rate| rate > 0.0);
    let rate = rate.map(|rate| format!(" ({})", percent(rate))).unwrap_or_default();
    line.add(Least, counted(statistics.total_messages_received, "received"));
    line.add(
        Least,
        statistics.total_errors.map(|errors| match errors {
            0 => "no errors".to_owned(),
            _ => format!("{}{rate}", plural(errors, "error")),
        }),
    );
    let ms = |name: &str, ns: Option<u64>| ns.map(|ns| format!("{name} {}", time(ns, 1e9)));
    line.add(Usual, counted(statistics.total_messages_sent, "sent"));
    line.add(Usual, ms("average", statistics.avg_processing_ns));
    line.add(Full, ms("p50", statistics.p50_processing_ns));
    line.add(Full, ms("p95", statistics.p95_processing_ns));
    line.add(Usual, ms("p99", statistics.p99_processing_ns));
    line.add(Full, ms("p99.9", statistics.p99_9_processing_ns));
    if let Some(window) = &statistics.window {
        let length = window
            .length_ms
            .map(|ms| format!("{} in the last {}", window.received.unwrap_or(0), time(ms, 1e3)));
        line.add(Full, length.filter(|_| window.received.is_some()));
        line.add(Full, ms("p99 of them", window.p99_processing_ns));
    }
    line.done()
}

pub(super) fn ports(payload: &SessionPayload) -> Option<Line> {
    let ports = payload.worker_threads.as_ref()?.message_port_registry.as_ref()?.ports.as_ref()?;
    let mut line = Line::new("Message ports", 30);
    line.add(Least, (!ports.is_empty()).then(|| plural(ports.len() as u64, "port")));
    let queued: u64 = ports.iter().filter_map(|port| port.messages_queued).fold(0, u64::saturating_add);
    line.add(Least, some(Some(queued), "queued"));
    let said = ports.iter().map(|port| {
        let state = port.state.as_ref().and_then(|state| name(state.as_str()));
        let owner = named("of", port.owner.as_deref());
        let said: Vec<String> =
            [port.id.as_deref().and_then(name), state, owner].into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join(" "))
    });
    line.add(Full, few(said, 8));
    line.done()
}

pub(super) fn limits(payload: &SessionPayload) -> Option<Line> {
    let workers = payload.worker_threads.as_ref()?;
    let mut line = Line::new("Worker limits", 20);
    for limit in workers.limits.iter().flatten().take(8) {
        let by = named("by", limit.enforced_by.as_deref()).map(|by| format!(" {by}")).unwrap_or_default();
        let resource = limit.resource.as_deref().and_then(name);
        line.add(Least, resource.and_then(|resource| Some(format!("{resource} {}{by}", limit.requested?))));
    }
    for (level, fact) in workers.features.iter().flat_map(capabilities) {
        line.add(level, fact);
    }
    line.done()
}

fn capabilities(features: &WorkerFeatures) -> [(Level, Option<String>); 8] {
    let limits = features.resource_limits.as_ref();
    let limit = |bytes: Option<u64>, what: &str| bytes.map(|bytes| format!("{what} {}", size(bytes)));
    let has = |is_there: Option<bool>, what: &str| {
        is_there.map(|is_there| format!("{}{what}", if is_there { "" } else { "no " }))
    };
    [
        (Least, limit(limits.and_then(|limits| limits.max_heap_bytes), "heap")),
        (Usual, limit(limits.and_then(|limits| limits.max_old_generation_bytes), "old generation")),
        (Usual, limit(limits.and_then(|limits| limits.max_young_generation_bytes), "young generation")),
        (Full, has(features.errors_as_objects, "errors as objects")),
        (Full, has(features.stdout_forwarding, "stdout forwarding")),
        (Full, has(features.stderr_forwarding, "stderr forwarding")),
        (Full, named("heap snapshots", features.heap_snapshot.as_deref())),
        (Full, named("port transfer fix", features.messageport_transfer_fix.as_deref())),
    ]
}
