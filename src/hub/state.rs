//! What a room holds: values as JSON, or columns of numbers as bytes.

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// The value of a key of a room's state, or what an event says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// JSON.
    Json(Value),
    /// Columns of numbers, which viewers get as bytes: `{"x": {"f32": ArrayBuffer}}`, for `new Float32Array(value.x.f32)`.
    Columns(Vec<Column>),
}

/// A name, and numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What the numbers are, such as `x`.
    pub name: String,
    /// What the bytes are.
    pub kind: ColumnKind,
    /// The numbers, in little-endian order.
    pub bytes: Bytes,
}

/// What the bytes of a [`Column`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnKind {
    /// IEEE 754 floats of 32 bits, a `Float32Array`.
    F32,
    /// IEEE 754 floats of 64 bits, a `Float64Array`.
    F64,
    /// Integers of 32 bits, an `Int32Array`.
    I32,
    /// Bytes, an `Uint8Array`.
    U8,
}

impl ColumnKind {
    /// Returns its name, as viewers get it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::U8 => "u8",
        }
    }

    /// Returns the one of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::F32, Self::F64, Self::I32, Self::U8].into_iter().find(|kind| kind.name() == name)
    }

    /// Returns how many bytes a number has.
    pub fn size(self) -> usize {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::F64 => 8,
            Self::U8 => 1,
        }
    }
}

impl Column {
    /// Makes a column of floats of 32 bits.
    pub fn f32(name: &str, numbers: impl IntoIterator<Item = f32>) -> Self {
        let bytes: Vec<u8> = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
        Self { name: name.to_owned(), kind: ColumnKind::F32, bytes: bytes.into() }
    }

    /// Makes a column of floats of 64 bits.
    pub fn f64(name: &str, numbers: impl IntoIterator<Item = f64>) -> Self {
        let bytes: Vec<u8> = numbers.into_iter().flat_map(f64::to_le_bytes).collect();
        Self { name: name.to_owned(), kind: ColumnKind::F64, bytes: bytes.into() }
    }
}

impl State {
    /// Returns about how many bytes it takes.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Json(value) => cost(value),
            Self::Columns(columns) => {
                columns.iter().map(|column| 32 + column.name.len() + column.bytes.len()).sum()
            }
        }
    }
}

impl From<Value> for State {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

impl From<Vec<Column>> for State {
    fn from(columns: Vec<Column>) -> Self {
        Self::Columns(columns)
    }
}

fn cost(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 8 + items.iter().map(|item| 1 + cost(item)).sum::<usize>(),
        Value::Object(members) => {
            8 + members.iter().map(|(name, member)| name.len() + 4 + cost(member)).sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

/// Bytes as bytes, and not as a list of numbers.
struct AsBytes<'a>(&'a [u8]);

impl Serialize for AsBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.kind.name(), &AsBytes(&self.bytes))?;
        map.end()
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(value) => value.serialize(serializer),
            Self::Columns(columns) => {
                let mut map = serializer.serialize_map(Some(columns.len()))?;
                for column in columns {
                    map.serialize_entry(&column.name, column)?;
                }
                map.end()
            }
        }
    }
}
