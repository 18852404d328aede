//! What the policies of the session's code denied and warned of.

use serde::Serialize;

use super::Error;
use super::error::read_snapshot;
use super::section::section;
use super::words::words;

section! {
    /// Says what policies denied and warned of.
    pub struct Audit {
        /// Counts what was denied.
        pub denied: Option<u64>,
        /// Counts what was warned of.
        pub warned: Option<u64>,
        /// Counts what of both was not told, as there was too much at once.
        pub omitted: Option<u64>,
        /// Lists the last decisions, the newest at the end.
        pub last: Option<Vec<AuditEntry>>,
    }
}

impl Audit {
    /// Reads the section from anything that serializes in its shape, such as the snapshot of an audit trail.
    ///
    /// # Errors
    ///
    /// [`Error::WrongShape`] when a field of the schema has another type, [`Error::NotJson`] when it does not serialize.
    pub fn from_snapshot(snapshot: &impl Serialize) -> Result<Self, Error> {
        read_snapshot(snapshot)
    }
}

section! {
    /// Describes one decision that denied or warned.
    pub struct AuditEntry {
        /// Gives the time, in milliseconds since 1970-01-01 UTC.
        pub unix_ms: Option<u64>,
        /// Gives the id of the process that ran the code.
        pub session: Option<u64>,
        /// Gives the id of the thread that asked.
        pub thread: Option<u64>,
        /// Says what became of it.
        pub action: Option<AuditAction>,
        /// Says what was asked, such as `read /etc/hosts`.
        pub request: Option<String>,
        /// Names what decided, such as `fs.rules[0]`.
        pub rule: Option<String>,
        /// Names who enforces it, such as `landlock`.
        pub mechanism: Option<String>,
        /// Gives the number of the run that was under way.
        pub run: Option<u64>,
        /// Says which code it was, as that says itself.
        pub self_reported: Option<SelfReported>,
        /// Counts the decisions before it that were left out.
        pub omitted: Option<u64>,
    }
}

section! {
    /// Says which code asked, as that says itself.
    pub struct SelfReported {
        /// Names what the code did, as its interpreter calls it.
        pub event: Option<String>,
        /// Names the file of the code.
        pub file: Option<String>,
        /// Gives the line in it, from 1; 0 where there is none.
        pub line: Option<u64>,
    }
}

words! {
    /// Says what became of what was asked.
    pub enum AuditAction {
        /// It was refused.
        Deny = "deny",
        /// It was done, and written down.
        Warn = "warn",
    }
}
