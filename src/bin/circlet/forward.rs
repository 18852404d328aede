//! Signals to this program, which are meant for the code that it runs.

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

/// Hands signals on to a session, and to the next one where it was told of that.
#[derive(Clone, Debug)]
pub(crate) struct Forward(Arc<Mutex<Interrupter>>);

impl Forward {
    /// Begins to hand these signals on, until this program ends: to the session and what it has started, as a terminal does. The
    /// second within a short time ends code that goes on. SIGTSTP stops both, until both are to go on.
    pub(crate) fn start(interrupter: Interrupter, signals: &[i32]) -> Result<Self, Failure> {
        let mut signals = Signals::new(signals.iter().chain(&[SIGTSTP])).map_err(Failure::run)?;
        let forward = Self(Arc::new(Mutex::new(interrupter)));
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
                if last.is_some_and(|last| last.elapsed() < TWICE) {
                    interrupter.interrupt();
                }
                last = Some(Instant::now());
            }
        });
        Ok(forward)
    }

    /// Returns what stops the session that signals go to.
    pub(crate) fn get(&self) -> Interrupter {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hands signals on to another session.
    pub(crate) fn set(&self, interrupter: Interrupter) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = interrupter;
    }
}
