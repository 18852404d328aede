//! The protocols over a segment's words, generic over what holds the words ([`Memory`]): a mapping, or a model checker's.
//!
//! They know positions and words, never payloads: who claims writes the payload, and who takes a frame reads it.
//!
//! * [`Lane`]: one producer's tail, its commits, and finding the end that a killed predecessor left;
//! * [`Single`]: a lane that waits for room (spsc);
//! * [`Many`]: claims under a lock that outlives its holder (mpsc), and what is settled for the dead;
//! * [`Consumer`]: the reader of both;
//! * [`Writer`] and [`Reader`]: a lane that overwrites, and its readers (broadcast).

mod broadcast;
mod consumer;
mod lane;
mod many;
mod single;

pub(crate) use broadcast::{Reader, Writer};
pub(crate) use consumer::{Consumer, SKIPS, Taken};
pub(crate) use lane::{Lane, Noted};
pub(crate) use many::Many;
pub(crate) use single::Single;

pub(crate) use crate::shm::{Memory, Shared};
