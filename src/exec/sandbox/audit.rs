//! What is written down of decisions that deny or warn.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::exec::policy::{Action, Decision};

/// A decision that denied or warned. It serializes as a line of the audit's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    /// The session's process.
    pub session: u32,
    /// The thread that asked: the session's, or one of what its code started.
    pub thread: u32,
    /// What became of it.
    pub action: Action,
    /// What was asked, such as `connect tcp 10.0.0.1:443` or `exec /usr/bin/git`, as `circlet policy explain --as` takes it.
    pub request: String,
    /// What decided, such as `net.rules[0]` or `exec.default`.
    pub rule: String,
    /// Who enforces it: `supervisor`.
    pub mechanism: &'static str,
}

/// Who is told of decisions, beside files. It is called by a thread of the session's supervisor, which nothing else should wait for.
#[derive(Clone)]
pub(in crate::exec) struct Callback(pub(in crate::exec) Arc<dyn Fn(&AuditRecord) + Send + Sync>);

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").finish_non_exhaustive()
    }
}

/// Where a session's records go.
#[derive(Debug, Default)]
pub(super) struct Audit {
    files: Vec<File>,
    callback: Option<Callback>,
}

impl Audit {
    /// Opens the files, to which is added.
    ///
    /// # Errors
    /// As `open`.
    pub(super) fn new<'a>(
        files: impl IntoIterator<Item = &'a PathBuf>,
        callback: Option<Callback>,
    ) -> io::Result<Self> {
        let open = |path: &PathBuf| OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        Ok(Self { files: files.into_iter().map(open).collect::<Result<_, _>>()?, callback })
    }

    /// Writes a decision down, unless it allows without a word.
    pub(super) fn tell(
        &self,
        session: u32,
        thread: libc::pid_t,
        request: impl fmt::Display,
        decision: &Decision,
    ) {
        if decision.action != Action::Allow {
            self.write(session, thread, decision.action, request.to_string(), decision.rule.to_string());
        }
    }

    /// Writes down that a limit was reached.
    pub(super) fn limited(&self, session: u32, thread: libc::pid_t, request: &str, limit: &str) {
        self.write(session, thread, Action::Deny, request.to_owned(), limit.to_owned());
    }

    fn write(&self, session: u32, thread: libc::pid_t, action: Action, request: String, rule: String) {
        if self.files.is_empty() && self.callback.is_none() {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let record = AuditRecord {
            unix_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            session,
            thread: thread.unsigned_abs(),
            action,
            request,
            rule,
            mechanism: "supervisor",
        };
        if let Ok(mut line) = serde_json::to_vec(&record) {
            line.push(b'\n');
            // One write for each line, so that those of several sessions do not mix. A disk that is full holds nobody up.
            self.files.iter().for_each(|mut file| drop(file.write_all(&line)));
        }
        if let Some(Callback(callback)) = &self.callback {
            callback(&record);
        }
    }
}
