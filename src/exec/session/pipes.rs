//! The descriptors 1 and 2 of a session, which C code and subprocesses write to, and how that is put in order with what
//! Python prints.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::words::Words;
use crate::exec::Error;
use crate::exec::outputs::Stream;

/// How much is read at a time.
pub(super) const READ_BYTES: usize = 1 << 16;
/// How much is kept that nobody takes: then the pipes are left to fill, or between runs the first of it is forgotten.
const KEPT_BYTES: usize = 1 << 20;
/// How much of standard error is kept for people who ask why a session has ended.
const TAIL_BYTES: usize = 4096;

/// Both pipes, as the supervisor has them.
pub(in crate::exec) struct Pipes {
    words: Words,
    inside: Mutex<Inside>,
}

struct Inside {
    pipes: [Pipe; 2],
    tail: Vec<u8>,
    /// Whether a run is under way that takes what comes.
    is_taken: bool,
    /// Whether a pipe is left to fill until something is taken.
    is_held: bool,
    buffer: Vec<u8>,
}

struct Pipe {
    /// None at its end.
    reader: Option<PipeReader>,
    kept: Vec<u8>,
    /// How much was ever taken, or forgotten, modulo 2^32.
    taken: u32,
}

/// What the session is to write into.
pub(super) type Writers = [PipeWriter; 2];

impl Pipes {
    /// Makes the pipes.
    pub(super) fn new(words: Words) -> Result<(Self, Writers), Error> {
        let pipe = || -> Result<_, Error> {
            let (reader, writer) = io::pipe().map_err(Error::os("pipe"))?;
            // SAFETY: the call takes integers.
            let is_set = unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) } == 0;
            if !is_set {
                return Err(Error::os("fcntl")(io::Error::last_os_error()));
            }
            Ok((Pipe { reader: Some(reader), kept: Vec::new(), taken: 0 }, writer))
        };
        let ((output, writer), (errors, other)) = (pipe()?, pipe()?);
        let inside = Inside {
            pipes: [output, errors],
            tail: Vec::new(),
            is_taken: false,
            is_held: false,
            buffer: Vec::new(),
        };
        Ok((Self { words, inside: Mutex::new(inside) }, [writer, other]))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether a run is under way.
    pub(super) fn set_taken(&self, is_taken: bool) {
        self.inside().is_taken = is_taken;
    }

    /// Returns the descriptors to look at: not those whose bytes nobody takes.
    pub(super) fn descriptors(&self) -> [Option<libc::c_int>; 2] {
        let mut inside = self.inside();
        let is_taken = inside.is_taken;
        let is_full = |pipe: &Pipe| is_taken && pipe.kept.len() >= KEPT_BYTES;
        inside.is_held = inside.pipes.iter().any(is_full);
        inside
            .pipes
            .each_ref()
            .map(|pipe| pipe.reader.as_ref().filter(|_| !is_full(pipe)).map(AsRawFd::as_raw_fd))
    }

    /// Tells whether [`Pipes::descriptors`] left out a pipe that may be read again by now: once.
    pub(super) fn is_let_go(&self) -> bool {
        let mut inside = self.inside();
        let is_roomy = inside.pipes.iter().all(|pipe| pipe.kept.len() < KEPT_BYTES);
        inside.is_held && is_roomy && std::mem::take(&mut inside.is_held)
    }

    /// Reads what a pipe has; `false` if there was nothing.
    pub(super) fn read(&self, stream: Stream) -> bool {
        self.inside().read(&self.words, stream)
    }

    /// Returns how much of each stream is kept.
    pub(super) fn kept(&self) -> [usize; 2] {
        self.inside().pipes.each_ref().map(|pipe| pipe.kept.len())
    }

    /// Reads all that the pipes have at the end of the process: as much as a pipe may hold beside what is kept.
    pub(super) fn read_all(&self) {
        let mut inside = self.inside();
        for stream in Stream::BOTH {
            while inside.pipes[stream as usize].kept.len() < 2 * KEPT_BYTES
                && inside.read(&self.words, stream)
            {}
        }
    }

    /// Takes so many of the bytes that are kept, at the most.
    pub(super) fn take(&self, stream: Stream, most: usize) -> Vec<u8> {
        self.inside().pipes[stream as usize].take(most)
    }

    /// Takes what was written before the count of bytes was this, modulo 2^32; reads it first where that is still to do.
    pub(super) fn take_until(&self, stream: Stream, written: u32) -> Vec<u8> {
        let mut inside = self.inside();
        loop {
            let pipe = &inside.pipes[stream as usize];
            // A count from the past, or one that the session made up, is nothing to wait for.
            let missing = written.wrapping_sub(pipe.taken) as i32;
            let wanted = usize::try_from(missing).unwrap_or(0);
            if pipe.kept.len() >= wanted || !inside.read(&self.words, stream) {
                return inside.pipes[stream as usize].take(wanted);
            }
        }
    }

    /// Tells whether nobody has the other end of standard output any more.
    pub(in crate::exec) fn is_let_down(&self) -> bool {
        let inside = self.inside();
        let Some(reader) = &inside.pipes[Stream::Stdout as usize].reader else { return true };
        let mut entry = libc::pollfd { fd: reader.as_raw_fd(), events: 0, revents: 0 };
        // SAFETY: the entry outlives the call.
        unsafe { libc::poll(&raw mut entry, 1, 0) };
        entry.revents & libc::POLLHUP != 0
    }

    /// Returns the last of standard error.
    pub(super) fn tail(&self) -> String {
        String::from_utf8_lossy(&self.inside().tail).into_owned()
    }
}

impl Inside {
    fn read(&mut self, words: &Words, stream: Stream) -> bool {
        let Self { pipes, tail, is_taken, buffer, .. } = self;
        let pipe = &mut pipes[stream as usize];
        let Some(reader) = &mut pipe.reader else { return false };
        buffer.resize(READ_BYTES, 0);
        let mut end = false;
        let count = words.drain(stream, || match reader.read(buffer) {
            Ok(0) => {
                end = true;
                0
            }
            Ok(count) => count,
            Err(error) => {
                end = !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
                0
            }
        });
        if end {
            pipe.reader = None;
        }
        let bytes = &buffer[..count];
        pipe.kept.extend_from_slice(bytes);
        if !*is_taken && pipe.kept.len() > KEPT_BYTES {
            let surplus = pipe.kept.len() - KEPT_BYTES;
            drop(pipe.take(surplus));
        }
        if stream == Stream::Stderr {
            keep_last(tail, bytes);
        }
        count > 0
    }
}

/// Keeps the last of what was said for people who ask why a session has ended.
pub(super) fn keep_last(tail: &mut Vec<u8>, bytes: &[u8]) {
    tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
    let surplus = tail.len().saturating_sub(TAIL_BYTES);
    tail.drain(..surplus);
}

impl Pipe {
    fn take(&mut self, most: usize) -> Vec<u8> {
        let count = most.min(self.kept.len());
        self.taken = self.taken.wrapping_add(count as u32);
        if count == self.kept.len() {
            std::mem::take(&mut self.kept)
        } else {
            self.kept.drain(..count).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::shm::Wait;

    #[test]
    fn what_was_written_before_a_count_is_taken_and_the_rest_stays() {
        let words = Words::new(Wait::SLEEP).unwrap();
        let (pipes, [mut output, _errors]) = Pipes::new(words.clone()).unwrap();
        output.write_all(b"before").unwrap();
        let written = words.written(Stream::Stdout, || 6).unwrap();
        output.write_all(b"after").unwrap();
        assert_eq!(pipes.take_until(Stream::Stdout, written), b"before");
        assert_eq!(pipes.take_until(Stream::Stdout, written), b"");
        assert_eq!(pipes.take(Stream::Stdout, 100), b"after");
    }

    #[test]
    fn a_count_that_is_made_up_is_not_waited_for() {
        let (pipes, [mut output, _errors]) = Pipes::new(Words::new(Wait::SLEEP).unwrap()).unwrap();
        output.write_all(b"all").unwrap();
        assert_eq!(pipes.take_until(Stream::Stdout, 1 << 30), b"all");
        assert_eq!(pipes.take_until(Stream::Stdout, u32::MAX), b"");
    }
}
