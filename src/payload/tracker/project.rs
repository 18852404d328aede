//! What is slow to look at: the project, by a thread in the background, again when files that say so have changed.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use serde_json::Value;

use super::Shared;
use super::options::TrackerOptions;
use crate::payload::{Unavailable, git_state, git_watch_paths};

/// How often it is looked whether files have changed.
const POLL: Duration = Duration::from_millis(250);
/// Looking takes one part in so many of the time at the most.
const SHARE: u32 = 20;

/// What was found at a path of the payload.
type Found = (&'static str, Result<Value, String>);

/// One thing of a project to look at.
struct Task {
    /// What of the payload it measures.
    owned: &'static [&'static str],
    look: fn(&Place) -> Vec<Found>,
    /// The files whose change says that something else is to be found.
    watch: fn(&Place) -> Vec<PathBuf>,
    /// How often to look where nothing says so.
    at_least: Option<Duration>,
}

/// Where the project is.
struct Place {
    folder: PathBuf,
    #[cfg(feature = "project")]
    junit: Option<PathBuf>,
    #[cfg(feature = "project")]
    lcov: Option<PathBuf>,
}

/// A project, and how it was when it was last looked at.
pub(super) struct Project {
    place: Place,
    tasks: Vec<Watched>,
}

struct Watched {
    task: Task,
    files: Vec<PathBuf>,
    seen: Vec<Stamp>,
    /// Not before, and not after.
    next: (Instant, Option<Instant>),
}

/// What tells that a file has changed: its time, its length and which one it is; nothing of one that is not there.
type Stamp = Option<(Option<SystemTime>, u64, u64)>;

impl Project {
    pub(super) fn new(options: &TrackerOptions) -> Self {
        let now = Instant::now();
        let tasks = if options.project { tasks(options) } else { Vec::new() };
        let watched = |task| Watched { task, files: Vec::new(), seen: Vec::new(), next: (now, Some(now)) };
        Self { place: Place::of(options), tasks: tasks.into_iter().map(watched).collect() }
    }

    /// Returns what of the payload is measured here.
    pub(super) fn sections(&self) -> Vec<&'static str> {
        self.tasks.iter().flat_map(|watched| watched.task.owned).copied().collect()
    }

    /// Looks at the project until the tracker ends.
    pub(super) fn run(mut self, shared: &Shared) {
        loop {
            for watched in &mut self.tasks {
                if watched.is_due(Instant::now()) {
                    watched.look(&self.place, shared);
                }
                if shared.stage().is_over {
                    return;
                }
            }
            shared.stage().has_looked = true;
            shared.wakes.notify_all();
            if shared.pause(POLL) {
                return;
            }
        }
    }
}

impl Watched {
    fn is_due(&self, now: Instant) -> bool {
        let (not_before, not_after) = self.next;
        now >= not_before && (not_after.is_some_and(|at| now >= at) || stamps(&self.files) != self.seen)
    }

    fn look(&mut self, place: &Place, shared: &Shared) {
        let begin = Instant::now();
        // Before it is looked, so that what changes meanwhile is seen the next time.
        self.files = (self.task.watch)(place);
        self.seen = stamps(&self.files);
        let found = catch_unwind(|| (self.task.look)(place)).unwrap_or_else(|_| {
            self.task.owned.iter().map(|path| (*path, Err("looking at it panicked".to_owned()))).collect()
        });
        let end = Instant::now();
        for (path, value) in found {
            if let Err(error) = shared.book().measured(path, value, end) {
                // It stays as it was told before, and says why.
                let _ = shared.book().measured(path, Err(error.to_string()), end);
            }
        }
        let rest = (end - begin) * SHARE;
        self.next = (end + rest, self.task.at_least.map(|at_least| end + at_least.max(rest)));
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|file| stamp(file)).collect()
}

fn stamp(file: &Path) -> Stamp {
    let metadata = fs::metadata(file).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some((metadata.modified().ok(), metadata.len(), inode))
}

/// Writes what was found, or why nothing was.
fn told<T: Serialize>(found: Result<T, Unavailable>) -> Result<Value, String> {
    found
        .map_err(|reason| reason.to_string())
        .and_then(|found| serde_json::to_value(found).map_err(|error| error.to_string()))
}

fn tasks(options: &TrackerOptions) -> Vec<Task> {
    let at_least = Duration::from_millis(options.project_interval_ms.max(1));
    let git = Task {
        // The session works on the commit that is checked out.
        owned: &["git", "metadata.env.head"],
        look: |place| vec![("git", told(git_state(&place.folder)))],
        watch: |place| git_watch_paths(&place.folder).unwrap_or_default(),
        // Files of the project that are edited show in none of git's own.
        at_least: Some(at_least),
    };
    let tasks = vec![git];
    #[cfg(feature = "project")]
    let tasks = tasks.into_iter().chain(files::tasks(options)).collect();
    tasks
}

impl Place {
    fn of(options: &TrackerOptions) -> Self {
        Self {
            folder: options.folder.clone(),
            #[cfg(feature = "project")]
            junit: options.junit.clone(),
            #[cfg(feature = "project")]
            lcov: options.lcov.clone(),
        }
    }
}

/// What the project's own files say.
#[cfg(feature = "project")]
mod files {
    use serde_json::json;

    use super::{Duration, Found, PathBuf, Place, Task, TrackerOptions, told};
    use crate::payload::project::lockfile_places;
    use crate::payload::{dependency_tree, junit_report, lcov_report, lockfile, package_cache};

    /// How often a cache is measured again.
    const CACHE: Duration = Duration::from_secs(120);
    /// What says what a project depends on.
    const MANIFESTS: [&str; 4] = ["package.json", "Cargo.toml", "pyproject.toml", "node_modules"];

    pub(super) fn tasks(options: &TrackerOptions) -> Vec<Task> {
        let mut tasks = vec![
            Task {
                owned: &["dependencies.lockfile"],
                look: |place| vec![("dependencies.lockfile", told(lockfile(&place.folder)))],
                watch: |place| lockfile_places(&place.folder),
                at_least: None,
            },
            Task {
                owned: &["dependencies.tree"],
                look: |place| vec![("dependencies.tree", told(dependency_tree(&place.folder)))],
                watch: |place| MANIFESTS.map(|name| place.folder.join(name)).to_vec(),
                at_least: None,
            },
            Task {
                owned: &[
                    "cache.dir",
                    "cache.size_bytes",
                    "cache.entries",
                    "cache.manifests.entries",
                    "cache.modules.cached",
                ],
                look: |place| vec![("cache", told(package_cache(&place.folder)))],
                watch: |_| Vec::new(),
                at_least: Some(CACHE),
            },
        ];
        if options.junit.is_some() {
            tasks.push(Task {
                owned: &["test.runner", "test.files", "test.tests"],
                look: |place| tests(place),
                watch: |place| place.junit.clone().into_iter().collect(),
                at_least: None,
            });
        }
        if options.lcov.is_some() {
            tasks.push(Task {
                owned: &["test.coverage"],
                look: |place| {
                    place.lcov.iter().map(|report| ("test.coverage", told(lcov_report(report)))).collect()
                },
                watch: |place: &Place| -> Vec<PathBuf> { place.lcov.clone().into_iter().collect() },
                at_least: None,
            });
        }
        tasks
    }

    fn tests(place: &Place) -> Vec<Found> {
        let Some(report) = &place.junit else { return Vec::new() };
        match junit_report(report) {
            Ok(test) => vec![
                ("test.runner", Ok(json!(test.runner))),
                ("test.files", Ok(json!(test.files))),
                ("test.tests", Ok(json!(test.tests))),
            ],
            Err(reason) => vec![
                ("test.runner", Ok(json!(null))),
                ("test.files", Ok(json!(null))),
                ("test.tests", Err(reason.to_string())),
            ],
        }
    }
}
