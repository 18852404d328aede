//! What does not work at the moment, though the hub goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What does not work, by what it is of.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Troubles {
    /// Something does not work, for this reason.
    pub(super) fn set(&self, of: &'static str, why: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(of, why);
    }

    /// It works again.
    pub(super) fn clear(&self, of: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(of);
    }

    /// Returns what does not work, and why.
    pub(super) fn all(&self) -> Vec<String> {
        let troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.iter().map(|(of, why)| format!("{of}: {why}")).collect()
    }
}
