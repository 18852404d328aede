//! What one side says, guest or host: a document, when each of its sections was told, and what was taken out of it.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::payload::redact::Marks;
use crate::payload::section::Unknown;
use crate::payload::{Error, SCHEMA, SessionPayload, merge_patch};

/// How many places are named that something was taken out at, and the longest name; more are counted.
const REDACTIONS: usize = 200;
const PATH_BYTES: usize = 200;
/// Where those that are not named are counted.
const MORE: &str = "*";
/// The quotes, the colon and the comma of a member.
const MEMBER_BYTES: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) document: Value,
    /// When each section of the schema was last told.
    pub(super) told: BTreeMap<&'static str, Instant>,
    /// What was taken out of the document, at the places that it has.
    redacted: Marks,
    /// How long each section is as JSON, and all of them.
    lengths: BTreeMap<String, usize>,
    bytes: usize,
}

/// Sections by their names, `None` of those that are to go.
pub(super) type Sections = BTreeMap<String, Option<Value>>;

impl Side {
    pub(super) fn new() -> Self {
        Self {
            document: Value::Object(Map::new()),
            told: BTreeMap::new(),
            redacted: Marks::default(),
            lengths: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Returns what each section that a patch touches would be; `None` where it would be gone.
    pub(super) fn patched(&self, patch: &Value) -> Sections {
        let changes = patch.as_object().into_iter().flatten();
        let section = |(name, change): (&String, &Value)| {
            let section = (!change.is_null()).then(|| {
                let mut section = self.document.get(name).cloned().unwrap_or(Value::Null);
                merge_patch(&mut section, change);
                section
            });
            (name.clone(), section)
        };
        changes.map(section).collect()
    }

    /// Returns those of its own that others name.
    pub(super) fn sections(&self, named: &Sections) -> Sections {
        named.keys().map(|name| (name.clone(), self.document.get(name).cloned())).collect()
    }

    /// Takes sections in the place of those that it has, of which these were taken out.
    pub(super) fn take(&mut self, sections: Sections, patch: &Value, redacted: Marks, now: Instant) {
        self.redacted.merge(patch, redacted);
        let Value::Object(document) = &mut self.document else { return };
        for (name, section) in sections {
            let known = SessionPayload::FIELDS.iter().find(|known| **known == name);
            self.bytes -= self.lengths.remove(&name).unwrap_or(0);
            match section {
                Some(section) => {
                    let length = length(&name, &section);
                    self.bytes += length;
                    self.lengths.insert(name.clone(), length);
                    // What was measured anew is shorter than the patch says.
                    self.redacted.keep_within(&name, Some(&section));
                    document.insert(name, section);
                    known.map(|known| self.told.insert(known, now));
                }
                None => {
                    self.redacted.keep_within(&name, None);
                    document.remove(&name);
                    known.map(|known| self.told.remove(known));
                }
            }
        }
    }

    /// Returns how many bytes of JSON it would have with these sections in the place of its own.
    pub(super) fn bytes_with(&self, sections: &Sections) -> usize {
        let before: usize = sections.keys().filter_map(|name| self.lengths.get(name)).sum();
        let after: usize =
            sections.iter().filter_map(|(name, section)| Some(length(name, section.as_ref()?))).sum();
        self.bytes - before + after
    }

    /// Returns how many bytes of JSON it has.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns what was taken out where, of some sides together.
    pub(super) fn redacted<'a>(
        sides: impl IntoIterator<Item = &'a Self>,
    ) -> Option<BTreeMap<String, String>> {
        let (mut all, mut unnamed) = (BTreeMap::new(), 0);
        for side in sides {
            let listed = side.redacted.listed(REDACTIONS, PATH_BYTES);
            unnamed += side.redacted.count() - listed.len();
            all.extend(listed);
        }
        if unnamed > 0 {
            all.insert(MORE.to_owned(), format!("{unnamed} more"));
        }
        (!all.is_empty()).then_some(all)
    }

    /// Reads what it says, all of it.
    ///
    /// # Errors
    /// It does not fit the schema.
    pub(super) fn payload(&self) -> Result<SessionPayload, Error> {
        let all = self.document.as_object().into_iter().flatten();
        read(all.map(|(name, section)| (name.clone(), Some(section.clone()))).collect())
    }
}

/// Reads sections of a payload by themselves.
///
/// # Errors
/// They do not fit the schema.
pub(super) fn read(sections: Sections) -> Result<SessionPayload, Error> {
    let there = sections.into_iter().filter_map(|(name, section)| Some((name, section?)));
    let document = there.chain([("schema".to_owned(), SCHEMA.into())]).collect();
    SessionPayload::from_value(&Value::Object(document))
}

/// Counts the bytes of a member as JSON, with what stands around it.
fn length(name: &str, section: &Value) -> usize {
    name.len() + section.to_string().len() + MEMBER_BYTES
}
