//! How a session ends.

use std::time::Duration;

use super::supervisor::{GLANCE, LOOKS};
use super::{Session, Stopped};
use crate::exec::log::{CIRCLET, log};
use crate::exec::sandbox::Cage;
use crate::exec::{Ended, Error};
use crate::pool::WorkerEnd;
use crate::ring::Deadline;
use crate::usage;

/// How long a session has to end in order before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// How long to wait for an end before it is looked at what comes meanwhile.
const TURN: Duration = Duration::from_millis(5);

impl Session {
    /// Ends the session: in order within 2 s, or killed.
    ///
    /// # Errors
    /// [`Error::Died`] where it did not end in order; it has ended all the same.
    pub fn stop(mut self) -> Result<(), Error> {
        match self.end_in_order() {
            Some((Ended::Exited(0), _)) | None => Ok(()),
            Some((how, said)) => Err(Error::Died { how, said }),
        }
    }

    pub(super) fn end_in_order(&mut self) -> Option<(Ended, String)> {
        drop(self.to.take()?);
        self.shared.life.leaves(WorkerEnd::Stopped);
        let deadline = Deadline::after(STOP_GRACE);
        let mut turn = deadline;
        if self.run.is_some() {
            // Nobody takes what it sends any more, and it may wait for that.
            self.interrupter().interrupt();
            turn = Deadline::after(TURN);
        }
        let ended = loop {
            let ended = self.process.wait(turn);
            if ended.is_some() || deadline.passed() {
                break ended;
            }
            self.forget();
            turn = Deadline::after(deadline.left().unwrap_or(TURN).min(TURN));
        };
        self.run = None;
        self.shared.end();
        let (how, said) = ended.map_or_else(|| self.process.end(), |how| (how, self.process.said()));
        log(CIRCLET, || format!("session {} {how}", self.process_id()));
        Some((how, said))
    }

    /// Takes what comes of a run that nobody waits for.
    fn forget(&mut self) {
        for _ in 0..LOOKS {
            if self.run.is_none() || !self.look(GLANCE).is_ok_and(|has_more| has_more) {
                break;
            }
            self.events.clear();
        }
    }

    /// Says how a session has ended that has, or is about to.
    pub(super) fn died(&mut self) -> Error {
        self.to = None;
        self.run = None;
        // What is told of it names the run, which is under way until then.
        let is_past = self.shared.is_past_memory();
        let stopped = self.shared.end();
        let how = self.process.wait(Deadline::after(STOP_GRACE)).unwrap_or_else(|| self.process.end().0);
        log(CIRCLET, || format!("session {} {how}", self.process_id()));
        self.out_of_memory = match (stopped, how) {
            _ if is_past => Some(true),
            (Some(Stopped::Killed), _) => Some(false),
            (_, Ended::Killed(libc::SIGKILL)) => self.kills_for_memory.and_then(usage::claim_kill_for_memory),
            _ => Some(false),
        };
        let most = self.cage.as_ref().and_then(Cage::memory_bytes).filter(|_| is_past);
        if let Some(most) = most {
            let words =
                format!("[circlet: it had more than {most} bytes of memory, with all that it started]\n");
            self.last_words.extend_from_slice(words.as_bytes());
        }
        match stopped {
            Some(Stopped::Killed) => Error::Stopped,
            // What was written to the descriptor alone is known where there was no run to take it.
            _ if self.last_words.is_empty() => Error::Died { how, said: self.process.said() },
            _ => Error::Died { how, said: String::from_utf8_lossy(&self.last_words).into_owned() },
        }
    }

    pub(super) fn broken<T>(&mut self, what: &str) -> Result<T, Error> {
        self.to = None;
        self.run = None;
        self.shared.end();
        self.process.end();
        Err(Error::Protocol { what: what.to_owned() })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end_in_order();
        self.process.close();
    }
}
