//! The project: git, files, tests, dependencies, the cache.

use super::super::escape::name;
use super::super::{DependencyTree, FileChange, Git, GitOperation, SessionPayload};
use super::line::Level::{Full, Least, Usual};
use super::line::{Line, counted, decimal, few, nouns, percent, plural, size, some, some_nouns, time};
use super::purpose::named;

/// From which part of hits on a cache is healthy.
const HEALTHY: f64 = 0.9;

pub(super) fn git(payload: &SessionPayload) -> Option<Line> {
    let git = payload.git.as_ref()?;
    let mut line = Line::new("Git", 220);
    line.add(Least, place(git));
    line.add(Least, operation(git));
    line.add(Least, some_nouns(git.conflicts, "conflict"));
    let stated = payload.stated.as_ref().and_then(|stated| stated.get("git.dirty")?.as_bool());
    match git.uncommitted_files {
        // What contradicts itself is not clean.
        Some(0) if stated == Some(true) => line.add(Least, Some("dirty".to_owned())),
        Some(0) => {
            line.add(Least, Some("clean".to_owned()));
            line.add(Least, is_deployable(payload, git).then(|| "deployable".to_owned()));
        }
        Some(files) => line.add(Least, Some(plural(files, "uncommitted file"))),
        None => line.add(Least, stated.filter(|&dirty| dirty).map(|_| "dirty".to_owned())),
    }
    line.add(Usual, some(git.ahead, "ahead"));
    line.add(Usual, some(git.behind, "behind"));
    line.add(Usual, some_nouns(git.staged_changes, "staged change"));
    line.add(Usual, some_nouns(git.unstaged_changes, "unstaged change"));
    line.add(Usual, some(git.untracked, "untracked"));
    line.add(Full, some_nouns(git.stashes, "stash"));
    line.add(Full, some_nouns(git.submodules_changed, "changed submodule"));
    line.add(Full, (git.worktree == Some(true)).then(|| "linked worktree".to_owned()));
    line.done()
}

/// What is committed is all there is, nothing is known to be in its way, and it is what others have too.
fn is_deployable(payload: &SessionPayload, git: &Git) -> bool {
    let is_any = |count: Option<u64>| count.is_some_and(|count| count > 0);
    let tests = payload.test.as_ref().and_then(|test| test.tests.as_ref());
    let is_known = git.branch.is_some() || git.head.is_some();
    is_known
        && operation(git).is_none()
        && ![git.conflicts, git.behind, tests.and_then(|tests| tests.failed)].into_iter().any(is_any)
}

/// Says what was begun and not ended.
fn operation(git: &Git) -> Option<String> {
    let operation = git.operation.as_ref().filter(|operation| **operation != GitOperation::Nothing)?;
    name(operation.as_str()).map(|operation| format!("{operation} in progress"))
}

fn place(git: &Git) -> Option<String> {
    let head = git.head.as_deref().and_then(|head| name(short(head)));
    let branch = git.branch.as_deref().and_then(name);
    let at = |what: String| head.as_ref().map_or(what.clone(), |head| format!("{what} at {head}"));
    match (branch, git.detached == Some(true)) {
        // What contradicts itself is said as it is.
        (Some(branch), true) => Some(at(format!("branch {branch} detached"))),
        (Some(branch), false) => Some(at(format!("branch {branch}"))),
        (None, true) => Some(at("detached".to_owned())),
        (None, false) => head.map(|head| format!("commit {head}")),
    }
}

/// Shortens a full hash to the seven digits that git shows.
fn short(head: &str) -> &str {
    if head.len() >= 40 && head.bytes().all(|byte| byte.is_ascii_hexdigit()) { &head[..7] } else { head }
}

pub(super) fn files(payload: &SessionPayload) -> Option<Line> {
    let files = payload.files.as_ref()?;
    let mut line = Line::new("Files", 110);
    for (path, listed, what) in [
        ("files.created", files.created(), "created"),
        ("files.modified", files.modified(), "modified"),
        ("files.touched_no_change", files.touched_no_change(), "touched"),
    ] {
        line.add(Least, stated_or_counted(payload, path, listed, what));
    }
    line.add(Full, few(files.breakdown.iter().flatten().map(change), 12));
    line.done()
}

/// Writes what was stated, and what the list gives where that is something else.
pub(super) fn stated_or_counted(
    payload: &SessionPayload,
    path: &str,
    counted: Option<u64>,
    what: &str,
) -> Option<String> {
    let stated = payload.stated.as_ref().and_then(|stated| stated.get(path)?.as_u64());
    match (stated, counted) {
        (Some(stated), Some(counted)) if stated != counted => {
            Some(format!("{stated} {what} ({counted} counted)"))
        }
        _ => super::line::counted(stated.or(counted), what),
    }
}

fn change(file: &FileChange) -> Option<String> {
    let lines = file.lines.as_deref().and_then(name).map(|lines| format!(" {lines}")).unwrap_or_default();
    let status = file.status.as_ref().and_then(|status| name(status.as_str()));
    let path = name(file.path.as_deref()?)?;
    Some(status.map_or_else(|| format!("{path}{lines}"), |status| format!("{status} {path}{lines}")))
}

pub(super) fn tests(payload: &SessionPayload) -> Option<Line> {
    let test = payload.test.as_ref()?;
    let tests = test.tests.as_ref();
    let failed = tests.and_then(|tests| tests.failed).filter(|&failed| failed > 0);
    let mut line = Line::new("Tests", if failed.is_some() { 225 } else { 170 });
    if let Some(tests) = tests {
        line.add(Least, counted(failed, "failed"));
        line.add(
            Least,
            match (tests.passed, tests.total()) {
                (Some(passed), Some(total)) => Some(format!("{passed} of {total} passed")),
                (passed, _) => counted(passed, "passed"),
            },
        );
        line.add(Usual, some(tests.skipped, "skipped"));
    }
    line.add(Usual, named("runner", test.runner.as_deref()));
    line.add(Full, test.files.map(|files| plural(files, "file")));
    line.add(Full, tests.and_then(|tests| tests.duration_us).map(|us| time(us, 1e6)));
    line.done()
}

pub(super) fn coverage(payload: &SessionPayload) -> Option<Line> {
    let coverage = payload.test.as_ref()?.coverage.as_ref()?;
    let mut line = Line::new("Coverage", 80);
    line.add(Least, coverage.lines().map(|percent| format!("{}% of lines", decimal(percent))));
    line.add(Usual, coverage.functions().map(|percent| format!("{}% of functions", decimal(percent))));
    line.add(Usual, coverage.branches().map(|percent| format!("{}% of branches", decimal(percent))));
    line.done()
}

pub(super) fn dependencies(payload: &SessionPayload) -> Option<Line> {
    let dependencies = payload.dependencies.as_ref()?;
    let lockfile = dependencies.lockfile.as_ref();
    let mut line = Line::new("Dependencies", 70);
    if let Some(lockfile) = lockfile {
        line.add(Least, nouns(lockfile.total_dependencies, "package"));
        line.add(Usual, lockfile.total_size_bytes.map(size));
        line.add(Usual, named("lockfile", lockfile.path.as_deref()));
    }
    for (count, what) in dependencies.tree.iter().flat_map(kinds) {
        line.add(Usual, some(count, what));
    }
    let native = dependencies.tree.as_ref().and_then(|tree| tree.native_modules);
    line.add(Usual, some_nouns(native, "native module"));
    if let Some(polyfills) = &dependencies.polyfills {
        let all = polyfills.bun.iter().chain(&polyfills.node).flatten();
        line.add(Full, few(all.map(|polyfill| named("polyfill", Some(polyfill))), 6));
    }
    line.add(Full, named("hash", lockfile.and_then(|lockfile| lockfile.hash.as_deref())));
    line.done()
}

fn kinds(tree: &DependencyTree) -> [(Option<u64>, &'static str); 5] {
    [
        (tree.direct, "direct"),
        (tree.dev, "dev"),
        (tree.peer, "peer"),
        (tree.optional, "optional"),
        (tree.node_gyp_rebuilds, "compiled"),
    ]
}

pub(super) fn cache(payload: &SessionPayload) -> Option<Line> {
    let cache = payload.cache.as_ref()?;
    let mut line = Line::new("Cache", 190);
    let stated = payload.stated.as_ref().and_then(|stated| stated.get("cache.manifests.hit_rate")?.as_f64());
    let rate = cache.hit_rate().or_else(|| stated.filter(|rate| (0.0..=1.0).contains(rate)));
    line.add(
        Least,
        rate.map(|rate| {
            let health = if rate >= HEALTHY { "healthy" } else { "low" };
            format!("{} hit rate ({health})", percent(rate))
        }),
    );
    line.add(Usual, nouns(cache.hits, "hit"));
    line.add(Usual, nouns(cache.misses, "miss"));
    line.add(Usual, cache.size_bytes.map(size));
    line.add(Full, nouns(cache.manifests.as_ref().and_then(|manifests| manifests.entries), "manifest"));
    if let Some(modules) = &cache.modules {
        line.add(Full, nouns(modules.cached, "module"));
        line.add(Full, some(modules.evicted, "evicted"));
    }
    line.add(Full, named("in", cache.dir.as_deref()));
    line.done()
}
