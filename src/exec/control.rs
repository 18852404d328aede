//! The control socket: lines, and descriptors that go with the first of them.

use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;

use super::passing;
use crate::shm::Deadline;

/// A line is longer than any that the protocol has.
const LINE_MAX: usize = 1 << 16;

/// One end of the control socket.
#[derive(Debug)]
pub(super) struct Control {
    stream: UnixStream,
    received: Vec<u8>,
}

/// What came of waiting for a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Line(String),
    /// The other end is closed.
    Gone,
    /// The deadline passed.
    Nothing,
}

impl Control {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, received: Vec::new() }
    }

    /// Sends a line.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(format!("{line}\n").as_bytes())
    }

    /// Sends a line with descriptors, which stay open here.
    pub(super) fn say_with(&mut self, line: &str, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let bytes = format!("{line}\n");
        let sent = passing::send(&self.stream, bytes.as_bytes(), descriptors)?;
        self.stream.write_all(&bytes.as_bytes()[sent..])
    }

    /// Waits for a line.
    pub(super) fn hear(&mut self, deadline: Deadline) -> io::Result<Heard> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                return Ok(Heard::Line(String::from_utf8_lossy(&line[..end]).into_owned()));
            }
            if self.received.len() > LINE_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the other side sends a line without end",
                ));
            }
            let left = deadline.left();
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Heard::Nothing);
            }
            self.stream.set_read_timeout(left)?;
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(Heard::Gone),
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => return Ok(Heard::Gone),
                    _ => return Err(error),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_however_they_come() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut control = Control::new(near);
        far.write_all(b"READY\nDA").unwrap();
        assert_eq!(control.hear(Deadline::NEVER).unwrap(), Heard::Line("READY".to_owned()));
        assert_eq!(control.hear(Deadline::now()).unwrap(), Heard::Nothing);
        far.write_all(b"TA\n").unwrap();
        assert_eq!(control.hear(Deadline::NEVER).unwrap(), Heard::Line("DATA".to_owned()));
        drop(far);
        assert_eq!(control.hear(Deadline::NEVER).unwrap(), Heard::Gone);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let writer = std::thread::spawn(move || far.write_all(&[b'x'; 2 * LINE_MAX]));
        assert_eq!(Control::new(near).hear(Deadline::NEVER).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let _ = writer.join().unwrap();
    }
}
