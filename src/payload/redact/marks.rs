//! What was taken out of a document, at its places.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Redaction;
use crate::payload::section::join;

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::payload) enum Step {
    Name(String),
    At(usize),
}

/// A place of a document: what was taken out of it, and the places inside it that something was taken out of.
#[derive(Clone, Debug, Default)]
pub(in crate::payload) struct Marks {
    kinds: Vec<&'static str>,
    inside: BTreeMap<Step, Marks>,
    /// How many places have something taken out, with this one.
    count: usize,
}

impl Marks {
    /// Notes that something was taken out at this place.
    pub(super) fn note(&mut self, kinds: impl IntoIterator<Item = &'static str>) {
        for kind in kinds {
            if !self.kinds.contains(&kind) {
                self.kinds.push(kind);
            }
        }
        self.recount();
    }

    /// Adds what was taken out inside of this place, and of itself.
    pub(super) fn add(&mut self, other: Self) {
        self.inside.extend(other.inside);
        self.note(other.kinds);
    }

    /// Puts the marks of places inside this one.
    pub(super) fn put_all(&mut self, places: impl IntoIterator<Item = (Step, Self)>) {
        self.inside.extend(places.into_iter().filter(|(_, marks)| marks.count > 0));
        self.recount();
    }

    /// Counts the places that something was taken out of.
    pub(in crate::payload) fn count(&self) -> usize {
        self.count
    }

    fn recount(&mut self) {
        let inside: usize = self.inside.values().map(|marks| marks.count).sum();
        self.count = inside + usize::from(!self.kinds.is_empty());
    }

    /// Follows a merge patch of the document: what it sets has the marks of the patch, and what it does not keeps its own.
    pub(in crate::payload) fn merge(&mut self, patch: &Value, mut marks: Self) {
        let Value::Object(members) = patch else {
            *self = marks;
            return;
        };
        self.kinds = marks.kinds;
        // What was a list or a text is an object now.
        self.inside.retain(|step, _| matches!(step, Step::Name(_)));
        for (name, member) in members {
            let step = Step::Name(name.clone());
            let new = marks.inside.remove(&step).unwrap_or_default();
            if new.count == 0 && !self.inside.contains_key(&step) {
                continue;
            }
            let mut old = self.inside.remove(&step).unwrap_or_default();
            if !member.is_null() {
                old.merge(member, new);
                if old.count > 0 {
                    self.inside.insert(step, old);
                }
            }
        }
        self.recount();
    }

    /// Forgets the places of a member that it has no more; all of them where it is gone.
    pub(in crate::payload) fn keep_within(&mut self, name: &str, member: Option<&Value>) {
        let step = Step::Name(name.to_owned());
        let Some(mut marks) = self.inside.remove(&step) else { return };
        marks.keep(member.unwrap_or(&Value::Null));
        if member.is_some() && marks.count > 0 {
            self.inside.insert(step, marks);
        }
        self.recount();
    }

    /// Forgets the places that a document has no more.
    fn keep(&mut self, document: &Value) {
        self.inside.retain(|step, marks| {
            let there = match step {
                Step::Name(name) => document.get(name),
                Step::At(index) => document.get(index),
            };
            there.is_some_and(|there| {
                marks.keep(there);
                marks.count > 0
            })
        });
        self.recount();
    }

    /// Lists places with what was taken out of them, in their order: those whose path has no more bytes, and no more of them.
    pub(in crate::payload) fn listed(&self, most: usize, path_bytes: usize) -> Vec<(String, String)> {
        let mut all = Vec::new();
        self.list(String::new(), most, path_bytes, &mut all);
        all
    }

    fn list(&self, path: String, most: usize, path_bytes: usize, all: &mut Vec<(String, String)>) {
        if all.len() >= most || path.len() > path_bytes {
            return;
        }
        if !self.kinds.is_empty() {
            all.push((path.clone(), self.kinds.join(", ")));
        }
        for (step, marks) in &self.inside {
            if all.len() >= most {
                return;
            }
            marks.list(step.after(&path), most, path_bytes, all);
        }
    }

    /// Lists all, one for each kind of each place.
    pub(super) fn redactions(&self) -> Vec<Redaction> {
        let mut all = Vec::new();
        self.collect("", &mut all);
        all
    }

    fn collect(&self, path: &str, all: &mut Vec<Redaction>) {
        all.extend(self.kinds.iter().map(|kind| Redaction { path: path.to_owned(), kind }));
        for (step, marks) in &self.inside {
            marks.collect(&step.after(path), all);
        }
    }
}

impl Step {
    /// Writes the path of what is one step from another.
    fn after(&self, path: &str) -> String {
        match self {
            Self::Name(name) => join(path, name),
            Self::At(index) => format!("{path}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::payload::{Redactor, merge_patch};

    /// What a document says after patches, and the paths of what was taken out of it.
    fn after(patches: &[Value]) -> Vec<String> {
        let (mut document, mut marks) = (json!({}), Marks::default());
        for patch in patches {
            let mut patch = patch.clone();
            let new = Redactor::default().marked(&mut patch);
            merge_patch(&mut document, &patch);
            marks.merge(&patch, new);
        }
        let paths: Vec<_> = marks.listed(100, 100).into_iter().map(|(path, _)| path).collect();
        assert_eq!(marks.count(), paths.len());
        // Nothing is marked that is not there.
        marks.keep(&document);
        assert_eq!(marks.count(), paths.len());
        paths
    }

    #[test]
    fn what_a_patch_sets_has_its_marks_and_what_it_leaves_keeps_its_own() {
        let first = json!({"a": {"x": "password=1", "y.z": "password=1"}, "b": ["c", {"password": "d"}]});
        assert_eq!(after(std::slice::from_ref(&first)), ["a.x", "a.y.z", "b[1].password"]);
        for (patch, left) in [
            (json!({"a": null}), &["b[1].password"][..]),
            (json!({"a": {"x": null}}), &["a.y.z", "b[1].password"]),
            (json!({"a": {"x": "fine"}}), &["a.y.z", "b[1].password"]),
            (json!({"a": {"x": {"n": 1}}}), &["a.y.z", "b[1].password"]),
            (json!({"b": ["c"]}), &["a.x", "a.y.z"]),
            (json!({"b": {"n": "password=2"}}), &["a.x", "a.y.z", "b.n"]),
            (json!({"a": {"n": 1}, "b": 5}), &["a.x", "a.y.z"]),
            (json!({"a": {"x": "password=2"}}), &["a.x", "a.y.z", "b[1].password"]),
        ] {
            assert_eq!(after(&[first.clone(), patch.clone()]), left, "{patch}");
        }
    }
}
