//! Who may come to a proxy: connections that its supervisor makes itself, by their addresses.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many connections a session has to its proxy at once: each takes a thread and two descriptors of the supervisor's.
const MOST: usize = 64;
/// How long a connection that is under way is waited for. On loopback it is there at once.
const COMES_WITHIN: Duration = Duration::from_secs(10);

/// The connections of one session to its proxy.
#[derive(Debug, Default)]
pub(super) struct Guests(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    expected: HashMap<SocketAddr, Expected>,
    /// How many have come and not gone.
    inside: usize,
}

/// A connection that is under way.
#[derive(Debug)]
struct Expected {
    thread: libc::pid_t,
    since: Instant,
    /// What it is of, kept open, so that the kernel can be asked.
    socket: TcpStream,
}

/// A place for a connection that is about to be made: it is given back when this is dropped, unless it is kept.
#[derive(Debug, Default)]
pub(in crate::exec::sandbox) struct Place(Option<(Arc<Guests>, SocketAddr)>);

/// A connection that has come. Another may take its place once it is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    /// Who has made it.
    pub(super) thread: libc::pid_t,
    guests: Arc<Guests>,
}

impl Place {
    /// Keeps it: the connection is there, or under way.
    pub(in crate::exec::sandbox) fn keep(&mut self) {
        self.0 = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((guests, address)) = self.0.take() {
            guests.known().expected.remove(&address);
        }
    }
}

impl Known {
    /// Forgets those that have not come for too long.
    fn prune(&mut self) {
        self.expected.retain(|_, expected| expected.since.elapsed() < COMES_WITHIN);
    }
}

impl Guests {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a place for a socket of this address, which is about to be connected. Where it has one already, that stays whatever comes
    /// of this.
    ///
    /// # Errors
    /// `ECONNREFUSED` where there are as many as may be.
    pub(super) fn expect(
        self: &Arc<Self>,
        address: SocketAddr,
        socket: TcpStream,
        thread: libc::pid_t,
    ) -> io::Result<Place> {
        let mut known = self.known();
        known.prune();
        let is_new = !known.expected.contains_key(&address);
        if is_new && known.expected.len() + known.inside >= MOST {
            return Err(io::Error::from_raw_os_error(libc::ECONNREFUSED));
        }
        known.expected.insert(address, Expected { thread, since: Instant::now(), socket });
        Ok(Place(is_new.then(|| (self.clone(), address))))
    }

    /// Lets a connection in that has come to `to`, if it is expected, once. The socket with this address must be connected there: one that
    /// was let go of may have left its address to somebody else.
    pub(super) fn admit(self: &Arc<Self>, address: SocketAddr, to: SocketAddr) -> Option<Guest> {
        let mut known = self.known();
        known.prune();
        let expected = known.expected.remove(&address)?;
        if !expected.socket.peer_addr().is_ok_and(|peer| peer == to) {
            return None;
        }
        known.inside += 1;
        Some(Guest { thread: expected.thread, guests: self.clone() })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.known().inside -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A connection, its two addresses, and who keeps it.
    fn connected() -> (TcpStream, [SocketAddr; 2], TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let socket = TcpStream::connect(to).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, [address, to], listener)
    }

    #[test]
    fn nobody_comes_in_who_is_not_expected_and_nobody_twice() {
        let (socket, [address, to], _listener) = connected();
        let guests = Arc::<Guests>::default();
        assert!(guests.admit(address, to).is_none());
        guests.expect(address, socket, 7).unwrap().keep();
        assert_eq!(guests.admit(address, to).map(|guest| guest.thread), Some(7));
        assert!(guests.admit(address, to).is_none());
    }

    #[test]
    fn nobody_comes_in_who_has_the_address_of_another() {
        let (socket, [address, _], _listener) = connected();
        let (_, [_, to], _other) = connected();
        let guests = Arc::<Guests>::default();
        // Connected elsewhere, and not connected at all.
        guests.expect(address, socket, 7).unwrap().keep();
        assert!(guests.admit(address, to).is_none());
        guests.expect(address, super::super::end::socket(to).unwrap(), 7).unwrap().keep();
        assert!(guests.admit(address, to).is_none());
    }

    #[test]
    fn as_many_come_in_as_may_and_others_when_these_have_gone() {
        let (socket, [_, to], _listener) = connected();
        let guests = Arc::<Guests>::default();
        let expect = |port: u16| {
            guests.expect(([127, 0, 0, 1], port).into(), socket.try_clone().unwrap(), 1).map_err(|e| e.kind())
        };
        (1..=MOST as u16).for_each(|port| expect(port).unwrap().keep());
        assert_eq!(expect(1000).unwrap_err(), io::ErrorKind::ConnectionRefused);
        let guest = guests.admit(([127, 0, 0, 1], 1).into(), to).unwrap();
        assert_eq!(expect(1000).unwrap_err(), io::ErrorKind::ConnectionRefused);
        drop(guest);
        expect(1000).unwrap();
    }

    #[test]
    fn a_place_is_given_back_unless_it_is_kept_or_was_there_before() {
        let (socket, [address, to], _listener) = connected();
        let guests = Arc::<Guests>::default();
        let expect = || guests.expect(address, socket.try_clone().unwrap(), 7).unwrap();
        drop(expect());
        assert!(guests.admit(address, to).is_none());
        expect().keep();
        drop(expect());
        assert!(guests.admit(address, to).is_some());
    }
}
