//! What one side says, guest or host: a document, when each of its sections was told, and what was taken out of it.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::paths::has;
use crate::payload::section::Unknown;
use crate::payload::{Error, Redaction, SCHEMA, SessionPayload, merge_patch};

/// How many places are named that something was taken out at, and the longest name; more are counted.
const REDACTIONS: usize = 200;
const PATH_BYTES: usize = 200;
/// Where those that are not named are counted.
const MORE: &str = "*";

#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) document: Value,
    /// When each section of the schema was last told.
    pub(super) told: BTreeMap<&'static str, Instant>,
    redacted: BTreeMap<String, String>,
    unnamed: usize,
}

impl Side {
    pub(super) fn new() -> Self {
        Self {
            document: Value::Object(Map::new()),
            told: BTreeMap::new(),
            redacted: BTreeMap::new(),
            unnamed: 0,
        }
    }

    /// Takes a patch, of which these were taken out.
    pub(super) fn take(&mut self, patch: &Value, redactions: Vec<Redaction>, now: Instant) {
        self.redacted.retain(|path, _| !has(patch, path, true));
        merge_patch(&mut self.document, patch);
        for one in redactions {
            self.note(one);
        }
        for (name, value) in patch.as_object().into_iter().flatten() {
            let Some(section) = SessionPayload::FIELDS.iter().find(|section| *section == name) else {
                continue;
            };
            if self.document.get(*section).is_none() {
                self.told.remove(section);
            } else if !value.is_null() {
                self.told.insert(section, now);
            }
        }
    }

    fn note(&mut self, one: Redaction) {
        if let Some(kinds) = self.redacted.get_mut(&one.path) {
            if !kinds.split(", ").any(|kind| kind == one.kind) {
                *kinds = format!("{kinds}, {}", one.kind);
            }
        } else if self.redacted.len() < REDACTIONS && one.path.len() <= PATH_BYTES {
            self.redacted.insert(one.path, one.kind.to_owned());
        } else {
            self.unnamed += 1;
        }
    }

    /// Returns what was taken out where, of this side and another.
    pub(super) fn redacted_with(&self, other: &Self) -> Option<BTreeMap<String, String>> {
        let mut all = self.redacted.clone();
        all.extend(other.redacted.clone());
        let unnamed = self.unnamed + other.unnamed;
        if unnamed > 0 {
            all.insert(MORE.to_owned(), format!("{unnamed} more"));
        }
        (!all.is_empty()).then_some(all)
    }

    /// Reads what it says by itself.
    ///
    /// # Errors
    /// It does not fit the schema.
    pub(super) fn payload(&self) -> Result<SessionPayload, Error> {
        self.under(&Value::Object(Map::new()))
    }

    /// Reads what it says with another document over it.
    ///
    /// # Errors
    /// They do not fit the schema.
    pub(super) fn under(&self, over: &Value) -> Result<SessionPayload, Error> {
        let mut both = self.document.clone();
        merge_patch(&mut both, over);
        merge_patch(&mut both, &json!({ "schema": SCHEMA }));
        SessionPayload::from_value(&both)
    }
}
