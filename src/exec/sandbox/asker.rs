//! Who asks: what a process is that waits in a system call, read from outside. All of it is hostile.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The longest path that the kernel takes, with its NUL.
const PATH_BYTES: usize = 4096;
/// What does not cross it cannot be unreadable in part.
const PAGE: u64 = 4096;

/// A thread that waits.
#[derive(Debug)]
pub(super) struct Asker {
    thread: libc::pid_t,
}

impl Asker {
    pub(super) fn new(thread: libc::pid_t) -> Self {
        Self { thread }
    }

    pub(super) fn thread(&self) -> libc::pid_t {
        self.thread
    }

    fn place(&self, of: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{of}", self.thread))
    }

    /// Returns its process.
    ///
    /// # Errors
    /// It has gone.
    pub(super) fn process(&self) -> io::Result<libc::pid_t> {
        let status = fs::read_to_string(self.place("status"))?;
        let id = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
        id.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
    }

    /// Reads its memory.
    ///
    /// # Errors
    /// `EFAULT` where it has none.
    pub(super) fn read(&self, address: u64, bytes: &mut [u8]) -> io::Result<()> {
        let read = File::open(self.place("mem")).and_then(|memory| memory.read_exact_at(bytes, address));
        read.map_err(|_| io::Error::from_raw_os_error(libc::EFAULT))
    }

    /// Reads a path.
    ///
    /// # Errors
    /// `EFAULT`, `ENAMETOOLONG`.
    pub(super) fn path(&self, address: u64) -> io::Result<PathBuf> {
        let mut path = Vec::new();
        while path.len() < PATH_BYTES {
            let at = address.wrapping_add(path.len() as u64);
            let mut part = vec![0; (PAGE - at % PAGE) as usize];
            self.read(at, &mut part)?;
            match part.iter().position(|byte| *byte == 0) {
                Some(end) => {
                    path.extend_from_slice(&part[..end]);
                    return Ok(OsString::from_vec(path).into());
                }
                None => path.extend_from_slice(&part),
            }
        }
        Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
    }

    /// Opens a file that it names, as a place and not to be read: links are followed where it is, but none of those in /proc that
    /// lead to what is open somewhere.
    ///
    /// # Errors
    /// As `openat2`.
    pub(super) fn open(&self, folder: libc::c_int, path: &Path) -> io::Result<File> {
        let full = if path.is_absolute() {
            path.to_owned()
        } else {
            let of = if folder == libc::AT_FDCWD { "cwd".to_owned() } else { format!("fd/{folder}") };
            fs::read_link(self.place(&of))?.join(path)
        };
        let root = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_PATH | libc::O_CLOEXEC)
            .open(self.place("root"))?;
        let path = super::fence::c_path(&full).ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
        // SAFETY: the struct is plain integers, of which zero is a value.
        let mut how: libc::open_how = unsafe { std::mem::zeroed() };
        how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
        how.resolve = libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_MAGICLINKS;
        // SAFETY: the path and the struct outlive the call; the descriptor that comes back belongs to nobody else.
        unsafe {
            let fd = libc::syscall(
                libc::SYS_openat2,
                root.as_raw_fd(),
                path.as_ptr(),
                &raw const how,
                size_of::<libc::open_how>(),
            );
            if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(File::from_raw_fd(fd as libc::c_int)) }
        }
    }

    /// Takes a copy of a descriptor of its.
    ///
    /// # Errors
    /// `EBADF`, or that it has gone.
    pub(super) fn descriptor(&self, number: libc::c_int) -> io::Result<OwnedFd> {
        let process = self.process()?;
        // SAFETY: the calls take integers, and the descriptors that come back belong to nobody else.
        unsafe {
            let opened = libc::syscall(libc::SYS_pidfd_open, process, 0);
            if opened < 0 {
                return Err(io::Error::last_os_error());
            }
            let opened = OwnedFd::from_raw_fd(opened as libc::c_int);
            let fd = libc::syscall(libc::SYS_pidfd_getfd, opened.as_raw_fd(), number, 0);
            if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd as libc::c_int)) }
        }
    }
}

/// Returns where a file is that was opened as a place.
///
/// # Errors
/// As `readlink`.
pub(super) fn place_of(file: &File) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
