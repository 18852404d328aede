//! What git says of the project, against itself and against what the session says that it did.

use super::super::SessionPayload;
use super::super::summary::plural;
use super::Found;

/// Digits of the longest hash of a commit, a SHA-256.
const LONGEST_HASH: usize = 64;

pub(super) fn git_fits(payload: &SessionPayload, found: &mut Found) {
    let env = payload.metadata.as_ref().and_then(|metadata| metadata.env.as_ref());
    let head = env.and_then(|env| env.head.as_deref());
    is_hash("metadata.env.head", head, found);
    let Some(git) = &payload.git else { return };
    is_hash("git.head", git.head.as_deref(), found);
    let is_same = match (head, git.head.as_deref()) {
        (Some(one), Some(other)) => Some(one.starts_with(other) || other.starts_with(one)),
        _ => None,
    };
    if let (Some(one), Some(other), Some(false)) = (head, git.head.as_deref(), is_same) {
        found.add(&["metadata.env.head", "git.head"], format!("{one} and {other} are to be the same"));
    }
    if let (Some(true), Some(branch)) = (git.detached, &git.branch) {
        let what = format!("a commit is checked out in the place of a branch, and so is the branch {branch}");
        found.add(&["git.detached", "git.branch"], what);
    }
    let files = payload.files.as_ref();
    let changed =
        files.map_or(0, |files| files.modified().unwrap_or(0).saturating_add(files.created().unwrap_or(0)));
    // Where the commit is not known to be that of the session, they may have been committed.
    if git.dirty() == Some(false) && changed > 0 && is_same == Some(true) {
        let files = plural(changed, "file");
        let what =
            format!("a clean tree, and {files} that the session changed or made and has not committed");
        found.add(&["git.uncommitted_files", "files.breakdown"], what);
    }
}

fn is_hash(path: &str, hash: Option<&str>, found: &mut Found) {
    let Some(hash) = hash else { return };
    let is_one = (1..=LONGEST_HASH).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_one {
        found.add(&[path], format!("no hash of a commit: {hash:?}"));
    }
}
