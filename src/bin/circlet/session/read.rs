//! Payloads in files.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::path::Path;

use circlet::payload::SessionPayload;

use crate::failure::Failure;

/// The longest file that is read.
const BYTES_MAX: u64 = 64 << 20;

/// Reads a payload from a file, or from standard input where it is `-`.
pub(super) fn payload(file: &Path) -> Result<SessionPayload, Failure> {
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
