//! Signals to this program, which are meant for the one that it runs.

use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::Interrupter;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGSTOP, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::failure::Failure;

/// Who asks twice within this time means it.
const TWICE: Duration = Duration::from_secs(2);

/// Hands signals on.
pub(super) struct Forward;

impl Forward {
    /// Begins to hand signals on, until this program ends: to the program and what it has started, as a terminal does. The
    /// second within a short time ends a program that goes on.
    pub(super) fn start(interrupter: Interrupter) -> Result<Self, Failure> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGTSTP]).map_err(Failure::run)?;
        thread::spawn(move || {
            let mut last: Option<Instant> = None;
            for signal in signals.forever() {
                if signal == SIGTSTP {
                    interrupter.signal(SIGSTOP);
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
        Ok(Self)
    }
}
