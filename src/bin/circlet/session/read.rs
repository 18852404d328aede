//! Payloads in files.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use circlet::page;
use circlet::payload::{PAGE_SCHEMA, ReadError, SessionPayload, read_session};
use circlet::shm::{self, PeerState};

use crate::failure::Failure;
use crate::output::{harmless, note};

/// The longest file that is read.
const BYTES_MAX: u64 = 64 << 20;

/// Where a payload is.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// In a file, or on standard input where it is `-`.
    File(PathBuf),
    /// On a session's page in shared memory.
    Page(String),
}

impl Source {
    /// Tells whether it is standard input.
    pub(super) fn is_input(&self) -> bool {
        matches!(self, Self::File(file) if file == Path::new("-"))
    }
}

impl From<OsString> for Source {
    fn from(given: OsString) -> Self {
        match given.to_str().and_then(|given| given.strip_prefix("page:")) {
            Some(name) => Self::Page(name.to_owned()),
            None => Self::File(given.into()),
        }
    }
}

/// Reads a payload, or takes a snapshot of what is going on here where none is named.
pub(super) fn payload_or_here(source: Option<&Source>) -> Result<SessionPayload, Failure> {
    source.map_or_else(super::snapshot::here, payload)
}

/// Reads a payload.
pub(super) fn payload(source: &Source) -> Result<SessionPayload, Failure> {
    match source {
        Source::File(file) => from_file(file),
        Source::Page(name) => from_page(name),
    }
}

/// Reads a page, and says so on standard error where nobody writes it any more.
fn from_page(name: &str) -> Result<SessionPayload, Failure> {
    let wrong = |error: ReadError| Failure::input(format!("page:{}: {}", harmless(name), said(&error)));
    let payload = read_session(name).map_err(wrong)?;
    let payload =
        payload.ok_or_else(|| Failure::input(format!("page:{} has no snapshot yet", harmless(name))))?;
    let page =
        page::open(name, &page::Options::new().schema(PAGE_SCHEMA)).map_err(|error| wrong(error.into()))?;
    if page.reader().writer_state() != PeerState::Alive {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let captured = Duration::from_millis(payload.captured_at_ms.unwrap_or_default());
        let age = now.checked_sub(captured).filter(|_| !captured.is_zero());
        let age = age.map_or(String::new(), |age| format!(", {} s ago", age.as_secs()));
        note(format_args!(
            "page:{}: its tracker has ended; this is the last that it wrote{age}",
            harmless(name)
        ));
    }
    Ok(payload)
}

/// Says what is wrong with a page to somebody who knows of sessions, and of no segments.
pub(super) fn said(error: &ReadError) -> String {
    match error {
        ReadError::Page(page::Error::Segment(shm::Error::NotFound { .. })) => {
            "no tracker has a page of this name; start one with `circlet session track --page NAME`, or with the option `page` of a tracker".to_owned()
        }
        _ => error.to_string(),
    }
}

fn from_file(file: &Path) -> Result<SessionPayload, Failure> {
    let is_input = file == Path::new("-");
    let name = if is_input { "standard input".to_owned() } else { file.display().to_string() };
    let mut text = String::new();
    let read = if is_input {
        std::io::stdin().lock().take(BYTES_MAX + 1).read_to_string(&mut text)
    } else if fs::metadata(file).is_ok_and(|file| file.is_dir()) {
        return Err(Failure::input(format!(
            "{name} is a folder: name a file with a session payload in JSON"
        )));
    } else {
        OpenOptions::new()
            .read(true)
            .open(file)
            .and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text))
    };
    read.map_err(|error| {
        Failure::input(format!("{name} cannot be read: {error}; name a file with a session payload in JSON"))
    })?;
    if text.len() as u64 > BYTES_MAX {
        return Err(Failure::input(format!(
            "{name} is longer than the {BYTES_MAX} bytes that a payload may have"
        )));
    }
    SessionPayload::from_json(&text).map_err(|error| Failure::input(format!("{name}: {error}")))
}
