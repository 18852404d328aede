//! What is done on a copy of a socket in the place of who asked: at once where that can be, else beside whatever else is asked
//! meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::connections::Call;
use super::notices::{Answer, Listener, Notice};
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
    Send(Sending),
}

impl Deed {
    /// Does it, or as much as can be done without waiting; `None` if it is to be waited for.
    pub(super) fn attempt(&mut self) -> Option<Answer> {
        match self {
            Self::Call(call) => call.attempt(),
            Self::Send(sending) => sending.attempt(),
        }
    }

    fn socket(&self) -> &Socket {
        match self {
            Self::Call(call) => call.socket(),
            Self::Send(sending) => sending.socket(),
        }
    }

    /// What it comes to where nobody waits for the rest, a connection to this error.
    fn unfinished(&self, error: libc::c_int) -> Answer {
        match self {
            Self::Call(_) => Answer::Fail(error),
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
                return listener.answer(notice, self.unfinished(libc::EINPROGRESS));
            }
            if is_ready {
                thread::sleep(PAUSE);
            }
        }
    }
}

/// What is done for a session.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    /// The socket of what is attempted now, so that it can be broken off: whoever shares the socket can have an attempt wait
    /// after all, by a change of its flags at the right moment.
    now: Mutex<Option<libc::c_int>>,
    /// How many wait beside.
    waiting: AtomicUsize,
}

impl UnderWay {
    /// Attempts something that can be broken off meanwhile.
    pub(super) fn attempt(&self, deed: &mut Deed) -> Option<Answer> {
        self.set(Some(deed.socket().number()));
        let answer = deed.attempt();
        self.set(None);
        answer
    }

    /// Does something once it can be done, and answers, on a thread of its own.
    pub(super) fn later(self: &Arc<Self>, mut deed: Deed, listener: &Arc<Listener>, notice: &Notice) {
        let (under_way, theirs, asked) = (self.clone(), listener.clone(), *notice);
        let otherwise = deed.unfinished(libc::EAGAIN);
        let has_room = self.waiting.fetch_add(1, Relaxed) < WAITING;
        let thread = thread::Builder::new().name("circlet-wait".to_owned());
        let begins = has_room
            && thread
                .spawn(move || {
                    deed.finish(&theirs, &asked);
                    drop(deed);
                    under_way.waiting.fetch_sub(1, Relaxed);
                })
                .is_ok();
        if !begins {
            self.waiting.fetch_sub(1, Relaxed);
            listener.answer(notice, otherwise);
        }
    }

    /// Ends the connection that is attempted, if there is one.
    pub(super) fn break_off(&self) {
        let socket = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = *socket {
            // SAFETY: the call takes integers. The descriptor is open as long as it stands here, behind the lock.
            unsafe { libc::shutdown(socket, libc::SHUT_RDWR) };
        }
    }

    fn set(&self, socket: Option<libc::c_int>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = socket;
    }
}
