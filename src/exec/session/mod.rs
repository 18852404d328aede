//! Sessions: interpreters that keep their state from run to run, with what their code prints as it comes.

mod frames;
mod outcome;
mod pipes;
mod run;
mod servant;
mod stop;
mod supervisor;
mod watch;
mod words;

pub use outcome::{Bytes, Outcome, PythonError, Stopped, Usage};
pub use run::{Event, RunOptions};
pub use servant::SessionServant;
pub use stop::Grace;
pub use supervisor::Session;
pub(super) use supervisor::Start;
pub use watch::Interrupter;
