//! What a worker process has on its heap, when somebody asks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long a snapshot may take unless the options say.
const WITHIN: Duration = Duration::from_secs(60);
/// How many lines and types a snapshot has of each, unless the options say.
const TOP: usize = 25;

/// What is wished of a heap snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct HeapOptions {
    top: usize,
    file: Option<PathBuf>,
    stop: bool,
    within: Duration,
}

impl Default for HeapOptions {
    fn default() -> Self {
        Self { top: TOP, file: None, stop: false, within: WITHIN }
    }
}

impl HeapOptions {
    /// Begins with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many lines and types the answer has of each, those first that have the most bytes; 25 without it.
    pub fn top(self, top: usize) -> Self {
        Self { top, ..self }
    }

    /// Has the worker write the whole of it to a file too: for `tracemalloc.Snapshot.load` from Python, and in V8's format, which
    /// the developer tools of browsers read (`.heapsnapshot`), from Bun.
    pub fn file(self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self { file: Some(std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())), ..self }
    }

    /// Ends the tracing of allocations with this snapshot: the next one is a first one again.
    pub fn stop(self) -> Self {
        Self { stop: true, ..self }
    }

    /// Sets how long the caller waits, the call that the worker runs included; 60 s without it. A worker that has begun by
    /// then finishes, and nobody learns what it found.
    pub fn within(self, time: Duration) -> Self {
        Self { within: time, ..self }
    }

    pub(super) fn limit(&self) -> Duration {
        self.within
    }

    /// Returns what the worker's function is called with.
    pub(super) fn arguments(&self) -> Vec<u8> {
        json!([self.top, self.file, self.stop]).to_string().into_bytes()
    }
}

/// What a worker process has on its heap.
///
/// In Python, allocations are traced from the first snapshot on (`tracemalloc`): the first one knows objects by type, and no
/// line, since it cannot know where anything was allocated before it. From the second on, `lines` has what was allocated
/// since the first and is not freed yet, and `grown` what changed since the last. Tracing makes each allocation slower, two to
/// four times as a rule, and takes memory of its own, until a snapshot [stops](HeapOptions::stop) it. In Bun, objects are
/// counted by type, and lines are not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeapSnapshot {
    /// Who knows: `tracemalloc` or `jsc`.
    pub source: String,
    /// Whether nothing was kept of a snapshot before this one: `lines` and `grown` are empty then, and no `count_change` is
    /// known.
    pub is_first: bool,
    /// Bytes that were allocated since tracing began and are not freed; in Bun those of the whole heap.
    pub bytes: u64,
    /// The most of them at any time since tracing began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// Bytes that the tracing itself takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead_bytes: Option<u64>,
    /// The lines that have allocated the most.
    pub lines: Vec<HeapLine>,
    /// The lines of which most has changed since the last snapshot.
    pub grown: Vec<HeapChange>,
    /// The types that have the most bytes, or objects where bytes are not known. In Python, those of containers and
    /// instances, as the garbage collector sees no others.
    pub types: Vec<HeapType>,
    /// The file that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// What a line has allocated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeapLine {
    /// Its file.
    pub file: String,
    /// Its number, from 1.
    pub line: u64,
    /// Bytes that are not freed.
    pub bytes: u64,
    /// Blocks that are not freed.
    pub count: u64,
}

/// What has changed of what a line has allocated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeapChange {
    /// What there is of it now.
    #[serde(flatten)]
    pub line: HeapLine,
    /// Bytes that came since the last snapshot, or went.
    pub bytes_change: i64,
    /// Blocks that came, or went.
    pub count_change: i64,
}

/// The objects of a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeapType {
    /// The type's name.
    pub name: String,
    /// How many there are.
    pub count: u64,
    /// Their bytes, without what they lead to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many came since the last snapshot, or went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_change: Option<i64>,
}
