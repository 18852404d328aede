//! Folders of a session's own, and whether the system has name spaces for it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Serialize;

use super::enter::{Mount, Steps};

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
        let _ = fs::remove_dir_all(&self.0);
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
    pub(super) fn here() -> Self {
        static HERE: OnceLock<Namespaces> = OnceLock::new();
        *HERE.get_or_init(|| {
            [Self::Privileged, Self::Users].into_iter().find(|kind| kind.mounts()).unwrap_or(Self::None)
        })
    }

    /// Tells whether a process can have mounts of its own by these.
    fn mounts(self) -> bool {
        // As a session's, of which something may be changed.
        let mounts =
            vec![Mount::Taken(c"/dev/null".to_owned()), Mount::ReadOnly, Mount::Put(c"/dev/null".to_owned())];
        let steps = Steps { namespaces: self.flags(), maps: self.maps(), mounts, ..Steps::default() };
        succeeds(|| steps.unshare().and_then(|()| steps.mount()).is_ok())
    }
}

/// Tells whether a process can leave these name spaces.
pub(super) fn unshares(flags: libc::c_int) -> bool {
    // SAFETY: the call takes an integer.
    succeeds(|| unsafe { libc::unshare(flags) } == 0)
}

/// Tells whether something succeeds in a process of its own, which makes async-signal-safe calls alone and ends then.
fn succeeds(act: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child makes async-signal-safe calls alone, and the parent reaps it.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(libc::c_int::from(!act()));
        }
        let mut status = -1;
        while child > 0 && libc::waitpid(child, &raw mut status, 0) < 0 {
            if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return false;
            }
        }
        child > 0 && status == 0
    }
}
