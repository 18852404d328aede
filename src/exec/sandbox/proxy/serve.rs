//! The threads of a proxy: one that takes connections, and one for each of these.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Proxy;
use super::converse::converse;
use super::end::{End, READ};
use super::guests::Guest;
use super::lookup::{Lookups, Resolve};
use crate::exec::policy::Resolved;
use crate::exec::sandbox::audit::Audit;
use crate::shm::Deadline;

/// How long nothing is taken where the system has no descriptors or threads left.
const PAUSE: Duration = Duration::from_millis(100);

/// By what a proxy decides, and who is told.
#[derive(Debug)]
pub(in crate::exec::sandbox) struct Terms {
    pub(in crate::exec::sandbox) policy: Arc<Resolved>,
    pub(in crate::exec::sandbox) audit: Arc<Audit>,
    /// The session's process.
    pub(in crate::exec::sandbox) session: u32,
}

/// What all threads of a proxy have.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) terms: Terms,
    pub(super) lookups: Lookups,
    pub(super) end: End,
    proxy: Arc<Proxy>,
}

/// A proxy that serves. Dropping it ends all of its connections and threads.
#[derive(Debug)]
pub(in crate::exec::sandbox) struct Serving {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Starts to serve.
    ///
    /// # Errors
    /// There is no thread for it.
    pub(in crate::exec::sandbox) fn start(
        proxy: Arc<Proxy>,
        terms: Terms,
        resolve: Resolve,
    ) -> io::Result<Self> {
        let server = Arc::new(Server { terms, lookups: Lookups::new(resolve), end: End::new()?, proxy });
        let takes = server.clone();
        let thread = thread::Builder::new().name("circlet-proxy".to_owned());
        let thread = thread.spawn(move || takes.take_all())?;
        Ok(Self { server, thread: Some(thread) })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.server.end.give();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Server {
    /// Takes connections until the end, and ends with the last of their threads.
    fn take_all(self: &Arc<Self>) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        while self.end.wait([(&self.proxy.listener, READ)], Deadline::NEVER).is_ok() {
            threads.retain(|thread| !thread.is_finished());
            let taken = match self.proxy.listener.accept() {
                // One that is not expected is another program's, and is closed.
                Ok((stream, address)) => match self.proxy.guests.admit(address, self.proxy.address) {
                    Some(guest) => self.talk(stream, guest).map(|thread| threads.push(thread)),
                    None => Ok(()),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                Err(error) => Err(error),
            };
            if taken.is_err() {
                // There is too little of something. It would be looked for again at once.
                let _ = self.end.wait([], Deadline::after(PAUSE));
            }
        }
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn talk(self: &Arc<Self>, stream: TcpStream, guest: Guest) -> io::Result<JoinHandle<()>> {
        let server = self.clone();
        let thread = thread::Builder::new().name("circlet-guest".to_owned());
        thread.spawn(move || {
            converse(&server, &stream, &guest);
            // Whoever comes in its place finds its descriptors closed.
            drop(stream);
        })
    }
}
