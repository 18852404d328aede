//! What comes of a run.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// What came of a run.
///
/// Serializes as an object of these fields, what is absent left out, times as milliseconds and bytes as their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// The value of the last expression, where JSON can say it: `null` for `None`, for `undefined` and for code without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Its `repr`, or what `Bun.inspect` gives, where JSON cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repr: Option<String>,
    /// How it shows itself, by MIME type, where it does: text as it is, pictures in base64, as Jupyter's messages have
    /// them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
    /// Its bytes, where it is a buffer: of `bytes`, a `memoryview` or an array, of an `ArrayBuffer` or a view of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Bytes>,
    /// What was printed, as much as is kept; a notice at its end says where it was cut.
    pub stdout: String,
    /// What was printed to standard error, as much as is kept.
    pub stderr: String,
    /// The exception that ended the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<CodeError>,
    /// What was done to stop the code, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// What the code used.
    pub usage: Usage,
    /// From sending the code to having the outcome.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
}

/// The bytes of a value that is a buffer, in C order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// What an item is: a format of Python's `struct` module, `B` for bytes.
    pub format: String,
    /// How many items there are along each axis.
    pub shape: Vec<u64>,
    /// The bytes themselves.
    #[serde(rename = "len", serialize_with = "length")]
    pub content: Vec<u8>,
}

impl Bytes {
    /// Tells whether there are as many bytes as so many items may have, each of one size.
    fn is_whole(&self) -> bool {
        let items = self.shape.iter().try_fold(1_u64, |items, axis| items.checked_mul(*axis));
        let length = self.content.len() as u64;
        items.is_some_and(|items| if items == 0 { length == 0 } else { length.is_multiple_of(items) })
    }
}

/// What the session's process has used since the end of the run before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Time on a processor in user mode.
    #[serde(rename = "cpu_user_ms", serialize_with = "milliseconds")]
    pub user: Duration,
    /// Time on a processor in the kernel.
    #[serde(rename = "cpu_system_ms", serialize_with = "milliseconds")]
    pub system: Duration,
    /// The most memory that the process ever had, in bytes.
    #[serde(rename = "memory_peak_bytes")]
    pub memory_peak: u64,
}

/// How far it was necessary to go to stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The code got a SIGINT: a `KeyboardInterrupt`, or an `AbortError` of Bun.
    Interrupted,
    /// All processes of the session's group got one, once the code had not ended in time.
    GroupInterrupted,
    /// The session was killed.
    Killed,
}

/// An exception of the code that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeError {
    /// Its type's name, such as `ZeroDivisionError` or `TypeError`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its message.
    pub message: String,
    /// The traceback as Python prints it, from the code's own lines on; in Bun the stack, as far as the code's own lines.
    pub traceback: String,
}

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1e3)
}

fn length<S: Serializer>(content: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(content.len() as u64)
}

/// What a session says of a run.
#[derive(Deserialize)]
pub(super) struct Body {
    value: Option<Value>,
    repr: Option<String>,
    #[serde(default)]
    data: Map<String, Value>,
    /// The format and the shape of the bytes that came before this.
    bytes: Option<(String, Vec<u64>)>,
    error: Option<CodeError>,
}

impl Body {
    /// Makes the outcome of what the session said, and of the bytes that it sent before; `None` where these have another shape.
    pub(super) fn outcome(self, content: Vec<u8>) -> Option<Outcome> {
        let bytes = self.bytes.map(|(format, shape)| Bytes { format, shape, content });
        if !bytes.as_ref().is_none_or(Bytes::is_whole) {
            return None;
        }
        let silent = self.error.is_none() && self.repr.is_none() && bytes.is_none();
        Some(Outcome {
            value: self.value.or(silent.then_some(Value::Null)),
            repr: self.repr,
            data: self.data,
            bytes,
            error: self.error,
            ..Outcome::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(json: &str) -> Option<Outcome> {
        serde_json::from_str::<Body>(json).unwrap().outcome(vec![1, 2])
    }

    fn outcome(json: &str) -> Outcome {
        made(json).unwrap()
    }

    #[test]
    fn a_run_without_a_value_gives_null() {
        assert_eq!(outcome("{}").value, Some(Value::Null));
        assert_eq!(outcome(r#"{"value": null}"#).value, Some(Value::Null));
        assert_eq!(outcome(r#"{"repr": "x"}"#).value, None);
    }

    #[test]
    fn bytes_come_with_their_format_and_shape() {
        let bytes = outcome(r#"{"bytes": ["<H", [1]]}"#).bytes.unwrap();
        assert_eq!(bytes, Bytes { format: "<H".to_owned(), shape: vec![1], content: vec![1, 2] });
    }

    #[test]
    fn bytes_of_another_number_of_items_are_refused() {
        for shape in ["[3]", "[0]", "[2,0]", "[4294967296,4294967296,2]"] {
            assert_eq!(made(&format!(r#"{{"bytes": ["B", {shape}]}}"#)), None, "{shape}");
        }
        assert!(made(r#"{"bytes": ["B", [2, 1]]}"#).is_some() && made(r#"{"bytes": ["e", []]}"#).is_some());
    }
}
