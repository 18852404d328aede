//! Trackers of sessions for C: what goes in and what comes out is JSON.

use std::ffi::c_char;
use std::time::Duration;

use serde_json::Value;

use super::call::{
    Failure, Out, borrow, call, count, deadline, end_handle, into_handle, json, json_options, text,
};
#[cfg(target_os = "linux")]
use super::exec::circlet_executor;
use super::hub::circlet_hub;
use super::pool::circlet_pool;
use super::ring::circlet_ring;
#[cfg(target_os = "linux")]
use super::session_pool::circlet_session_pool;
use super::status::circlet_status;
use super::text::circlet_text;
use crate::payload::{SessionTracker, TrackerError, TrackerOptions};

/// Keeps the payload of a session: what the host measures, and what the guest says. Any thread calls it.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_tracker(SessionTracker);

/// Starts a tracker. `options` is a JSON object, or NULL for the defaults; each member may be left out: `session` (an id), `runtime`
/// (`"native"`, or `"bun"`, `"node"`, `"python"`), `pid` (this process), `folder` (`"."`), `project` (true: look at the folder's git
/// state, lockfile and dependencies), `junit` and `lcov` (files of results to follow), `page` (the name of a page in shared memory to
/// publish snapshots to), `interval_ms` (250), `project_interval_ms` (5000), `history` (16 snapshots), `max_bytes` (262144), `redact`
/// (true).
///
/// Returns 0, CIRCLET_INVALID, CIRCLET_BAD_JSON, CIRCLET_OS, or a code of a page; the caller owns `*tracker`. Any thread.
///
/// # Safety
/// `options` is NULL or a string; `tracker` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_start(
    options: *const c_char,
    tracker: *mut *mut circlet_tracker,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (out, options) =
            unsafe { (Out::new(tracker, "tracker")?, json_options::<TrackerOptions>(options)?) };
        out.set(into_handle(circlet_tracker(SessionTracker::start(options)?)));
        Ok(0)
    })
}

/// Takes what the guest says: a JSON Merge Patch (RFC 7396) of the canonical payload. Returns how many paths were refused, as they are
/// measured; `refused` is NULL, or gets a JSON list of them, which the caller owns. CIRCLET_BAD_JSON or CIRCLET_TOO_LARGE: nothing of
/// it was taken. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_patch(
    tracker: *const circlet_tracker,
    patch: *const c_char,
    refused: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, patch) = unsafe { (borrow(tracker, "tracker")?, json(patch, "patch")?) };
        let out = if refused.is_null() {
            None
        } else {
            // SAFETY: the caller's promise.
            Some(unsafe { Out::new(refused, "refused")? })
        };
        let paths = tracker.0.patch(patch)?;
        if let Some(out) = out {
            out.set(circlet_text::handle(Value::from(paths.clone()).to_string())?);
        }
        count(paths.len())
    })
}

/// Notes that the session uses an interface, at `apis` of its runtime. Each is noted once.
///
/// Returns 0, CIRCLET_INVALID for a name without bytes or with more than 256, CIRCLET_TOO_LARGE. Any thread.
///
/// # Safety
/// `tracker` is NULL or a tracker; `name` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_log_api_usage(
    tracker: *const circlet_tracker,
    name: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, name) = unsafe { (borrow(tracker, "tracker")?, text(name, "name")?) };
        tracker.0.log_api_usage(name)?;
        Ok(0)
    })
}

/// Adds a worker that starts.
///
/// Returns 0, CIRCLET_NAME_TAKEN where there is one of this id, CIRCLET_TOO_LARGE. Any thread.
///
/// # Safety
/// `tracker` is NULL or a tracker; `id` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_register_worker(
    tracker: *const circlet_tracker,
    id: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, id) = unsafe { (borrow(tracker, "tracker")?, text(id, "id")?) };
        tracker.0.register_worker(id)?;
        Ok(0)
    })
}

/// Changes what is said of a worker: a merge patch of its entry in `worker_threads.registry`, or `null` to forget it.
///
/// Returns 0, CIRCLET_NOT_FOUND, CIRCLET_BAD_JSON, CIRCLET_TOO_LARGE. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_update_worker(
    tracker: *const circlet_tracker,
    id: *const c_char,
    patch: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, id, patch) =
            unsafe { (borrow(tracker, "tracker")?, text(id, "id")?, json(patch, "patch")?) };
        tracker.0.update_worker(id, patch)?;
        Ok(0)
    })
}

/// Says what the program itself measured: a section such as `hub` or `test`, or a path in one such as `cache.hits`, and in JSON what it
/// is from now on.
///
/// Returns 0; CIRCLET_INVALID for what is no section or is measured by the tracker; CIRCLET_BAD_JSON where it does not fit the schema: what
/// was known stays. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_measured(
    tracker: *const circlet_tracker,
    section: *const c_char,
    value: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, section, value) =
            unsafe { (borrow(tracker, "tracker")?, text(section, "section")?, json(value, "value")?) };
        tracker.0.measured(section, &value)?;
        Ok(0)
    })
}

/// Watches a ring from now on: its counters are at `rings` under this name, anew in each snapshot, until `circlet_ring_close` or
/// `circlet_tracker_unwatch`, in any order with `circlet_tracker_free`. It keeps neither the ring nor its name.
///
/// Returns 0, CIRCLET_NAME_TAKEN where something is watched under this name, CIRCLET_INVALID, CIRCLET_OS. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_watch_ring(
    tracker: *const circlet_tracker,
    name: *const c_char,
    ring: *const circlet_ring,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, name, ring) =
            unsafe { (borrow(tracker, "tracker")?, text(name, "name")?, borrow(ring, "ring")?) };
        tracker.0.watch_ring(name, ring.ring())?;
        Ok(0)
    })
}

/// As `circlet_tracker_watch_ring`, of a pool, until it is closed: it is `worker_threads`. Of several the workers stand side by side, and
/// the counts are those of all together.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_watch_pool(
    tracker: *const circlet_tracker,
    name: *const c_char,
    pool: *const circlet_pool,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, name, pool) =
            unsafe { (borrow(tracker, "tracker")?, text(name, "name")?, borrow(pool, "pool")?) };
        tracker.0.watch_pool(name, pool.pool())?;
        Ok(0)
    })
}

/// As `circlet_tracker_watch_ring`, of an executor, until `circlet_executor_free`: it is at `executors`, and what confines it at
/// `policies`, and what that denied and warned of is `audit`, where its policy has an audit, such as `audit.payload`. Also while another
/// thread is in the executor.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_watch_executor(
    tracker: *const circlet_tracker,
    name: *const c_char,
    executor: *const circlet_executor,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, name, executor) =
            unsafe { (borrow(tracker, "tracker")?, text(name, "name")?, borrow(executor, "executor")?) };
        tracker.0.watch_executor_by(name, executor.watcher())?;
        Ok(0)
    })
}

/// As `circlet_tracker_watch_ring`, of a pool of sessions, until it and its last executor are freed: each session that lives is at
/// `executors`, as `name/w_0001`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_watch_session_pool(
    tracker: *const circlet_tracker,
    name: *const c_char,
    pool: *const circlet_session_pool,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, name, pool) =
            unsafe { (borrow(tracker, "tracker")?, text(name, "name")?, borrow(pool, "pool")?) };
        tracker.0.watch_sessions(name, pool.sessions())?;
        Ok(0)
    })
}

/// As `circlet_tracker_watch_ring`, of a hub, until `circlet_hub_stop` or `circlet_hub_free`: it is `hub`. Of several the counts are those
/// of all together, without an address.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_watch_hub(
    tracker: *const circlet_tracker,
    name: *const c_char,
    hub: *const circlet_hub,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, name, hub) =
            unsafe { (borrow(tracker, "tracker")?, text(name, "name")?, borrow(hub, "hub")?) };
        hub.with(|hub| Ok(tracker.0.watch_hub(name, hub)?))?;
        Ok(0)
    })
}

/// Watches something no more, whatever it is: it is in no snapshot from now on.
///
/// Returns 0, or CIRCLET_NOT_FOUND where nothing is watched under this name, as it has been closed or unwatched. Any thread.
///
/// # Safety
/// `tracker` is NULL or a tracker; `name` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_unwatch(
    tracker: *const circlet_tracker,
    name: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, name) = unsafe { (borrow(tracker, "tracker")?, text(name, "name")?) };
        if tracker.0.unwatch(name)? {
            return Ok(0);
        }
        let message = format!("nothing is watched as `{name}`: it was closed, or unwatched before");
        Err(Failure::new(circlet_status::CIRCLET_NOT_FOUND, message))
    })
}

/// Takes a snapshot, as JSON in the canonical form, and remembers it. It takes some microseconds.
///
/// Returns 0; the caller owns `*snapshot`. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_snapshot(
    tracker: *const circlet_tracker,
    snapshot: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, out) = unsafe { (borrow(tracker, "tracker")?, Out::new(snapshot, "snapshot")?) };
        out.set(circlet_text::handle(tracker.0.snapshot_json()?.to_string())?);
        Ok(0)
    })
}

/// Gives the snapshots that are remembered as a JSON list, the newest at the end.
///
/// Returns how many; the caller owns `*snapshots`. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_history(
    tracker: *const circlet_tracker,
    snapshots: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, out) = unsafe { (borrow(tracker, "tracker")?, Out::new(snapshots, "snapshots")?) };
        let history = tracker.0.history()?;
        out.set(circlet_text::handle(format!("[{}]", history.join(",")))?);
        count(history.len())
    })
}

/// Takes a snapshot, and gives the merge patch that leads to it from a remembered one, named by its `seq`.
///
/// Returns 0, or CIRCLET_NOT_FOUND where it is not remembered; the caller owns `*patch`. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_diff(
    tracker: *const circlet_tracker,
    from: u64,
    patch: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (tracker, out) = unsafe { (borrow(tracker, "tracker")?, Out::new(patch, "patch")?) };
        out.set(circlet_text::handle(tracker.0.diff(from)?.to_string())?);
        Ok(0)
    })
}

/// Waits until the project has been looked at once, for `timeout_ms` at the most (below 0 for ever).
///
/// Returns 0, CIRCLET_TIMED_OUT, or CIRCLET_INVALID where no project is looked at. Any thread.
///
/// # Safety
/// `tracker` is NULL or a tracker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_wait_for_project(
    tracker: *const circlet_tracker,
    timeout_ms: f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let tracker = unsafe { borrow(tracker, "tracker")? };
        let within = deadline(timeout_ms)?.left().unwrap_or(Duration::MAX);
        if !tracker.0.has_project() {
            return Err(Failure::invalid("this tracker looks at no project: start one with `project`"));
        }
        if tracker.0.wait_for_project(within) {
            return Ok(0);
        }
        let message = "the project has not been looked at yet: wait longer";
        Err(Failure::new(circlet_status::CIRCLET_TIMED_OUT, message))
    })
}

/// Ends a tracker and its page. NULL is fine.
///
/// # Safety
/// `tracker` is NULL or a tracker that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_tracker_free(tracker: *mut circlet_tracker) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(tracker) };
}

impl From<TrackerError> for Failure {
    fn from(error: TrackerError) -> Self {
        use circlet_status::*;
        let error = match error {
            TrackerError::Page(error) => return error.into(),
            TrackerError::Ring(error) => return (*error).into(),
            error => error,
        };
        let status = match &error {
            TrackerError::Option { .. } | TrackerError::NoSection { .. } | TrackerError::Measured(_) => {
                CIRCLET_INVALID
            }
            TrackerError::Patch(_) => CIRCLET_BAD_JSON,
            TrackerError::TooLarge { .. } => CIRCLET_TOO_LARGE,
            TrackerError::KnownWorker(_) | TrackerError::KnownWatch(_) => CIRCLET_NAME_TAKEN,
            TrackerError::UnknownWorker(_) | TrackerError::Forgotten { .. } => CIRCLET_NOT_FOUND,
            TrackerError::Forked
            | TrackerError::Process { .. }
            | TrackerError::Thread(_)
            | TrackerError::Ring(_)
            | TrackerError::Page(_) => CIRCLET_OS,
        };
        Self::new(status, error.to_string())
    }
}
