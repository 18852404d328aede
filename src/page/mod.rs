//! A page: one latest value in shared memory, written by one process and read by any number.
//!
//! A reader gets the newest value that was published whole, and its version; what it missed in between it never sees.
//! There are two slots under a sequence lock: a writer that is killed in the middle of a value leaves the one before it
//! readable, and a reader has to begin again only if two values were written while it copied one.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use circlet::page::{self, Options};
//!
//! let page = page::anonymous(&Options::new().max_bytes(1000))?;
//! let (mut writer, mut reader) = (page.writer()?, page.reader());
//! assert!(reader.read()?.is_none());
//! writer.write(b"first")?;
//! writer.write(b"second")?;
//! let value = reader.read()?.unwrap();
//! assert_eq!((value.version, value.bytes), (2, b"second".as_slice()));
//! # }
//! # Ok::<(), circlet::page::Error>(())
//! ```
#![allow(unsafe_code, reason = "a value is copied out of a mapping that another process writes")]

mod error;
#[allow(clippy::module_inception, reason = "the type that the part is named for")]
mod page;
mod reader;
mod writer;

pub use error::Error;
#[cfg(unix)]
pub use page::from_fd;
pub use page::{Options, Page, anonymous, create, open};
pub use reader::{Reader, Value};
pub use writer::Writer;
