//! Where names lead. The C library's lookup cannot be ended: each has a thread of its own, which nobody waits for any longer than it has time.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;

use super::end::{End, READ};
use super::refusal::Refusal;
use crate::shm::Deadline;

/// How many lookups are under way at once, with those that nobody waits for any more.
const MOST: usize = 32;

/// Says where a name leads.
pub(in crate::exec::sandbox) type Resolve = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// Looks names up as programs on this machine do.
pub(in crate::exec::sandbox) fn system() -> Resolve {
    Arc::new(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
}

/// The lookups of one session.
pub(super) struct Lookups {
    resolve: Resolve,
    running: Arc<AtomicUsize>,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").field("running", &self.running).finish_non_exhaustive()
    }
}

/// One that is under way.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Lookups {
    pub(super) fn new(resolve: Resolve) -> Self {
        Self { resolve, running: Arc::default() }
    }

    /// Looks a name up. An address of IPv4 that is wrapped in one of IPv6 is that of IPv4.
    ///
    /// # Errors
    /// [`Refusal::NoSuchName`], [`Refusal::Busy`], [`Refusal::Gone`].
    pub(super) fn find(&self, name: &str, end: &End, deadline: Deadline) -> Result<Vec<IpAddr>, Refusal> {
        let running = Running(self.running.clone());
        if running.0.fetch_add(1, SeqCst) >= MOST {
            return Err(Refusal::Busy);
        }
        let (tell, told) = mpsc::channel();
        let (is_told, telling) = io::pipe().map_err(|_| Refusal::Busy)?;
        let (resolve, name) = (self.resolve.clone(), name.to_owned());
        let thread = thread::Builder::new().name("circlet-lookup".to_owned());
        let started = thread.spawn(move || {
            let _ = tell.send(resolve(&name));
            drop((running, telling));
        });
        started.map_err(|_| Refusal::Busy)?;
        end.wait([(&is_told, READ)], deadline).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => Refusal::Gone,
            _ => Refusal::NoSuchName,
        })?;
        let found = told.recv().ok().and_then(Result::ok).ok_or(Refusal::NoSuchName)?;
        Ok(found.into_iter().map(|address| address.to_canonical()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn names_lead_where_this_machine_says() {
        let lookups = Lookups::new(system());
        let end = End::new().unwrap();
        let found = lookups.find("localhost", &end, Deadline::NEVER).unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[test]
    fn a_lookup_that_takes_long_holds_nobody_up_and_many_are_refused() {
        let (end_them, ended) = mpsc::channel::<()>();
        let ended = std::sync::Mutex::new(ended);
        let lookups = Lookups::new(Arc::new(move |_| {
            let _ = ended.lock().unwrap().recv();
            Err(io::ErrorKind::NotFound.into())
        }));
        let end = End::new().unwrap();
        let begin = Instant::now();
        for _ in 0..MOST {
            let late = lookups.find("slow.example", &end, Deadline::after(Duration::from_millis(1)));
            assert_eq!(late, Err(Refusal::NoSuchName));
        }
        let refused = lookups.find("slow.example", &end, Deadline::NEVER);
        assert_eq!(refused, Err(Refusal::Busy));
        assert!(begin.elapsed() < Duration::from_secs(5));
        drop(end_them);
        while lookups.running.load(SeqCst) != 0 {
            thread::yield_now();
        }
        end.give();
        assert_eq!(lookups.find("a.example", &end, Deadline::NEVER), Err(Refusal::Gone));
    }
}
