//! Sessions: interpreters that keep their state from run to run, with what their code prints as it comes.

mod frames;
mod outcome;
mod pipes;
mod servant;
mod stop;
mod supervisor;
mod words;

pub use outcome::{Bytes, Outcome, PythonError, Stopped, Usage};
pub use servant::SessionServant;
pub use stop::Grace;
pub(super) use supervisor::Start;
pub use supervisor::{Event, Interrupter, RunOptions, Session};
