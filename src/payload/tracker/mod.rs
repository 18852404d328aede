//! A tracker: it keeps the payload of a session that goes on, and publishes it.
//!
//! | file | concept |
//! |---|---|
//! | `options` | what one is started with |
//! | `book` | what is known: what guests said under what the host measured. Pure |
//! | `side` | what one of the two says |
//! | `watch` | rings, pools, executors, pools of sessions and hubs that a program has watched |
//! | `paths` | places in documents |
//! | `owned` | what no guest may say |
//! | `project` | what is looked at in the background: git, lockfile, dependencies, cache, tests |
//! | `publish` | the page in shared memory, written on a timer |
//! | `error` | what is refused |

mod book;
mod error;
mod options;
mod owned;
mod paths;
mod project;
mod publish;
mod side;
mod watch;

use std::fmt;
use std::io::ErrorKind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use book::{Book, Moment, difference};
pub use error::TrackerError;
pub use options::TrackerOptions;
use owned::Owned;
pub use publish::{PAGE_SCHEMA, ReadError, ReadSession, read_session, read_session_page};
use watch::{Watch, Watches};

#[cfg(all(feature = "exec", target_os = "linux"))]
use crate::exec::{Executor, ExecutorWatcher, SessionPool, Workers};
#[cfg(feature = "hub")]
use crate::hub::Hub;
use crate::pool::Pool;
use crate::ring::Ring;

use super::{Process, ProcessProbe, Redactor, SessionPayload, host, new_session_id};

/// The sections of runtimes, which a tracker can be one of.
const RUNTIMES: [&str; 4] = ["bun", "node", "python", "native"];

/// Keeps the payload of a session: the host's side by measuring, the guest's by being told. It can be shared, and any thread calls it.
///
/// What changes with each look, as memory and descriptors, is measured when a snapshot is taken; what does not, once; what is slow, as
/// the state of git, by a thread in the background when files that say so have changed. A guest cannot overwrite what is measured. With
/// [`TrackerOptions::page`] snapshots are published to a page in shared memory, which any process reads with [`read_session`]. Both
/// threads end when the last clone is dropped; a child that is forked has none of them.
///
/// ```
/// use circlet::payload::{SessionTracker, TrackerOptions};
/// use serde_json::json;
///
/// let tracker = SessionTracker::start(TrackerOptions { project: false, ..TrackerOptions::default() })?;
/// tracker.log_api_usage("ring")?;
/// tracker.register_worker("w_1")?;
/// tracker.update_worker("w_1", json!({"state": "idle"}))?;
/// let refused = tracker.patch(json!({"goal": "draw a curve", "process": {"rss_bytes": 1}}))?;
/// assert_eq!(refused, ["process"]);
/// let payload = tracker.snapshot()?;
/// assert_eq!(payload.goal.as_deref(), Some("draw a curve"));
/// assert!(payload.process.unwrap().rss_bytes > Some(1));
/// # Ok::<(), circlet::payload::TrackerError>(())
/// ```
#[derive(Clone)]
pub struct SessionTracker(Arc<Handle>);

/// Ends the threads with the last clone.
struct Handle {
    shared: Arc<Shared>,
    /// The process that started it: one that was forked has its memory, and neither its threads nor what they hold.
    pid: u32,
    /// The one that writes the page, whose name has gone when it has ended.
    publishes: Mutex<Option<JoinHandle<()>>>,
    has_project: bool,
}

/// What threads and callers share.
struct Shared {
    book: Mutex<Book>,
    probe: Mutex<ProcessProbe>,
    watches: Mutex<Watches>,
    stage: Mutex<Stage>,
    wakes: Condvar,
}

/// How far a tracker is.
#[derive(Default)]
struct Stage {
    /// The project has been looked at once.
    has_looked: bool,
    /// All is to end.
    is_over: bool,
}

impl SessionTracker {
    /// Starts one.
    ///
    /// # Errors
    /// [`TrackerError::Process`], [`TrackerError::Page`], [`TrackerError::Option`], [`TrackerError::Thread`].
    pub fn start(mut options: TrackerOptions) -> Result<Self, TrackerError> {
        // What nobody looks at may have gone, as the folder that the program runs in.
        let is_looked_at = options.project || options.folder != TrackerOptions::default().folder;
        if is_looked_at && !options.folder.is_dir() {
            let given = format!("`{}`", options.folder.display());
            return Err(TrackerError::Option {
                option: "folder",
                given,
                allowed: "give a folder that is there",
            });
        }
        options.absolute();
        if !RUNTIMES.contains(&options.runtime.as_str()) {
            let allowed = "one of bun, node, python and native";
            return Err(TrackerError::Option {
                option: "runtime",
                given: format!("`{}`", options.runtime),
                allowed,
            });
        }
        let pid = options.pid.unwrap_or_else(std::process::id);
        let probe = match options.pid {
            None => ProcessProbe::this(),
            Some(pid) => ProcessProbe::of(pid),
        };
        let probe = probe.map_err(|source| TrackerError::Process { pid, source })?;
        let project = project::Project::new(&options);
        let owned = Owned::with(project.sections());
        let redactor = options.redact.then(Redactor::here);
        let mut book = Book::new(&options, owned, redactor);
        book.measured("metadata", Ok(metadata(&options, pid)), Instant::now())?;
        let page = options.page.as_deref().map(|name| publish::page(name, options.max_bytes)).transpose()?;
        let shared = Arc::new(Shared {
            book: Mutex::new(book),
            probe: Mutex::new(probe),
            watches: Mutex::default(),
            stage: Mutex::default(),
            wakes: Condvar::new(),
        });
        let tracker = Self(Arc::new(Handle {
            shared: shared.clone(),
            pid: std::process::id(),
            publishes: Mutex::default(),
            has_project: options.project,
        }));
        if let Some(writer) = page {
            let interval = Duration::from_millis(options.interval_ms.max(1));
            let thread =
                tracker.0.run("circlet-session", move |shared| publish::run(shared, writer, interval))?;
            *tracker.0.publishes.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        }
        if options.project {
            // Not waited for: it may be in the middle of a large folder, and ends by itself.
            drop(tracker.0.run("circlet-project", move |shared| project.run(shared))?);
        }
        Ok(tracker)
    }

    /// Takes what the guest says, as a JSON Merge Patch (RFC 7396) of the canonical payload. Returns the paths of what it may not say,
    /// as it is measured; that is left out.
    ///
    /// # Errors
    /// [`TrackerError::Patch`] and [`TrackerError::TooLarge`]: nothing of it is taken.
    pub fn patch(&self, patch: Value) -> Result<Vec<String>, TrackerError> {
        self.0.own()?.book().patch(patch, Instant::now())
    }

    /// Notes that the session uses an interface, at `apis` of its runtime. Each is noted once, so that it costs little to call again.
    ///
    /// # Errors
    /// [`TrackerError::Option`] where the name has no or too many bytes, [`TrackerError::TooLarge`].
    pub fn log_api_usage(&self, name: &str) -> Result<(), TrackerError> {
        self.0.own()?.book().log_api_usage(name, Instant::now())
    }

    /// Adds a worker that starts.
    ///
    /// # Errors
    /// [`TrackerError::KnownWorker`], [`TrackerError::TooLarge`].
    pub fn register_worker(&self, id: &str) -> Result<(), TrackerError> {
        self.0.own()?.book().register_worker(id, unix(), Instant::now())
    }

    /// Changes what is said of a worker, by a merge patch of its entry in `worker_threads.registry`; `null` forgets the worker.
    ///
    /// # Errors
    /// [`TrackerError::UnknownWorker`], [`TrackerError::Patch`], [`TrackerError::TooLarge`].
    pub fn update_worker(&self, id: &str, patch: Value) -> Result<(), TrackerError> {
        self.0.own()?.book().update_worker(id, patch, Instant::now())
    }

    /// Says what is measured by the program itself: a section or a path in one, and what it is from now on. Rings, pools and executors
    /// of circlet are better watched, as [`SessionTracker::watch_ring`] does. It takes the place of what guests say of it, and they may say nothing of it any more.
    ///
    /// ```
    /// # use circlet::payload::{SessionTracker, TrackerOptions, RingState};
    /// # let tracker = SessionTracker::start(TrackerOptions { project: false, ..TrackerOptions::default() })?;
    /// let ring = circlet::ring::create("tracked-ring", &circlet::ring::Options::default()).unwrap();
    /// let state = RingState::from(&ring.stats());
    /// tracker.measured("rings", &std::collections::BTreeMap::from([("tracked-ring", state)]))?;
    /// assert!(tracker.snapshot()?.rings.unwrap().contains_key("tracked-ring"));
    /// # Ok::<(), circlet::payload::TrackerError>(())
    /// ```
    ///
    /// # Errors
    /// [`TrackerError::Patch`]: it does not fit the schema, and what was known stays. [`TrackerError::NoSection`] for what is no section, and
    /// what the tracker measures itself.
    pub fn measured(&self, section: &str, value: &impl serde::Serialize) -> Result<(), TrackerError> {
        let value = serde_json::to_value(value).map_err(super::Error::NotJson)?;
        self.0.own()?.book().owns(section, value, Instant::now())
    }

    /// Watches a ring from now on: each snapshot, and each on the page, has its counters at `rings`, until it and all that was made of
    /// it are dropped. It is not kept by that, nor is its name.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// # use circlet::payload::{SessionTracker, TrackerOptions};
    /// # let tracker = SessionTracker::start(TrackerOptions { project: false, ..TrackerOptions::default() })?;
    /// let ring = circlet::ring::anonymous(&circlet::ring::Options::new()).unwrap();
    /// tracker.watch_ring("jobs", &ring)?;
    /// ring.sender().unwrap().send(b"one").unwrap();
    /// assert_eq!(tracker.snapshot()?.rings.unwrap()["jobs"].frames_sent, Some(1));
    /// drop(ring);
    /// assert_eq!(tracker.snapshot()?.rings, None);
    /// # }
    /// # Ok::<(), circlet::payload::TrackerError>(())
    /// ```
    ///
    /// # Errors
    /// [`TrackerError::KnownWatch`], [`TrackerError::Option`] for a name without bytes or with more than 256, [`TrackerError::Ring`].
    pub fn watch_ring(&self, name: &str, ring: &Ring) -> Result<(), TrackerError> {
        self.watching(name, |name| Watch::ring(name, ring))
    }

    /// Watches a pool of workers from now on, until it is closed: it is `worker_threads`. Of several pools the workers stand side by
    /// side, and the counts are those of all together.
    ///
    /// # Errors
    /// [`TrackerError::KnownWatch`], [`TrackerError::Option`].
    pub fn watch_pool(&self, name: &str, pool: &Pool) -> Result<(), TrackerError> {
        self.watching(name, |name| Ok(Watch::pool(name, pool)))
    }

    /// As [`SessionTracker::watch_pool`], of worker processes.
    ///
    /// # Errors
    /// As [`SessionTracker::watch_pool`].
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub fn watch_workers(&self, name: &str, workers: &Workers) -> Result<(), TrackerError> {
        self.watch_pool(name, workers.pool())
    }

    /// Watches an executor from now on, until it is dropped: what its session does is at `executors`, the policies that it runs
    /// under are at `policies`, and what those denied and warned of is `audit`, where any is told (`audit.payload` or `audit.file` of a
    /// policy, or whoever hears of decisions).
    ///
    /// # Errors
    /// As [`SessionTracker::watch_pool`].
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub fn watch_executor(&self, name: &str, executor: &Executor) -> Result<(), TrackerError> {
        self.watch_executor_by(name, executor.watcher())
    }

    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(crate) fn watch_executor_by(
        &self,
        name: &str,
        executor: ExecutorWatcher,
    ) -> Result<(), TrackerError> {
        self.watching(name, |name| Ok(Watch::executor(name, executor)))
    }

    /// Watches a pool of sessions from now on, until it is dropped with its last executor: each session that lives is at `executors`, as
    /// `name/w_0001`.
    ///
    /// # Errors
    /// As [`SessionTracker::watch_pool`].
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub fn watch_sessions(&self, name: &str, pool: &SessionPool) -> Result<(), TrackerError> {
        self.watching(name, |name| Ok(Watch::sessions(name, pool)))
    }

    /// Watches a hub from now on, until it is stopped: it is `hub`. Of several the counts are those of all together, without an address.
    ///
    /// ```
    /// # use circlet::hub::{Hub, HubOptions};
    /// # use circlet::payload::{SessionTracker, TrackerOptions};
    /// # let tracker = SessionTracker::start(TrackerOptions { project: false, ..TrackerOptions::default() })?;
    /// let options = serde_json::from_str::<HubOptions>(r#"{"addr": "127.0.0.1:0"}"#).unwrap();
    /// let hub = Hub::start(options).unwrap();
    /// tracker.watch_hub("live", &hub)?;
    /// assert_eq!(tracker.snapshot()?.hub.unwrap().address, Some(hub.addr().to_string()));
    /// drop(hub);
    /// assert_eq!(tracker.snapshot()?.hub, None);
    /// # Ok::<(), circlet::payload::TrackerError>(())
    /// ```
    ///
    /// # Errors
    /// As [`SessionTracker::watch_pool`].
    #[cfg(feature = "hub")]
    pub fn watch_hub(&self, name: &str, hub: &Hub) -> Result<(), TrackerError> {
        self.watching(name, |name| Ok(Watch::hub(name, hub)))
    }

    /// Watches something no more: it is in no snapshot from now on. `false` where nothing is watched under this name.
    ///
    /// # Errors
    /// [`TrackerError::Forked`].
    pub fn unwatch(&self, name: &str) -> Result<bool, TrackerError> {
        Ok(self.0.own()?.watches().remove(name))
    }

    /// Tells whether a project is looked at.
    #[cfg(feature = "capi")]
    pub(crate) fn has_project(&self) -> bool {
        self.0.has_project
    }

    fn watching(
        &self,
        name: &str,
        watch: impl FnOnce(&str) -> Result<Watch, TrackerError>,
    ) -> Result<(), TrackerError> {
        let shared = self.0.own()?;
        let watch = watch(book::name_of("name", name)?)?;
        // One of this name may have gone.
        shared.look_at_watched(Instant::now());
        shared.watches().add(watch)
    }

    /// Takes a snapshot, and remembers it.
    ///
    /// # Errors
    /// [`TrackerError::Forked`].
    pub fn snapshot(&self) -> Result<SessionPayload, TrackerError> {
        let shared = self.0.own()?;
        let (moment, process) = shared.look();
        let mut book = shared.book();
        book.remember(moment, process);
        Ok(book.payload().clone())
    }

    /// Takes a snapshot as JSON in the canonical form, and remembers it.
    ///
    /// # Errors
    /// [`TrackerError::Forked`].
    pub fn snapshot_json(&self) -> Result<Arc<str>, TrackerError> {
        let shared = self.0.own()?;
        let (moment, process) = shared.look();
        Ok(shared.book().remember(moment, process))
    }

    /// Returns the last snapshots that were taken here, the newest at the end; those that the page alone has are not among them.
    ///
    /// # Errors
    /// [`TrackerError::Forked`].
    pub fn history(&self) -> Result<Vec<Arc<str>>, TrackerError> {
        Ok(self.0.own()?.book().history())
    }

    /// Takes a snapshot, and returns the merge patch that leads to it from a remembered one, named by its `seq`.
    ///
    /// # Errors
    /// [`TrackerError::Forgotten`].
    pub fn diff(&self, from: u64) -> Result<Value, TrackerError> {
        let from = self.0.own()?.book().remembered(from)?;
        difference(&from, &self.snapshot_json()?)
    }

    /// Waits until the project has been looked at once; `false` where it was not within this time, [`Duration::MAX`] for without end, or
    /// at once where none is looked at.
    pub fn wait_for_project(&self, within: Duration) -> bool {
        let Ok(shared) = self.0.own() else { return false };
        if !self.0.has_project {
            return false;
        }
        let waited = shared.wakes.wait_timeout_while(shared.stage(), within, |stage| !stage.has_looked);
        waited.unwrap_or_else(PoisonError::into_inner).0.has_looked
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic leaves it as it was: what changes is put together first.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watches(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the process, and at what is watched.
    fn look(&self) -> (Moment, Result<Process, String>) {
        let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        let process = probe.sample().map_err(|error| match error.kind() {
            ErrorKind::NotFound => "it has ended".to_owned(),
            _ => error.to_string(),
        });
        let moment = Moment { now: Instant::now(), unix: unix(), started: probe.started() };
        drop(probe);
        self.look_at_watched(moment.now);
        (moment, process)
    }

    fn look_at_watched(&self, now: Instant) {
        let looking = self.watches().looking();
        let looked = looking.look();
        // Held until the book has what was seen, so that nothing earlier comes after it.
        let mut watches = self.watches();
        if let Some(seen) = watches.take(looked) {
            // Types of the schema fit it.
            let _ = self.book().watch(seen, now);
        }
    }

    /// Waits for so long; `true` where all ends meanwhile.
    fn pause(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut stage = self.stage();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if stage.is_over || left.is_zero() {
                return stage.is_over;
            }
            stage = self.wakes.wait_timeout(stage, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Handle {
    /// Returns what is shared, to the process that it is of.
    fn own(&self) -> Result<&Shared, TrackerError> {
        if self.pid == std::process::id() { Ok(&self.shared) } else { Err(TrackerError::Forked) }
    }

    fn run(
        &self,
        name: &str,
        work: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<JoinHandle<()>, TrackerError> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&shared));
        thread.map_err(TrackerError::Thread)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.own().is_err() {
            // The thread is another process's, and what it held at the fork nobody lets go of here.
            std::mem::forget(self.publishes.get_mut().unwrap_or_else(PoisonError::into_inner).take());
            return;
        }
        self.shared.stage().is_over = true;
        self.shared.wakes.notify_all();
        if let Some(thread) = self.publishes.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic of it was told already.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for SessionTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTracker").finish_non_exhaustive()
    }
}

/// Says where the session runs.
fn metadata(options: &TrackerOptions, pid: u32) -> Value {
    let session = options.session.clone().unwrap_or_else(new_session_id);
    let mut metadata = host(&session);
    if let Some(env) = &mut metadata.env {
        env.process_id = Some(u64::from(pid));
    }
    serde_json::to_value(metadata).unwrap_or_else(|_| json!({}))
}

fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
