//! What goes over the rings of a worker: pure functions, and believing nothing that a worker sends.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::Error;

/// The version that both sides must speak.
pub(super) const PROTOCOL: u32 = 1;
/// To the worker: a code string.
pub(super) const RUN: u32 = 1;
/// From the worker: what came of it, as JSON, or the last part of that.
const OUTCOME: u32 = 2;
/// From the worker: a part of what was printed.
const STDOUT: u32 = 3;
/// From the worker: a part of what was printed to standard error.
const STDERR: u32 = 4;
/// From the worker: a part of an outcome that is longer than a frame, in order.
const PART: u32 = 5;
/// How much of what a run prints is kept, of each stream.
const OUTPUT_MAX: usize = 16 << 20;
/// How long an outcome may be.
const OUTCOME_MAX: usize = 256 << 20;
/// Bytes of the kind and the request's number.
pub(super) const HEADER_BYTES: usize = 8;

/// What came of a run.
///
/// Serializes as an object of these fields, what is absent left out, and the time as `elapsed_ms`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// The value of the last expression, where JSON can say it: `null` for `None` and for code without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Its `repr`, where JSON cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repr: Option<String>,
    /// What was printed, up to 16 MiB; a notice at its end says where it was cut.
    pub stdout: String,
    /// What was printed to standard error, up to as much.
    pub stderr: String,
    /// The exception that ended the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<PythonError>,
    /// From sending the code to having the outcome.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
}

/// An exception of the code that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonError {
    /// Its type's name, such as `ZeroDivisionError`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its message.
    pub message: String,
    /// The traceback as Python prints it, from the code's own lines on.
    pub traceback: String,
}

#[derive(Deserialize)]
struct Body {
    value: Option<Value>,
    repr: Option<String>,
    error: Option<PythonError>,
}

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1e3)
}

/// Writes a frame's beginning.
pub(super) fn header(kind: u32, request: u32) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..4].copy_from_slice(&kind.to_le_bytes());
    bytes[4..].copy_from_slice(&request.to_le_bytes());
    bytes
}

/// What the worker has sent of an outcome so far.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub(super) outcome: Outcome,
    json: Vec<u8>,
}

impl Incoming {
    /// Adds one frame of the worker to the outcome of `request`; `true` when it is whole.
    pub(super) fn take(&mut self, frame: &[u8], request: u32) -> Result<bool, Error> {
        let broken = |what: String| Err(Error::Protocol { what });
        let Some((head, body)) = frame.split_first_chunk::<HEADER_BYTES>() else {
            return broken(format!("a frame of {} bytes has no header", frame.len()));
        };
        let kind = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let number = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        if number != request {
            return broken(format!("an answer to request {number} while {request} runs"));
        }
        match kind {
            STDOUT => keep(&mut self.outcome.stdout, body),
            STDERR => keep(&mut self.outcome.stderr, body),
            PART | OUTCOME if self.json.len() + body.len() > OUTCOME_MAX => {
                return broken(format!("an outcome of more than {OUTCOME_MAX} bytes"));
            }
            PART => self.json.extend_from_slice(body),
            OUTCOME => {
                self.json.extend_from_slice(body);
                let body: Body = serde_json::from_slice(&self.json).map_err(|error| Error::Protocol {
                    what: format!("an outcome that is no JSON of ours: {error}"),
                })?;
                let silent = body.error.is_none() && body.repr.is_none();
                self.outcome.value = body.value.or(silent.then_some(Value::Null));
                self.outcome.repr = body.repr;
                self.outcome.error = body.error;
                return Ok(true);
            }
            other => return broken(format!("a frame of kind {other}")),
        }
        Ok(false)
    }
}

/// Appends what was printed, up to a limit, and says once that it was reached.
fn keep(kept: &mut String, body: &[u8]) {
    if kept.len() < OUTPUT_MAX {
        kept.push_str(&String::from_utf8_lossy(body));
        if kept.len() >= OUTPUT_MAX {
            kept.push_str("\n[circlet: what was printed after this is not kept]\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u32, request: u32, body: &[u8]) -> Vec<u8> {
        [header(kind, request).as_slice(), body].concat()
    }

    #[test]
    fn parts_and_an_outcome_make_a_whole() {
        let mut incoming = Incoming::default();
        let parts = [
            (STDOUT, b"a".as_slice()),
            (STDERR, b"e"),
            (STDOUT, b"b"),
            (PART, br#"{"val"#),
            (PART, br#"ue": "#),
        ];
        for (kind, body) in parts {
            assert!(!incoming.take(&frame(kind, 1, body), 1).unwrap());
        }
        assert!(incoming.take(&frame(OUTCOME, 1, b"[1]}"), 1).unwrap());
        let outcome = incoming.outcome;
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("ab", "e"));
        assert_eq!(outcome.value, Some(serde_json::json!([1])));
    }

    #[test]
    fn the_value_none_is_null() {
        let mut incoming = Incoming::default();
        incoming.take(&frame(OUTCOME, 1, br#"{"value": null}"#), 1).unwrap();
        assert_eq!(incoming.outcome.value, Some(Value::Null));
    }

    #[test]
    fn endless_output_is_cut_with_a_notice() {
        let mut incoming = Incoming::default();
        let part = frame(STDOUT, 1, &[b'x'; 1 << 16]);
        for _ in 0..1000 {
            incoming.take(&part, 1).unwrap();
        }
        let stdout = incoming.outcome.stdout;
        assert!(stdout.len() < OUTPUT_MAX + 100 && stdout.ends_with("not kept]\n"));
    }

    #[test]
    fn an_answer_to_another_request_is_refused() {
        let error = Incoming::default().take(&frame(STDOUT, 2, b""), 1).unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }));
    }

    proptest! {
        #[test]
        fn whatever_a_worker_sends_is_taken_or_refused(bytes: Vec<u8>, request: u32) {
            let _ = Incoming::default().take(&bytes, request);
        }
    }
}
