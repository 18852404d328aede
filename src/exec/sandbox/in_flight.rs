//! Descriptors that a session has sent within its pairs and that nobody has received: as many as it may have open, together.
//!
//! The kernel counts them for whoever sends, with the limit of the process that does, and as root with none. That is this process, which
//! would let a session have as many as it may have itself.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::socket::Socket;

/// The most where a policy says nothing.
const MOST: u64 = 1024;
/// The most sockets that have sent them: this process has a copy of each, so that the kernel can be asked, until they are received.
const SOCKETS: usize = 64;
/// How often the kernel is asked. Who has closed a socket with descriptors on their way is seen to have done so that much later.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// What a session has on its way.
#[derive(Debug)]
pub(super) struct InFlight {
    most: u64,
    sent: Mutex<Vec<Sent>>,
}

/// What a socket has sent, where not all of it was received: of what comes after its descriptors, too.
#[derive(Debug)]
struct Sent {
    socket: File,
    /// Its number, which nobody else has as long as there is a copy.
    inode: u64,
    descriptors: u64,
}

impl InFlight {
    /// Begins with how many descriptors a session may have open.
    pub(super) fn new(most: Option<u64>) -> Self {
        Self { most: most.unwrap_or(MOST), sent: Mutex::default() }
    }

    /// Makes room for as many descriptors as a socket is about to send, and says by what number it is known.
    ///
    /// # Errors
    /// `ETOOMANYREFS`, as the kernel's.
    pub(super) fn add(&self, socket: &Socket, descriptors: usize) -> io::Result<u64> {
        let socket = File::from(socket.descriptor().try_clone()?);
        let (inode, descriptors) = (socket.metadata()?.ino(), descriptors as u64);
        let mut all = self.left();
        let sum: u64 = all.iter().map(|sent| sent.descriptors).sum();
        let has_room = sum + descriptors <= self.most;
        match all.iter().position(|sent| sent.inode == inode) {
            Some(at) if has_room => all[at].descriptors += descriptors,
            None if has_room && all.len() < SOCKETS => all.push(Sent { socket, inode, descriptors }),
            _ => return Err(io::Error::from_raw_os_error(libc::ETOOMANYREFS)),
        }
        Ok(inode)
    }

    /// Takes back that the socket with this number was to send so many: it did not.
    pub(super) fn take_back(&self, inode: u64, descriptors: usize) {
        if let Some(sent) = self.left().iter_mut().find(|sent| sent.inode == inode) {
            sent.descriptors = sent.descriptors.saturating_sub(descriptors as u64);
        }
    }

    /// Forgets what was received by now; tells whether there is more.
    pub(super) fn look(&self) -> bool {
        !self.left().is_empty()
    }

    /// Returns what was not received.
    fn left(&self) -> MutexGuard<'_, Vec<Sent>> {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|sent| sent.descriptors > 0 && has_queued(&sent.socket));
        all
    }
}

/// Tells whether anything that a socket has sent is still to be received. What the receiver has closed is not.
fn has_queued(socket: &File) -> bool {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the number outlives the call, which writes it.
    let said = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    said == 0 && bytes > 0
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::super::asker::Asker;
    use super::*;

    #[test]
    fn what_is_received_or_taken_back_or_let_go_of_makes_room() {
        // SAFETY: the call takes nothing.
        let asker = Asker::new(unsafe { libc::getpid() });
        let in_flight = InFlight::new(Some(10));
        let pair = || {
            let (near, far) = UnixStream::pair().unwrap();
            let socket = Socket::of(&asker, near.as_raw_fd()).unwrap();
            (near, far, socket)
        };
        let add = |socket: &Socket, count| in_flight.add(socket, count).map_err(|error| error.raw_os_error());
        let (mut near, mut far, socket) = pair();
        near.write_all(b"x").unwrap();
        let number = add(&socket, 6).unwrap();
        assert_eq!(add(&socket, 5), Err(Some(libc::ETOOMANYREFS)));
        assert_eq!(add(&socket, 4), Ok(number));
        in_flight.take_back(number, 4);
        let (mut other, gone, other_socket) = pair();
        other.write_all(b"x").unwrap();
        add(&other_socket, 4).unwrap();
        assert_eq!(add(&socket, 1), Err(Some(libc::ETOOMANYREFS)));
        far.read_exact(&mut [0]).unwrap();
        assert!(in_flight.look());
        drop(gone);
        assert!(!in_flight.look());
    }

    #[test]
    fn no_more_sockets_are_kept_than_may_be() {
        // SAFETY: the call takes nothing.
        let asker = Asker::new(unsafe { libc::getpid() });
        let in_flight = InFlight::new(None);
        let all: Vec<_> = (0..=SOCKETS)
            .map(|_| {
                let (mut near, far) = UnixStream::pair().unwrap();
                near.write_all(b"x").unwrap();
                let socket = Socket::of(&asker, near.as_raw_fd()).unwrap();
                (in_flight.add(&socket, 1).map_err(|error| error.raw_os_error()), near, far)
            })
            .collect();
        let (last, before) = all.split_last().unwrap();
        assert!(before.iter().all(|(added, ..)| added.is_ok()));
        assert_eq!(last.0, Err(Some(libc::ETOOMANYREFS)));
    }
}
