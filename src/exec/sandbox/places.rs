//! Folders of a session's own, and whether the system has name spaces for it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::enter::{Mount, Steps};
use super::known::{Known, is_passing};

/// A folder that goes with its session: its temporary files, where they are not in memory, and what is used in the place of what is
/// denied.
#[derive(Debug)]
pub(super) struct Places(PathBuf);

/// What nobody may use, whatever is done.
const NOTHING: u32 = 0o000;

impl Places {
    /// Makes the folder.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn new() -> io::Result<Self> {
        static MADE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let parent = std::env::temp_dir().canonicalize()?;
        let private = |path: &Path| fs::DirBuilder::new().mode(0o700).create(path);
        loop {
            let number = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let folder = parent.join(format!("circlet-{}-{number}", std::process::id()));
            match private(&folder) {
                Ok(()) => {
                    let places = Self(folder);
                    private(&places.tmp())?;
                    let [folder, file] = places.nothing();
                    private(&folder)?;
                    fs::write(&file, "")?;
                    for nothing in [folder, file] {
                        fs::set_permissions(nothing, fs::Permissions::from_mode(NOTHING))?;
                    }
                    return Ok(places);
                }
                // One that was left by a program that was killed, with the same id as this.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where its temporary files are.
    pub(super) fn tmp(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// An empty folder and an empty file.
    pub(super) fn nothing(&self) -> [PathBuf; 2] {
        [self.0.join("empty-folder"), self.0.join("empty-file")]
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        // Who is not root cannot remove what is in a folder that nobody may use, and code makes such ones too.
        if fs::remove_dir_all(&self.0).is_err() {
            open_up(&self.0);
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Gives its user all access to a folder, and to those in it. Nobody changes them meanwhile: the session has ended.
fn open_up(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// Name spaces that a process may have of its own here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespaces {
    /// By privilege.
    Privileged,
    /// In a user name space of its own.
    Users,
    /// None: neither is allowed.
    None,
}

impl Namespaces {
    /// Returns the flags of `unshare`.
    pub(super) fn flags(self) -> libc::c_int {
        match self {
            Self::Privileged => libc::CLONE_NEWNS,
            Self::Users => libc::CLONE_NEWNS | libc::CLONE_NEWUSER,
            Self::None => 0,
        }
    }

    /// Returns what the maps of users and of groups are to be, of a user name space in which everybody is who they are.
    pub(super) fn maps(self) -> Option<[Vec<u8>; 2]> {
        // SAFETY: the calls take nothing.
        let ids = unsafe { [libc::geteuid(), libc::getegid()] };
        (self == Self::Users).then(|| ids.map(|id| format!("{id} {id} 1").into_bytes()))
    }

    /// Tries it, once: mounts too, which AppArmor may refuse to who has a name space for them.
    ///
    /// # Errors
    /// It cannot be tried at the moment.
    pub(super) fn here() -> io::Result<Self> {
        static HERE: Known<Namespaces> = Known::new();
        let find = || {
            for kind in [Self::Privileged, Self::Users] {
                if kind.mounts()? {
                    return Ok(kind);
                }
            }
            Ok(Self::None)
        };
        HERE.get(find).copied()
    }

    /// Tells whether a process can have mounts of its own by these.
    fn mounts(self) -> io::Result<bool> {
        // As a session's, of which something may be changed.
        let mounts =
            vec![Mount::Taken(c"/dev/null".to_owned()), Mount::ReadOnly, Mount::Put(c"/dev/null".to_owned())];
        let steps = Steps { namespaces: self.flags(), maps: self.maps(), mounts, ..Steps::default() };
        succeeds(|| steps.unshare().and_then(|()| steps.mount()))
    }
}

/// Tells whether a process can leave these name spaces.
///
/// # Errors
/// It cannot be tried at the moment.
pub(super) fn unshares(flags: libc::c_int) -> io::Result<bool> {
    // SAFETY: the call takes an integer.
    let unshare =
        || if unsafe { libc::unshare(flags) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    succeeds(unshare)
}

/// Tells whether something succeeds in a process of its own, which makes async-signal-safe calls alone and ends then.
///
/// # Errors
/// What it, or the process, was refused for the moment.
fn succeeds(act: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
    // SAFETY: the child makes async-signal-safe calls alone, and the parent reaps it.
    let status = unsafe {
        let child = libc::fork();
        if child < 0 {
            return Err(io::Error::last_os_error());
        }
        if child == 0 {
            libc::_exit(act().map_or_else(|error| error.raw_os_error().unwrap_or(libc::EPERM), |()| 0));
        }
        let mut status = -1;
        while libc::waitpid(child, &raw mut status, 0) < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        status
    };
    let error = io::Error::from_raw_os_error(libc::WEXITSTATUS(status));
    if libc::WIFEXITED(status) && is_passing(&error) { Err(error) } else { Ok(status == 0) }
}
