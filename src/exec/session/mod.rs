//! Sessions: interpreters that keep their state from run to run, with what their code prints as it comes.

mod bell;
mod clock;
mod end;
mod frames;
mod heap;
mod inbox;
mod incoming;
mod life;
mod outbox;
mod outcome;
mod pipes;
mod reports;
mod run;
mod sending;
mod servant;
mod state;
mod stop;
mod supervisor;
mod taking;
mod watch;
mod words;

pub use inbox::Request;
#[cfg(feature = "capi")]
pub(crate) use inbox::{ANY, BEGINNINGS};
#[cfg(feature = "capi")]
pub(crate) use incoming::Lent;
pub(super) use life::Life;
pub use outcome::{Bytes, CodeError, Outcome, Stopped, Usage};
pub use run::{Event, RunOptions};
pub use servant::SessionServant;
pub use state::{Moment, Recycled, State, StateKind};
pub use stop::Grace;
pub use supervisor::Session;
pub(super) use supervisor::{Origin, Place, Setting};
pub use watch::Interrupter;
pub(super) use watch::Notice;
pub(super) use words::Words;
