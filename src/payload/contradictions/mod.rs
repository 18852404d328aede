//! What of a payload cannot be true together.

mod git;
mod order;
mod states;

use serde::Serialize;
use serde_json::Value;

use super::dates::days_from_civil;
use super::derived::DERIVED;
use super::summary::plural;
use super::{SessionPayload, Worker, WorkerPool, WorkerState, WorkerThreads};

/// Two or more facts of a payload that cannot all be true, or one that cannot be what it says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Contradiction {
    /// The paths of the facts, such as `worker_threads.pool.size`.
    pub paths: Vec<String>,
    /// What does not fit, with the values.
    pub what: String,
}

/// How far apart two times of one session may be, in days.
const DAYS: u64 = 2;
/// How far what is stated may be from what follows: half of the last of four digits of a rate, as it is written.
const ERROR: f64 = 0.000_051;
const DAY_MS: u64 = 86_400_000;
/// Digits of a SHA-256, as hexadecimal.
const SHA256_DIGITS: usize = 64;

/// What was found so far.
#[derive(Default)]
struct Found(Vec<Contradiction>);

impl Found {
    fn add(&mut self, paths: &[&str], what: String) {
        self.0.push(Contradiction { paths: paths.iter().map(|path| (*path).to_owned()).collect(), what });
    }

    /// Compares what was stated with what follows from other fields.
    fn follows(&mut self, path: &str, stated: &Value, computed: &Value) {
        let is_same = match (stated.as_f64(), computed.as_f64()) {
            (Some(number), Some(computed)) => (number - computed).abs() <= half_a_digit(stated).max(ERROR),
            _ => stated == computed,
        };
        if !is_same {
            self.add(
                &[path],
                format!("{stated} does not follow from the other fields, which give {computed}"),
            );
        }
    }
}

/// Returns half of the last digit that a number is written with.
fn half_a_digit(number: &Value) -> f64 {
    let text = number.to_string();
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    0.5 * 0.1_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX)) * 1.001
}

impl SessionPayload {
    /// Lists what of this payload cannot be true together: totals that are no sums, states that exclude each other, values that
    /// are none of their kind, times that are too far apart, and zeros where other facts say that there is something.
    ///
    /// It knows nothing of the world: a payload without contradictions may be wrong.
    ///
    /// ```
    /// use circlet::payload::SessionPayload;
    ///
    /// let payload = SessionPayload::from_json(r#"{"git": {"dirty": false, "uncommitted_files": 2}}"#)?;
    /// let found = payload.contradictions();
    /// assert_eq!(found[0].paths, ["git.dirty"]);
    /// assert_eq!(found[0].what, "false does not follow from the other fields, which give true");
    /// # Ok::<(), circlet::payload::Error>(())
    /// ```
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = Found::default();
        if let Some(workers) = &self.worker_threads {
            workers_fit(workers, &mut found);
        }
        memory_fits(self, &mut found);
        times_fit(self, &mut found);
        dependencies_fit(self, &mut found);
        git::git_fits(self, &mut found);
        states::workers_are_in_one_state(self, &mut found);
        states::collections_take_time(self, &mut found);
        let value = self.to_value();
        order::rising_numbers_rise(&value, &mut found);
        for derived in DERIVED {
            let stated = self.stated.as_ref().and_then(|stated| stated.get(derived.path));
            if let (Some(stated), Some(computed)) = (stated, (derived.of)(self)) {
                found.follows(derived.path, stated, &computed);
            }
        }
        coverage_is_known(self, &mut found);
        absent_is_absent(self, &value, &mut found);
        found.0
    }
}

fn workers_fit(workers: &WorkerThreads, found: &mut Found) {
    if let Some(pool) = &workers.pool {
        pool_fits(pool, found);
    }
    let statistics = workers.statistics.as_ref();
    if let Some(statistics) = statistics {
        let (sent, received) = (statistics.total_messages_sent, statistics.total_messages_received);
        if let (Some(sent), Some(received)) = (sent, received)
            && received > sent
        {
            found.add(
                &[
                    "worker_threads.statistics.total_messages_received",
                    "worker_threads.statistics.total_messages_sent",
                ],
                format!("{} answered, and {sent} sent", plural(received, "message")),
            );
        }
    }
    let Some(registry) = workers.registry.as_ref().filter(|registry| !registry.is_empty()) else { return };
    let in_state = |state: &WorkerState| {
        let known = registry.values().all(|worker| worker.state.is_some());
        known.then(|| registry.values().filter(|worker| worker.state.as_ref() == Some(state)).count() as u64)
    };
    if let Some(pool) = &workers.pool {
        for (path, stated, state) in [
            ("worker_threads.pool.active", pool.active, WorkerState::Processing),
            ("worker_threads.pool.idle", pool.idle, WorkerState::Idle),
        ] {
            if let (Some(stated), Some(there)) = (stated, in_state(&state))
                && stated != there
            {
                let what = format!("{stated}, and the registry has {there} that are {state}");
                found.add(&[path, "worker_threads.registry"], what);
            }
        }
    }
    let forgotten = workers.forgotten.as_ref();
    let sum = |of: fn(&Worker) -> Option<u64>, more: Option<u64>| -> Option<u64> {
        registry.values().try_fold(more.unwrap_or(0), |all, worker| Some(all.saturating_add(of(worker)?)))
    };
    let errors = sum(|worker| worker.errors, forgotten.and_then(|forgotten| forgotten.errors));
    if let (Some(stated), Some(errors)) = (statistics.and_then(|all| all.total_errors), errors)
        && errors > stated
    {
        let what = format!("{} in all, and the workers had {errors}", plural(stated, "error"));
        found.add(&["worker_threads.statistics.total_errors", "worker_threads.registry"], what);
    }
    let processed =
        sum(|worker| worker.messages_processed, forgotten.and_then(|forgotten| forgotten.messages_processed));
    let received = statistics.and_then(|all| all.total_messages_received);
    if let (Some(stated), Some(processed)) = (received, processed)
        && processed > stated
    {
        let what =
            format!("{} answered in all, and the workers processed {processed}", plural(stated, "message"));
        found.add(&["worker_threads.statistics.total_messages_received", "worker_threads.registry"], what);
    }
}

fn pool_fits(pool: &WorkerPool, found: &mut Found) {
    if let (Some(size), Some(max)) = (pool.size(), pool.max)
        && size > max
    {
        let paths = ["worker_threads.pool", "worker_threads.pool.max"];
        found.add(&paths, format!("{}, where there may be {max}", plural(size, "worker")));
    }
}

/// A thread has no memory of its own that its process has not.
fn memory_fits(payload: &SessionPayload, found: &mut Found) {
    let Some(process) = payload.process.as_ref().and_then(|process| process.rss_bytes) else { return };
    let registry = payload.worker_threads.as_ref().and_then(|workers| workers.registry.as_ref());
    for (id, worker) in registry.into_iter().flatten().filter(|(_, worker)| worker.pid.is_none()) {
        if let Some(rss) = worker.resource_usage.as_ref().and_then(|usage| usage.rss_bytes)
            && rss > process
        {
            let path = format!("worker_threads.registry.{id}.resource_usage.rss_bytes");
            let what =
                format!("{rss} bytes of a worker without a process of its own, and {process} of the process");
            found.add(&[&path, "process.rss_bytes"], what);
        }
    }
    let performance = payload.bun.as_ref().and_then(|bun| bun.performance.as_ref());
    if let Some(heap) = performance.and_then(|performance| performance.memory.as_ref()?.heap_bytes)
        && heap > process
    {
        let paths = ["bun.performance.memory.heap_bytes", "process.rss_bytes"];
        found.add(&paths, format!("a heap of {heap} bytes in {process} bytes of memory"));
    }
}

/// The worker's times, and the day in the session's id.
fn times_fit(payload: &SessionPayload, found: &mut Found) {
    let env = payload.metadata.as_ref().and_then(|metadata| metadata.env.as_ref());
    let Some(day) = env.and_then(|env| day_of(env.session.as_deref()?)) else { return };
    let registry = payload.worker_threads.as_ref().and_then(|workers| workers.registry.as_ref());
    for (id, worker) in registry.into_iter().flatten() {
        let Some(created) = worker.created_at_ms else { continue };
        // A session may go on for long: later than it is now is no worker made.
        let made = created / DAY_MS;
        let latest = payload.captured_at_ms.map_or(u64::MAX, |now| (now / DAY_MS).saturating_add(DAYS));
        let apart = made.abs_diff(day);
        if made.saturating_add(DAYS) < day || made > latest {
            let path = format!("worker_threads.registry.{id}.created_at_ms");
            let what = format!("a worker that was made {} from the day of its session", plural(apart, "day"));
            found.add(&[&path, "metadata.env.session"], what);
        }
    }
}

/// The day in the id of a session, in days since 1970.
fn day_of(session: &str) -> Option<u64> {
    let mut numbers = session.strip_prefix("sess-")?.splitn(4, '-').map(str::parse::<u64>);
    let (year, month, day) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    days_from_civil(year, month, day)
}

fn dependencies_fit(payload: &SessionPayload, found: &mut Found) {
    let Some(dependencies) = &payload.dependencies else { return };
    let lockfile = dependencies.lockfile.as_ref();
    if let Some(hash) = lockfile.and_then(|lockfile| lockfile.hash.as_deref())
        && let Some(digits) = hash.strip_prefix("sha256:")
        && (digits.len() != SHA256_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        let what =
            format!("no SHA-256: {} characters, and it has {SHA256_DIGITS} hexadecimal digits", digits.len());
        found.add(&["dependencies.lockfile.hash"], what);
    }
    let all = lockfile.and_then(|lockfile| lockfile.total_dependencies);
    let tree = dependencies.tree.as_ref();
    let kinds = tree.and_then(|tree| {
        tree.direct?.checked_add(tree.dev?)?.checked_add(tree.peer?)?.checked_add(tree.optional?)
    });
    if let (Some(all @ 1..), Some(0)) = (all, kinds) {
        let what =
            format!("none that the project names, and {all} in its lockfile: unknown is absent, and not 0");
        found.add(&["dependencies.tree", "dependencies.lockfile.total_dependencies"], what);
    }
}

/// What is said to be unavailable is not there.
fn absent_is_absent(payload: &SessionPayload, value: &Value, found: &mut Found) {
    for (path, reason) in payload.unavailable.iter().flatten() {
        let there = path.split('.').try_fold(value, |here, name| here.get(name));
        if there.is_some() {
            found.add(&[&format!("unavailable.{path}"), path], format!("it is there, and {reason}"));
        }
    }
}

/// Numbers of coverage that nobody measured are no numbers.
fn coverage_is_known(payload: &SessionPayload, found: &mut Found) {
    let stated = |name: &str| payload.stated.as_ref()?.get(&format!("test.coverage.{name}"));
    let parts = ["lines", "functions", "branches"];
    if stated("enabled") == Some(&Value::Bool(false)) && parts.iter().any(|part| stated(part).is_some()) {
        let what =
            "coverage was not measured, and there are numbers of it: unknown is absent, and not 0".to_owned();
        found.add(&["test.coverage.enabled", "test.coverage.lines"], what);
    }
    for part in parts {
        if let Some(percent) = stated(part)
            .filter(|percent| !percent.as_f64().is_some_and(|percent| (0.0..=100.0).contains(&percent)))
        {
            found.add(&[&format!("test.coverage.{part}")], format!("{percent} percent"));
        }
    }
    let coverage = payload.test.as_ref().and_then(|test| test.coverage.as_ref());
    let Some(coverage) = coverage else { return };
    for (part, hit, there) in [
        ("lines", coverage.lines_hit, coverage.lines_found),
        ("functions", coverage.functions_hit, coverage.functions_found),
        ("branches", coverage.branches_hit, coverage.branches_found),
    ] {
        if let (Some(hit), Some(there)) = (hit, there)
            && hit > there
        {
            let what = format!("{hit} of the {part} were run, and there are {there}");
            found.add(&[&format!("test.coverage.{part}_hit"), &format!("test.coverage.{part}_found")], what);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(json: &str) -> Vec<String> {
        let payload = SessionPayload::from_json(json).unwrap();
        payload.contradictions().iter().map(|one| format!("{}: {}", one.paths.join(" "), one.what)).collect()
    }

    #[test]
    fn what_fits_is_no_contradiction() {
        for fine in [
            "{}",
            r#"{"worker_threads": {"pool": {"size": 3, "active": 1, "idle": 1, "booting": 1, "terminated": 7}}}"#,
            r#"{"git": {"dirty": false, "uncommitted_files": 0}, "files": {"modified": 0, "breakdown": []}}"#,
            r#"{"test": {"tests": {"total": 3, "passed": 2, "failed": 1}, "coverage": {"enabled": false}}}"#,
            r#"{"metadata": {"env": {"head": "d8c4b77"}}, "git": {"head": "d8c4b7712"}}"#,
            // As they were rounded.
            r#"{"cache": {"hits": 1, "misses": 2, "manifests": {"hit_rate": 0.33}}}"#,
            // A session that goes on for ten days.
            r#"{"metadata": {"env": {"session": "sess-2025-11-09-1"}}, "worker_threads": {"registry": {"w": {"created_at": 1763424000000}}}}"#,
            r#"{"worker_threads": {"statistics": {"total_errors": 1, "total_messages_received": 231, "error_rate": 0.0043}}}"#,
            // Edited, and committed since: nobody says that the commit is the one that the session began with.
            r#"{"git": {"uncommitted_files": 0, "head": "d8c4b77"}, "files": {"breakdown": [{"path": "a", "status": "modified"}]}}"#,
            r#"{"git": {"uncommitted_files": 0}, "files": {"breakdown": [{"path": "a", "status": "created"}]}}"#,
            r#"{"process": {"rss_bytes": 5, "peak_rss_bytes": 5}, "metadata": {"platform": {"memory_bytes": 5}}}"#,
            r#"{"schema": 1, "worker_threads": {"statistics": {"p50_processing_ns": 1, "p99_processing_ns": 1}, "pool": {"min": 2, "max": 2}}}"#,
            r#"{"git": {"detached": true, "head": "d8c4b77"}}"#,
            r#"{"git": {"detached": false, "branch": "main", "uncommitted_files": 3, "staged_changes": 3, "unstaged_changes": 2, "untracked": 1}}"#,
            r#"{"worker_threads": {"registry": {"w": {"state": "idle", "errors": 0, "last_error": null, "current_job": {}}}}}"#,
            r#"{"python": {"gc": {"collections": 9, "total_us": 0, "longest_us": 0}}, "node": {"gc": {"collections": 1, "total_us": 3, "longest_us": 3}}}"#,
            r#"{"bun": {"performance": {"memory_mb": {"rss": 45.2}}},
                "worker_threads": {"registry": {"w_1": {"pid": 7, "resource_usage": {"rss_mb": 52.8}}}}}"#,
        ] {
            assert_eq!(found(fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn each_kind_is_found_with_its_paths_and_its_values() {
        for (json, wanted) in [
            (
                r#"{"worker_threads": {"pool": {"active": 3, "idle": 2, "max": 4}}}"#,
                "worker_threads.pool worker_threads.pool.max: 5 workers, where there may be 4",
            ),
            (
                r#"{"worker_threads": {"statistics": {"total_errors": 1, "total_messages_received": 4, "error_rate": 0.9}}}"#,
                "worker_threads.statistics.error_rate: 0.9 does not follow from the other fields, which give 0.25",
            ),
            (
                r#"{"worker_threads": {"registry": {"w": {"errors": 2}}, "statistics": {"total_errors": 1}}}"#,
                "worker_threads.statistics.total_errors worker_threads.registry: 1 error in all, and the workers had 2",
            ),
            (
                r#"{"test": {"tests": {"total": 5, "passed": 2, "failed": 1, "skipped": 1}}}"#,
                "test.tests.total: 5 does not follow from the other fields, which give 4",
            ),
            (r#"{"test": {"coverage": {"lines": 140}}}"#, "test.coverage.lines: 140 percent"),
            (
                r#"{"metadata": {"env": {"head": "aaaa"}}, "git": {"head": "bbbb"}}"#,
                "metadata.env.head git.head: aaaa and bbbb are to be the same",
            ),
        ] {
            assert_eq!(found(json), [wanted]);
        }
    }

    #[test]
    fn numbers_that_cannot_be_more_than_others_are_found() {
        for (json, wanted) in [
            (
                r#"{"process": {"rss_bytes": 9, "peak_rss_bytes": 5}}"#,
                "process.rss_bytes process.peak_rss_bytes: 9, and it cannot be more than 5",
            ),
            (
                r#"{"process": {"rss_bytes": 9}, "metadata": {"platform": {"memory_bytes": 8}}}"#,
                "process.rss_bytes metadata.platform.memory_bytes: 9, and it cannot be more than 8",
            ),
            (
                r#"{"node": {"heap": {"used_bytes": 3, "total_bytes": 2, "limit_bytes": 9}}}"#,
                "node.heap.used_bytes node.heap.total_bytes: 3, and it cannot be more than 2",
            ),
            (
                r#"{"python": {"heap": {"used_bytes": 3, "limit_bytes": 2}}}"#,
                "python.heap.used_bytes python.heap.limit_bytes: 3, and it cannot be more than 2",
            ),
            (
                r#"{"bun": {"resources": {"event_loop_lag_us": 2, "event_loop_lag_longest_us": 1}}}"#,
                "bun.resources.event_loop_lag_us bun.resources.event_loop_lag_longest_us: 2, and it cannot be more than 1",
            ),
            (
                r#"{"native": {"event_loop": {"lag_us": 2, "lag_longest_us": 1}}}"#,
                "native.event_loop.lag_us native.event_loop.lag_longest_us: 2, and it cannot be more than 1",
            ),
            (
                r#"{"node": {"gc": {"total_us": 1, "longest_us": 2}}}"#,
                "node.gc.longest_us node.gc.total_us: 2, and it cannot be more than 1",
            ),
            (
                r#"{"worker_threads": {"pool": {"min": 5, "max": 4}}}"#,
                "worker_threads.pool.min worker_threads.pool.max: 5, and it cannot be more than 4",
            ),
            (
                r#"{"worker_threads": {"statistics": {"p50_processing_ns": 7, "p99_processing_ns": 6}}}"#,
                "worker_threads.statistics.p50_processing_ns worker_threads.statistics.p99_processing_ns: 7, and it cannot be more than 6",
            ),
            (
                r#"{"rings": {"a.b": {"used_bytes": 2, "capacity_bytes": 1}, "c": {"used_bytes": 1}}}"#,
                "rings.a.b.used_bytes rings.a.b.capacity_bytes: 2, and it cannot be more than 1",
            ),
            (
                r#"{"git": {"staged_changes": 2, "uncommitted_files": 1}}"#,
                "git.staged_changes git.uncommitted_files: 2, and it cannot be more than 1",
            ),
            (
                r#"{"git": {"unstaged_changes": 2, "uncommitted_files": 1}}"#,
                "git.unstaged_changes git.uncommitted_files: 2, and it cannot be more than 1",
            ),
        ] {
            assert_eq!(found(json), [wanted]);
        }
    }

    #[test]
    fn states_that_exclude_each_other_are_found() {
        for (json, wanted) in [
            (
                r#"{"git": {"detached": true, "branch": "main"}}"#,
                "git.detached git.branch: a commit is checked out in the place of a branch, and so is the branch main",
            ),
            (r#"{"git": {"head": "main"}}"#, "git.head: no hash of a commit: \"main\""),
            (r#"{"metadata": {"env": {"head": ""}}}"#, "metadata.env.head: no hash of a commit: \"\""),
            (
                r#"{"worker_threads": {"registry": {"w": {"errors": 0, "last_error": "late"}}}}"#,
                "worker_threads.registry.w.errors worker_threads.registry.w.last_error: no errors, and \"late\" was the last of them",
            ),
            (
                r#"{"worker_threads": {"registry": {"w": {"state": "idle", "current_job": {"id": "j"}}}}}"#,
                "worker_threads.registry.w.state worker_threads.registry.w.current_job: it waits for a job, and runs one",
            ),
            (
                r#"{"node": {"gc": {"collections": 4, "total_us": 0, "longest_us": 0}}}"#,
                "node.gc.collections node.gc.total_us node.gc.longest_us: 4, which took no time, and neither did the longest of them",
            ),
            (
                r#"{"metadata": {"env": {"head": "d8c4b77"}}, "git": {"head": "d8c4b7712", "uncommitted_files": 0}, "files": {"breakdown": [{"status": "created"}]}}"#,
                "git.uncommitted_files files.breakdown: a clean tree, and 1 file that the session changed or made and has not committed",
            ),
        ] {
            assert_eq!(found(json), [wanted]);
        }
    }

    #[test]
    fn a_day_is_that_of_its_date() {
        assert_eq!(day_of("sess-1970-01-01-x"), Some(0));
        assert_eq!(day_of("sess-2000-02-29-x"), Some(11_016));
        assert_eq!(day_of("sess-2025-11-09-mhru2gsb-1rjf-1"), Some(20_401));
        for none in [
            "",
            "sess-",
            "sess-2025",
            "sess-2025-13-01-x",
            "sess-0000-01-01-x",
            "sess-99999999999999999999-1-1",
        ] {
            assert_eq!(day_of(none), None, "{none}");
        }
    }

    #[test]
    fn sums_that_no_number_holds_are_no_panic() {
        let most = u64::MAX;
        let json = format!(
            r#"{{"worker_threads": {{"pool": {{"size": 1, "active": {most}, "idle": {most}, "booting": {most}, "draining": {most}}},
                 "registry": {{"a": {{"errors": {most}, "messages_processed": {most}}}, "b": {{"errors": {most}, "messages_processed": {most}}}}},
                 "forgotten": {{"errors": {most}, "messages_processed": {most}}},
                 "statistics": {{"total_errors": 1, "total_messages_received": 1, "total_messages_sent": 1}}}},
                "test": {{"tests": {{"total": 1, "passed": {most}, "failed": {most}, "skipped": {most}}}}},
                "git": {{"dirty": false}}, "files": {{"modified": {most}, "created": {most}}}}}"#
        );
        assert_eq!(found(&json).len(), 2, "{:?}", found(&json));
    }

    proptest! {
        #[test]
        fn numbers_of_any_size_are_no_panic(size: u64, active in 0..u64::MAX / 8, idle in 0..u64::MAX / 8, created: u64) {
            let json = format!(
                r#"{{"metadata": {{"env": {{"session": "sess-2025-11-09-1"}}}},
                     "worker_threads": {{"pool": {{"size": {size}, "active": {active}, "idle": {idle}}}, "registry": {{"w": {{"created_at": {created}}}}}}}}}"#
            );
            let _ = found(&json);
        }
    }
}
