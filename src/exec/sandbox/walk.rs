//! Where a path leads for a process, by the links in /proc too: those to what it has open, to its root and to where it is.
//!
//! The kernel goes from such a link straight to what it stands for, whatever its text says. So does this, one component after the
//! other. The links `self` and `thread-self` are those of who asks.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::asker::{Asker, open_by, place_of};

/// As many links as the kernel follows.
pub(super) const LINKS: usize = 40;
/// The number of the folder `/proc` itself.
const PROC_ROOT: u64 = 1;
/// A place, and nothing of what is there.
const PLACE: libc::c_int = libc::O_PATH | libc::O_CLOEXEC;

/// Opens a file that a process names, as a place and not to be read: all links are followed.
///
/// # Errors
/// As `open`.
pub(super) fn find(asker: &Asker, folder: libc::c_int, path: &Path) -> io::Result<File> {
    let root = asker.root()?;
    let start = if path.is_absolute() { root.try_clone()? } else { asker.folder(folder)? };
    let is_downwards = !path.components().any(|part| part == Component::ParentDir);
    if is_downwards {
        let below = path.strip_prefix("/").unwrap_or(path);
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        match open_by(&start, below.as_os_str(), PLACE, libc::RESOLVE_NO_SYMLINKS) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENAMETOOLONG)) => {}
            opened => return opened,
        }
    }
    Walk { asker, root, links: 0 }.go(start, path)
}

/// Returns where a file is that was opened as a place; of one that is deeper than any path is long the beginning alone is right, and
/// `…` stands for the rest.
///
/// # Errors
/// It has no place: what is in memory alone, or a pipe.
pub(super) fn place(file: &File) -> io::Result<PathBuf> {
    let mut found = place_of(file);
    let mut at = None;
    while let Err(error) = &found
        && error.raw_os_error() == Some(libc::ENAMETOOLONG)
    {
        let above = open(at.as_ref().unwrap_or(file), OsStr::new(".."), PLACE | libc::O_DIRECTORY)?;
        found = place_of(&above).map(|place| place.join("…"));
        at = Some(above);
    }
    found.and_then(|place| {
        if place.is_absolute() { Ok(place) } else { Err(io::Error::from_raw_os_error(libc::ENOENT)) }
    })
}

struct Walk<'a> {
    asker: &'a Asker,
    root: File,
    links: usize,
}

impl Walk<'_> {
    fn go(&mut self, start: File, path: &Path) -> io::Result<File> {
        let mut at = start;
        let mut left: VecDeque<OsString> = parts(path).collect();
        while let Some(name) = left.pop_front() {
            if name == ".." {
                if !is_same(&at, &self.root)? {
                    at = open(&at, &name, PLACE)?;
                }
                continue;
            }
            let next = open(&at, &name, PLACE | libc::O_NOFOLLOW)?;
            if !next.metadata()?.is_symlink() {
                at = next;
                continue;
            }
            self.links += 1;
            if self.links > LINKS {
                return Err(io::Error::from_raw_os_error(libc::ELOOP));
            }
            if is_magic(&at, &name, &next)? {
                at = open(&at, &name, PLACE)?;
                continue;
            }
            let target = match self.own(&at, &name, &next)? {
                Some(own) => own,
                None => target(&next)?,
            };
            if target.is_absolute() {
                at = self.root.try_clone()?;
            }
            parts(&target).rev().for_each(|part| left.push_front(part));
        }
        Ok(at)
    }

    /// Where the links to a process's own folder lead, for who asks.
    fn own(&self, folder: &File, name: &OsStr, link: &File) -> io::Result<Option<PathBuf>> {
        if !is_in_proc(link)? || folder.metadata()?.ino() != PROC_ROOT {
            return Ok(None);
        }
        let (process, thread) = (self.asker.process()?, self.asker.thread());
        Ok(match name.as_bytes() {
            b"self" => Some(process.to_string().into()),
            b"thread-self" => Some(format!("{process}/task/{thread}").into()),
            _ => None,
        })
    }
}

/// The components of a path that lead anywhere; where it is absolute it begins at the root.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

fn is_same(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// Tells whether a link leads to what somebody has open, and not to where its text says.
fn is_magic(folder: &File, name: &OsStr, link: &File) -> io::Result<bool> {
    if !is_in_proc(link)? {
        return Ok(false);
    }
    let opened = open_by(folder, name, PLACE, libc::RESOLVE_NO_MAGICLINKS);
    Ok(opened.is_err_and(|error| error.raw_os_error() == Some(libc::ELOOP)))
}

fn is_in_proc(file: &File) -> io::Result<bool> {
    // SAFETY: the struct is plain integers, of which zero is a value, and outlives the call.
    unsafe {
        let mut system: libc::statfs = mem::zeroed();
        if libc::fstatfs(file.as_raw_fd(), &raw mut system) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(system.f_type == libc::PROC_SUPER_MAGIC)
    }
}

/// Reads a link that was opened as a place.
fn target(link: &File) -> io::Result<PathBuf> {
    let mut text = [0_u8; libc::PATH_MAX as usize];
    // SAFETY: the buffer outlives the call and is as long as said; an empty path is the descriptor's own.
    let len =
        unsafe { libc::readlinkat(link.as_raw_fd(), c"".as_ptr(), text.as_mut_ptr().cast(), text.len()) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    Ok(OsStr::from_bytes(&text[..len]).into())
}

fn open(folder: &File, name: &OsStr, flags: libc::c_int) -> io::Result<File> {
    open_by(folder, name, flags, 0)
}
