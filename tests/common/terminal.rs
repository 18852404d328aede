//! A program at a pseudo-terminal, as a person has it.
#![allow(dead_code, unreachable_pub, reason = "each test program has it as a module and uses a part of it")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for what is to appear.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program at a terminal of 24 rows and 80 columns; dropping it kills the program.
pub struct Terminal {
    child: Child,
    keys: File,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    /// How much of what was seen has been waited for.
    read: usize,
}

#[derive(Default)]
struct Seen {
    text: String,
    is_over: bool,
}

impl Terminal {
    pub fn start(mut command: Command) -> Self {
        let (mut ours, mut theirs) = (0, 0);
        let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the integers and the size outlive the call, and nothing else is asked for.
        let opened = unsafe {
            libc::openpty(
                &raw mut ours,
                &raw mut theirs,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                (&raw const size).cast_mut(),
            )
        };
        assert_eq!(opened, 0, "{}", io::Error::last_os_error());
        // SAFETY: both descriptors were just opened and belong to nobody else.
        let (ours, theirs) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
        command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
        command.env("TERM", "xterm");
        let own_terminal = || {
            // SAFETY: the calls take integers and are async-signal-safe.
            let failed = unsafe { libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 };
            if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
        };
        // SAFETY: the closure makes async-signal-safe calls and allocates nothing.
        unsafe { command.pre_exec(own_terminal) };
        let child = command.spawn().unwrap();
        drop(command);
        let keys = File::from(ours);
        let (mut screen, seen) = (keys.try_clone().unwrap(), Arc::<(Mutex<Seen>, Condvar)>::default());
        let shared = seen.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                // The terminal's end is an error.
                let count = screen.read(&mut bytes).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap();
                seen.text.push_str(&String::from_utf8_lossy(&bytes[..count]));
                seen.is_over |= count == 0;
                shared.1.notify_all();
                if count == 0 {
                    break;
                }
            }
        });
        Self { child, keys, seen, read: 0 }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this appears after what was waited for before, and returns what came before it.
    pub fn wait_for(&mut self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            let new = &seen.text[self.read..];
            if let Some(at) = new.find(wanted) {
                let before = new[..at].to_owned();
                self.read += at + wanted.len();
                return before;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!seen.is_over && !left.is_zero(), "{wanted:?} did not appear after {:?}", seen.text);
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Returns the process id of the program.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program's end.
    pub fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            let seen = self.seen.0.lock().unwrap();
            assert!(Instant::now() < until, "it goes on after {:?}", seen.text);
            // The terminal tells of the end, mostly.
            drop(self.seen.1.wait_timeout(seen, Duration::from_millis(20)).unwrap());
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
