//! The seam: what a peer is to the measurement.
//!
//! A peer keeps its own loops, so that nothing is called through a pointer for each frame.

use std::any::Any;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::row::Row;
use crate::work::Tally;

/// Whether a peer is in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Yes,
    /// This form of the peer has no place here.
    No,
    /// The peer cannot, for a reason that is printed.
    Cannot(&'static str),
}

impl Part {
    pub(crate) fn yes_if(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Writes frames with the numbers from `first` on.
pub(crate) trait Produce {
    fn produce(&mut self, first: u64, count: u64);
}

/// Reads `count` frames, those included that the peer says it lost.
pub(crate) trait Consume {
    fn consume(&mut self, count: u64, tally: &mut Tally);
}

/// Sends a number and waits for it to come back.
pub(crate) trait Ask {
    fn ask(&mut self, number: u64) -> u64;
}

/// Waits for a number and sends it back.
pub(crate) trait Echo {
    fn echo(&mut self);
}

/// The sides of an in-process peer that streams frames.
pub(crate) type Threads = (Vec<Box<dyn Produce + Send>>, Box<dyn Consume + Send>);

/// Something that carries frames between two processes or, as a ceiling, two threads.
pub(crate) trait Peer {
    /// Returns the name in the table, by which a side finds its peer again.
    fn name(&self) -> &'static str;
    fn part(&self, row: Row) -> Part;
    /// Tells a peer that lives in one process.
    fn is_in_process(&self) -> bool {
        false
    }
    /// Makes, in the parent, what the sides share.
    fn prepare(&self, _row: Row, name: String) -> Shared {
        Shared::named(name)
    }
    fn producer(&self, _row: Row, _place: &Place, _index: usize) -> Box<dyn Produce> {
        unreachable!("{} streams nothing between processes", self.name())
    }
    fn consumer(&self, _row: Row, _place: &Place) -> Box<dyn Consume> {
        unreachable!("{} streams nothing between processes", self.name())
    }
    fn asker(&self, _row: Row, _place: &Place) -> Box<dyn Ask> {
        unreachable!("{} has no round trip between processes", self.name())
    }
    fn echoer(&self, _row: Row, _place: &Place) -> Box<dyn Echo> {
        unreachable!("{} has no round trip between processes", self.name())
    }
    fn threads(&self, _row: Row) -> Threads {
        unreachable!("{} streams nothing between threads", self.name())
    }
    fn round_trip_threads(&self, _row: Row) -> (Box<dyn Ask + Send>, Box<dyn Echo + Send>) {
        unreachable!("{} has no round trip between threads", self.name())
    }
}

/// Where the sides find what they share: a name of this run, and inherited descriptors.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) fds: Vec<RawFd>,
}

impl Place {
    /// Returns a path in shared memory.
    pub(crate) fn path(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("/dev/shm/{}-{suffix}", self.name))
    }
}

/// What the parent keeps until the sides have ended.
pub(crate) struct Shared {
    pub(crate) place: Place,
    keep: Vec<Box<dyn Any>>,
}

impl Shared {
    pub(crate) fn named(name: String) -> Self {
        Self { place: Place { name, fds: Vec::new() }, keep: Vec::new() }
    }

    pub(crate) fn keep(mut self, kept: impl Any) -> Self {
        self.keep.push(Box::new(kept));
        self
    }

    pub(crate) fn fd(mut self, fd: RawFd) -> Self {
        self.place.fds.push(fd);
        self
    }

    /// Removes a file that a side makes, at the end.
    pub(crate) fn file(self, suffix: &str) -> Self {
        let path = self.place.path(suffix);
        self.keep(RemovedAtTheEnd(path))
    }
}

struct RemovedAtTheEnd(PathBuf);

impl Drop for RemovedAtTheEnd {
    fn drop(&mut self) {
        // A peer may have removed it itself.
        let _ = fs::remove_file(&self.0);
    }
}

/// Opens what the other side makes, once it is there.
pub(crate) fn once_there<T, E: std::fmt::Debug>(mut open: impl FnMut() -> Result<T, E>) -> T {
    let begin = Instant::now();
    loop {
        let error = match open() {
            Ok(opened) => return opened,
            Err(error) => error,
        };
        assert!(begin.elapsed() < Duration::from_secs(5), "the other side made nothing: {error:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Evaluates an expression with the constant `$n` set to the words of the row's frames.
macro_rules! sized {
    ($row:expr, $n:ident => $made:expr) => {
        match $row.words() {
            1 => {
                const $n: usize = 1;
                $made
            }
            8 => {
                const $n: usize = 8;
                $made
            }
            128 => {
                const $n: usize = 128;
                $made
            }
            8192 => {
                const $n: usize = 8192;
                $made
            }
            other => unreachable!("no row has frames of {other} words"),
        }
    };
}
pub(crate) use sized;
