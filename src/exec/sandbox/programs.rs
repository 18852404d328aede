//! Programs that a session's code starts: decided by where they really are, and looked at again once they are there.
//!
//! The path of a call lies in memory that others may change between the look and the exec. So whoever execs is traced over it
//! (ptrace(2)): before the program's first instruction the kernel says which file it is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::asker::{Asker, place_of};
use super::notices::{Answer, Listener, Notice};
use crate::exec::policy::{Action, Decision, Request, Resolved};

/// The longest program whose content is looked at: no session waits for one that is longer, or has no end, to be read.
const READ_MAX: u64 = 1 << 30;
/// After so many bytes it is looked at whether anybody still waits for them to be read.
const PART: usize = 1 << 20;

/// What was decided on a program.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) path: PathBuf,
    pub(super) decision: Decision,
}

/// Decides on the program that a call names, and sees to it that this one is started, or none.
pub(super) fn answer(policy: &Resolved, listener: &Listener, notice: &Notice) -> (Option<Decided>, Answer) {
    let asker = Asker::new(notice.thread);
    let opened = named(&asker, notice).and_then(|file| Ok((place_of(&file)?, file)));
    let (path, file) = match opened {
        Ok(opened) => opened,
        Err(error) => return (None, Answer::Fail(error.raw_os_error().unwrap_or(libc::EACCES))),
    };
    let decision = decide(policy, &path, &file, || listener.is_waiting(notice));
    if decision.action == Action::Deny || !listener.is_waiting(notice) {
        return (Some(Decided { path, decision }), Answer::Fail(libc::EACCES));
    }
    (Some(Decided { path, decision }), Answer::Continue)
}

/// Has the kernel start a program that was allowed, and ends the process if it is another by then: tells what was refused.
pub(super) fn start(policy: &Resolved, listener: &Listener, notice: &Notice) -> Option<Decided> {
    let options = libc::PTRACE_O_TRACEEXEC;
    // SAFETY: the calls take integers, and no addresses. What is traced is a process of the session's.
    unsafe {
        if libc::ptrace(libc::PTRACE_SEIZE, notice.thread, 0, options) != 0 {
            listener.answer(notice, Answer::Fail(libc::EACCES));
            return None;
        }
        listener.answer(notice, Answer::Continue);
        // It stops in the new program, before all else, or where the call has failed.
        libc::ptrace(libc::PTRACE_INTERRUPT, notice.thread, 0, 0);
    }
    let mut refused = None;
    while let Some((process, status)) = wait() {
        if !libc::WIFSTOPPED(status) {
            // It has ended, and its parent is told only now.
            break;
        }
        let is_started = status >> 8 == libc::SIGTRAP | libc::PTRACE_EVENT_EXEC << 8;
        let is_halted = status >> 16 == libc::PTRACE_EVENT_STOP;
        if is_started {
            refused = started(policy, process).err();
        }
        // SAFETY: the calls take integers, and no addresses. It is stopped.
        unsafe {
            if refused.is_some() {
                libc::kill(process, libc::SIGKILL);
            } else if is_started || is_halted {
                libc::ptrace(libc::PTRACE_DETACH, process, 0, 0);
                break;
            } else {
                // A signal that came meanwhile is for the process.
                libc::ptrace(libc::PTRACE_CONT, process, 0, libc::WSTOPSIG(status));
            }
        }
    }
    refused.flatten()
}

/// Decides on the program that a process is by now.
///
/// # Errors
/// It is not allowed, as far as is known.
fn started(policy: &Resolved, process: libc::pid_t) -> Result<(), Option<Decided>> {
    let link = format!("/proc/{process}/exe");
    let opened = fs::read_link(&link).and_then(|path| Ok((path, File::open(&link)?)));
    let Ok((path, file)) = opened else { return Err(None) };
    let decision = decide(policy, &path, &file, || fs::read_link(&link).is_ok());
    if decision.action == Action::Deny { Err(Some(Decided { path, decision })) } else { Ok(()) }
}

fn decide(policy: &Resolved, path: &Path, file: &File, goes_on: impl Fn() -> bool) -> Decision {
    let has_hash = policy.asks_for_content(path);
    let sha256 = if has_hash { hash(file, goes_on).ok() } else { None };
    policy.decide(&Request::Program { path, sha256 })
}

/// Reads a file's content. Code names the file: it may be none that has an end, or that is ever read. What was read once is read
/// again: code changes files in memory without any sign of it in their times.
fn hash(file: &File, goes_on: impl Fn() -> bool) -> io::Result<[u8; 32]> {
    let status = file.metadata()?;
    if !status.is_file() || status.len() > READ_MAX {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    // It may have been opened as a place, which cannot be read.
    let again = format!("/proc/self/fd/{}", file.as_raw_fd());
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut content = OpenOptions::new().read(true).custom_flags(flags).open(again)?;
    let (mut hash, mut part, mut all) = (Sha256::new(), vec![0; PART], 0);
    loop {
        let len = content.read(&mut part)?;
        all += len as u64;
        if all > READ_MAX || !goes_on() {
            return Err(io::Error::from_raw_os_error(libc::EACCES));
        }
        if len == 0 {
            break;
        }
        hash.update(&part[..len]);
    }
    Ok(hash.finalize().into())
}

/// Waits for what this thread traces: whoever it is, and what became of it.
fn wait() -> Option<(libc::pid_t, libc::c_int)> {
    let mut status = 0;
    loop {
        // SAFETY: the status outlives the call. This thread has no children of its own.
        let process = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
        if process > 0 {
            return Some((process, status));
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

/// Opens the file that a call to start a program names.
fn named(asker: &Asker, notice: &Notice) -> io::Result<File> {
    let [first, second, ..] = notice.arguments;
    let (folder, path) = if notice.call == libc::SYS_execveat {
        (first as libc::c_int, asker.path(second)?)
    } else {
        (libc::AT_FDCWD, asker.path(first)?)
    };
    if path.as_os_str().is_empty() {
        // By a descriptor, if by anything: what is in memory alone has no place that a rule could name.
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    asker.open(folder, &path)
}
