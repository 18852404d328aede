//! Files that code is about to use, looked at as it asks for them: what a policy warns of, and what it denies where that is to be
//! written down.
//!
//! Landlock and the mounts decide, whatever is found here. The kernel reads a path once more after it was looked at, so that code
//! which changes it meanwhile makes a report wrong, and gets nothing by it.

use std::path::{Path, PathBuf};

use super::asker::Asker;
use super::audit::Mechanism;
use super::fence::{Fence, PathRule};
use super::notices::Notice;
use super::uses::{OWN, Use, uses};
use crate::exec::policy::{Access, Action, Decision, Place, Request, Resolved};

/// Looks at files for one session.
#[derive(Debug)]
pub(super) struct Watch {
    fences: Vec<Fence>,
    is_mounted: bool,
    /// What every session may do beside what its policy names.
    needs: Vec<PathRule>,
    /// Whether what is denied is to be told too.
    tells_denials: bool,
}

/// A use of a file that the policy warns of, or denies.
#[derive(Debug)]
pub(super) struct Seen {
    /// The file, as the session sees it.
    pub(super) path: PathBuf,
    pub(super) access: Access,
    pub(super) decision: Decision,
    pub(super) mechanism: Mechanism,
}

/// Tells whether files are to be looked at.
pub(super) fn is_wanted(policy: &Resolved) -> bool {
    let warns = policy.layers().iter().any(|layer| {
        layer.fs_default == Action::Warn || layer.fs_rules.iter().any(|rule| rule.action == Action::Warn)
    });
    warns || policy.audits_files()
}

impl Watch {
    pub(super) fn new(policy: &Resolved, fences: Vec<Fence>, needs: Vec<PathRule>, is_mounted: bool) -> Self {
        Self { fences, is_mounted, needs, tells_denials: policy.audits_files() }
    }

    /// Returns what the policy has to say to the files that a call of a session's names.
    pub(super) fn look(&self, policy: &Resolved, session: u32, notice: &Notice) -> Vec<Seen> {
        let mut all = Vec::new();
        for used in uses(&Asker::new(notice.thread), notice) {
            let seen = self.judge(policy, session, used);
            let is_denied = seen.as_ref().is_some_and(|seen| seen.decision.action == Action::Deny);
            all.extend(seen);
            if is_denied {
                // The call fails here.
                break;
            }
        }
        all.retain(|seen| self.tells_denials || seen.decision.action != Action::Deny);
        all
    }

    fn judge(&self, policy: &Resolved, session: u32, Use { path, access, is_there }: Use) -> Option<Seen> {
        let named = named(&path, session);
        let decision = policy.decide(&Request::Path { path: &named, access });
        // A rule can take back what a session needs, and a default does not.
        let is_needed = decision.rule.place == Place::FsDefault && self.is_needed(&named, access);
        if decision.action == Action::Allow || is_needed {
            return None;
        }
        let is_mounts =
            self.is_mounted && self.fences.iter().any(|fence| fence.is_mounted_over(&named, access));
        // Of what is not there nothing is used, unless it is hidden by a mount.
        let is_hidden = is_mounts && self.fences.iter().any(|fence| fence.hides(&named));
        if !is_there && !is_hidden {
            return None;
        }
        let mechanism = match decision.action {
            Action::Deny if is_mounts => Mechanism::Mounts,
            Action::Deny => Mechanism::Landlock,
            _ => Mechanism::Supervisor,
        };
        Some(Seen { path, access, decision, mechanism })
    }

    fn is_needed(&self, path: &Path, access: Access) -> bool {
        let is_own = path.starts_with(OWN) && matches!(access, Access::Read | Access::List);
        is_own || self.needs.iter().any(|need| need.access.contains(&access) && path.starts_with(&need.path))
    }
}

/// Returns what a place is called in the policy.
fn named(path: &Path, session: u32) -> PathBuf {
    path.strip_prefix(format!("/proc/{session}"))
        .map_or_else(|_| path.to_owned(), |rest| Path::new(OWN).join(rest))
}
