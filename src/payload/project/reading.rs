//! Files that are read within bounds, whatever they turn out to be.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::Unavailable;

/// Reads a regular file of at most `limit` bytes; links are followed. Anything that is no regular file is not read from, so that
/// a pipe that nobody writes to holds nobody up.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Unavailable> {
    let unreadable = |cause| Unavailable::Unreadable { path: path.to_owned(), cause };
    // Before it is opened, which alone can have an effect on a device, and once more after, as another may stand there by then.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Unavailable::NotAFile { path: path.to_owned() });
    }
    let file = open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Unavailable::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(Unavailable::TooMuch { what: path.display().to_string(), limit, unit: "bytes" });
    }
    Ok(bytes)
}

/// Reads a text in UTF-8, as [`read`] reads bytes, without the mark that some editors put at its beginning.
#[cfg(feature = "project")]
pub(super) fn read_text(path: &Path, limit: u64) -> Result<String, Unavailable> {
    let malformed = |error: std::string::FromUtf8Error| Unavailable::Malformed {
        what: path.display().to_string(),
        cause: format!("no UTF-8 at byte {}", error.utf8_error().valid_up_to()),
    };
    let mut text = String::from_utf8(read(path, limit)?).map_err(malformed)?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // Regular files take no notice of the flag; without it the opening of a pipe waits for its writer.
    fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}
