//! The payload in one paragraph.

use super::escape::{name, quoted};
use super::{
    Audit, CurrentJob, Files, Git, Measure, SessionPayload, Statistics, TestCounts, Worker, WorkerPool,
    WorkerThreads,
};

/// How many workers and critical items are named; the rest is counted.
const WORKERS_NAMED: usize = 3;
const CRITICAL_NAMED: usize = 2;
const MIB: f64 = 1_048_576.0;

impl SessionPayload {
    /// Says in one paragraph of plain text what the session is doing, for a person or a language model.
    ///
    /// The same payload gives the same text. What is absent is left out. Text from elsewhere stands in quotes, is escaped, so
    /// that it cannot break the paragraph, and is clipped.
    ///
    /// ```
    /// use circlet::payload::{Git, SessionPayload};
    ///
    /// let payload = SessionPayload {
    ///     goal: Some("draw\na curve".to_owned()),
    ///     git: Some(Git { branch: Some("main".to_owned()), uncommitted_files: Some(0), ..Git::default() }),
    ///     ..SessionPayload::default()
    /// };
    /// assert_eq!(payload.summary(), r#"Goal: "draw\na curve". Git: branch main, clean."#);
    /// ```
    pub fn summary(&self) -> String {
        let workers = self.worker_threads.as_ref();
        let mut sentences = vec![
            labelled("Goal", [self.goal.as_deref().and_then(quoted)]),
            labelled("Last", [self.last.as_deref().and_then(quoted)]),
            labelled("Session", process(self)),
            labelled("Host", host(self)),
            workers.and_then(|workers| labelled("Pool", pool(workers.pool.as_ref()?))),
            workers.and_then(|workers| labelled("Messages", messages(workers.statistics.as_ref()?))),
        ];
        sentences.extend(workers.map(busy_workers).unwrap_or_default());
        sentences.extend([
            self.git.as_ref().and_then(|state| labelled("Git", git(state))),
            self.files.as_ref().and_then(|files| labelled("Files", changed(files))),
            self.test.as_ref().and_then(|test| labelled("Tests", tests(test.tests.as_ref()?))),
            self.audit.as_ref().and_then(|audit| labelled("Policies", decisions(audit))),
            self.critical.as_deref().and_then(|items| labelled("Critical", critical(items))),
        ]);
        let known: Vec<String> = sentences.into_iter().flatten().collect();
        if known.is_empty() { "Nothing is known about this session.".to_owned() } else { known.join(" ") }
    }
}

/// Writes a sentence of what is known, or none.
fn labelled(label: &str, parts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let known: Vec<String> = parts.into_iter().flatten().collect();
    (!known.is_empty()).then(|| format!("{label}: {}.", known.join(", ")))
}

fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

fn counted(number: Option<u64>, what: &str) -> Option<String> {
    number.map(|number| format!("{number} {what}"))
}

/// Writes a number of units, each so many of those that it is given in.
fn measured(value: Option<u64>, unit: f64, before: &str, after: &str) -> Option<String> {
    let measure = Measure::new(value? as f64 / unit)?;
    Some(format!("{before}{measure} {after}"))
}

fn process(payload: &SessionPayload) -> [Option<String>; 5] {
    let env = payload.metadata.as_ref().and_then(|metadata| metadata.env.as_ref());
    let process = payload.process.as_ref();
    [
        env.and_then(|env| name(env.session.as_deref()?)),
        env.and_then(|env| env.process_id).map(|id| format!("process {id}")),
        measured(env.and_then(|env| env.uptime_ms), 1e3, "up ", "s"),
        measured(process.and_then(|process| process.rss_bytes), MIB, "", "MB resident"),
        process.and_then(|process| process.fd_count).map(|open| count(open, "open descriptor")),
    ]
}

fn host(payload: &SessionPayload) -> [Option<String>; 5] {
    let metadata = payload.metadata.as_ref();
    let platform = metadata.and_then(|metadata| metadata.platform.as_ref());
    let bun = metadata.and_then(|metadata| metadata.bun.as_ref()?.version.as_deref());
    let runtime = bun.map(|version| format!("Bun {version}"));
    let runtime = runtime.or_else(|| platform.and_then(|platform| platform.useragent.clone()));
    [
        runtime.and_then(|runtime| name(&runtime)),
        platform.and_then(|platform| name(platform.os.as_deref()?)),
        platform.and_then(|platform| name(platform.cpu.as_deref()?)),
        platform.and_then(|platform| platform.cpu_count).map(|cpus| count(cpus, "CPU")),
        measured(platform.and_then(|platform| platform.memory_bytes), 1024.0 * MIB, "", "GB of memory"),
    ]
}

fn pool(pool: &WorkerPool) -> [Option<String>; 5] {
    [
        pool.size().map(|size| count(size, "worker")),
        counted(pool.active, "active"),
        counted(pool.idle, "idle"),
        counted(pool.terminated.filter(|&ended| ended > 0), "terminated"),
        pool.strategy.as_ref().and_then(|strategy| name(strategy.as_str())),
    ]
}

fn messages(statistics: &Statistics) -> [Option<String>; 5] {
    let rate = statistics.error_rate().filter(|&rate| rate > 0.0);
    let rate = rate.and_then(|rate| Measure::new(rate * 100.0));
    let rate = rate.map(|percent| format!(" ({percent}%)")).unwrap_or_default();
    [
        counted(statistics.total_messages_sent, "sent"),
        counted(statistics.total_messages_received, "received"),
        statistics.total_errors.map(|errors| match errors {
            0 => "no errors".to_owned(),
            _ => format!("{}{rate}", count(errors, "error")),
        }),
        measured(statistics.avg_processing_ns, 1e6, "", "ms on average"),
        measured(statistics.p99_processing_ns, 1e6, "", "ms at the 99th percentile"),
    ]
}

/// Writes a sentence for each worker that has a job or had an error, those with the most errors first.
fn busy_workers(workers: &WorkerThreads) -> Vec<Option<String>> {
    let errors = |worker: &Worker| worker.errors.unwrap_or(u64::from(last_error(worker).is_some()));
    let mut busy: Vec<(&String, &Worker)> = workers
        .registry
        .iter()
        .flatten()
        .filter(|(_, worker)| errors(worker) > 0 || worker.current_job.is_some())
        .collect();
    busy.sort_by_key(|(_, worker)| std::cmp::Reverse(errors(worker)));
    let more = busy.len().saturating_sub(WORKERS_NAMED);
    let mut sentences: Vec<Option<String>> =
        busy.iter().take(WORKERS_NAMED).map(|(id, worker)| one_worker(id, worker)).collect();
    sentences.push((more > 0).then(|| format!("{} with jobs or errors.", count(more as u64, "more worker"))));
    sentences
}

fn last_error(worker: &Worker) -> Option<&str> {
    worker.last_error.as_ref()?.as_deref()
}

fn one_worker(id: &str, worker: &Worker) -> Option<String> {
    let id = name(id).unwrap_or_else(|| "without a name".to_owned());
    let state = worker.state.as_ref().and_then(|state| name(state.as_str()));
    let state = state.map(|state| format!(" ({state})")).unwrap_or_default();
    let job = worker.current_job.iter().flat_map(job);
    let trouble = [
        worker.errors.filter(|&errors| errors > 0).map(|errors| count(errors, "error")),
        last_error(worker).and_then(quoted).map(|error| format!("last error {error}")),
    ];
    labelled(&format!("Worker {id}{state}"), job.chain(trouble))
}

fn job(job: &CurrentJob) -> [Option<String>; 4] {
    let id = job.id.as_deref().and_then(name).map_or_else(|| "a job".to_owned(), |id| format!("job {id}"));
    let kind =
        job.r#type.as_deref().and_then(name).map(|kind| format!(" of type {kind}")).unwrap_or_default();
    [
        Some(format!("{id}{kind}")),
        job.nodes.map(|nodes| count(nodes, "node")),
        measured(job.elapsed_us, 1e3, "", "ms so far"),
        (job.abort_signal == Some(true)).then(|| "told to stop".to_owned()),
    ]
}

fn git(git: &Git) -> [Option<String>; 3] {
    let head = git.head.as_deref().and_then(|head| name(short(head)));
    let place = match (git.branch.as_deref().and_then(name), head) {
        (Some(branch), Some(head)) => Some(format!("branch {branch} at {head}")),
        (Some(branch), None) => Some(format!("branch {branch}")),
        (None, Some(head)) => Some(format!("commit {head}")),
        (None, None) => None,
    };
    let state = match git.uncommitted_files {
        Some(0) => Some("clean".to_owned()),
        Some(files) => Some(count(files, "uncommitted file")),
        None => None,
    };
    let unstaged = git.unstaged_changes.filter(|&changes| changes > 0);
    [place, state, unstaged.map(|changes| count(changes, "unstaged change"))]
}

/// Shortens a full hash to the seven digits that git shows.
fn short(head: &str) -> &str {
    if head.len() >= 40 && head.bytes().all(|byte| byte.is_ascii_hexdigit()) { &head[..7] } else { head }
}

fn changed(files: &Files) -> [Option<String>; 3] {
    [
        counted(files.created(), "created"),
        counted(files.modified(), "modified"),
        counted(files.touched_no_change(), "looked at without a change"),
    ]
}

fn tests(tests: &TestCounts) -> [Option<String>; 4] {
    let passed = match (tests.passed, tests.total()) {
        (Some(passed), Some(total)) => Some(format!("{passed} of {total} passed")),
        (Some(passed), None) => Some(format!("{passed} passed")),
        (None, Some(total)) => Some(format!("{total} in all")),
        (None, None) => None,
    };
    [
        passed,
        counted(tests.failed, "failed"),
        counted(tests.skipped.filter(|&skipped| skipped > 0), "skipped"),
        measured(tests.duration_us, 1e3, "", "ms"),
    ]
}

fn decisions(audit: &Audit) -> [Option<String>; 3] {
    let last = audit.last.as_ref().and_then(|last| last.last());
    let last = last.and_then(|entry| {
        let (request, rule) = (quoted(entry.request.as_deref()?)?, entry.rule.as_deref().and_then(name));
        Some(format!("last {request}{}", rule.map(|rule| format!(" by {rule}")).unwrap_or_default()))
    });
    [counted(audit.denied, "denied"), counted(audit.warned, "warned of"), last]
}

fn critical(items: &[String]) -> Vec<Option<String>> {
    let mut named: Vec<String> = items.iter().filter_map(|item| quoted(item)).collect();
    let more = named.len().saturating_sub(CRITICAL_NAMED);
    named.truncate(CRITICAL_NAMED);
    named.extend((more > 0).then(|| format!("and {more} more")));
    named.into_iter().map(Some).collect()
}
