//! What is written down of decisions that deny or warn.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::flow::Flow;
use crate::exec::AuditTrail;
use crate::exec::policy::{Action, Decision, PolicyError};

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
    /// What was asked, such as `connect 10.0.0.1:443 tcp` or `exec /usr/bin/git`, as `circlet policy explain --as` takes it.
    pub request: String,
    /// What decided, such as `net.rules[0]` or `exec.default`.
    pub rule: String,
    /// Who enforces it; of a warning, who saw it.
    pub mechanism: Mechanism,
    /// The run that was under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
    /// Which code it was, as the session says: code that lies may say anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_reported: Option<SelfReported>,
    /// How many were left out before this one, as there were too many.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Who enforces a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mechanism {
    /// The supervisor, which the kernel asks.
    Supervisor,
    /// Landlock, in the kernel.
    Landlock,
    /// The session's mounts.
    Mounts,
}

/// What a session says of the code that asked: the last that it said of that thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SelfReported {
    /// What the interpreter calls what it did, such as `open` or `subprocess.Popen` of Python's audit events.
    pub event: String,
    /// The file of the code, such as `<run-3>`; of a long name the end.
    pub file: String,
    /// The line in it, from 1; 0 where it has none.
    pub line: u32,
}

/// Who knows of a session what its questions do not say.
pub(in crate::exec) trait Witness: fmt::Debug + Send + Sync {
    /// Tells whether any code was sent.
    fn has_begun(&self) -> bool;

    /// Returns the number of the run that is under way.
    fn run(&self) -> Option<u32>;

    /// Returns what the session says of the code that asks in a thread.
    fn reported(&self, session: u32, thread: libc::pid_t) -> Option<SelfReported>;
}

/// Who is told of decisions, beside files. It is called by a thread of the session's supervisor, which nothing else should wait for.
#[derive(Clone)]
pub(in crate::exec) struct Callback(pub(in crate::exec) Arc<dyn Fn(&AuditRecord) + Send + Sync>);

impl Callback {
    /// Tells another too.
    pub(in crate::exec) fn and(self, other: Self) -> Self {
        Self(Arc::new(move |record| {
            (self.0)(record);
            (other.0)(record);
        }))
    }
}

impl From<AuditTrail> for Callback {
    fn from(trail: AuditTrail) -> Self {
        Self(Arc::new(move |record| trail.note(record)))
    }
}

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
    /// Who has the audit itself, by whom else it is kept.
    witness: OnceLock<Weak<dyn Witness>>,
    /// Of what is denied, of what is warned of and of limits: none keeps the others from being told.
    flows: Mutex<[Flow; 3]>,
}

/// What is told, before it is known when and of which run.
#[derive(Debug)]
struct Told {
    session: u32,
    thread: libc::pid_t,
    action: Action,
    request: String,
    rule: String,
    mechanism: Mechanism,
}

/// The flows of what is told.
const DENIALS: usize = 0;
const WARNINGS: usize = 1;
const LIMITS: usize = 2;

impl Audit {
    /// Opens the files, to which is added.
    ///
    /// # Errors
    /// That a file cannot be opened.
    pub(super) fn new<'a>(
        files: impl IntoIterator<Item = &'a PathBuf>,
        callback: Option<Callback>,
    ) -> Result<Self, PolicyError> {
        let open = |path: &PathBuf| {
            let mut options = OpenOptions::new();
            // A pipe that nobody reads is an error, and not waited for.
            let options = options.append(true).create(true).mode(0o600).custom_flags(libc::O_NONBLOCK);
            let opened = options.open(path);
            opened.map_err(|source| PolicyError::AuditFile { file: path.clone(), source })
        };
        let files = files.into_iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { files, callback, witness: OnceLock::new(), flows: Mutex::default() })
    }

    /// Tells whether anybody is told.
    pub(super) fn is_heard(&self) -> bool {
        !self.files.is_empty() || self.callback.is_some()
    }

    /// Has somebody say what else is known of the session.
    pub(super) fn hears(&self, witness: &Arc<dyn Witness>) {
        let _ = self.witness.set(Arc::downgrade(witness));
    }

    fn witness(&self) -> Option<Arc<dyn Witness>> {
        self.witness.get()?.upgrade()
    }

    /// Tells whether the session was sent any code.
    pub(super) fn has_begun(&self) -> bool {
        self.witness().is_some_and(|witness| witness.has_begun())
    }

    /// Writes a decision down, unless it allows without a word.
    pub(super) fn tell(
        &self,
        session: u32,
        thread: libc::pid_t,
        request: impl fmt::Display,
        decision: &Decision,
    ) {
        self.tell_of(session, thread, request, decision, Mechanism::Supervisor);
    }

    /// Writes a decision down that others may enforce, unless it allows without a word.
    pub(super) fn tell_of(
        &self,
        session: u32,
        thread: libc::pid_t,
        request: impl fmt::Display,
        decision: &Decision,
        mechanism: Mechanism,
    ) {
        if decision.action != Action::Allow {
            let (request, rule) = (request.to_string(), decision.rule.to_string());
            let flow = if decision.action == Action::Warn { WARNINGS } else { DENIALS };
            self.write(
                Told { session, thread, action: decision.action, request, rule, mechanism },
                Some(flow),
            );
        }
    }

    /// Writes down that a limit was reached.
    pub(super) fn limited(&self, session: u32, thread: libc::pid_t, request: &str, limit: &str) {
        self.write(Told::limit(session, thread, request, limit), Some(LIMITS));
    }

    /// Writes down that a limit was passed for which the session is ended, whatever else was told.
    pub(super) fn ended(&self, session: u32, request: &str, limit: &str) {
        self.write(Told::limit(session, session.cast_signed(), request, limit), None);
    }

    fn flows(&self) -> MutexGuard<'_, [Flow; 3]> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, told: Told, flow: Option<usize>) {
        if !self.is_heard() {
            return;
        }
        let taken = flow.map_or(Some(0), |flow| self.flows()[flow].take(told.session, Instant::now()));
        if let Some(omitted) = taken {
            self.put(told, omitted);
        }
    }

    fn put(&self, told: Told, omitted: u64) {
        let Told { session, thread, action, request, rule, mechanism } = told;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let witness = self.witness();
        let record = AuditRecord {
            unix_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            session,
            thread: thread.unsigned_abs(),
            action,
            request,
            rule,
            mechanism,
            run: witness.as_ref().and_then(|witness| witness.run()),
            self_reported: witness.and_then(|witness| witness.reported(session, thread)),
            omitted,
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

impl Drop for Audit {
    fn drop(&mut self) {
        let left = std::mem::take(&mut *self.flows());
        for (flow, Flow { omitted, session, .. }) in
            left.into_iter().enumerate().filter(|(_, flow)| flow.omitted > 0)
        {
            let told = Told {
                action: if flow == WARNINGS { Action::Warn } else { Action::Deny },
                ..Told::limit(session, session.cast_signed(), "more than could be told", "audit")
            };
            self.put(told, omitted);
        }
    }
}

impl Told {
    fn limit(session: u32, thread: libc::pid_t, request: &str, limit: &str) -> Self {
        let (action, mechanism) = (Action::Deny, Mechanism::Supervisor);
        Self { session, thread, action, request: request.to_owned(), rule: limit.to_owned(), mechanism }
    }
}
