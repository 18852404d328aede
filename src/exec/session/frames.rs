//! What goes over the rings of a session: pure functions, and believing nothing that a session sends.

/// The version that both sides must speak.
pub(crate) const PROTOCOL: u32 = 2;
/// The longest message in either direction.
pub(crate) const MESSAGE_MAX: u32 = 1 << 30;

/// Kinds of frames to a session.
pub(crate) mod request {
    /// A code string.
    pub(crate) const RUN: u32 = 1;
    /// Bytes for the code.
    pub(crate) const DATA: u32 = 2;
    /// A line for the code that asked for one.
    pub(crate) const LINE: u32 = 3;
    /// A heap snapshot is wanted.
    pub(crate) const HEAP: u32 = 4;
}

/// Of a run: somebody answers questions.
pub(crate) const ASKS: u32 = 1;
/// Of a run: somebody keeps a log.
pub(crate) const STATES: u32 = 2;

/// Kinds of frames from a session.
pub(crate) mod answer {
    /// It is ready: once, with its version.
    pub(crate) const READY: u32 = 1;
    /// What came of a run, as JSON.
    pub(crate) const OUTCOME: u32 = 2;
    /// A part of what was printed.
    pub(crate) const STDOUT: u32 = 3;
    /// A part of what was printed to standard error.
    pub(crate) const STDERR: u32 = 4;
    /// Something to show, as JSON.
    pub(crate) const DISPLAY: u32 = 5;
    /// Bytes of the code's.
    pub(crate) const DATA: u32 = 6;
    /// The bytes of a value, before its outcome.
    pub(crate) const VALUE: u32 = 7;
    /// The code asks for a line, as JSON.
    pub(crate) const ASK: u32 = 8;
    /// Something became of the run, as JSON.
    pub(crate) const STATE: u32 = 9;
}

/// Bytes before the body of a request.
pub(crate) const REQUEST_BYTES: usize = 12;
/// Bytes before the body of an answer.
pub(crate) const ANSWER_BYTES: usize = 16;

/// Begins a request.
pub(crate) fn request_header(kind: u32, request: u32, flags: u32) -> [u8; REQUEST_BYTES] {
    words([kind, request, flags])
}

/// Begins an answer: `written` is how much was written to the two pipes before it.
pub(crate) fn answer_header(kind: u32, request: u32, written: [u32; 2]) -> [u8; ANSWER_BYTES] {
    words([kind, request, written[0], written[1]])
}

/// Reads the begin of a request: its kind, its number and its flags.
pub(crate) fn request_words(header: &[u8; REQUEST_BYTES]) -> [u32; 3] {
    [0, 1, 2].map(|index| word(header, index))
}

/// The begin of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnswerHeader {
    pub(crate) kind: u32,
    pub(crate) request: u32,
    pub(crate) written: [u32; 2],
}

impl AnswerHeader {
    pub(crate) fn read(header: &[u8; ANSWER_BYTES]) -> Self {
        let [kind, request, output, errors] = [0, 1, 2, 3].map(|index| word(header, index));
        Self { kind, request, written: [output, errors] }
    }
}

fn words<const N: usize, const BYTES: usize>(words: [u32; N]) -> [u8; BYTES] {
    const { assert!(4 * N == BYTES) };
    let mut bytes = [0; BYTES];
    for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn word(header: &[u8], index: usize) -> u32 {
    header[4 * index..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn headers_are_read_as_they_were_made(kind: u32, request: u32, flags: u32, written: [u32; 2]) {
            let answer = AnswerHeader { kind, request, written };
            prop_assert_eq!(AnswerHeader::read(&answer_header(kind, request, written)), answer);
            prop_assert_eq!(request_words(&request_header(kind, request, flags)), [kind, request, flags]);
        }
    }
}
