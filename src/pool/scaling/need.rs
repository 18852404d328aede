//! How many workers the load, and how many the queue needs.

use super::{Sample, Scaling, State};

/// Workers beyond the mean of the busy ones, as a multiple of its square root: the square-root staffing of Halfin and
/// Whitt (1981). With 1.2, about one job in six finds nobody idle, however large the pool is.
const HEADROOM: f64 = 1.2;

/// What is needed at one moment, in workers and parts of one.
pub(super) struct Need {
    /// Workers that are busy on average.
    pub(super) busy: f64,
    /// Workers for the load alone.
    pub(super) load: f64,
    /// Workers for what waits, 0 if nothing waits for longer than a worker takes to boot.
    pub(super) queue: f64,
    /// Whether a job has waited for so long that the running ones are not expected to end.
    pub(super) is_stuck: bool,
}

impl Need {
    pub(super) fn of(scaling: &Scaling, state: &State, sample: &Sample) -> Self {
        let busy = state.rate() * state.service_time().unwrap_or(0.0);
        // A worker that will probably not see a job within the time that it would be kept for is not needed.
        let is_seldom = state.rate() * state.keep(scaling).as_secs_f64() < 1.0;
        let load = if is_seldom { 0.0 } else { busy + HEADROOM * busy.sqrt() };
        let patience = scaling.target_wait.as_secs_f64() + 2.0 * state.boot_time();
        let is_stuck = sample.queued > 0 && sample.oldest_age.as_secs_f64() > patience;
        // Where none has ended for as long either, what the last ones took says nothing of those that run.
        let service = state.service_time().filter(|_| !is_stuck || state.quiet().as_secs_f64() <= patience);
        Self { busy, load, queue: queue(scaling, state, sample, service, is_stuck), is_stuck }
    }
}

/// Returns the workers that have the backlog gone within the target once they have booted, and keep up with what
/// arrives.
fn queue(scaling: &Scaling, state: &State, sample: &Sample, service: Option<f64>, is_stuck: bool) -> f64 {
    if sample.queued == 0 {
        return 0.0;
    }
    let here = sample.running.saturating_add(sample.idle) as f64;
    let queued = sample.queued as f64;
    let Some(service) = service.filter(|service| *service > 0.0) else {
        // Nothing is known: a worker for each job.
        return here + queued;
    };
    let boot = state.boot_time();
    let rate = state.rate().max(state.recent_rate());
    let done = if is_stuck { 0.0 } else { here * boot / service };
    let left = queued + rate * boot - done;
    if left <= 0.0 {
        return 0.0;
    }
    let target = scaling.target_wait.as_secs_f64().max(1e-9);
    (rate * service + left * service / target).min(here + left)
}
