//! What a process prints beside its protocol: the last of it is kept, and all of it handed on.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Error;
use super::process::{Attendant, Process, poll};
use crate::shm::Deadline;

/// How much of what a worker prints beside the protocol is kept.
const TAIL_BYTES: usize = 4096;
/// What a pipe has room for, as a rule.
const PIPE_BYTES: usize = 1 << 16;
/// How long to wait for what a process that has ended said last: whoever takes the output may hold that up.
const READ_WITHIN: Duration = Duration::from_millis(200);

/// Which of its two outputs a process wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    pub(super) const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];
}

/// Who learns what a process does.
pub(super) trait Observer: Send + Sync {
    /// It wrote something. Called by the thread that watches it, which nothing else waits for.
    fn printed(&self, stream: Stream, bytes: &[u8]);

    /// It has ended and been reaped. Called by whoever found that.
    fn ended(&self);
}

impl<T: Observer> Observer for Arc<T> {
    fn printed(&self, stream: Stream, bytes: &[u8]) {
        (**self).printed(stream, bytes);
    }

    fn ended(&self) {
        (**self).ended();
    }
}

/// Both outputs of a process, of which an observer gets everything. The last of standard error is kept.
pub(super) struct Outputs<O> {
    observer: O,
    pipes: Mutex<[Option<PipeReader>; 2]>,
    last: Mutex<Last>,
    is_read: Condvar,
}

#[derive(Default)]
struct Last {
    tail: Vec<u8>,
    is_whole: bool,
}

impl<O: Observer> Outputs<O> {
    /// Makes the pipes, and returns what the process is to write into.
    pub(super) fn new(observer: O) -> Result<(Self, [PipeWriter; 2]), Error> {
        let (output, writer) = io::pipe().map_err(Error::os("pipe"))?;
        let (errors, other) = io::pipe().map_err(Error::os("pipe"))?;
        let pipes = Mutex::new([Some(output), Some(errors)]);
        let outputs = Self { observer, pipes, last: Mutex::default(), is_read: Condvar::new() };
        Ok((outputs, [writer, other]))
    }

    fn pipes(&self) -> MutexGuard<'_, [Option<PipeReader>; 2]> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what there is and keeps the last of it. `None` at the end.
    fn read(&self, stream: Stream) -> Option<Vec<u8>> {
        let mut buffer = [0; TAIL_BYTES];
        let pipe = &mut self.pipes()[stream as usize];
        let Some(count) = pipe.as_mut()?.read(&mut buffer).ok().filter(|count| *count > 0) else {
            *pipe = None;
            return None;
        };
        let bytes = &buffer[..count];
        if stream == Stream::Stderr {
            let mut last = self.last();
            last.tail.extend_from_slice(bytes);
            let surplus = last.tail.len().saturating_sub(TAIL_BYTES);
            last.tail.drain(..surplus);
        }
        Some(bytes.to_vec())
    }
}

impl<O: Observer> Attendant for Outputs<O> {
    fn descriptors(&self) -> [Option<libc::c_int>; 3] {
        let [output, errors] = self.pipes().each_ref().map(|pipe| pipe.as_ref().map(AsRawFd::as_raw_fd));
        [output, errors, None]
    }

    fn attend(&self, _process: &Process, ready: [bool; 3]) {
        for (stream, has_more) in Stream::BOTH.into_iter().zip(ready) {
            if has_more && let Some(bytes) = self.read(stream) {
                self.observer.printed(stream, &bytes);
            }
        }
    }

    fn ended(&self) {
        self.observer.ended();
    }

    fn finish(&self) {
        // What it said last may still lie in the pipes; a child that left the group may hold them.
        let mut rest = Vec::new();
        for stream in Stream::BOTH {
            for _ in 0..PIPE_BYTES / TAIL_BYTES {
                let fd = self.pipes()[stream as usize].as_ref().map(AsRawFd::as_raw_fd);
                if poll([fd], Deadline::now()) == [false] {
                    break;
                }
                let Some(bytes) = self.read(stream) else { break };
                rest.push((stream, bytes));
            }
        }
        self.last().is_whole = true;
        self.is_read.notify_all();
        for (stream, bytes) in rest {
            self.observer.printed(stream, &bytes);
        }
    }

    fn said(&self, has_ended: bool) -> String {
        let is_missing = |last: &mut Last| has_ended && !last.is_whole;
        let waited = self.is_read.wait_timeout_while(self.last(), READ_WITHIN, is_missing);
        String::from_utf8_lossy(&waited.unwrap_or_else(PoisonError::into_inner).0.tail).into_owned()
    }
}
