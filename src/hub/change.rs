//! What is done to a room at once: what a tick tells, as recordings keep it and servers tell each other.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::de::Error as _;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::error::HubError;
use super::rooms::NAME_BYTES;
use super::{Column, ColumnKind, State};

/// What is done to a room at once: keys are removed, then values set, then events told.
///
/// As JSON it is `{"room": .., "set": {key: value}, "columns": {key: {name: {"f32": base64}}}, "removed": [key], "events": [..]}`, of which
/// all but the room may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
#[non_exhaustive]
pub struct Change {
    /// The room's name.
    pub room: String,
    /// The keys that go.
    pub removed: BTreeSet<String>,
    /// The new values of keys.
    pub set: BTreeMap<String, State>,
    /// What is told and not merged, in order.
    pub events: Vec<Event>,
}

/// An event, which is not merged with others.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name, such as `agent-action`.
    pub name: String,
    /// What it says.
    pub data: State,
}

impl Change {
    /// Nothing yet, to a room.
    pub fn to(room: &str) -> Self {
        Self { room: room.to_owned(), ..Self::default() }
    }

    /// Checks the names and the values.
    ///
    /// # Errors
    /// A name is too long, or empty, or a value is nested too deep.
    pub(super) fn check(&self) -> Result<(), HubError> {
        check_name("room", &self.room)?;
        self.set.keys().chain(&self.removed).try_for_each(|key| check_name("key", key))?;
        self.events.iter().try_for_each(|event| check_event(&event.name))?;
        let values = self.set.values().chain(self.events.iter().map(|event| &event.data));
        let is_deep = |value: &State| matches!(value, State::Json(value) if is_deeper(value, DEPTH));
        if values.into_iter().any(is_deep) { Err(HubError::Deep { limit: DEPTH }) } else { Ok(()) }
    }

    /// Returns the keys whose values it takes away, to set another or none.
    pub(super) fn replaced(&self) -> impl Iterator<Item = &String> {
        self.removed.iter().chain(self.set.keys().filter(|key| !self.removed.contains(*key)))
    }

    /// Takes in what is done after it.
    pub(super) fn merge(&mut self, later: Self) {
        for key in later.removed {
            self.set.remove(&key);
            self.removed.insert(key);
        }
        for (key, value) in later.set {
            self.removed.remove(&key);
            self.set.insert(key, value);
        }
        self.events.extend(later.events);
    }
}

impl Event {
    /// Returns about how many bytes it takes.
    pub(super) fn cost(&self) -> usize {
        self.name.len() + self.data.cost()
    }
}

/// The names of events that clients of Socket.IO have for themselves, and those that tell of the state.
const TAKEN: [&str; 11] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
    "__disconnect_final",
    "gameState",
    "game-state-update",
    "lost",
    "refused",
];

/// Checks the name of an event.
fn check_event(name: &str) -> Result<(), HubError> {
    check_name("event", name)?;
    if TAKEN.contains(&name) { Err(HubError::Event { event: name.to_owned() }) } else { Ok(()) }
}

/// How deep values are nested: whatever a hub writes around them, readers of JSON take it.
const DEPTH: usize = 100;

fn is_deeper(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth == 0 || items.iter().any(|item| is_deeper(item, depth - 1)),
        Value::Object(members) => depth == 0 || members.values().any(|member| is_deeper(member, depth - 1)),
        _ => false,
    }
}

/// Checks a name of a room, a key or an event.
pub(super) fn check_name(what: &'static str, name: &str) -> Result<(), HubError> {
    if name.is_empty() || name.len() > NAME_BYTES {
        return Err(HubError::Name { what, bytes: name.len(), limit: NAME_BYTES });
    }
    Ok(())
}

/// A change as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    room: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    columns: BTreeMap<String, Columns>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    removed: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<Event>,
}

impl From<Change> for Written {
    fn from(change: Change) -> Self {
        let (mut set, mut columns) = (BTreeMap::new(), BTreeMap::new());
        for (key, value) in change.set {
            match value {
                State::Json(value) => drop(set.insert(key, value)),
                State::Columns(value) => drop(columns.insert(key, Columns(value))),
            }
        }
        Self { room: change.room, set, columns, removed: change.removed, events: change.events }
    }
}

impl From<Written> for Change {
    fn from(written: Written) -> Self {
        let mut set: BTreeMap<_, _> =
            written.set.into_iter().map(|(key, value)| (key, State::Json(value))).collect();
        set.extend(written.columns.into_iter().map(|(key, columns)| (key, columns.into())));
        Self { room: written.room, removed: written.removed, set, events: written.events }
    }
}

/// An event as it is written.
#[derive(Serialize, Deserialize)]
struct WrittenEvent<'a> {
    event: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Columns>,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (data, columns) = match &self.data {
            State::Json(value) => (Some(value.clone()), None),
            State::Columns(columns) => (None, Some(Columns(columns.clone()))),
        };
        WrittenEvent { event: self.name.as_str().into(), data, columns }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = WrittenEvent::deserialize(deserializer)?;
        let data = match written.columns {
            Some(columns) => columns.into(),
            None => State::Json(written.data.unwrap_or_default()),
        };
        Ok(Self { name: written.event.into_owned(), data })
    }
}

/// Columns in JSON: `{name: {"f32": base64}}`.
#[derive(Clone, Debug)]
pub(super) struct Columns(Vec<Column>);

impl From<Vec<Column>> for Columns {
    fn from(columns: Vec<Column>) -> Self {
        Self(columns)
    }
}

impl From<Columns> for State {
    fn from(columns: Columns) -> Self {
        Self::Columns(columns.0)
    }
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for column in &self.0 {
            let bytes = BTreeMap::from([(column.kind.name(), BASE64.encode(&column.bytes))]);
            map.serialize_entry(&column.name, &bytes)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let columns = BTreeMap::<String, BTreeMap<String, String>>::deserialize(deserializer)?;
        let read = |(name, bytes): (String, BTreeMap<String, String>)| {
            let wrong = |why: &str| D::Error::custom(format!("column `{name}`: {why}"));
            let only = bytes.first_key_value().filter(|_| bytes.len() == 1);
            let (kind, base64) =
                only.ok_or_else(|| wrong("one of f32, f64, i32, u8 is needed, as in {\"f32\": base64}"))?;
            let kind =
                ColumnKind::named(kind).ok_or_else(|| wrong("its numbers are none of f32, f64, i32, u8"))?;
            let bytes = BASE64.decode(base64).map_err(|error| wrong(&format!("no base64: {error}")))?;
            if bytes.len() % kind.size() != 0 {
                return Err(wrong(&format!("{} bytes are no whole numbers of {}", bytes.len(), kind.name())));
            }
            Ok(Column { name, kind, bytes: Bytes::from(bytes) })
        };
        columns.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = State> {
        prop_oneof![
            any::<i64>().prop_map(|number| json!({ "n": number }).into()),
            prop::collection::vec(any::<f32>(), 0..5).prop_map(|numbers| vec![
                Column::f32("x", numbers.clone()),
                Column::f32("y", numbers)
            ]
            .into()),
        ]
    }

    fn change() -> impl Strategy<Value = Change> {
        let set = prop::collection::btree_map("[a-d]", value(), 0..4);
        let removed = prop::collection::btree_set("[a-d]", 0..4);
        let event = ("[a-z]{1,9}", value()).prop_map(|(name, data)| Event { name, data });
        (set, removed, prop::collection::vec(event, 0..3)).prop_map(|(set, removed, events)| Change {
            room: "g".to_owned(),
            removed,
            set,
            events,
        })
    }

    fn done(changes: &[Change]) -> (BTreeMap<String, State>, Vec<Event>) {
        let (mut state, mut events) = (BTreeMap::new(), Vec::new());
        for change in changes.iter().cloned() {
            state.retain(|key, _| !change.removed.contains(key));
            state.extend(change.set);
            events.extend(change.events);
        }
        (state, events)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(change in change()) {
            let text = serde_json::to_string(&change).unwrap();
            prop_assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change);
        }

        #[test]
        fn merged_changes_do_what_they_do_one_after_the_other(changes in prop::collection::vec(change(), 1..6), split in 0_usize..6) {
            // Whatever was there before.
            let before = done(&changes[..split.min(changes.len())]);
            let mut merged = Change::to("g");
            changes[split.min(changes.len())..].iter().cloned().for_each(|change| merged.merge(change));
            let start = Change { set: before.0, events: before.1, ..Change::to("g") };
            prop_assert_eq!(done(&[start, merged]), done(&changes));
        }
    }

    #[test]
    fn wrong_columns_are_refused_by_what_is_wrong() {
        let refused = |columns: &str| {
            let text = format!(r#"{{"room": "g", "columns": {{"path": {columns}}}}}"#);
            serde_json::from_str::<Change>(&text).unwrap_err().to_string()
        };
        assert!(refused(r#"{"x": {"f16": ""}}"#).contains("none of f32, f64, i32, u8"));
        assert!(refused(r#"{"x": {"f32": "AAA="}}"#).contains("2 bytes are no whole numbers of f32"));
        assert!(refused(r#"{"x": {"f32": "*"}}"#).contains("no base64"));
        assert!(refused(r#"{"x": {}}"#).contains("one of f32, f64, i32, u8 is needed"));
    }
}
