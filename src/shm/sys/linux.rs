//! Linux: tmpfs files that appear whole, sealed memfds, open-file-description locks, futexes and membarrier.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use crate::shm::Error;

/// Seals that every anonymous segment has: its size can never change, nor can its seals.
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

fn c_string(text: String) -> CString {
    CString::new(text).expect("a checked name has no NUL")
}

fn shm_path(name: &str) -> CString {
    c_string(format!("/dev/shm/{name}"))
}

/// Opens a nameless file where named segments live. It gets its name when its contents are whole: see [`link`].
pub(in crate::shm) fn create_unlinked() -> Result<File, Error> {
    let flags = libc::O_TMPFILE | libc::O_RDWR | libc::O_CLOEXEC;
    // SAFETY: the path is a NUL-terminated literal, and the descriptor that comes back belongs to nobody else.
    unsafe { owned("open(/dev/shm, O_TMPFILE)", libc::open(c"/dev/shm".as_ptr(), flags, 0o600)) }
}

/// Gives a nameless file its name; a name that is taken is refused, never replaced.
pub(in crate::shm) fn link(file: &File, name: &str) -> Result<(), Error> {
    let from = c_string(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let to = shm_path(name);
    // SAFETY: both paths are NUL-terminated and outlive the call.
    let done = unsafe {
        libc::linkat(libc::AT_FDCWD, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), libc::AT_SYMLINK_FOLLOW)
    };
    match (done, io::Error::last_os_error().raw_os_error()) {
        (0, _) => Ok(()),
        (_, Some(libc::EEXIST)) => Err(Error::NameTaken { name: name.to_owned() }),
        _ => Err(Error::last_os("linkat")),
    }
}

/// Lists the regular files where named segments live.
pub(in crate::shm) fn named_files() -> Result<Vec<String>, Error> {
    let entries =
        std::fs::read_dir("/dev/shm").map_err(|source| Error::Os { call: "opendir(/dev/shm)", source })?;
    let files = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    Ok(files.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Opens a named segment's file. Whoever only looks at it does so without writing: a writer that goes rings the doorbells.
pub(in crate::shm) fn open_named(name: &str, to_write: bool) -> Result<File, Error> {
    let path = shm_path(name);
    let access = if to_write { libc::O_RDWR } else { libc::O_RDONLY };
    let flags = access | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    // SAFETY: the path is NUL-terminated, and the descriptor that comes back belongs to nobody else.
    match unsafe { owned("open", libc::open(path.as_ptr(), flags)) } {
        Err(Error::Os { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(Error::NotFound { name: name.to_owned() })
        }
        other => other,
    }
}

/// Removes a name.
pub(in crate::shm) fn unlink(name: &str) -> Result<(), Error> {
    let path = shm_path(name);
    // SAFETY: the path is NUL-terminated.
    match unsafe { libc::unlink(path.as_ptr()) } {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NotFound { name: name.to_owned() })
            }
            source => Err(Error::Os { call: "unlink", source }),
        },
    }
}

/// Tells whether a file has lost its last name.
pub(in crate::shm) fn is_unlinked(file: &File) -> Result<bool, Error> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata().map_err(|source| Error::Os { call: "fstat", source })?;
    Ok(metadata.nlink() == 0)
}

/// Opens a nameless memfd that can be sealed.
pub(in crate::shm) fn create_memfd(huge_pages: bool) -> Result<File, Error> {
    let huge = if huge_pages { libc::MFD_HUGETLB } else { 0 };
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING | huge;
    // Kernels before 6.3 do not know the flag that forbids to execute it.
    // SAFETY: the name is a NUL-terminated literal, and the descriptor that comes back belongs to nobody else.
    unsafe { owned("memfd_create", libc::memfd_create(c"circlet".as_ptr(), flags | libc::MFD_NOEXEC_SEAL)) }
        // SAFETY: as above.
        .or_else(|_| unsafe { owned("memfd_create", libc::memfd_create(c"circlet".as_ptr(), flags)) })
}

/// Seals a memfd at its size, for ever.
pub(in crate::shm) fn seal(file: &File) -> Result<(), Error> {
    // SAFETY: the call takes two integers.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, SEALS) } {
        0 => Ok(()),
        _ => Err(Error::last_os("fcntl(F_ADD_SEALS)")),
    }
}

/// Checks that a descriptor is a memfd whose size cannot change any more.
pub(in crate::shm) fn check_sealed(file: &File) -> Result<(), Error> {
    // SAFETY: the call takes no pointer.
    let found = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
    if found < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EBADF) {
        return Err(Error::last_os("fcntl(F_GET_SEALS)"));
    }
    let size_seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
    if found >= 0 && found & size_seals == size_seals {
        Ok(())
    } else {
        Err(Error::NotSealed { found: found.max(0) })
    }
}

/// Sizes a file and takes its memory now, so that a full machine is an error here and not a signal later.
pub(in crate::shm) fn allocate(file: &File, bytes: u64) -> Result<(), Error> {
    let length = libc::off_t::try_from(bytes).map_err(|_| Error::NoSpace { bytes })?;
    // SAFETY: the call takes integers.
    match unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) } {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            error if matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::ENOMEM | libc::EFBIG)) => {
                Err(Error::NoSpace { bytes })
            }
            source => Err(Error::Os { call: "fallocate", source }),
        },
    }
}

/// Sets a file's mode bits.
pub(in crate::shm) fn set_permissions(file: &File, bits: u32) -> Result<(), Error> {
    // SAFETY: the call takes integers.
    match unsafe { libc::fchmod(file.as_raw_fd(), bits) } {
        0 => Ok(()),
        _ => Err(Error::last_os("fchmod")),
    }
}

/// Asks for transparent huge pages under a mapping.
pub(in crate::shm) fn advise_huge_pages(base: *mut u8, length: usize) -> Result<(), Error> {
    let setting =
        std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/shmem_enabled").unwrap_or_default();
    if !["[always]", "[within_size]", "[advise]", "[force]"].iter().any(|on| setting.contains(on)) {
        return Err(Error::NoHugePages {
            advice: "write \"advise\" into /sys/kernel/mm/transparent_hugepage/shmem_enabled, or make it anonymous",
        });
    }
    // SAFETY: the range is a whole mapping of this process, whose contents advice does not change.
    match unsafe { libc::madvise(base.cast(), length, libc::MADV_HUGEPAGE) } {
        0 => Ok(()),
        _ => Err(Error::last_os("madvise(MADV_HUGEPAGE)")),
    }
}

/// Sets the file's times to now, which everybody who watches it is told.
pub(in crate::shm) fn touch(file: &File) {
    // SAFETY: a null pointer stands for now. It may fail where the file cannot be written, which no segment's is.
    unsafe { libc::futimens(file.as_raw_fd(), std::ptr::null()) };
}

/// Makes a descriptor that is readable once the file's times have changed or a writer of it has gone.
pub(in crate::shm) fn watch(file: &File) -> Result<OwnedFd, Error> {
    // SAFETY: the call takes an integer, and the descriptor that comes back belongs to nobody else.
    let notices =
        unsafe { owned("inotify_init1", libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC)) }?;
    let path = c_string(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let events = libc::IN_ATTRIB | libc::IN_CLOSE_WRITE;
    // SAFETY: the path is NUL-terminated and outlives the call.
    match unsafe { libc::inotify_add_watch(notices.as_raw_fd(), path.as_ptr(), events) } {
        -1 => Err(Error::last_os("inotify_add_watch")),
        _ => Ok(notices.into()),
    }
}

/// Reads away what a descriptor of [`watch`] has to tell, and tells whether a writer of the file has gone.
///
/// What comes meanwhile from somebody who does not stop is left, and is one wake-up more.
pub(in crate::shm) fn forget_notices(notices: std::os::fd::RawFd) -> bool {
    let mut somebody_left = false;
    for _ in 0..4 {
        let mut events = [0_u8; 4096];
        // SAFETY: the buffer is as long as said and outlives the call. The descriptor never blocks.
        let read = unsafe { libc::read(notices, events.as_mut_ptr().cast(), events.len()) };
        let Ok(read @ 1..) = usize::try_from(read) else { break };
        // Each is a `struct inotify_event`, of a file that is no folder: 16 bytes without a name, the mask in the second word.
        let masks = events[..read]
            .chunks_exact(16)
            .map(|event| event[4..8].first_chunk().copied().unwrap_or_default());
        somebody_left |= masks.map(u32::from_ne_bytes).any(|mask| mask & libc::IN_CLOSE_WRITE != 0);
    }
    somebody_left
}

/// Opens the same file once more, as an open file description of its own: locks tell the two apart.
pub(in crate::shm) fn reopen(file: &File) -> Result<File, Error> {
    let path = c_string(format!("/proc/self/fd/{}", file.as_raw_fd()));
    // SAFETY: the path is NUL-terminated, and the descriptor that comes back belongs to nobody else.
    unsafe { owned("open(/proc/self/fd)", libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC)) }
}

/// # Safety
/// `fd` is what an opening call returned and nobody else owns it.
unsafe fn owned(call: &'static str, fd: libc::c_int) -> Result<File, Error> {
    if fd < 0 {
        return Err(Error::last_os(call));
    }
    // SAFETY: the caller's promise.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Takes (`F_WRLCK`), shares (`F_RDLCK`) or drops (`F_UNLCK`) the lock on one byte, without waiting; `false` where
/// another description holds it.
fn set_lock(file: &File, byte: usize, kind: libc::c_int) -> Result<bool, Error> {
    let lock = flock(byte, kind);
    // SAFETY: the struct is whole and outlives the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
        0 => Ok(true),
        _ => match io::Error::last_os_error() {
            error if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
            source => Err(Error::Os { call: "fcntl(F_OFD_SETLK)", source }),
        },
    }
}

fn flock(byte: usize, kind: libc::c_int) -> libc::flock {
    // SAFETY: the struct is plain integers, and zero is a value of each.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = byte as libc::off_t;
    lock.l_len = 1;
    lock
}

/// Takes the lock on one byte alone.
pub(in crate::shm) fn lock_exclusive(file: &File, byte: usize) -> Result<bool, Error> {
    set_lock(file, byte, libc::F_WRLCK)
}

/// Shares the lock on one byte with other sharers.
pub(in crate::shm) fn lock_shared(file: &File, byte: usize) -> Result<bool, Error> {
    set_lock(file, byte, libc::F_RDLCK)
}

/// Drops the lock on one byte.
pub(in crate::shm) fn unlock(file: &File, byte: usize) {
    // Unlocking what one holds cannot fail; unlocking what one does not hold does nothing.
    let _ = set_lock(file, byte, libc::F_UNLCK);
}

/// Tells whether another open file description holds a lock on the byte.
pub(in crate::shm) fn is_locked_by_another(file: &File, byte: usize) -> Result<bool, Error> {
    let mut lock = flock(byte, libc::F_WRLCK);
    // SAFETY: the struct is whole, outlives the call, and the kernel writes a whole one back.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) } {
        0 => Ok(lock.l_type != libc::F_UNLCK as libc::c_short),
        _ => Err(Error::last_os("fcntl(F_OFD_GETLK)")),
    }
}

/// Sleeps until somebody wakes the word, the time is over, or a signal comes; returns at once if the word is not
/// `expected`. May return early for no reason.
pub(in crate::shm) fn futex_wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let time = libc::timespec {
        tv_sec: timeout.as_secs().min(1 << 30) as libc::time_t,
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: the word and the time outlive the call. The futex is not private: it lies in shared memory.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, &raw const time);
    }
}

/// Wakes everybody who sleeps on the word.
pub(in crate::shm) fn futex_wake(word: &AtomicU32) {
    // SAFETY: the word outlives the call.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX);
    }
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: the call takes integers.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Asks the kernel to let others order this process's memory accesses; `false` where it refuses.
pub(in crate::shm) fn register_barrier() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
}

/// Makes every running thread of every registered process pass a full memory barrier; `false` where refused.
pub(in crate::shm) fn barrier_everywhere() -> bool {
    membarrier(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED)
}
