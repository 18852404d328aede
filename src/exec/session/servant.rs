//! The session's side: what its language's shell calls through the C face.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;
use std::{io, mem};

use super::Usage;
use super::clock::nanoseconds;
use super::frames::{self, ANSWER_BYTES, MESSAGE_MAX, PROTOCOL, answer};
use super::inbox::{Inbox, Request};
use super::incoming::Lent;
use super::words::Words;
use crate::exec::Error;
use crate::exec::outputs::Stream;
use crate::exec::passing;
use crate::exec::sandbox;
use crate::ring::{self, Deadline, Options, Sender};

/// A message that is longer goes in parts, so that the supervisor reads one while the next is written.
const PART_BYTES: usize = 1 << 16;
/// After so many bytes of output the supervisor is woken, though it looks by itself in a moment.
const LOUD_BYTES: usize = 1 << 18;
/// How often, at most, it is looked at how much went through the pipes: within that time no process starts.
const GLANCE: Duration = Duration::from_nanos(500);
/// How long to wait for room for a part of a long frame before the supervisor is told once more.
const ROOM: Duration = Duration::from_millis(1);
/// How long the supervisor has to take what it answers questions by.
const OFFERED_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of [`Usage`] before the body of an outcome.
const USAGE_BYTES: usize = 24;

/// Whether this process is one that a session's code has forked, whose rings are its parent's.
static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// Takes requests and answers them. `Sync`: any thread may print.
pub struct SessionServant {
    inbox: Inbox,
    answers: Mutex<Answers>,
    words: Words,
    /// What the process had used at the end of the last run.
    before: Mutex<Usage>,
}

struct Answers {
    ring: Sender,
    /// Bytes since the supervisor was last woken.
    quiet: usize,
    written: [u32; 2],
    looked: u64,
}

impl SessionServant {
    /// Takes the descriptors that the supervisor passed on, in their order.
    ///
    /// # Errors
    /// Descriptors that are not what they should be.
    pub fn new(requests: OwnedFd, answers: OwnedFd, words: OwnedFd, bell: OwnedFd) -> Result<Self, Error> {
        static AT_FORK: Once = Once::new();
        AT_FORK.call_once(|| {
            // SAFETY: the function stores to an atomic, as a child that was just forked may.
            unsafe { libc::pthread_atfork(None, None, Some(is_child)) };
        });
        for fd in [&requests, &answers, &words, &bell] {
            // Programs that the code starts are not to have them.
            // SAFETY: the call takes integers.
            unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        let options = Options::new().max_message(MESSAGE_MAX);
        let mut requests = ring::from_fd_with(requests, &options)?.receiver()?;
        let answers = ring::from_fd_with(answers, &options)?.sender()?;
        let mut words = Words::open(words).map_err(ring::Error::from)?;
        words.set_bell(Arc::new(bell));
        requests.set_wait(words.wait());
        Ok(Self {
            inbox: Inbox::new(requests),
            answers: Mutex::new(Answers { ring: answers, quiet: 0, written: [0; 2], looked: 0 }),
            words,
            before: Mutex::new(used()),
        })
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the session can take requests. Returns whether the supervisor wants to know which code asks it something, by
    /// [`SessionServant::report`].
    ///
    /// # Errors
    /// As [`SessionServant::take`].
    pub fn ready(&self) -> Result<bool, Error> {
        let mut body = PROTOCOL.to_le_bytes().to_vec();
        if let Some(canary) = self.words.confined() {
            let listener = sandbox::lock(self.words.asks()).map_err(Error::os("seccomp"))?;
            // The code could answer its own questions: it is not to have this.
            if listener.is_some_and(|listener| !self.give(&listener)) {
                return Err(Error::NoWorker);
            }
            let failed = sandbox::attempt(&canary);
            body.extend_from_slice(&failed.to_le_bytes());
        }
        let mut answers = self.answers();
        let header = answers.header(&self.words, answer::READY, 0);
        answers.send([&header, &body], &self.words)?;
        Ok(self.words.wants_reports())
    }

    /// Says which code is about to do something in this thread: what it does, and where the code is. Of long names a part is kept.
    pub fn report(&self, event: &[u8], file: &[u8], line: u32) {
        self.words.report(event, file, line);
    }

    /// Gives the supervisor a copy of a descriptor; `false` where it takes none.
    fn give(&self, descriptor: &OwnedFd) -> bool {
        let is_handed = self.words.take_hand().is_none_or(|hand| {
            // SAFETY: this process has it for this alone, and whoever takes its number closes it.
            let hand = unsafe { OwnedFd::from_raw_fd(hand) };
            passing::send(hand, &[0], &[descriptor]).is_ok()
        });
        is_handed && self.words.offer(descriptor.as_raw_fd(), OFFERED_WITHIN)
    }

    /// Waits for a request of one of these kinds, a mask of `1 << kind`; `None` at the deadline. What else comes
    /// is kept for those who want it. A run begins with this. `spare` is a buffer that may be used again.
    ///
    /// # Errors
    /// [`ring::Error::Closed`], [`ring::Error::PeerDied`]: there is no supervisor any more, or it wants no session.
    pub fn take(&self, kinds: u32, deadline: Deadline, spare: Vec<u8>) -> Result<Option<Request>, Error> {
        self.take_into(kinds, deadline, spare, |_| None)
    }

    /// As [`SessionServant::take`], where `lend` may have room for a body of that length.
    pub(crate) fn take_into(
        &self,
        kinds: u32,
        deadline: Deadline,
        spare: Vec<u8>,
        lend: impl FnMut(usize) -> Option<Lent>,
    ) -> Result<Option<Request>, Error> {
        if IS_CHILD.load(Relaxed) {
            return Err(ring::Error::Closed.into());
        }
        self.inbox.take(kinds, deadline, spare, lend)
    }

    /// Returns the doorbell of the requests, as [`ring::Receiver::fd`] does: a copy, which is the caller's.
    ///
    /// # Errors
    /// As [`ring::Receiver::fd`].
    pub fn bell(&self) -> Result<OwnedFd, Error> {
        self.inbox.bell()
    }

    /// Asks for the doorbell, as [`ring::Receiver::arm`] does: `true` where there is no need to wait.
    ///
    /// # Errors
    /// As [`ring::Receiver::fd`].
    pub fn arm(&self) -> Result<bool, Error> {
        self.inbox.arm()
    }

    /// Tells whether the run that is under way is to stop.
    pub fn is_stopped(&self) -> bool {
        let running = self.inbox.running();
        running != 0 && self.words.is_stopped(running)
    }

    /// Returns the number of the run that was last asked to stop, which may be over; 0 for none.
    pub fn last_stopped(&self) -> u32 {
        self.words.last_stopped()
    }

    /// Sends a frame of the run that is under way. An outcome ends that.
    ///
    /// # Errors
    /// As [`SessionServant::take`]; [`Error::Protocol`] without a run.
    pub fn answer(&self, kind: u32, body: &[u8]) -> Result<(), Error> {
        if IS_CHILD.load(Relaxed) {
            return Err(ring::Error::Closed.into());
        }
        if kind == answer::ASK {
            self.inbox.asks();
        }
        if kind != answer::OUTCOME {
            let mut answers = self.answers();
            let number = self.inbox.running();
            if number == 0 {
                return Err(Error::Protocol {
                    what: "nothing can be sent while no run is under way".to_owned(),
                });
            }
            let header = answers.header(&self.words, kind, number);
            return answers.send([&header, body], &self.words);
        }
        let now = used();
        let before = mem::replace(&mut *self.before.lock().unwrap_or_else(PoisonError::into_inner), now);
        let usage = [
            now.user.saturating_sub(before.user).as_nanos() as u64,
            now.system.saturating_sub(before.system).as_nanos() as u64,
            now.memory_peak,
        ];
        let mut answers = self.answers();
        // Under the lock, so that what a thread prints comes before the end of the run or belongs to none.
        let number = self.inbox.end_run();
        let mut head = [0; ANSWER_BYTES + USAGE_BYTES];
        head[..ANSWER_BYTES].copy_from_slice(&answers.header(&self.words, kind, number));
        for (to, word) in head[ANSWER_BYTES..].chunks_exact_mut(8).zip(usage) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        answers.send([&head, body], &self.words)
    }

    /// Sends what was printed. Where no run is under way, or in a process that the code has forked, it goes to the
    /// descriptor. With `may_wait` off, `false` says that there is no room, and nothing was sent: `rest` is what is left.
    ///
    /// # Errors
    /// As [`SessionServant::take`].
    pub fn print(&self, stream: Stream, rest: &mut &[u8], may_wait: bool) -> Result<bool, Error> {
        let past = |rest: &mut &[u8]| {
            write_all(1 + stream as libc::c_int, rest);
            *rest = &[];
            Ok(true)
        };
        if IS_CHILD.load(Relaxed) {
            return past(rest);
        }
        let kind = if stream == Stream::Stdout { answer::STDOUT } else { answer::STDERR };
        let mut answers = self.answers();
        let number = self.inbox.running();
        if number == 0 {
            drop(answers);
            return past(rest);
        }
        while !rest.is_empty() {
            let (part, after) = rest.split_at(characters(rest, PART_BYTES));
            let written = answers.look(&self.words, false);
            let header = frames::answer_header(kind, number, written);
            let len = header.len() + part.len();
            let deadline = if may_wait { Deadline::NEVER } else { Deadline::now() };
            if may_wait {
                // Where there is no room, nothing else makes any.
                self.words.ring(true);
            }
            let mut claim = match answers.ring.claim_by(len, deadline) {
                Err(ring::Error::TimedOut { .. } | ring::Error::Full { .. }) => {
                    self.words.ring(true);
                    return Ok(false);
                }
                claimed => claimed?,
            };
            let (begin, end) = claim.split_at_mut(header.len());
            begin.copy_from_slice(&header);
            end.copy_from_slice(part);
            claim.commit();
            answers.quiet += len;
            *rest = after;
            let is_loud = answers.quiet >= LOUD_BYTES;
            if is_loud {
                answers.quiet = 0;
            }
            self.words.ring(is_loud);
        }
        Ok(true)
    }
}

impl Answers {
    /// Returns how much was written to the pipes. It is looked at again if `is_exact`, or when the last look is old.
    fn look(&mut self, words: &Words, is_exact: bool) -> [u32; 2] {
        let now = nanoseconds();
        if is_exact || now.wrapping_sub(self.looked) >= GLANCE.as_nanos() as u64 {
            self.looked = now;
            for stream in Stream::BOTH {
                let waiting = || waiting(1 + stream as libc::c_int);
                let written = match is_exact {
                    true => Some(words.written_at_most(stream, waiting)),
                    false => words.written(stream, waiting),
                };
                self.written[stream as usize] = written.unwrap_or(self.written[stream as usize]);
            }
        }
        self.written
    }

    fn header(&mut self, words: &Words, kind: u32, number: u32) -> [u8; ANSWER_BYTES] {
        let written = self.look(words, true);
        frames::answer_header(kind, number, written)
    }

    /// Sends a frame, whose second part is copied from where it lies into the ring.
    fn send(&mut self, parts: [&[u8]; 2], words: &Words) -> Result<(), Error> {
        let is_long = self.ring.goes_in_fragments(parts[0].len() + parts[1].len());
        if is_long || !self.has_sent(parts)? {
            words.set_long(true);
            let mut taken = 0;
            let sent = loop {
                // An event loop waits for no part by itself.
                words.ring(true);
                match self.ring.send_parts(parts, &mut taken, Some(Deadline::after(ROOM))) {
                    Err(ring::Error::TimedOut { .. }) => {}
                    other => break other,
                }
            };
            words.set_long(false);
            sent?;
        }
        self.quiet = 0;
        words.ring(true);
        Ok(())
    }

    /// Sends a frame if there is room for it.
    fn has_sent(&mut self, parts: [&[u8]; 2]) -> Result<bool, Error> {
        match self.ring.send_parts(parts, &mut 0, None) {
            Err(ring::Error::Full { .. }) => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }
}

impl std::fmt::Debug for SessionServant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionServant").finish_non_exhaustive()
    }
}

/// Reads what [`SessionServant::answer`] puts before an outcome.
pub(super) fn read_usage(body: &[u8]) -> Option<(Usage, &[u8])> {
    let (usage, rest) = body.split_first_chunk::<USAGE_BYTES>()?;
    let word = |index: usize| usage[8 * index..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (user, system) = (Duration::from_nanos(word(0)), Duration::from_nanos(word(1)));
    Some((Usage { user, system, memory_peak: word(2) }, rest))
}

extern "C" fn is_child() {
    IS_CHILD.store(true, Relaxed);
}

/// Returns how many of the bytes to take, `most` or a little less, so that no character of UTF-8 is cut.
fn characters(bytes: &[u8], most: usize) -> usize {
    if bytes.len() <= most {
        return bytes.len();
    }
    let continues = |at: usize| bytes[at] & 0xC0 == 0x80;
    // What is no UTF-8 may be cut anywhere.
    (most - 3..=most).rev().find(|at| !continues(*at)).unwrap_or(most)
}

/// Returns how many bytes wait in a pipe; 0 for what is no pipe any more.
fn waiting(fd: libc::c_int) -> u32 {
    let mut count: libc::c_int = 0;
    // SAFETY: the count outlives the call.
    unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut count) };
    count.max(0).cast_unsigned()
}

fn write_all(fd: libc::c_int, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes outlive the call and are as many as said.
        let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(count) {
            Ok(count) => bytes = &bytes[count..],
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            // Nobody reads it any more.
            Err(_) => return,
        }
    }
}

/// Returns what this process has used so far.
fn used() -> Usage {
    // SAFETY: zero is a value of each of its fields.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: the struct outlives the call.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    let memory_peak = (usage.ru_maxrss as u64) << 10;
    Usage { user: time(usage.ru_utime), system: time(usage.ru_stime), memory_peak }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_cut() {
        let text = "aé€😀".as_bytes();
        for most in 4..text.len() {
            let count = characters(text, most);
            assert!(count <= most && std::str::from_utf8(&text[..count]).is_ok(), "{most}: {count}");
        }
        assert_eq!(characters(&[0x80; 10], 8), 8);
    }
}
