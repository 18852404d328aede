//! A walk through a folder that ends, whatever is in it.

use std::fs::{self, DirEntry, FileType};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Unavailable;

/// What a walk may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Entries in all.
    pub(super) entries: u64,
    /// Folders within each other, the first one not counted.
    pub(super) depth: usize,
    /// The time, in which the operating system's answer to one question may still be waited for.
    pub(super) time: Duration,
}

/// Visits all that is in a folder and below, a folder before what is in it. Links are visited and not followed, so that there is
/// no circle; what goes while it is visited is passed over.
///
/// A walk that reaches one of its bounds is an error and not a part of the whole.
pub(super) fn walk(
    folder: &Path,
    bounds: Bounds,
    mut visit: impl FnMut(&DirEntry, FileType),
) -> Result<(), Unavailable> {
    let deadline = Instant::now() + bounds.time;
    let shown = || folder.display().to_string();
    let mut left = bounds.entries;
    let mut waiting: Vec<(PathBuf, usize)> = vec![(folder.to_owned(), 0)];
    while let Some((inner, depth)) = waiting.pop() {
        let unreadable = |cause| Unavailable::Unreadable { path: inner.clone(), cause };
        let entries = match fs::read_dir(&inner) {
            Err(error) if error.kind() == ErrorKind::NotFound && depth > 0 => continue,
            entries => entries.map_err(unreadable)?,
        };
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            left = left.checked_sub(1).ok_or_else(|| Unavailable::TooMuch {
                what: shown(),
                limit: bounds.entries,
                unit: "entries",
            })?;
            if Instant::now() > deadline {
                return Err(Unavailable::TooSlow {
                    what: format!("the walk through {}", shown()),
                    limit: bounds.time,
                });
            }
            let file_type = match entry.file_type() {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                file_type => file_type.map_err(unreadable)?,
            };
            visit(&entry, file_type);
            if file_type.is_dir() {
                if depth >= bounds.depth {
                    let (limit, unit) = (bounds.depth as u64, "folders within each other");
                    return Err(Unavailable::TooMuch { what: shown(), limit, unit });
                }
                waiting.push((entry.path(), depth + 1));
            }
        }
    }
    Ok(())
}
