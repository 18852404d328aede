//! What policies denied and warned of, kept for whoever wants to know of it later.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::AuditRecord;
use super::policy::Action;

/// The last decisions that denied or warned, of all sessions that were started with it. Clones share it; `Send` and `Sync`.
///
/// Its snapshot serializes in the shape of the payload's `audit`.
///
/// ```
/// use circlet::exec::{AuditTrail, Executor};
/// use circlet::payload::{Audit, SessionPayload};
///
/// let trail = AuditTrail::new(100);
/// let _builder = Executor::builder().audit_trail(&trail);
/// let audit = Audit::from_snapshot(&trail.snapshot())?;
/// let payload = SessionPayload { audit: Some(audit), ..SessionPayload::default() };
/// assert_eq!(payload.to_json(), r#"{"schema":1,"audit":{"denied":0,"warned":0,"omitted":0,"last":[]}}"#);
/// # Ok::<(), circlet::payload::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AuditTrail {
    most: usize,
    kept: Arc<Mutex<AuditSnapshot>>,
}

/// What an [`AuditTrail`] has at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditSnapshot {
    /// How many were denied.
    pub denied: u64,
    /// How many were warned of.
    pub warned: u64,
    /// How many of either were not told, as there were too many at once.
    pub omitted: u64,
    /// The last of them, the newest at the end.
    pub last: VecDeque<AuditRecord>,
}

impl AuditTrail {
    /// Makes one that keeps so many records; it counts all that are told, and how many were left out.
    pub fn new(most: usize) -> Self {
        Self { most, kept: Arc::default() }
    }

    /// Returns what it has.
    pub fn snapshot(&self) -> AuditSnapshot {
        self.kept().clone()
    }

    /// Takes a record.
    pub(super) fn note(&self, record: &AuditRecord) {
        let mut kept = self.kept();
        match record.action {
            Action::Deny => kept.denied += 1,
            Action::Warn => kept.warned += 1,
            Action::Allow => {}
        }
        kept.omitted += record.omitted;
        kept.last.push_back(record.clone());
        let surplus = kept.last.len().saturating_sub(self.most);
        kept.last.drain(..surplus);
    }

    fn kept(&self) -> MutexGuard<'_, AuditSnapshot> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
