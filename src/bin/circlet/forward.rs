//! Signals to this program, which are meant for the code that it runs.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::Interrupter;
use signal_hook::consts::{SIGCONT, SIGSTOP, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::failure::Failure;

/// Who asks twice within this time means it.
const TWICE: Duration = Duration::from_secs(2);
/// How long code that is interrupted while it waits for a line has until the input ends for it.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_millis(200);

/// Hands signals on to a session, and to the next one where it was told of that.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    interrupter: Arc<Mutex<Interrupter>>,
    count: Arc<AtomicU32>,
}

impl Forward {
    /// Begins to hand these signals on, until this program ends: to the session and what it has started, as a terminal does. The
    /// second within a short time ends code that goes on. SIGTSTP stops both, until both are to go on.
    pub(crate) fn start(interrupter: Interrupter, signals: &[i32]) -> Result<Self, Failure> {
        let mut signals = Signals::new(signals.iter().chain(&[SIGTSTP])).map_err(Failure::run)?;
        let forward = Self { interrupter: Arc::new(Mutex::new(interrupter)), count: Arc::default() };
        let handed = forward.clone();
        thread::spawn(move || {
            let mut last: Option<Instant> = None;
            for signal in signals.forever() {
                let interrupter = handed.get();
                if signal == SIGTSTP {
                    interrupter.signal(SIGSTOP);
                    // A program that cannot be stopped goes on, and the session with it.
                    let _ = emulate_default_handler(SIGTSTP);
                    interrupter.signal(SIGCONT);
                    continue;
                }
                interrupter.signal(signal);
                handed.count.fetch_add(1, Relaxed);
                if last.is_some_and(|last| last.elapsed() < TWICE) {
                    interrupter.interrupt();
                }
                last = Some(Instant::now());
            }
        });
        Ok(forward)
    }

    /// Returns how many signals were handed on.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Relaxed)
    }

    /// Returns what stops the session that signals go to.
    pub(crate) fn get(&self) -> Interrupter {
        self.interrupter.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hands signals on to another session.
    pub(crate) fn set(&self, interrupter: Interrupter) {
        *self.interrupter.lock().unwrap_or_else(PoisonError::into_inner) = interrupter;
    }
}
