//! What serves the live hub, and what belongs to it.

mod limits;
mod listen;
pub(crate) mod replay;
pub(crate) mod serve;
