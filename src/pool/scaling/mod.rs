//! How many workers a pool should have: a pure rule, without a clock, a thread or a word of input or output.
//!
//! Whoever runs workers fills in a [`Sample`] of what the pool is doing, gives it to [`step`] together with the
//! [`State`] that the last step returned, and does what the [`Decision`] says. The same samples give the same decisions
//! on every machine. `docs/pool.md` has the formulae, their sources, and what the rule does beside others.
//!
//! ```
//! use circlet::pool::scaling::{Action, Sample, Scaling, State, step};
//! use std::time::Duration;
//!
//! let scaling = Scaling::new(0, 8);
//! let burst = Sample { now: Duration::from_secs(1), queued: 100, arrived: 100, ..Sample::default() };
//! let (state, decision) = step(&scaling, &State::default(), &burst);
//! assert_eq!(decision.action, Action::Start(8)); // in one step, not one for each job
//! assert_eq!(decision.reason.to_string(), "100 jobs wait and no worker runs");
//! assert!(state.next_look().is_some());
//! ```

mod decision;
mod need;
#[cfg(test)]
mod properties;
mod sample;
mod settings;
mod state;
mod step;

pub use decision::{Action, Decision, Reason};
pub use sample::Sample;
pub use settings::Scaling;
pub use state::State;
pub use step::step;
