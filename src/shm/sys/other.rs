//! Kernels without the mechanisms: everything compiles, and says at run time what is missing.

use std::fs::File;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use crate::shm::Error;

fn missing<T>(mechanism: &'static str) -> Result<T, Error> {
    Err(Error::Unsupported { mechanism })
}

pub(in crate::shm) fn create_unlinked() -> Result<File, Error> {
    missing("O_TMPFILE in /dev/shm")
}

pub(in crate::shm) fn link(_file: &File, _name: &str) -> Result<(), Error> {
    missing("linkat of a nameless file")
}

pub(in crate::shm) fn named_files() -> Result<Vec<String>, Error> {
    missing("/dev/shm")
}

pub(in crate::shm) fn open_named(_name: &str, _to_write: bool) -> Result<File, Error> {
    missing("/dev/shm")
}

pub(in crate::shm) fn unlink(_name: &str) -> Result<(), Error> {
    missing("/dev/shm")
}

pub(in crate::shm) fn is_unlinked(_file: &File) -> Result<bool, Error> {
    missing("/dev/shm")
}

pub(in crate::shm) fn create_memfd(_huge_pages: bool) -> Result<File, Error> {
    missing("memfd_create")
}

pub(in crate::shm) fn seal(_file: &File) -> Result<(), Error> {
    missing("F_ADD_SEALS")
}

pub(in crate::shm) fn check_sealed(_file: &File) -> Result<(), Error> {
    missing("F_GET_SEALS")
}

pub(in crate::shm) fn allocate(_file: &File, _bytes: u64) -> Result<(), Error> {
    missing("fallocate")
}

pub(in crate::shm) fn set_permissions(_file: &File, _bits: u32) -> Result<(), Error> {
    missing("fchmod")
}

pub(in crate::shm) fn advise_huge_pages(_base: *mut u8, _length: usize) -> Result<(), Error> {
    missing("transparent huge pages")
}

pub(in crate::shm) fn touch(_file: &File) {}

#[cfg(unix)]
pub(in crate::shm) fn watch(_file: &File) -> Result<std::os::fd::OwnedFd, Error> {
    missing("inotify")
}

#[cfg(unix)]
pub(in crate::shm) fn forget_notices(_notices: std::os::fd::RawFd) -> bool {
    false
}

pub(in crate::shm) fn reopen(_file: &File) -> Result<File, Error> {
    missing("/proc/self/fd")
}

pub(in crate::shm) fn lock_exclusive(_file: &File, _byte: usize) -> Result<bool, Error> {
    missing("open-file-description locks")
}

pub(in crate::shm) fn lock_shared(_file: &File, _byte: usize) -> Result<bool, Error> {
    missing("open-file-description locks")
}

pub(in crate::shm) fn unlock(_file: &File, _byte: usize) {}

pub(in crate::shm) fn is_locked_by_another(_file: &File, _byte: usize) -> Result<bool, Error> {
    missing("open-file-description locks")
}

pub(in crate::shm) fn futex_wait(_word: &AtomicU32, _expected: u32, timeout: Duration) {
    std::thread::sleep(timeout.min(Duration::from_millis(1)));
}

pub(in crate::shm) fn futex_wake(_word: &AtomicU32) {}

pub(in crate::shm) fn register_barrier() -> bool {
    false
}

pub(in crate::shm) fn barrier_everywhere() -> bool {
    false
}
