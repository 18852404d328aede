//! What goes over the rings of a pool's worker: one frame for a call, one for its answer. Pure functions.

use super::Error;

/// The longest call or answer in bytes.
pub(super) const MESSAGE_MAX: u32 = 1 << 30;
/// Bytes of a request before the function's name: number, codec, length of the name.
pub(super) const REQUEST_BYTES: usize = 8;
/// Bytes of an answer before its body: number, status.
pub(super) const ANSWER_BYTES: usize = 8;
/// Of the first answer, which says that the worker is ready: no call has that number.
pub(super) const READY: u32 = u32::MAX;

/// What the bytes of a call and of its answer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u16)]
pub enum Codec {
    /// JSON, UTF-8: an array of arguments, or an object of arguments by name; and the value.
    Json = 1,
    /// Python's pickle: a pair of a tuple and a dict, which are the arguments; and the value.
    Pickle = 2,
    /// The structured clone of JavaScriptCore, as `bun:jsc` serializes: an array of arguments; and the value.
    StructuredClone = 3,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The value.
    Value,
    /// What was raised, as JSON: `type`, `message`, `traceback`.
    Raised,
    /// It gave in to an abort.
    Aborted,
}

/// Writes what a request has after its number.
pub(super) fn request(function: &str, codec: Codec, arguments: &[u8]) -> Result<Vec<u8>, Error> {
    let given = function.len();
    let name = u16::try_from(given).map_err(|_| Error::FunctionName { given })?;
    let len = REQUEST_BYTES + given + arguments.len();
    if len > MESSAGE_MAX as usize {
        return Err(Error::CallTooLong { len, max: MESSAGE_MAX as usize });
    }
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&(codec as u16).to_le_bytes());
    bytes.extend_from_slice(&name.to_le_bytes());
    bytes.extend_from_slice(function.as_bytes());
    bytes.extend_from_slice(arguments);
    Ok(bytes)
}

/// A request as the worker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) number: u32,
    pub(super) codec: u16,
    /// Bytes of the function's name, which the arguments follow.
    pub(super) name: u16,
}

/// Reads the beginning of a request.
pub(super) fn read_request(frame: &[u8]) -> Option<Request> {
    let (head, rest) = frame.split_first_chunk::<REQUEST_BYTES>()?;
    let name = u16::from_le_bytes([head[6], head[7]]);
    (usize::from(name) <= rest.len()).then(|| Request {
        number: u32::from_le_bytes([head[0], head[1], head[2], head[3]]),
        codec: u16::from_le_bytes([head[4], head[5]]),
        name,
    })
}

/// Writes the beginning of an answer.
pub(super) fn answer(number: u32, status: u32) -> [u8; ANSWER_BYTES] {
    let mut bytes = [0; ANSWER_BYTES];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..].copy_from_slice(&status.to_le_bytes());
    bytes
}

/// Reads an answer: the number of its call, what it is, and its body.
pub(super) fn read_answer(frame: &[u8]) -> Option<(u32, Status, &[u8])> {
    let (head, body) = frame.split_first_chunk::<ANSWER_BYTES>()?;
    let status = match u32::from_le_bytes([head[4], head[5], head[6], head[7]]) {
        0 => Status::Value,
        1 => Status::Raised,
        2 => Status::Aborted,
        _ => return None,
    };
    Some((u32::from_le_bytes([head[0], head[1], head[2], head[3]]), status, body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_request_is_read_as_it_was_written(function in ".{0,40}", arguments: Vec<u8>, number: u32) {
            let mut bytes = request(&function, Codec::Json, &arguments).unwrap();
            bytes[..4].copy_from_slice(&number.to_le_bytes());
            let name = u16::try_from(function.len()).unwrap();
            prop_assert_eq!(read_request(&bytes), Some(Request { number, codec: 1, name }));
            prop_assert_eq!(&bytes[REQUEST_BYTES + function.len()..], &arguments[..]);
        }

        #[test]
        fn whatever_the_other_side_sends_is_read_or_refused(bytes: Vec<u8>) {
            let _ = (read_request(&bytes), read_answer(&bytes));
        }
    }
}
