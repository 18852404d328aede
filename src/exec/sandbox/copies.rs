//! Copies of descriptors of the session's, of the kinds that this process may have a copy of.
//!
//! To close a copy of a file drops all locks of POSIX (`fcntl`) that this process has on it, whoever took them: those of a database that
//! the program has open, for one. What a number stands for is looked at before it is copied, therefore, by its link in `/proc`, for which no
//! file system is asked anything. A number that becomes another file's between the look and the copy is not noticed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use super::asker::Asker;

/// Links of what has no path begin so, and no path does.
const SOCKET: &[u8] = b"socket:[";
const PIPE: &[u8] = b"pipe:[";
/// Events, timers and the like.
const ANONYMOUS: &[u8] = b"anon_inode:";
/// A file in memory; others may be named so.
const MEMORY: &[u8] = b"/memfd:";

/// Takes a copy of a socket.
///
/// # Errors
/// `EBADF`, `ENOTSOCK`, or that whoever asks has gone.
pub(super) fn of_socket(asker: &Asker, number: libc::c_int) -> io::Result<OwnedFd> {
    if link(asker, number)?.starts_with(SOCKET) {
        asker.descriptor(number)
    } else {
        Err(io::Error::from_raw_os_error(libc::ENOTSOCK))
    }
}

/// Takes a copy of what may be passed on: nothing that has a path, as locks are taken on such files. To have it passed on without a copy of
/// this process's own there is no call.
///
/// # Errors
/// `EBADF`, `EPERM`, or that whoever asks has gone.
pub(super) fn to_pass(asker: &Asker, number: libc::c_int) -> io::Result<OwnedFd> {
    let link = link(asker, number)?;
    let has_no_path = [SOCKET, PIPE, ANONYMOUS].iter().any(|kind| link.starts_with(kind));
    // A file in memory has no name anywhere.
    let is_memory =
        || link.starts_with(MEMORY) && fs::metadata(place(asker, number)).is_ok_and(|file| file.nlink() == 0);
    if has_no_path || is_memory() {
        asker.descriptor(number)
    } else {
        Err(io::Error::from_raw_os_error(libc::EPERM))
    }
}

fn place(asker: &Asker, number: libc::c_int) -> String {
    format!("/proc/{}/fd/{number}", asker.thread())
}

/// Returns what a number leads to, as the kernel names it.
fn link(asker: &Asker, number: libc::c_int) -> io::Result<Vec<u8>> {
    match fs::read_link(place(asker, number)) {
        Ok(link) => Ok(OsStr::as_bytes(link.as_os_str()).to_vec()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(io::Error::from_raw_os_error(libc::EBADF))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::super::control::Control;
    use super::super::socket::{Kind, Socket};
    use super::*;

    fn whole_file(kind: libc::c_int) -> libc::flock {
        // SAFETY: the struct is plain integers, of which zero is a value: the file from its begin to its end.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = kind as libc::c_short;
        lock
    }

    #[test]
    fn what_is_asked_with_a_file_leaves_this_process_its_locks() {
        // SAFETY: the call takes nothing.
        let asker = Asker::new(unsafe { libc::getpid() });
        let path = std::env::temp_dir().join(format!("circlet-locked-{}", std::process::id()));
        let [file, other] =
            [0; 2].map(|_| File::options().create(true).truncate(false).write(true).open(&path).unwrap());
        fs::remove_file(path).unwrap();
        let lock = whole_file(libc::F_WRLCK);
        // SAFETY: the lock outlives the call, which reads it.
        assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) }, 0);
        let is_locked = || {
            let mut found = whole_file(libc::F_WRLCK);
            // SAFETY: the lock outlives the call, which writes what is in its way.
            assert_eq!(unsafe { libc::fcntl(other.as_raw_fd(), libc::F_OFD_GETLK, &raw mut found) }, 0);
            libc::c_int::from(found.l_type) == libc::F_WRLCK
        };
        assert!(is_locked());
        let error = Socket::of(&asker, file.as_raw_fd()).map(drop).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
        assert!(is_locked(), "after a call that takes a socket");
        let rights = passing(file.as_raw_fd());
        let pair = Kind::Pair { is_stream: true };
        let error =
            Control::read(&asker, pair, rights.as_ptr().addr() as u64, 20, &mut 64).map(drop).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
        assert!(is_locked(), "after a message with it");
    }

    /// A control message that passes a descriptor.
    fn passing(number: libc::c_int) -> Vec<u8> {
        let head = [libc::SOL_SOCKET, libc::SCM_RIGHTS, number].map(libc::c_int::to_ne_bytes);
        [&20_u64.to_ne_bytes()[..], head.as_flattened()].concat()
    }

    #[test]
    fn what_has_no_path_is_passed_on_and_nothing_else() {
        // SAFETY: the calls take integers, and a name that outlives the call.
        let (asker, memory) =
            unsafe { (Asker::new(libc::getpid()), libc::memfd_create(c"x".as_ptr(), libc::MFD_CLOEXEC)) };
        let (near, _far) = UnixStream::pair().unwrap();
        let (reads, _writes) = io::pipe().unwrap();
        for number in [memory, near.as_raw_fd(), reads.as_raw_fd()] {
            to_pass(&asker, number).unwrap();
        }
        let (null, folder) = (File::open("/dev/null").unwrap(), File::open("/").unwrap());
        let errors = [null.as_raw_fd(), folder.as_raw_fd(), -1]
            .map(|number| to_pass(&asker, number).unwrap_err().raw_os_error());
        assert_eq!(errors, [Some(libc::EPERM), Some(libc::EPERM), Some(libc::EBADF)]);
        let errors = [memory, reads.as_raw_fd(), -1]
            .map(|number| of_socket(&asker, number).unwrap_err().raw_os_error());
        assert_eq!(errors, [Some(libc::ENOTSOCK), Some(libc::ENOTSOCK), Some(libc::EBADF)]);
        // SAFETY: the descriptor is this test's own.
        unsafe { libc::close(memory) };
    }
}
