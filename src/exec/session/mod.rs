//! Sessions: interpreters that keep their state from run to run, with what their code prints as it comes.

mod bell;
mod frames;
mod life;
mod outbox;
mod outcome;
mod pipes;
mod run;
mod servant;
mod stop;
mod supervisor;
mod watch;
mod words;

pub(super) use life::Life;
pub use outcome::{Bytes, Outcome, PythonError, Stopped, Usage};
pub use run::{Event, RunOptions};
pub use servant::SessionServant;
pub use stop::Grace;
pub use supervisor::Session;
pub(super) use supervisor::{Origin, Place, Setting};
pub use watch::Interrupter;
pub(super) use watch::Notice;
pub(super) use words::Words;
