//! What is done on a copy of a socket in the place of who asked: at once where that can be, else beside whatever else is asked
//! meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::connections::Call;
use super::notices::{Answer, Listener, Notice};
use super::proxy::Place;
use super::sends::Sending;
use super::socket::Socket;

/// How often it is looked whether whoever asked is still there.
const LOOK_MS: libc::c_int = 1000;
/// The most that wait at once for a session: each has a thread and a descriptor of this process.
const WAITING: usize = 64;
/// How long it takes at the least to try again: a socket that says that it is ready, and is not, keeps nobody awake.
const PAUSE: Duration = Duration::from_millis(1);

/// A call that is made in the place of who asked.
#[derive(Debug)]
pub(super) enum Deed {
    /// To connect, to take an address, to listen.
    Call(Call),
    /// To connect to the session's proxy, which has a place for it until it fails.
    Proxied(Call, Place),
    Send(Sending),
}

impl Deed {
    /// Does it, or as much as can be done without waiting; `None` if it is to be waited for.
    fn attempt(&mut self) -> Option<Answer> {
        match self {
            Self::Call(call) => call.attempt(),
            Self::Proxied(call, place) => {
                let answer = call.attempt();
                // Code that does not wait is told that it is under way.
                if matches!(answer, Some(Answer::Done(_) | Answer::Fail(libc::EINPROGRESS))) {
                    place.keep();
                }
                answer
            }
            Self::Send(sending) => sending.attempt(),
        }
    }

    fn socket(&self) -> &Socket {
        match self {
            Self::Call(call) | Self::Proxied(call, _) => call.socket(),
            Self::Send(sending) => sending.socket(),
        }
    }

    /// What it comes to where nobody waits for the rest.
    fn unfinished(&self) -> Answer {
        match self {
            Self::Call(_) | Self::Proxied(..) => Answer::Fail(libc::EAGAIN),
            Self::Send(sending) => sending.unfinished(),
        }
    }

    /// What it comes to where it was waited for as long as its socket says: a connection goes on by itself.
    fn overdue(&mut self) -> Answer {
        match self {
            Self::Call(_) => Answer::Fail(libc::EINPROGRESS),
            Self::Proxied(_, place) => {
                place.keep();
                Answer::Fail(libc::EINPROGRESS)
            }
            Self::Send(sending) => sending.unfinished(),
        }
    }

    fn finish(&mut self, listener: &Listener, notice: &Notice) {
        let until = self.socket().patience().and_then(|patience| Instant::now().checked_add(patience));
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let left_ms = left.map_or(LOOK_MS, |left| {
                libc::c_int::try_from(left.as_millis() + 1).unwrap_or(LOOK_MS).min(LOOK_MS)
            });
            let is_ready = self.socket().wait(left_ms);
            if !listener.is_waiting(notice) {
                return;
            }
            if let Some(answer) = self.attempt() {
                return listener.answer(notice, answer);
            }
            if left.is_some_and(|left| left.is_zero()) {
                let answer = self.overdue();
                return listener.answer(notice, answer);
            }
            if is_ready {
                thread::sleep(PAUSE);
            }
        }
    }
}

/// What is done for a session.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The sockets of all that is attempted or waits, so that it can be broken off: whoever shares a socket can have an attempt wait
    /// after all, by a change of its flags at the right moment. Each is open as long as it stands here.
    sockets: HashMap<u64, libc::c_int>,
    /// What the next has as its key.
    next: u64,
    /// Those that wait beside.
    threads: Vec<JoinHandle<()>>,
}

/// Something that can be broken off, until it is dropped.
#[derive(Debug)]
struct Noted {
    under_way: Arc<UnderWay>,
    key: u64,
    deed: Deed,
}

impl Drop for Noted {
    fn drop(&mut self) {
        // Before its socket is closed.
        self.under_way.known().sockets.remove(&self.key);
    }
}

impl UnderWay {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(self: &Arc<Self>, deed: Deed) -> Noted {
        let mut known = self.known();
        let key = known.next;
        known.next += 1;
        known.sockets.insert(key, deed.socket().number());
        Noted { under_way: self.clone(), key, deed }
    }

    /// Does something, and answers: at once, or on a thread of its own once it can be done.
    pub(super) fn make(self: &Arc<Self>, deed: Deed, listener: &Arc<Listener>, notice: &Notice) {
        let mut noted = self.note(deed);
        match noted.deed.attempt() {
            Some(answer) => {
                // Whoever is told finds the supervisor without a copy.
                drop(noted);
                listener.answer(notice, answer);
            }
            None => self.later(noted, listener, notice),
        }
    }

    fn later(self: &Arc<Self>, mut noted: Noted, listener: &Arc<Listener>, notice: &Notice) {
        let (theirs, asked) = (listener.clone(), *notice);
        let otherwise = noted.deed.unfinished();
        let mut known = self.known();
        known.threads.retain(|thread| !thread.is_finished());
        let has_room = known.threads.len() < WAITING;
        drop(known);
        let begun = has_room.then(|| {
            let thread = thread::Builder::new().name("circlet-wait".to_owned());
            thread.spawn(move || noted.deed.finish(&theirs, &asked))
        });
        match begun {
            Some(Ok(thread)) => self.known().threads.push(thread),
            _ => listener.answer(notice, otherwise),
        }
    }

    /// Ends what is attempted or waits: once nobody is left who could ask, each of them ends with it or finds that out.
    pub(super) fn break_off(&self) {
        for socket in self.known().sockets.values() {
            // SAFETY: the call takes integers. The descriptor is open as long as it stands here, behind the lock.
            unsafe { libc::shutdown(*socket, libc::SHUT_RDWR) };
        }
    }

    /// Ends what waits, with its threads, once nobody is left who could ask.
    pub(super) fn end(&self) {
        let threads = std::mem::take(&mut self.known().threads);
        for thread in threads {
            // One that was about to begin an attempt begins it after the first time.
            while !thread.is_finished() {
                self.break_off();
                thread::sleep(PAUSE);
            }
            let _ = thread.join();
        }
    }
}
