//! A proxy for one session, by which its code reaches domains: HTTP `CONNECT`, HTTP requests with a whole URL, and SOCKS5.
//!
//! It listens at a port of loopback, in the supervisor's process, as confined code has no Unix sockets. Only [`Guests`] come in: connections
//! that the supervisor itself has made for the session, known by their address. A name is decided on before it is looked up, each address
//! that it leads to is decided on again, and the connection is made to the address that was decided on, without another look.

mod authority;
mod body;
mod converse;
mod end;
mod guests;
mod http;
mod lookup;
mod refusal;
mod relay;
mod serve;
mod socks;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use guests::Guests;
pub(super) use guests::Place;
pub(super) use lookup::system as system_names;
pub(super) use serve::{Serving, Terms};

/// The variables by which programs know their proxy. All of them name it as a proxy of HTTP, which every client can use: where
/// `ALL_PROXY` names one of SOCKS5, libraries that have no SOCKS fail before they have looked at the others. It is one all the same.
const VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/// A place for a session's connections, before anybody serves it.
#[derive(Debug)]
pub(super) struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
    guests: Arc<Guests>,
}

impl Proxy {
    /// Takes a port of loopback.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn new() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // Whoever has gone between being told of and being taken holds nobody up.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, guests: Arc::default() })
    }

    /// Returns what a session's environment says of it.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        let url = format!("http://{}", self.address);
        VARIABLES.into_iter().map(move |name| (name, url.clone()))
    }

    /// Tells whether it is there.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        address == self.address
    }

    /// Has a place for a socket of the session's that is about to be connected to it, for a thread. It gets an address, if it has none.
    ///
    /// # Errors
    /// `ECONNREFUSED` where as many as may are connected already.
    pub(super) fn expect(&self, socket: &OwnedFd, thread: libc::pid_t) -> io::Result<Place> {
        let socket = TcpStream::from(socket.try_clone()?);
        if socket.peer_addr().is_ok() {
            // It is connected, and the kernel says so when it is tried again.
            return Ok(Place::default());
        }
        if socket.local_addr()?.port() == 0 {
            end::bind(&socket, (Ipv4Addr::LOCALHOST, 0).into())?;
        }
        let mut address = socket.local_addr()?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        self.guests.expect(address, socket, thread)
    }
}
