//! Recordings: what was done to rooms, a line of JSON for each room and tick, in a file that can be shown again.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::error::HubError;
use super::outbox::{Batch, Outbox};
use super::room::Limits;
use super::trouble::Troubles;

/// The version of the format.
const FORMAT: u32 = 1;

/// How long a line is at most.
const LINE_BYTES: u64 = 64 << 20;

/// How long it takes until it is tried again to write what could not be written.
const RETRY: Duration = Duration::from_secs(1);

/// What does not work where recordings cannot be written.
const TROUBLE: &str = "the recording";

/// The first line of each run of a hub.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// The version of the format.
    recording: u32,
    hub: String,
    /// When it started, in ms since 1970.
    started_at_ms: u64,
}

/// A line: what was done, and when.
#[derive(Debug, Serialize)]
struct Changed {
    /// In ms since the start.
    at_ms: u64,
    #[serde(flatten)]
    change: Change,
}

/// A line that says that events were not recorded, for want of place.
#[derive(Debug, Serialize)]
struct Lost {
    at_ms: u64,
    lost: u64,
}

/// Writes what is done to a file, on a thread of its own.
#[derive(Debug)]
pub(super) struct Recorder {
    outbox: Arc<Outbox>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Goes on with a file, or begins it.
    ///
    /// # Errors
    /// It cannot be written, is something else, or another hub records to it.
    pub(super) fn start(
        path: &Path,
        hub: &str,
        limits: Limits,
        tick: Duration,
        troubles: Troubles,
    ) -> Result<Self, HubError> {
        let wrong =
            |cause: io::Error| HubError::Recording { path: path.to_owned(), line: 0, why: cause.to_string() };
        let file = open(path).map_err(wrong)?;
        let started_at_ms =
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let head = Head { recording: FORMAT, hub: hub.to_owned(), started_at_ms };
        let mut writer =
            Writer { length: file.metadata().map_err(wrong)?.len(), file, begin: Instant::now() };
        writer.write(&to_line(&head)).map_err(wrong)?;
        // What rooms that are shared hold beyond their limit is taken too.
        let limits = Limits { bytes: limits.bytes.saturating_mul(2), log: usize::MAX, ..limits };
        let outbox = Arc::new(Outbox::new(limits, usize::MAX));
        let thread = std::thread::Builder::new().name("circlet-hub-rec".to_owned()).spawn({
            let outbox = outbox.clone();
            move || record(&mut writer, &outbox, tick, &troubles)
        });
        let thread = Mutex::new(Some(thread.map_err(HubError::Thread)?));
        Ok(Self { outbox, thread })
    }

    /// Has a change written. Where that is slower than what comes, values are merged and the oldest events lost, which the file says.
    pub(super) fn take(&self, change: Change) {
        let events = change.events.len() as u64;
        if self.outbox.put(change).is_err() {
            self.outbox.lose(events + 1);
        }
    }

    /// Writes what waits, and ends.
    pub(super) fn end(&self) {
        self.outbox.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It has nothing to say, however it ended.
        let _ = thread.map(JoinHandle::join);
    }
}

/// Opens a file to go on with it, which nobody else does.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("this is no file"));
    }
    file.try_lock().map_err(|_| io::Error::other("another hub records to it"))?;
    let length = file.metadata()?.len();
    if length > 0 {
        let mut first = String::new();
        BufReader::new(&file).take(4096).read_line(&mut first)?;
        serde_json::from_str::<Head>(&first)
            .map_err(|_| io::Error::other("it has something in it that is no recording of a hub"))?;
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        // Whoever wrote it was killed in the middle of a line.
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn to_line(what: &impl Serialize) -> Vec<u8> {
    // What a hub holds can always be written.
    let mut line = serde_json::to_vec(what).unwrap_or_default();
    line.push(b'\n');
    line
}

struct Writer {
    file: File,
    /// How much of the file is whole.
    length: u64,
    begin: Instant,
}

impl Writer {
    /// Writes all of it, or nothing.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.seek(SeekFrom::Start(self.length))?;
        if let Err(error) = self.file.write_all(lines) {
            // Where that fails too, the next attempt writes over it.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Checks that what was written is still there: whoever takes the file away would have nothing of what comes, without a word.
    fn check(&self) -> io::Result<()> {
        let now = self.file.metadata()?;
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::nlink(&now) == 0 {
            return Err(io::Error::other("its file was removed: start the hub again to begin another"));
        }
        if now.len() < self.length {
            return Err(io::Error::other("its file was cut off: start the hub again with another"));
        }
        Ok(())
    }

    fn write_batch(&mut self, batch: &Batch) -> io::Result<()> {
        let at_ms = self.begin.elapsed().as_millis() as u64;
        let mut lines = Vec::new();
        if batch.lost > 0 {
            lines.extend(to_line(&Lost { at_ms, lost: batch.lost }));
        }
        for change in &batch.changes {
            lines.extend(to_line(&Changed { at_ms, change: change.clone() }));
        }
        self.write(&lines)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

fn record(writer: &mut Writer, outbox: &Outbox, tick: Duration, troubles: &Troubles) {
    let mut next = Instant::now();
    while let Some(batch) = outbox.take(next) {
        next = Instant::now() + tick;
        match writer.write_batch(&batch) {
            Ok(()) => troubles.clear(TROUBLE),
            Err(error) => {
                troubles.set(TROUBLE, error.to_string());
                if outbox.pause(RETRY) {
                    break;
                }
                outbox.put_back(batch);
            }
        }
    }
    // A child that was forked has it too.
    let _ = writer.file.unlock();
}

/// What is next in a recording.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Moment {
    /// A hub started: what was in rooms before is there no more.
    Started {
        /// When, since 1970.
        at: Duration,
    },
    /// Something was done.
    Changed {
        /// When, since the hub started.
        at: Duration,
        /// What.
        change: Change,
    },
    /// Events or updates are missing, as the file could not be written fast enough.
    Lost {
        /// How many.
        events: u64,
    },
}

/// A recording that is read, from its start to its end and never as a whole.
///
/// ```no_run
/// use circlet::hub::{Hub, HubOptions, Moment, Recording};
///
/// let hub = Hub::start(HubOptions::default())?;
/// for moment in Recording::open("app.jsonl".as_ref())? {
///     if let Moment::Changed { change, .. } = moment? {
///         hub.publish(change)?;
///     }
/// }
/// # Ok::<(), circlet::hub::HubError>(())
/// ```
#[derive(Debug)]
pub struct Recording {
    lines: Lines,
    /// What was read as it was opened.
    next: Option<Moment>,
}

/// What a recording is as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outline {
    /// How long it takes from its first start to what was done last.
    pub length: Duration,
    /// The line that it breaks off at, and why; the length is that of what comes before.
    pub broken: Option<HubError>,
}

impl Recording {
    /// Opens a recording.
    ///
    /// # Errors
    /// It cannot be read, or its first line is not that of a recording.
    pub fn open(path: &Path) -> Result<Self, HubError> {
        let (lines, at) = Lines::open(path)?;
        Ok(Self { lines, next: Some(Moment::Started { at }) })
    }

    /// Reads through a recording once, and over the values in it: how long it is, and whether it breaks off. A line of which a value
    /// alone is wrong is found when it is read for itself. A long one takes a while, some seconds for a GB: `goes_on` is given how many
    /// bytes were read and how many there are, each MiB, and it is `None` that returns once that says `false`.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn outline(
        path: &Path,
        mut goes_on: impl FnMut(u64, u64) -> bool,
    ) -> Result<Option<Outline>, HubError> {
        let (mut lines, _) = Lines::open(path)?;
        let mut next = 0;
        let broken = loop {
            if lines.read >= next {
                next = lines.read + (1 << 20);
                if !goes_on(lines.read, lines.length.max(lines.read)) {
                    return Ok(None);
                }
            }
            match lines.step(|_, _| Ok(())) {
                Ok(Some(())) => {}
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        Ok(Some(Outline { length: lines.position, broken }))
    }

    /// Returns how many bytes were read, and how many there are.
    pub fn progress(&self) -> (u64, u64) {
        (self.lines.read, self.lines.length.max(self.lines.read))
    }

    /// Returns when what was returned last happened, since the start of the first run. Where a clock was set back between two runs,
    /// the second follows the first at once.
    pub fn position(&self) -> Duration {
        self.lines.position
    }
}

impl Iterator for Recording {
    type Item = Result<Moment, HubError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(next) = self.next.take() {
            return Some(Ok(next));
        }
        self.lines.step(moment).transpose()
    }
}

/// The lines of a recording, and how far it is.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    /// The line that was read last, from 1 on.
    line: u64,
    read: u64,
    length: u64,
    /// A line that could not be read, and why: the end of one that was killed, if nothing or a new start comes after it.
    broken: Option<(u64, String)>,
    /// When the first run started, since 1970.
    first: Duration,
    /// When the run started that is read now, and what was read last happened, since the first.
    run: Duration,
    position: Duration,
}

impl Lines {
    /// Opens a recording and reads its first line, which says when it began.
    fn open(path: &Path) -> Result<(Self, Duration), HubError> {
        let wrong = |line, why| HubError::Recording { path: path.to_owned(), line, why };
        let file = File::open(path).map_err(|error| wrong(0, error.to_string()))?;
        let length = file.metadata().map_err(|error| wrong(0, error.to_string()))?.len();
        let mut lines = Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(64 << 10, file),
            line: 0,
            read: 0,
            length,
            broken: None,
            first: Duration::ZERO,
            run: Duration::ZERO,
            position: Duration::ZERO,
        };
        let none = |why: &str| wrong(1, format!("{why}; a recording of a hub begins with {HEAD}"));
        let first = lines.next_line().map_err(|error| none(&error.to_string()))?;
        match first.ok_or_else(|| none("it is empty"))?.mark().map_err(|why| none(&why))? {
            Mark::Started { at } => {
                lines.first = at;
                Ok((lines, at))
            }
            _ => Err(none("it is another line of a recording")),
        }
    }

    fn wrong(&self, line: u64, why: String) -> HubError {
        HubError::Recording { path: self.path.clone(), line, why }
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(LINE_BYTES).read_until(b'\n', &mut line)?;
        self.read += read as u64;
        self.line += 1;
        if read as u64 == LINE_BYTES && !line.ends_with(b"\n") {
            return Err(io::Error::other(format!("a line of more than {LINE_BYTES} bytes")));
        }
        Ok((read > 0).then_some(Line(line)))
    }

    /// Reads the next line, and what it says as `take` has it.
    fn step<T>(&mut self, take: impl Fn(&Line, Mark) -> Result<T, String>) -> Result<Option<T>, HubError> {
        loop {
            let Some(line) = self.next_line().map_err(|error| self.wrong(self.line, error.to_string()))?
            else {
                // What was killed in the middle of a line has that as its end.
                return Ok(None);
            };
            let read = line.mark().and_then(|mark| Ok((mark, take(&line, mark)?)));
            match (read, self.broken.take()) {
                (Ok((Mark::Started { at }, taken)), _) => {
                    // A clock may have been set back.
                    self.run = at.saturating_sub(self.first).max(self.position);
                    self.position = self.run;
                    return Ok(Some(taken));
                }
                (_, Some((line, why))) => return Err(self.wrong(line, why)),
                (Ok((Mark::Done { at } | Mark::Lost { at, .. }, taken)), None) => {
                    self.position = self.position.max(self.run.saturating_add(at));
                    return Ok(Some(taken));
                }
                (Err(why), None) => self.broken = Some((self.line, why)),
            }
        }
    }
}

/// What the first line of a run says, for people.
const HEAD: &str = r#"{"recording": 1, "hub": .., "started_at_ms": ..}"#;

struct Line(Vec<u8>);

/// Which line it is, and when what it says happened: at the start since 1970, else since the run started.
#[derive(Clone, Copy)]
enum Mark {
    Started { at: Duration },
    Done { at: Duration },
    Lost { at: Duration, events: u64 },
}

/// What tells of a line which it is. Values are read over.
#[derive(Deserialize)]
struct Glance {
    recording: Option<u32>,
    hub: Option<IgnoredAny>,
    started_at_ms: Option<u64>,
    at_ms: Option<u64>,
    lost: Option<u64>,
    room: Option<IgnoredAny>,
}

impl Line {
    fn mark(&self) -> Result<Mark, String> {
        let glance: Glance = serde_json::from_slice(&self.0).map_err(|error| in_line(&error))?;
        let at = |ms| Duration::from_millis(ms);
        match glance {
            Glance { recording: Some(version), .. } if version != FORMAT => {
                Err(format!("a recording of version {version}, where {FORMAT} is known"))
            }
            Glance { recording: Some(_), hub: Some(_), started_at_ms: Some(ms), .. } => {
                Ok(Mark::Started { at: at(ms) })
            }
            Glance { at_ms: Some(ms), lost: Some(events), .. } => Ok(Mark::Lost { at: at(ms), events }),
            Glance { at_ms: Some(ms), room: Some(_), .. } => Ok(Mark::Done { at: at(ms) }),
            _ => Err(format!(r#"neither {HEAD} nor {{"at_ms": .., "room": .., ..}}"#)),
        }
    }
}

fn moment(line: &Line, mark: Mark) -> Result<Moment, String> {
    match mark {
        Mark::Started { at } => Ok(Moment::Started { at }),
        Mark::Lost { events, .. } => Ok(Moment::Lost { events }),
        Mark::Done { at } => {
            let change = serde_json::from_slice(&line.0).map_err(|error| in_line(&error))?;
            Ok(Moment::Changed { at, change })
        }
    }
}

/// Says what is wrong with JSON of one line.
fn in_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&end) {
        Some(what) => format!("{what} at column {}", error.column()),
        None => text,
    }
}
