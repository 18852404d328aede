//! How far the body of a request goes (RFC 9112, section 6): what a client sends after it is another request, maybe to another host.

use httparse::Status;

/// The longest line between two chunks.
const LINE_BYTES: usize = 4096;

/// What is left of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body(Left);

#[derive(Debug, PartialEq, Eq)]
enum Left {
    Bytes(u64),
    Chunks(Chunks),
}

#[derive(Debug, PartialEq, Eq)]
struct Chunks {
    part: Part,
    /// The line that is under way.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The line that says how long a chunk is.
    Size,
    /// So much of a chunk.
    Data(u64),
    /// What ends a chunk.
    DataEnd,
    /// Fields after the last chunk.
    Trailer,
    Over,
}

/// What was sent is no body in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotChunked;

impl Body {
    pub(super) fn length(bytes: u64) -> Self {
        Self(Left::Bytes(bytes))
    }

    pub(super) fn chunked() -> Self {
        Self(Left::Chunks(Chunks { part: Part::Size, line: Vec::new() }))
    }

    /// Tells how many of these bytes, which come next, belong to it.
    ///
    /// # Errors
    /// They are no chunks.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, NotChunked> {
        match &mut self.0 {
            Left::Bytes(left) => Ok(span(left, bytes)),
            Left::Chunks(chunks) => {
                let mut taken = 0;
                while taken < bytes.len() && chunks.part != Part::Over {
                    taken += chunks.take(&bytes[taken..])?;
                }
                Ok(taken)
            }
        }
    }
}

/// Takes as many of these bytes as are left.
fn span(left: &mut u64, bytes: &[u8]) -> usize {
    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left -= taken as u64;
    taken
}

impl Chunks {
    /// Takes what is of the part that is under way, one byte at least.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, NotChunked> {
        if let Part::Data(left) = &mut self.part {
            let taken = span(left, bytes);
            if *left == 0 {
                self.part = Part::DataEnd;
            }
            return Ok(taken);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        if self.line.len() + taken > LINE_BYTES {
            return Err(NotChunked);
        }
        self.line.extend(&bytes[..taken]);
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            self.part = self.part.after(&line)?;
        }
        Ok(taken)
    }
}

impl Part {
    /// Returns what comes after a line.
    fn after(self, line: &[u8]) -> Result<Self, NotChunked> {
        match self {
            // One without a digit passes for the last.
            Self::Size if !line[0].is_ascii_hexdigit() => Err(NotChunked),
            Self::Size => match httparse::parse_chunk_size(line) {
                Ok(Status::Complete((_, 0))) => Ok(Self::Trailer),
                Ok(Status::Complete((_, size))) => Ok(Self::Data(size)),
                _ => Err(NotChunked),
            },
            Self::DataEnd if line == b"\r\n" => Ok(Self::Size),
            Self::Trailer if line == b"\r\n" => Ok(Self::Over),
            Self::Trailer if line.ends_with(b"\r\n") => Ok(Self::Trailer),
            _ => Err(NotChunked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"3;ext=1\r\nabc\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: x\r\n\r\n";

    #[test]
    fn a_body_ends_where_its_length_says() {
        let mut body = Body::length(5);
        assert_eq!(body.take(b"abc"), Ok(3));
        assert_eq!(body.take(b"deGET http://other/"), Ok(2));
        assert_eq!(body.take(b"more"), Ok(0));
    }

    #[test]
    fn chunks_end_with_the_last_however_they_come() {
        let bytes = [CHUNKED, b"GET http://other/"].concat();
        for step in 1..bytes.len() {
            let mut body = Body::chunked();
            let taken: usize = bytes.chunks(step).map(|part| body.take(part).unwrap()).sum();
            assert_eq!(taken, CHUNKED.len());
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for bytes in [
            &b"x\r\n"[..],
            b"\r\n",
            b"3\r\nabcd\r\n",
            b"-1\r\n",
            b"fffffffffffffffff\r\n",
            b"0\r\nTrailer\n\n",
            &[b'1'; LINE_BYTES + 1],
        ] {
            assert_eq!(Body::chunked().take(bytes), Err(NotChunked), "{bytes:?}");
        }
    }
}
