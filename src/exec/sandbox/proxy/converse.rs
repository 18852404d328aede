//! One connection to a proxy: what the client wants, what the policy says to it, and then bytes to and fro.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::authority::{Authority, Host};
use super::end::{self, READ, WRITE};
use super::guests::Guest;
use super::http::{self, HEAD_BYTES, Request};
use super::refusal::Refusal;
use super::relay::{Way, relay};
use super::serve::Server;
use super::socks;
use crate::exec::policy::{Action, Decision, Direction, Protocol, Request as Asked};
use crate::shm::Deadline;

/// How long a client has to say what it wants.
const SAID_WITHIN: Duration = Duration::from_secs(10);
/// How long a name and all of its addresses may take together, and one of these.
const FOUND_WITHIN: Duration = Duration::from_secs(30);
const REACHED_WITHIN: Duration = Duration::from_secs(10);
/// How many addresses of one name are tried.
const ADDRESSES: usize = 8;
/// How long, and how much, is listened to a client that was refused: one that is cut off while it sends does not read why.
const HEARD_FOR: Duration = Duration::from_secs(1);
const HEARD_BYTES: usize = 256 << 10;

/// A client, and what of its words was not looked at yet.
struct Client<'a> {
    server: &'a Server,
    stream: &'a TcpStream,
    thread: libc::pid_t,
    said: Vec<u8>,
    deadline: Deadline,
}

/// Serves one client.
pub(super) fn converse(server: &Server, stream: &TcpStream, guest: &Guest) {
    let deadline = Deadline::after(SAID_WITHIN);
    let mut client = Client { server, stream, thread: guest.thread, said: Vec::new(), deadline };
    // What goes wrong between a client and its host is told by the end of the connection.
    let _ = client.serve();
}

impl Client<'_> {
    fn serve(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        self.stream.set_nodelay(true)?;
        self.hear()?;
        let opened = if self.said[0] == socks::VERSION { self.serve_socks()? } else { self.serve_http()? };
        let Some((host, ways)) = opened else { return self.dismiss() };
        relay(&self.server.end, self.stream, &host, ways)
    }

    /// Takes a request of HTTP. `None` where it was refused, which the client knows then.
    fn serve_http(&mut self) -> io::Result<Option<(TcpStream, [Way; 2])>> {
        match self.http() {
            Ok(opened) => Ok(Some(opened)),
            Err(refusal) => self.say(&refusal.answer()).map(|()| None),
        }
    }

    fn http(&mut self) -> Result<(TcpStream, [Way; 2]), Refusal> {
        let (length, request) = loop {
            if let Some(read) = http::read(&self.said)? {
                break read;
            }
            self.hear().map_err(|error| match error.kind() {
                ErrorKind::TimedOut => Refusal::Late,
                _ => Refusal::Gone,
            })?;
        };
        let rest = &self.said[length..];
        match request {
            Request::Tunnel(to) => {
                let host = self.open(&to)?;
                let answer = b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec();
                Ok((host, [Way::new(rest.to_vec()), Way::new(answer)]))
            }
            Request::Forward(to, head, body) => {
                let up = Way::new(head).then(body, rest).map_err(|_| Refusal::Malformed)?;
                Ok((self.open(&to)?, [up, Way::new(Vec::new())]))
            }
        }
    }

    /// Takes a request of SOCKS5. `None` where it was refused, which the client knows then.
    fn serve_socks(&mut self) -> io::Result<Option<(TcpStream, [Way; 2])>> {
        let is_open = self.heard(socks::greeting)?;
        self.say(&socks::method(is_open))?;
        if !is_open {
            return Ok(None);
        }
        let opened = match self.heard(socks::request)? {
            Ok(to) => self.open(&to).map_err(Refusal::reply),
            Err(unusable) => Err(unusable as u8),
        };
        match opened {
            Ok(host) => {
                let rest = std::mem::take(&mut self.said);
                Ok(Some((host, [Way::new(rest), Way::new(socks::reply(0).to_vec())])))
            }
            Err(code) => self.say(&socks::reply(code)).map(|()| None),
        }
    }

    /// Hears until there is what is read.
    fn heard<T>(&mut self, read: impl Fn(&[u8]) -> socks::Read<T>) -> io::Result<T> {
        loop {
            if let Some((length, read)) = read(&self.said) {
                self.said.drain(..length);
                return Ok(read);
            }
            self.hear()?;
        }
    }

    /// Takes more of what the client says.
    fn hear(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            self.server.end.wait([(self.stream, READ)], self.deadline)?;
            let room = buffer.len().min(HEAD_BYTES.saturating_sub(self.said.len()).max(1));
            match self.stream.read(&mut buffer[..room]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.said.extend(&buffer[..length]);
                    return Ok(());
                }
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Says something short.
    fn say(&mut self, mut words: &[u8]) -> io::Result<()> {
        let deadline = Deadline::after(HEARD_FOR);
        while !words.is_empty() {
            self.server.end.wait([(self.stream, WRITE)], deadline)?;
            match self.stream.write(words) {
                Ok(length) => words = &words[length..],
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Listens to what a client still says that was refused, so that it reads why.
    fn dismiss(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        self.deadline = Deadline::after(HEARD_FOR);
        let mut heard = 0;
        while heard < HEARD_BYTES {
            self.said.clear();
            self.hear()?;
            heard += self.said.len();
        }
        Ok(())
    }

    /// Connects to a host, where the policy lets it.
    fn open(&self, to: &Authority) -> Result<TcpStream, Refusal> {
        let deadline = Deadline::after(FOUND_WITHIN);
        let addresses = match &to.host {
            Host::Address(address) => vec![address.to_canonical()],
            Host::Name(name) => {
                // A name that is denied is told to no server of names.
                let decision = self.decide(&asked_for(to));
                if decision.action == Action::Deny {
                    return Err(self.denied(to, &decision));
                }
                self.server.lookups.find(name, &self.server.end, deadline)?
            }
        };
        let decided: Vec<_> = addresses
            .into_iter()
            .take(ADDRESSES)
            .map(|address| {
                let asked = match &to.host {
                    Host::Address(_) => at(address, to.port),
                    Host::Name(name) => Asked::Domain { name, port: to.port, address: Some(address) },
                };
                (address, self.decide(&asked))
            })
            .collect();
        let is_denied = |decision: &Decision| decision.action == Action::Deny;
        if let (Some((_, decision)), true) =
            (decided.first(), decided.iter().all(|(_, decision)| is_denied(decision)))
        {
            return Err(self.denied(to, decision));
        }
        for (address, decision) in decided.iter().filter(|(_, decision)| is_denied(decision)) {
            self.tell(&at(*address, to.port), decision);
        }
        for (address, decision) in decided.iter().filter(|(_, decision)| !is_denied(decision)) {
            self.tell(&asked_for(to), decision);
            let at_most = Deadline::after(REACHED_WITHIN.min(deadline.left().unwrap_or_default()));
            match self.reach(SocketAddr::new(*address, to.port), at_most) {
                Ok(host) => return Ok(host),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(Refusal::Gone),
                Err(_) => {}
            }
        }
        Err(Refusal::Unreachable)
    }

    fn reach(&self, address: SocketAddr, deadline: Deadline) -> io::Result<TcpStream> {
        let host = end::socket(address)?;
        host.set_nodelay(true)?;
        self.server.end.connect(&host, address, deadline)?;
        Ok(host)
    }

    fn decide(&self, asked: &Asked<'_>) -> Decision {
        self.server.terms.policy.decide(asked)
    }

    fn tell(&self, asked: &Asked<'_>, decision: &Decision) {
        let terms = &self.server.terms;
        terms.audit.tell(terms.session, self.thread, asked, decision);
    }

    fn denied(&self, to: &Authority, decision: &Decision) -> Refusal {
        self.tell(&asked_for(to), decision);
        Refusal::Denied
    }
}

/// What a client asks for, before anybody knows where a name leads.
fn asked_for(to: &Authority) -> Asked<'_> {
    match &to.host {
        Host::Address(address) => at(*address, to.port),
        Host::Name(name) => Asked::Domain { name, port: to.port, address: None },
    }
}

fn at(address: IpAddr, port: u16) -> Asked<'static> {
    Asked::Address { direction: Direction::Connect, protocol: Protocol::Tcp, address, port }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
