//! Why something of a project cannot be told.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Says why something of a project cannot be told. It then stays absent from the payload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The folder has none.
    #[error("{} has no {what}", folder.display())]
    Missing {
        /// Says what was looked for, such as `lockfile`.
        what: &'static str,
        /// Gives the folder.
        folder: PathBuf,
    },
    /// Nothing says where to look: of this kind it is not known, or the environment lacks what names it.
    #[error("nothing says where {what} is")]
    Unknown {
        /// Says what was looked for.
        what: &'static str,
    },
    /// The operating system refuses to open or to read it.
    #[error("{} cannot be read: {cause}", path.display())]
    Unreadable {
        /// Gives its path.
        path: PathBuf,
        /// Says why.
        cause: io::Error,
    },
    /// It is a folder, a pipe, a socket or a device, and is not opened.
    #[error("{} is no regular file", path.display())]
    NotAFile {
        /// Gives its path.
        path: PathBuf,
    },
    /// It has more than is read.
    #[error("{what} has more than the {limit} {unit} that are read of it")]
    TooMuch {
        /// Says what it is: a path, a report, the output of a program.
        what: String,
        /// Gives the limit.
        limit: u64,
        /// Says what the limit counts, such as `bytes`.
        unit: &'static str,
    },
    /// It takes longer than anyone waits for it.
    #[error("{what} took longer than {limit:?}")]
    TooSlow {
        /// Says what took so long.
        what: String,
        /// Gives the limit.
        limit: Duration,
    },
    /// It does not have the form that its name says.
    #[error("{what} is malformed: {cause}")]
    Malformed {
        /// Says what it is: a path, or the kind of a text.
        what: String,
        /// Says what is wrong with it, and where.
        cause: String,
    },
    /// A program could not be started.
    #[error("`{program}` does not start: {cause}")]
    NotStarted {
        /// Names the program.
        program: &'static str,
        /// Says why.
        cause: io::Error,
    },
    /// A program failed.
    #[error("`{program}` failed: {said}")]
    Failed {
        /// Names the program.
        program: &'static str,
        /// Gives its exit status and the first line of what it said of the error.
        said: String,
    },
}
