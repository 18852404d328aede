//! The rule.

use std::time::Duration;

use super::need::Need;
use super::{Action, Decision, Reason, Sample, Scaling, State};

/// Of the workers that are too many, one in so many is stopped at a time.
const STOP_SHARE: usize = 2;
/// Looks within the time that what was needed is kept for; workers are stopped at no more of them.
const LOOKS: u32 = 8;
/// A worker is stopped only if those that stay are more than what was needed by this, and by a part of it: the estimate
/// of a constant load moves by less, and so the pool by nothing.
const SLACK: f64 = 0.5;
const SLACK_PART: f64 = 0.05;

/// Decides what to do about a pool that shows this sample, and returns what to remember for the next one.
///
/// It starts at once all that is needed, and stops late and little by little; workers that boot count as workers. It
/// keeps the bounds, asks for idle workers alone to be stopped, and never leaves a job waiting without a worker that is
/// here or on the way. The state supposes that the decision is carried out; what is not shows in the next sample.
///
/// It allocates nothing, and takes any sample without a panic.
pub fn step(scaling: &Scaling, state: &State, sample: &Sample) -> (State, Decision) {
    let mut state = *state;
    state.learn(sample);
    let need = Need::of(scaling, &state, sample);
    let keep = state.keep(scaling);
    state.calm(keep);
    let peak = state.peak(keep, need.load.max(need.queue));
    let cap = scaling.most(sample);
    let min = scaling.min.min(cap);
    let decision = decide(min, cap, &mut state, sample, &need, peak, keep);

    let workers = match decision.action {
        Action::Start(more) => sample.workers().saturating_add(more),
        Action::Stop(fewer) => sample.workers().saturating_sub(fewer),
        Action::None => sample.workers(),
    };
    state.look = if sample.queued > 0 && workers < cap {
        Some(state.look_at_queue())
    } else if workers > min {
        Some(part_of(keep))
    } else {
        None
    };
    (state, decision)
}

fn decide(
    min: usize,
    cap: usize,
    state: &mut State,
    sample: &Sample,
    need: &Need,
    peak: f64,
    keep: Duration,
) -> Decision {
    let workers = sample.workers();
    let queued = sample.queued;
    let leave = |reason| Decision { action: Action::None, reason };
    if workers > cap {
        // Those that run and boot beyond it are stopped once they are idle.
        let fewer = (workers - cap).min(sample.idle);
        let reason = Reason::AboveMaximum { max: cap };
        return if fewer > 0 { Decision { action: Action::Stop(fewer), reason } } else { leave(reason) };
    }

    let at_least = usize::from(queued > 0);
    // Floats become integers that saturate, and a NaN would become 0.
    let needed = (need.load.max(need.queue).ceil() as usize).max(at_least).clamp(min, cap);
    if needed > workers {
        let reason = if workers == 0 && queued > 0 {
            Reason::NoWorker { queued }
        } else if workers < min && needed == min {
            Reason::BelowMinimum { min }
        } else if need.load >= need.queue {
            Reason::Load { busy_tenths: (need.busy * 10.0) as u64, needed }
        } else if need.is_stuck {
            Reason::Stuck { waited: sample.oldest_age }
        } else {
            Reason::Backlog { queued, needed }
        };
        state.starts(keep);
        return Decision { action: Action::Start(needed - workers), reason };
    }
    if queued > 0 {
        return leave(if workers == cap {
            Reason::AtMaximum { queued }
        } else if need.queue == 0.0 {
            Reason::SoonDone { queued }
        } else {
            Reason::Enough
        });
    }

    let slack = if peak > 0.0 { SLACK + SLACK_PART * peak } else { 0.0 };
    let stay = ((peak + slack).ceil() as usize).clamp(min, cap);
    let excess = workers.saturating_sub(stay);
    let fewer = excess.div_ceil(STOP_SHARE).min(sample.idle);
    let now = state.last.now;
    if fewer == 0 || now < state.stop_after {
        return leave(Reason::Enough);
    }
    state.stops();
    state.stop_after = now.saturating_add(part_of(keep));
    Decision { action: Action::Stop(fewer), reason: Reason::Unneeded { needed: stay } }
}

/// Returns how long to wait between two looks that only time makes different.
fn part_of(keep: Duration) -> Duration {
    (keep / LOOKS).max(Duration::from_millis(1))
}
