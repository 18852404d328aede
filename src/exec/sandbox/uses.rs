//! What a system call is about to do to files: which, and in what way. Everything here is said by the process that makes it.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use super::asker::Asker;
use super::notices::Notice;
use super::walk::{find, place};
use crate::exec::policy::Access;

/// A use of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// Where it really is, as the process sees it.
    pub(super) path: PathBuf,
    pub(super) access: Access,
    /// Whether there is anything that it could be done to.
    pub(super) is_there: bool,
}

/// A path in a call: the number of the folder that it begins in, and where it lies.
type Named = (libc::c_int, u64);

/// A process's own folder in /proc, as it and its policy name it.
pub(super) const OWN: &str = "/proc/self";

/// So many links to what is not there are followed.
const LINKS: usize = 8;
const HERE: u64 = libc::AT_FDCWD as u64;

/// Returns what a call is about to do to files, in the order in which the kernel looks at it.
pub(super) fn uses(asker: &Asker, notice: &Notice) -> Vec<Use> {
    used(asker, notice).unwrap_or_default()
}

fn used(asker: &Asker, notice: &Notice) -> io::Result<Vec<Use>> {
    let (call, [first, second, third, fourth, fifth, _]) = modern(notice.call, notice.arguments);
    let named = |folder: u64, path: u64| (folder as libc::c_int, path);
    match call {
        libc::SYS_openat => opened(asker, named(first, second), third as libc::c_int),
        libc::SYS_truncate => {
            let (path, _, is_there) = followed(asker, named(HERE, first))?;
            Ok(vec![Use { path, access: Access::Write, is_there }])
        }
        libc::SYS_mkdirat | libc::SYS_mknodat => made(asker, named(first, second)),
        libc::SYS_symlinkat => made(asker, named(second, third)),
        libc::SYS_linkat => made(asker, named(third, fourth)),
        libc::SYS_unlinkat => Ok(vec![removed(entry(asker, named(first, second))?)]),
        libc::SYS_renameat | libc::SYS_renameat2 => {
            let flags = if call == libc::SYS_renameat2 { fifth as libc::c_uint } else { 0 };
            let (from, to) = (entry(asker, named(first, second))?, entry(asker, named(third, fourth))?);
            Ok(renamed(from, to, flags))
        }
        _ => Ok(Vec::new()),
    }
}

/// Returns the form of an older call that names the folder too.
#[cfg(target_arch = "x86_64")]
fn modern(call: libc::c_long, arguments: [u64; 6]) -> (libc::c_long, [u64; 6]) {
    let [first, second, ..] = arguments;
    let new = (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u64;
    match call {
        libc::SYS_open => (libc::SYS_openat, [HERE, first, second, 0, 0, 0]),
        libc::SYS_creat => (libc::SYS_openat, [HERE, first, new, 0, 0, 0]),
        libc::SYS_mkdir | libc::SYS_mknod => (libc::SYS_mkdirat, [HERE, first, 0, 0, 0, 0]),
        libc::SYS_unlink | libc::SYS_rmdir => (libc::SYS_unlinkat, [HERE, first, 0, 0, 0, 0]),
        libc::SYS_rename => (libc::SYS_renameat, [HERE, first, HERE, second, 0, 0]),
        libc::SYS_link => (libc::SYS_linkat, [HERE, first, HERE, second, 0, 0]),
        libc::SYS_symlink => (libc::SYS_symlinkat, [first, HERE, second, 0, 0, 0]),
        other => (other, arguments),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn modern(call: libc::c_long, arguments: [u64; 6]) -> (libc::c_long, [u64; 6]) {
    (call, arguments)
}

fn opened(asker: &Asker, named: Named, flags: libc::c_int) -> io::Result<Vec<Use>> {
    if flags & libc::O_PATH != 0 {
        // A place, and nothing of what is there.
        return Ok(Vec::new());
    }
    let is_temporary = flags & libc::O_TMPFILE == libc::O_TMPFILE;
    let new = libc::O_CREAT | libc::O_EXCL;
    if flags & new == new && entry(asker, named)?.1 {
        // It fails, also where a link leads to what is not there.
        return Ok(Vec::new());
    }
    let (path, is_folder, is_there) = followed(asker, named)?;
    let is_new = flags & libc::O_CREAT != 0 && !is_there;
    let (mut reads, mut writes) = match flags & libc::O_ACCMODE {
        libc::O_RDONLY => (true, false),
        libc::O_WRONLY => (false, true),
        _ => (true, true),
    };
    writes |= flags & libc::O_TRUNC != 0;
    if is_temporary {
        // What it writes has no name.
        reads = false;
    }
    let is_listed = is_folder && !is_temporary;
    if is_listed && writes || flags & libc::O_DIRECTORY != 0 && is_there && !is_folder {
        // The kernel opens no folder to be written, and none that is no folder.
        return Ok(Vec::new());
    }
    let read = if is_listed { Access::List } else { Access::Read };
    let all = [(is_new, Access::Create), (writes, Access::Write), (reads, read)];
    let wanted = all.into_iter().filter(|(is_wanted, _)| *is_wanted);
    let is_there = is_there || is_new;
    Ok(wanted.map(|(_, access)| Use { path: path.clone(), access, is_there }).collect())
}

fn made(asker: &Asker, named: Named) -> io::Result<Vec<Use>> {
    let (path, is_there) = entry(asker, named)?;
    // What is there is not made.
    Ok(if is_there { Vec::new() } else { vec![created(path)] })
}

fn created(path: PathBuf) -> Use {
    Use { path, access: Access::Create, is_there: true }
}

fn removed((path, is_there): (PathBuf, bool)) -> Use {
    Use { path, access: Access::Remove, is_there }
}

fn renamed(from: (PathBuf, bool), to: (PathBuf, bool), flags: libc::c_uint) -> Vec<Use> {
    let is_exchange = flags & libc::RENAME_EXCHANGE != 0;
    let fails = !from.1 || to.1 && flags & libc::RENAME_NOREPLACE != 0 || is_exchange && !to.1;
    if fails {
        return Vec::new();
    }
    let back = is_exchange.then(|| created(from.0.clone()));
    let replaced = to.1.then(|| removed(to.clone()));
    [removed(from), created(to.0)].into_iter().chain(replaced).chain(back).collect()
}

fn path_of(asker: &Asker, (folder, address): Named) -> io::Result<(libc::c_int, PathBuf)> {
    let path = asker.path(address)?;
    if path.as_os_str().is_empty() {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    Ok((folder, path))
}

/// Returns where a path leads, whether that is a folder, and whether it is there.
fn followed(asker: &Asker, named: Named) -> io::Result<(PathBuf, bool, bool)> {
    let (folder, path) = path_of(asker, named)?;
    if let Ok(file) = find(asker, folder, &path) {
        let is_folder = file.metadata().is_ok_and(|what| what.is_dir());
        return Ok((place(&file)?, is_folder, true));
    }
    let mut entry = placed(asker, folder, &path)?;
    // A link to what is not there, which is made where it leads.
    for _ in 0..LINKS {
        let (Some(target), Some(parent)) = (&entry.target, entry.path.parent()) else { break };
        entry = placed(asker, libc::AT_FDCWD, &parent.join(target))?;
    }
    Ok((entry.path, false, false))
}

/// Returns where an entry of a folder is, and whether it is there: a link is itself.
fn entry(asker: &Asker, named: Named) -> io::Result<(PathBuf, bool)> {
    let (folder, path) = path_of(asker, named)?;
    let Entry { path, is_there, .. } = placed(asker, folder, &path)?;
    Ok((path, is_there))
}

/// An entry of a folder.
struct Entry {
    path: PathBuf,
    is_there: bool,
    /// Where it leads, if it is a link.
    target: Option<PathBuf>,
}

fn placed(asker: &Asker, folder: libc::c_int, path: &Path) -> io::Result<Entry> {
    let mut rest = PathBuf::new();
    let mut above = path;
    // From the nearest folder that can be looked at: what a mount hides has none of its names.
    while let (Some(parent), Some(name)) = (above.parent(), above.file_name()) {
        rest = if rest.as_os_str().is_empty() { name.into() } else { Path::new(name).join(&rest) };
        let parent_or_here = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        if let Ok(opened) = find(asker, folder, parent_or_here) {
            let entry = Path::new("/proc/self/fd").join(opened.as_raw_fd().to_string()).join(&rest);
            let is_there = rest.components().count() == 1 && fs::symlink_metadata(&entry).is_ok();
            let target = if is_there { fs::read_link(entry).ok() } else { None };
            return Ok(Entry { path: place(&opened)?.join(rest), is_there, target });
        }
        above = parent;
    }
    Err(io::Error::from_raw_os_error(libc::ENOENT))
}
