//! States that exclude each other.

use super::super::{CurrentJob, Runtime, SessionPayload, WorkerState};
use super::Found;

/// A worker has an error where it had one, and a job where it runs one.
pub(super) fn workers_are_in_one_state(payload: &SessionPayload, found: &mut Found) {
    let registry = payload.worker_threads.as_ref().and_then(|workers| workers.registry.as_ref());
    for (id, worker) in registry.into_iter().flatten() {
        let path = |field: &str| format!("worker_threads.registry.{id}.{field}");
        if let (Some(0), Some(Some(error))) = (worker.errors, &worker.last_error) {
            let what = format!("no errors, and {error:?} was the last of them");
            found.add(&[&path("errors"), &path("last_error")], what);
        }
        let has_job = worker.current_job.as_ref().is_some_and(|job| *job != CurrentJob::default());
        if worker.state == Some(WorkerState::Idle) && has_job {
            let what = "it waits for a job, and runs one".to_owned();
            found.add(&[&path("state"), &path("current_job")], what);
        }
    }
}

/// Collections of garbage take time. Python counts them from before it is known how long they take, so that it is not asked.
pub(super) fn collections_take_time(payload: &SessionPayload, found: &mut Found) {
    for (name, runtime) in [("node", &payload.node), ("native", &payload.native)] {
        let gc = runtime.as_ref().and_then(|runtime: &Runtime| runtime.gc.as_ref());
        let Some(gc) = gc else { continue };
        if let (Some(count @ 1..), Some(0), Some(0)) = (gc.collections, gc.total_us, gc.longest_us) {
            let what = format!("{count}, which took no time, and neither did the longest of them");
            let paths = ["collections", "total_us", "longest_us"].map(|field| format!("{name}.gc.{field}"));
            found.add(&paths.each_ref().map(String::as_str), what);
        }
    }
}
