//! Files that appear whole.

use std::path::Path;
use std::{fs, io};

/// Writes a file and puts it in place whole: what was there stays until then.
pub(crate) fn write_whole(place: &Path, text: &str) -> io::Result<()> {
    match fs::metadata(place) {
        // A device or a pipe is written to, never replaced.
        Ok(metadata) if !metadata.is_file() => return fs::write(place, text),
        _ => {}
    }
    // The file that a symlink leads to.
    let place = fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    // Of a fixed name: what a kill leaves behind, the next start overwrites.
    let part = place.with_file_name(format!(".{name}.circlet-part"));
    fs::write(&part, text).and_then(|()| fs::rename(&part, &place)).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}
