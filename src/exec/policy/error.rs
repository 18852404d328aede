//! What can be wrong with a policy.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a policy cannot be used: where it says what, and what it may say there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file could not be read.
    #[error("{} cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// What a file holds is wrong.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: Box<PolicyError>,
    },
    /// It is no JSON, or not of a policy's form.
    #[error("{}{source}", before(place))]
    Form {
        /// Where: `fs.rules[2].access[0]`, or nothing for the document as a whole.
        place: String,
        /// What was found, what is allowed, and the line.
        source: serde_json::Error,
    },
    /// It is of another version of the format.
    #[error("version: {given}{}", of_version(given))]
    Version {
        /// The version as given.
        given: String,
    },
    /// A value is of the right form, and means nothing.
    #[error("{place}: {given}: {allowed}")]
    Value {
        /// Where: `fs.rules[2].paths`.
        place: String,
        /// The value as given.
        given: Given,
        /// What is wrong with it, and what is allowed.
        allowed: String,
    },
    /// What is to be written down cannot be.
    #[error(
        "audit.file: {} cannot be opened: {source}; name a file that may be written to, in a folder that is there",
        file.display()
    )]
    AuditFile {
        /// The file.
        file: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// No template has this name.
    #[error("there is no template `{name}`: give {}", names.join(", "))]
    NoTemplate {
        /// The name as given.
        name: String,
        /// Those that there are.
        names: Vec<&'static str>,
    },
    /// What is given names neither a template nor a file.
    #[error("`{}` is no file and no template: the templates are {}", given.escape_debug(), names.join(", "))]
    Neither {
        /// The text as given.
        given: String,
        /// The templates that there are.
        names: Vec<&'static str>,
    },
    /// One of several policies is wrong.
    #[error("[{at}]: {source}")]
    Of {
        /// Which one, from 0 on.
        at: usize,
        /// What is wrong.
        source: Box<PolicyError>,
    },
}

impl PolicyError {
    /// Says which of several policies it is of.
    pub(super) fn at(self, at: usize) -> Self {
        Self::Of { at, source: Box::new(self) }
    }
}

/// A value as an error shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Nothing where something must be.
    Nothing,
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("it is empty"),
            Self::Text(text) => write!(f, "`{}`", text.escape_debug()),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// Says what is wrong with a version as JSON has it.
fn of_version(given: &str) -> &'static str {
    if given.parse::<i128>().is_ok() {
        " is not known here: this circlet reads version 1"
    } else {
        ": give the number 1, which is the version that this circlet reads"
    }
}

fn before(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!("{place}: ") }
}
