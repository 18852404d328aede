//! What can go wrong when a payload is read.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

/// Says why a payload could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no JSON, or the value has no form in JSON.
    #[error("the payload is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// A field of the schema has another type than the schema says.
    #[error("the payload's {} does not fit: {cause}", field(path))]
    WrongShape {
        /// Gives the path of the field, such as `worker_threads.pool.size`; empty for the payload itself.
        path: String,
        /// Says what was found, what was expected, and, in text, at which line and column.
        cause: serde_json::Error,
    },
    /// It is of a version that is not known here.
    #[error(
        "the payload has schema {found}, and version {known} is known here: read it with a newer circlet"
    )]
    Schema {
        /// What it says.
        found: String,
        /// The version that is known.
        known: u64,
    },
}

/// Reads a payload, or a part of one, from text.
pub(super) fn read_text<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|cause| match cause.classify() {
        Category::Data => Error::WrongShape { path: path_at(text, cause.line(), cause.column()), cause },
        Category::Syntax | Category::Eof | Category::Io => Error::NotJson(cause),
    })
}

/// Reads a payload, or a part of one, from a value.
pub(super) fn read_value<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(value).map_err(|cause| {
        // A value has no positions, so its text is read for the path.
        let text = value.to_string();
        let path =
            serde_json::from_str::<T>(&text).err().map(|error| path_at(&text, error.line(), error.column()));
        Error::WrongShape { path: path.unwrap_or_default(), cause }
    })
}

/// Reads a part of a payload from anything that serializes in its shape.
pub(super) fn read_snapshot<T: DeserializeOwned>(snapshot: &impl Serialize) -> Result<T, Error> {
    read_value(&serde_json::to_value(snapshot).map_err(Error::NotJson)?)
}

fn field(path: &str) -> String {
    if path.is_empty() { "value".to_owned() } else { format!("field `{path}`") }
}

/// One open bracket of JSON text.
enum Open {
    /// An object, with the key read last, and whether the next string is a key.
    Object { key: String, wants_key: bool },
    /// An array, with the index of its current element.
    Array { index: usize },
}

/// Finds the field whose value ends at a position; `line` counts from 1, `column` counts the bytes of the line up to the position.
///
/// `text` must be JSON up to there, which holds when a reader got so far.
fn path_at(text: &str, line: usize, column: usize) -> String {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = (start + column).min(text.len());
    let bytes = &text.as_bytes()[..end];
    let mut open = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let first = at + 1;
                at = first;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if let Some(Open::Object { key, wants_key: wants_key @ true }) = open.last_mut() {
                    *key = String::from_utf8_lossy(&bytes[first.min(end)..at.min(end)]).into_owned();
                    *wants_key = false;
                }
            }
            // A bracket that the reader stopped at opens nothing: it is the value that was not expected.
            b'{' | b'[' if at + 1 == bytes.len() => {}
            b'{' => open.push(Open::Object { key: String::new(), wants_key: true }),
            b'[' => open.push(Open::Array { index: 0 }),
            b'}' | b']' => drop(open.pop()),
            b',' => match open.last_mut() {
                Some(Open::Object { wants_key, .. }) => *wants_key = true,
                Some(Open::Array { index }) => *index += 1,
                None => {}
            },
            _ => {}
        }
        at += 1;
    }
    open.iter().fold(String::new(), |path, open| match open {
        Open::Object { key, .. } => super::section::join(&path, key),
        Open::Array { index } => format!("{path}[{index}]"),
    })
}

#[cfg(test)]
mod tests {
    use super::path_at;

    #[test]
    fn a_position_leads_to_the_field_it_is_in() {
        let text = "{\"a\": {\"b\": [1, {\"c\\\"}\": 2}]},\n \"d\": 3}";
        let path_after = |part: &str| {
            let end = text.find(part).unwrap() + part.len();
            let line_start = text[..end].rfind('\n').map_or(0, |at| at + 1);
            path_at(text, text[..end].matches('\n').count() + 1, end - line_start)
        };
        assert_eq!(path_after("[1"), "a.b[0]");
        assert_eq!(path_after("\": 2"), "a.b[1].c\\\"}");
        assert_eq!(path_after("d\": 3"), "d");
        assert_eq!(path_after("{\"a\": {"), "a");
    }

    #[test]
    fn a_position_outside_the_text_is_no_panic() {
        assert_eq!(path_at("", 9, 9), "");
        assert_eq!(path_at("{\"a\\", 1, 99), "a\\");
    }
}
