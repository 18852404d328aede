//! `circlet ring prune`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use circlet::shm::{self, Segment, layout};
use serde_json::json;

use super::look::no_such;
use crate::failure::Failure;
use crate::output::{harmless, print};

/// Remove the rings and pages that no process has open any more, and nothing else
///
/// What lies in them is lost. Examples:
///   circlet ring prune --dry-run
///   circlet ring prune
///   circlet ring prune frames
///   circlet ring prune --json | jq -r '.removed[]'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Look at these alone; at all of them where none is given
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Tell what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let locked = if arguments.dry_run { present()? } else { BTreeSet::new() };
    let remove = |name: &str| {
        if arguments.dry_run { Ok(!is_present(name, &locked)?) } else { Segment::remove_abandoned(name) }
    };
    let (mut removed, mut kept, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let all = Segment::names().map_err(Failure::run)?;
    if let Some(name) = arguments.names.iter().find(|name| !all.contains(name)) {
        return Err(no_such(name));
    }
    for name in if arguments.names.is_empty() { all } else { arguments.names.clone() } {
        match remove(&name) {
            Ok(true) => removed.push(name),
            Ok(false) => kept.push(name),
            // One that has gone meanwhile needs no removing.
            Err(shm::Error::NotFound { .. }) => {}
            Err(error) => failed.push(format!("{:?}: {error}", harmless(&name))),
        }
    }
    if arguments.json {
        print(json!({ "dry_run": arguments.dry_run, "removed": removed, "kept": kept, "failed": failed }))?;
    } else {
        let does = if arguments.dry_run { "would remove" } else { "removed" };
        for name in &removed {
            print(format_args!("{does} {}", harmless(name)))?;
        }
        if removed.is_empty() && failed.is_empty() {
            let what = if arguments.names.is_empty() { "every ring and page" } else { "what was named" };
            print(format_args!("nothing to remove: {what} is open somewhere"))?;
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::run(failed.join("; "))) }
}

/// The files on whose presence byte somebody holds a lock, as the kernel's list has them: MAJOR:MINOR:INODE.
///
/// The library itself learns it by taking the lock, which is a step on the way to the removal; a dry run takes none.
fn present() -> Result<BTreeSet<String>, Failure> {
    let locks = fs::read_to_string("/proc/locks").map_err(|error| {
        Failure::run(format!(
            "--dry-run reads /proc/locks, which fails: {error}; `circlet ring list` tells who is alive"
        ))
    })?;
    Ok(locked_files(&locks, layout::PRESENCE_BYTE))
}

/// Reads lines such as `2: OFDLCK ADVISORY  READ -1 00:1b:57288 0 0`.
fn locked_files(locks: &str, byte: usize) -> BTreeSet<String> {
    let file = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, "OFDLCK", .., file, first, last] = words[..] else { return None };
        let last = if last == "EOF" { usize::MAX } else { last.parse().ok()? };
        (first.parse::<usize>().ok()?..=last).contains(&byte).then(|| file.to_owned())
    };
    locks.lines().filter_map(file).collect()
}

fn is_present(name: &str, locked: &BTreeSet<String>) -> Result<bool, shm::Error> {
    let file = fs::symlink_metadata(Path::new("/dev/shm").join(name)).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            shm::Error::NotFound { name: name.to_owned() }
        } else {
            shm::Error::Os { call: "stat", source }
        }
    })?;
    let (major, minor) = (libc::major(file.dev()), libc::minor(file.dev()));
    Ok(locked.contains(&format!("{major:02x}:{minor:02x}:{}", file.ino())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_on_the_presence_byte_is_told_from_one_on_a_seat() {
        let locks = "1: OFDLCK ADVISORY  WRITE -1 00:1b:7 4352 4352\n\
                     2: OFDLCK ADVISORY  READ -1 00:1b:8 0 0\n\
                     2: -> OFDLCK ADVISORY  READ -1 00:1b:9 0 0\n\
                     3: POSIX  ADVISORY  WRITE 77 00:1b:10 0 EOF\n\
                     4: OFDLCK ADVISORY  READ -1 00:1b:11 0 EOF\n\nnonsense\n";
        let files: Vec<_> = locked_files(locks, 0).into_iter().collect();
        assert_eq!(files, ["00:1b:11", "00:1b:8"]);
    }
}
