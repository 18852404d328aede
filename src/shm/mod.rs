//! Shared-memory segments: making, opening and checking them, who is alive in them, and waiting on their words.
//!
//! A segment is either *named* (a POSIX shared-memory object that other processes open by its name) or *anonymous*
//! (a sealed memfd that is passed over a Unix socket). Its first page says what it is; [`layout`] owns every offset.
//! This part knows nothing of what the data area holds: rings lie above it.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use circlet::shm::{Backing, Geometry, Mode, Segment};
//!
//! let geometry = Geometry::new(Mode::Spsc, 4096)?;
//! let segment = Segment::anonymous(&geometry, &Backing::default())?;
//! let again = Segment::from_fd(segment.export_fd()?, &Backing::default())?;
//! assert_eq!(again.geometry(), &geometry);
//! # }
//! # Ok::<(), circlet::shm::Error>(())
//! ```
#![allow(unsafe_code, reason = "the bottom of the library: mappings, shared words and the kernel's calls")]

#[cfg(unix)]
mod bell;
mod deadline;
mod error;
#[cfg(test)]
pub(crate) mod kill;
pub mod layout;
mod loan;
mod memory;
mod pace;
mod presence;
mod segment;
mod sys;
mod view;
mod wait;

#[cfg(unix)]
pub(crate) use bell::Bell;
pub use deadline::Deadline;
pub use error::Error;
pub use layout::{Geometry, Mode, Overflow};
pub(crate) use loan::{KeptSeat, Loan};
pub(crate) use memory::{Memory, Shared};
pub use presence::{PeerState, Role};
pub(crate) use presence::{Seat, Watch, is_unfenced, seat_state, state, word_offset as seat_word};
#[cfg(feature = "hub")]
pub(crate) use segment::check_name;
pub use segment::{Backing, Segment};
pub(crate) use view::View;
pub use wait::Wait;
pub(crate) use wait::{Patience, Place, ask_for_bell, sleep_until, wake};
