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

/// How many decisions are kept of an executor for who watches it, and how long they are together as JSON.
const WATCHED: usize = 20;
const WATCHED_BYTES: usize = 16 << 10;

/// How long what was asked is then.
const TEXT_BYTES: usize = 400;

impl AuditTrail {
    /// Makes one for who watches an executor.
    pub(super) fn watched() -> Self {
        Self::new(WATCHED)
    }

    /// Returns what several have together: the counts of all, and the newest of their decisions, as many as there is place for. `None`
    /// where there are none; one that is there twice counts once.
    pub(crate) fn together(trails: &[Self]) -> Option<AuditSnapshot> {
        let is_new =
            |index: usize| trails[..index].iter().all(|known| !Arc::ptr_eq(&known.kept, &trails[index].kept));
        let each = (0..trails.len()).filter(|index| is_new(*index)).map(|index| trails[index].snapshot());
        let mut all = each.reduce(|mut all, one| {
            all.denied += one.denied;
            all.warned += one.warned;
            all.omitted += one.omitted;
            all.last.extend(one.last);
            all
        })?;
        all.last.make_contiguous().sort_by_key(|record| record.unix_ms);
        let (mut last, mut left) = (VecDeque::new(), WATCHED_BYTES);
        for mut record in all.last.into_iter().rev().take(WATCHED) {
            cut(&mut record.request);
            let Ok(bytes) = serde_json::to_vec(&record) else { continue };
            let Some(rest) = left.checked_sub(bytes.len()) else { break };
            left = rest;
            last.push_front(record);
        }
        all.last = last;
        Some(all)
    }

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

/// Cuts off the end of a text that is long, where a name in it ends: half of a secret could not be told from other words.
fn cut(text: &mut String) {
    if text.len() <= TEXT_BYTES {
        return;
    }
    let end = text.floor_char_boundary(TEXT_BYTES);
    let end = text[..end].rfind(['/', ' ']).map_or(0, |place| place + 1);
    text.truncate(end);
    text.push_str("...");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Mechanism;

    fn record(unix_ms: u64, request: String) -> AuditRecord {
        let (action, rule, mechanism) = (Action::Deny, "fs.default".to_owned(), Mechanism::Landlock);
        let (session, thread, omitted) = (1, 1, 0);
        AuditRecord {
            unix_ms,
            session,
            thread,
            action,
            request,
            rule,
            mechanism,
            run: None,
            self_reported: None,
            omitted,
        }
    }

    #[test]
    fn of_several_the_counts_are_those_of_all_and_the_newest_are_there_once() {
        let trails = [AuditTrail::watched(), AuditTrail::watched()];
        for n in 0..30 {
            trails[n as usize % 2].note(&record(n, format!("read /{n}")));
        }
        let [one, other] = trails;
        let all = AuditTrail::together(&[one.clone(), other, one]).unwrap();
        assert_eq!((all.denied, all.last.len()), (30, WATCHED));
        assert!(all.last.iter().map(|record| record.unix_ms).eq(10..30));
        assert_eq!(AuditTrail::together(&[]), None);
    }

    #[test]
    fn what_is_long_is_cut_where_a_name_ends_and_all_of_it_has_a_limit() {
        let trail = AuditTrail::watched();
        let long = format!("read /{}/{}", "ü".repeat(150), "secret".repeat(100));
        trail.note(&record(0, long));
        let told = |trail: &AuditTrail| AuditTrail::together(std::slice::from_ref(trail)).unwrap().last;
        assert_eq!(told(&trail)[0].request, format!("read /{}/...", "ü".repeat(150)));
        for n in 0..20 {
            trail.note(&record(n, format!("read /{}", "\u{1}/".repeat(1_000))));
        }
        let told = told(&trail);
        assert!((5..WATCHED).contains(&told.len()), "{}", told.len());
        assert!(serde_json::to_string(&told).unwrap().len() < WATCHED_BYTES + 100);
    }
}
