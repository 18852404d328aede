//! Rings of variable-length frames in shared memory.
//!
//! A [`Ring`] is a segment opened as a ring; a [`Sender`] and a [`Receiver`] are its two seats, in one process or in
//! two. A frame is a four-byte word (state and length) and its payload, aligned to eight bytes and never wrapped, so
//! that a payload can be written and read in place. Nothing that was committed is lost: a reader drains it before it
//! learns that the other side closed or died.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use circlet::ring::{self, Options};
//!
//! let ring = ring::anonymous(&Options::new().capacity(1 << 16))?;
//! let (mut sender, mut receiver) = (ring.sender()?, ring.receiver()?);
//!
//! sender.send(b"copied in")?;
//! let mut claim = sender.claim(16)?; // or written in place
//! claim.fill(7);
//! claim.commit();
//!
//! assert_eq!(&*receiver.recv()?, b"copied in"); // read in place, released when it is dropped
//! assert_eq!(&*receiver.recv()?, [7; 16]);
//! drop(sender);
//! assert!(matches!(receiver.recv(), Err(ring::Error::Closed)));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![allow(unsafe_code, reason = "frames are slices of a mapping that another process shares")]

mod claim;
mod copies;
mod dump;
mod error;
pub mod fragment;
pub mod frame;
#[cfg(all(test, target_os = "linux"))]
mod killed;
mod lent;
#[cfg(test)]
mod modelled;
mod options;
pub(crate) mod protocol;
mod receiver;
#[allow(clippy::module_inception, reason = "the type that the part is named for")]
mod ring;
mod sender;
mod stats;

pub use claim::Claim;
pub use dump::{Dump, DumpedFrame, FrameState};
pub use error::{Error, Poison};
pub use lent::{Batch, BatchIter, Frame};
pub use options::Options;
#[cfg(feature = "exec")]
pub(crate) use receiver::Piece;
pub use receiver::Receiver;
#[cfg(all(feature = "exec", target_os = "linux"))]
pub(crate) use ring::adopt;
pub(crate) use ring::mend;
pub use ring::{Ring, anonymous, create, open, open_with};
#[cfg(unix)]
pub use ring::{from_fd, from_fd_with};
pub use sender::Sender;
pub use stats::Stats;

pub use crate::shm::{Deadline, Mode, Overflow, PeerState, Role, Wait};
