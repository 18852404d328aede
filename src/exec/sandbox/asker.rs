//! Who asks: what a process is that waits in a system call, read from outside. All of it is hostile.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::procfs;

/// The longest path that the kernel takes, with its NUL.
const PATH_BYTES: usize = 4096;
/// What does not cross it cannot be unreadable in part.
const PAGE: u64 = 4096;
/// The most pieces of memory that the kernel reads at once.
const PIECES: usize = 1024;
/// A thread, which need not be the first of its process.
const PIDFD_THREAD: libc::c_int = libc::O_EXCL;

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
        procfs::process_of(self.thread)
    }

    /// Reads its memory.
    ///
    /// # Errors
    /// `EFAULT` where it has none.
    pub(super) fn read(&self, address: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.gather(&[(address, bytes.len())], bytes)
    }

    /// Reads pieces of its memory, by address and length, one after the other until `bytes` is full.
    ///
    /// # Errors
    /// `EFAULT` where it has none, or less than that.
    pub(super) fn gather(&self, pieces: &[(u64, usize)], bytes: &mut [u8]) -> io::Result<()> {
        let mut at = 0;
        for pieces in pieces.chunks(PIECES) {
            let theirs: Vec<libc::iovec> = pieces
                .iter()
                .map(|(address, length)| libc::iovec { iov_base: *address as *mut _, iov_len: *length })
                .collect();
            let wanted = pieces.iter().fold(0, |sum: usize, (_, length)| sum.saturating_add(*length));
            let wanted = wanted.min(bytes.len() - at);
            if wanted == 0 {
                continue;
            }
            let part = &mut bytes[at..at + wanted];
            let ours = libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: wanted };
            // SAFETY: both lists outlive the call and are as long as said. What is written to are bytes of this process's,
            // as many as there are; what is read from is checked by the kernel.
            let read = unsafe {
                let (theirs, count) = (theirs.as_ptr(), theirs.len() as libc::c_ulong);
                libc::process_vm_readv(self.thread, &raw const ours, 1, theirs, count, 0)
            };
            if usize::try_from(read) != Ok(wanted) {
                self.read_by_file(pieces, part)?;
            }
            at += wanted;
        }
        if at == bytes.len() { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
    }

    /// Reads the same by its file in /proc, where a container lets nobody call for it.
    fn read_by_file(&self, pieces: &[(u64, usize)], mut bytes: &mut [u8]) -> io::Result<()> {
        let fault = |_| io::Error::from_raw_os_error(libc::EFAULT);
        let memory = File::open(self.place("mem")).map_err(fault)?;
        for (address, length) in pieces {
            let (part, rest) = bytes.split_at_mut((*length).min(bytes.len()));
            memory.read_exact_at(part, *address).map_err(fault)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Opens its memory to be written: it stays that of whoever asked, whoever has the thread's number later.
    ///
    /// # Errors
    /// It has gone.
    pub(super) fn memory(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.place("mem"))
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

    /// Opens its root, as a place.
    ///
    /// # Errors
    /// It has gone.
    pub(super) fn root(&self) -> io::Result<File> {
        self.opened("root")
    }

    /// Opens the folder that a path of its begins in, as a place: that of a descriptor, or where it is.
    ///
    /// # Errors
    /// `ENOENT` where it has no such descriptor, or has gone.
    pub(super) fn folder(&self, number: libc::c_int) -> io::Result<File> {
        if number == libc::AT_FDCWD { self.opened("cwd") } else { self.opened(&format!("fd/{number}")) }
    }

    fn opened(&self, link: &str) -> io::Result<File> {
        OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(self.place(link))
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
        let root = self.root()?;
        let resolve = libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_MAGICLINKS;
        open_by(&root, full.as_os_str(), libc::O_PATH | libc::O_CLOEXEC, resolve)
    }

    /// Takes a copy of a descriptor of its.
    ///
    /// # Errors
    /// `EBADF`, or that it has gone.
    pub(super) fn descriptor(&self, number: libc::c_int) -> io::Result<OwnedFd> {
        // SAFETY: the calls take integers, and the descriptors that come back belong to nobody else.
        unsafe {
            let opened = libc::syscall(libc::SYS_pidfd_open, self.thread, PIDFD_THREAD);
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

/// Opens what a name leads to from a folder, by these flags and rules for links (openat2(2)).
///
/// # Errors
/// As `openat2`.
pub(super) fn open_by(folder: &File, name: &OsStr, flags: libc::c_int, resolve: u64) -> io::Result<File> {
    let name = CString::new(name.as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: the struct is plain integers, of which zero is a value.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    (how.flags, how.resolve) = (u64::from(flags.unsigned_abs()), resolve);
    // SAFETY: the name and the struct outlive the call; the descriptor that comes back belongs to nobody else.
    unsafe {
        let (folder, size) = (folder.as_raw_fd(), size_of::<libc::open_how>());
        let fd = libc::syscall(libc::SYS_openat2, folder, name.as_ptr(), &raw const how, size);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(File::from_raw_fd(fd as libc::c_int)) }
    }
}
