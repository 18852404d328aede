//! Programs that a session's code starts: decided by where they really are, and looked at again once they are there.
//!
//! The path of a call lies in memory that others may change between the look and the exec. So whoever execs is traced over it
//! (ptrace(2)): before the program's first instruction the kernel says which file it is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::asker::{Asker, place_of};
use super::notices::{Answer, Listener, Notice};
use crate::exec::policy::{Action, Decision, Request, Resolved};

/// Seconds after which a change of a file has another time than the one before.
const SETTLED: i64 = 2;

/// Decides on programs.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// Hashes that are known, by file: device, number, size, and when its content and its entry changed.
    hashes: BTreeMap<(u64, u64, u64, i64, i64), [u8; 32]>,
}

/// What was decided on a program.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) path: PathBuf,
    pub(super) decision: Decision,
}

impl Programs {
    /// Decides on the program that a call names, and sees to it that this one is started, or none.
    pub(super) fn answer(
        &mut self,
        policy: &Resolved,
        listener: &Listener,
        notice: &Notice,
    ) -> (Option<Decided>, Answer) {
        let asker = Asker::new(notice.thread);
        let opened = named(&asker, notice).and_then(|file| Ok((place_of(&file)?, file)));
        let (path, file) = match opened {
            Ok(opened) => opened,
            Err(error) => return (None, Answer::Fail(error.raw_os_error().unwrap_or(libc::EACCES))),
        };
        let decision = self.decide(policy, &path, &file);
        if decision.action == Action::Deny || !listener.is_waiting(notice) {
            return (Some(Decided { path, decision }), Answer::Fail(libc::EACCES));
        }
        (Some(Decided { path, decision }), Answer::Continue)
    }

    /// Has the kernel start a program that was allowed, and ends the process if it is another by then: tells what was refused.
    pub(super) fn start(
        &mut self,
        policy: &Resolved,
        listener: &Listener,
        notice: &Notice,
    ) -> Option<Decided> {
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
                refused = self.started(policy, process).err();
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
    fn started(&mut self, policy: &Resolved, process: libc::pid_t) -> Result<(), Option<Decided>> {
        let link = format!("/proc/{process}/exe");
        let opened = fs::read_link(&link).and_then(|path| Ok((path, File::open(&link)?)));
        let Ok((path, file)) = opened else { return Err(None) };
        let decision = self.decide(policy, &path, &file);
        if decision.action == Action::Deny { Err(Some(Decided { path, decision })) } else { Ok(()) }
    }

    fn decide(&mut self, policy: &Resolved, path: &Path, file: &File) -> Decision {
        let has_hashes =
            policy.layers().iter().any(|layer| layer.exec_rules.iter().any(|rule| rule.sha256.is_some()));
        let sha256 = if has_hashes { self.hash(file).ok() } else { None };
        policy.decide(&Request::Program { path, sha256 })
    }

    fn hash(&mut self, file: &File) -> io::Result<[u8; 32]> {
        let status = file.metadata()?;
        let key = (
            status.dev(),
            status.ino(),
            status.size(),
            status.mtime().wrapping_mul(1_000_000_000).wrapping_add(status.mtime_nsec()),
            status.ctime().wrapping_mul(1_000_000_000).wrapping_add(status.ctime_nsec()),
        );
        if let Some(known) = self.hashes.get(&key) {
            return Ok(*known);
        }
        // It may have been opened as a place, which cannot be read.
        let mut content = File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)))?;
        let (mut hash, mut part) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match content.read(&mut part)? {
                0 => break,
                len => hash.update(&part[..len]),
            }
        }
        let hash = hash.finalize().into();
        // What was changed a moment ago can be changed again without another time.
        let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if i64::try_from(age).is_ok_and(|now| now > status.ctime() + SETTLED) {
            self.hashes.insert(key, hash);
        }
        Ok(hash)
    }
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
