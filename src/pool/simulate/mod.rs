//! A pool that is not there: jobs, workers and a clock made of numbers, to see what a rule does before it does it.
//!
//! A [`Trace`] makes the jobs, out of a seed. [`run`] sends them through a first-in-first-out queue to workers that take
//! a while to boot, and asks a [`Rule`] at each event how many there should be: the very
//! [`step`](super::scaling::step) of this crate, or what others do. The [`Report`] has waits, worker-seconds, how steady
//! it was, every decision, and what to draw. The same settings give the same report on every machine, to the bit.
//! [`replay`] sends the same jobs to a pool of threads, whose report lies beside that of the simulation.
//!
//! ```
//! use circlet::pool::simulate::{Kind, Settings, Shape, run};
//!
//! let settings = Settings { seconds: 4, ..Settings::default() };
//! let trace = settings.trace(Shape::Step);
//! let ours = run(&settings, &trace, Kind::Ours);
//! let oracle = run(&settings, &trace, Kind::Oracle);
//! assert_eq!(ours.jobs, trace.jobs().len());
//! assert!(ours.p99_wait >= oracle.p99_wait);
//! ```

mod engine;
mod random;
mod replay;
mod report;
mod rule;
mod rules;
mod series;
#[cfg(test)]
mod tests;
mod trace;

pub use engine::{Settings, run, run_rule};
pub use replay::replay;
pub use report::{LoggedAction, Report};
pub use rule::{Occasion, Rule};
pub use rules::Kind;
pub use series::{COLUMNS, Column};
pub use trace::{Job, Service, Shape, Trace};

/// Nanoseconds in a second: the clock counts them.
const SECOND: u64 = 1_000_000_000;
