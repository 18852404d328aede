//! Where git keeps what it knows of a folder, found without git.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::reading::read;
use super::walk::{Bounds, walk};
use super::{GitOperation, Unavailable};

/// Bytes of a file with one line in it: a path, the name of a branch.
const LINE_LIMIT: u64 = 1 << 16;
/// The folders of remote branches.
const REMOTES: Bounds = Bounds { entries: 20_000, depth: 32, time: Duration::from_millis(500) };

/// The git folder of a worktree (`gitrepository-layout(5)`).
#[derive(Debug)]
pub(super) struct GitFolder {
    /// What this worktree has for itself: `HEAD`, `index`, what is under way.
    own: PathBuf,
    /// What all worktrees of the repository share; `own` where there is but one.
    common: PathBuf,
    is_linked: bool,
}

impl GitFolder {
    /// Finds that of the repository that a folder is in.
    pub(super) fn of(folder: &Path) -> Result<Self, Unavailable> {
        let unreadable = |cause| Unavailable::Unreadable { path: folder.to_owned(), cause };
        // As git sees it: the parent of a link's target counts, and not that of the link.
        let from = fs::canonicalize(folder).map_err(unreadable)?;
        for ancestor in from.ancestors() {
            let entry = ancestor.join(".git");
            let own = match fs::metadata(&entry) {
                Ok(found) if found.is_dir() => entry,
                Ok(found) if found.is_file() => ancestor.join(named_in(&entry)?),
                _ => continue,
            };
            if exists(&own.join("HEAD")) {
                return Self::at(own);
            }
        }
        Err(Unavailable::Missing { what: "git repository", folder: folder.to_owned() })
    }

    fn at(own: PathBuf) -> Result<Self, Unavailable> {
        let commondir = own.join("commondir");
        let is_linked = exists(&commondir);
        let common =
            if is_linked { own.join(path_of(line(&read(&commondir, LINE_LIMIT)?))) } else { own.clone() };
        Ok(Self { own, common, is_linked })
    }

    /// Tells whether it is that of a linked worktree.
    pub(super) fn is_linked(&self) -> bool {
        self.is_linked
    }

    /// Tells whether there is no stash: every one of them has a line in this file.
    pub(super) fn has_no_stash(&self) -> bool {
        !exists(&self.common.join("logs/refs/stash"))
    }

    /// Looks for the files that git keeps while something is under way; `None` where they cannot be read.
    pub(super) fn operation(&self) -> Option<GitOperation> {
        let has = |name: &str| exists(&self.own.join(name));
        let begun = [
            // A rebase comes first: it makes cherry-picks, and is a part of a bisection at times.
            ("rebase-apply/applying", GitOperation::Am),
            ("rebase-merge", GitOperation::Rebase),
            ("rebase-apply", GitOperation::Rebase),
            ("MERGE_HEAD", GitOperation::Merge),
            ("CHERRY_PICK_HEAD", GitOperation::CherryPick),
            ("REVERT_HEAD", GitOperation::Revert),
        ];
        if let Some((_, operation)) = begun.into_iter().find(|(name, _)| has(name)) {
            return Some(operation);
        }
        // Between two commits of a series there is no such head.
        if has("sequencer/todo") {
            return self.sequence();
        }
        Some(if has("BISECT_LOG") { GitOperation::Bisect } else { GitOperation::Nothing })
    }

    fn sequence(&self) -> Option<GitOperation> {
        let todo = read(&self.own.join("sequencer/todo"), 1 << 20).ok()?;
        match todo.split(|byte| byte.is_ascii_whitespace()).next()? {
            b"pick" | b"p" => Some(GitOperation::CherryPick),
            b"revert" => Some(GitOperation::Revert),
            _ => None,
        }
    }

    /// Returns the file of the branch that is checked out, if one is.
    fn branch(&self) -> Option<PathBuf> {
        let head = read(&self.own.join("HEAD"), LINE_LIMIT).ok()?;
        let name = path_of(line(&head).strip_prefix(b"ref: ")?);
        // Whoever wrote it cannot lead out of the folder.
        let is_inside = name.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        is_inside.then(|| self.common.join(name))
    }
}

/// Names the files and folders by which a caller sees, without starting git, that [`git_state`](super::git_state) may give
/// something else than before: one of them has another time of change, size or inode, has come or has gone.
///
/// The list holds those that are not there yet, and is to be asked for again after each change. It covers what git itself does:
/// commits, checkouts, staging, fetches, stashes, and operations that begin and end. It does not cover the files of the project:
/// a file that is edited changes `unstaged_changes` and nothing here, so ask git from time to time, too.
///
/// # Errors
///
/// There is no repository, its files cannot be read, or there are more than 20 000 remote branches, 32 levels of them, or half a
/// second of reading them.
///
/// ```no_run
/// use std::fs::metadata;
///
/// let times = |folder: &std::path::Path| -> Result<Vec<_>, circlet::payload::Unavailable> {
///     let paths = circlet::payload::git_watch_paths(folder)?;
///     Ok(paths.into_iter().map(|path| metadata(path).and_then(|found| found.modified()).ok()).collect())
/// };
/// let before = times(".".as_ref())?;
/// assert_eq!(times(".".as_ref())?, before, "nothing happened in between");
/// # Ok::<(), circlet::payload::Unavailable>(())
/// ```
pub fn git_watch_paths(folder: &Path) -> Result<Vec<PathBuf>, Unavailable> {
    let git = GitFolder::of(folder)?;
    // The folder itself changes where something in it comes or goes: what is under way.
    let mut paths = vec![git.own.clone()];
    paths.extend(["HEAD", "index", "config.worktree"].map(|name| git.own.join(name)));
    paths.extend(git.branch());
    // The refs of either storage, the upstream's name, what is ignored, and the stashes.
    let shared = [
        "config",
        "info/exclude",
        "packed-refs",
        "reftable/tables.list",
        "refs",
        "logs/refs/stash",
        "refs/remotes",
    ];
    paths.extend(shared.map(|name| git.common.join(name)));
    let remotes = git.common.join("refs/remotes");
    if exists(&remotes) {
        // A ref is written beside itself and renamed, which its folder shows.
        walk(&remotes, REMOTES, |entry, file_type| {
            if file_type.is_dir() {
                paths.push(entry.path());
            }
        })?;
    }
    Ok(paths)
}

/// Reads the path in a `.git` that is a file.
fn named_in(entry: &Path) -> Result<PathBuf, Unavailable> {
    let bytes = read(entry, LINE_LIMIT)?;
    let name = line(&bytes).strip_prefix(b"gitdir: ").filter(|name| !name.is_empty());
    name.map(path_of).ok_or_else(|| Unavailable::Malformed {
        what: entry.display().to_string(),
        cause: "it does not begin with `gitdir: ` and a path".to_owned(),
    })
}

/// Returns a file's text without the line break at its end.
fn line(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_end()
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
