//! Payloads in files.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use circlet::payload::{SessionPayload, read_session};

use crate::failure::Failure;

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

/// Reads a payload.
pub(super) fn payload(source: &Source) -> Result<SessionPayload, Failure> {
    match source {
        Source::File(file) => from_file(file),
        Source::Page(name) => match read_session(name) {
            Ok(Some(payload)) => Ok(payload),
            Ok(None) => Err(Failure::input(format!("page:{name} has no snapshot yet"))),
            Err(error) => Err(Failure::input(format!("page:{name}: {error}"))),
        },
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
