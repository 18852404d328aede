//! Shared-memory segments: making, opening and checking them, who is alive in them, and waiting on their words.
//!
//! A segment is either *named* (a POSIX shared-memory object that other processes open by its name) or *anonymous*
//! (a sealed memfd that is passed over a Unix socket). Its first page says what it is; [`layout`] owns every offset.
//! This part knows nothing of what the data area holds: rings lie above it.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use circlet::shm::{Geometry, Mode, Segment};
//!
//! let geometry = Geometry::new(Mode::Spsc, 4096)?;
//! let segment = Segment::anonymous(&geometry)?;
//! let again = Segment::from_fd(segment.export_fd()?)?;
//! assert_eq!(again.geometry(), &geometry);
//! # }
//! # Ok::<(), circlet::shm::Error>(())
//! ```
#![allow(unsafe_code, reason = "the bottom of the library: mappings, shared words and the kernel's calls")]

mod deadline;
mod error;
pub mod layout;
mod presence;
mod segment;
mod sys;
mod wait;

pub use deadline::Deadline;
pub use error::Error;
pub use layout::{Geometry, Mode};
pub use presence::{PeerState, Role, Seat};
pub(crate) use presence::{is_unfenced, state as seat_state};
pub use segment::Segment;
pub use wait::Wait;
pub(crate) use wait::{publish_fence, publishes_unfenced, sleep_until, wake};
