//! What serves the live hub, and what belongs to it.

pub(crate) mod serve;
