//! One viewer: a socket, how far it has come, and what it has got.

use std::io::{self, Read, Write};
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use socket2::{Domain, SockRef, Socket, Type};

use crate::frames::{Order, number_and_time};
use crate::meter::Meter;
use crate::protocol::{Heard, Join, Protocol};
use crate::system::monotonic_ns;
use crate::websocket::{self, Reader, Received};

/// Longer than any answer to an upgrade.
const ANSWER: usize = 8 << 10;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    Dialing,
    Upgrading,
    Connecting,
    Connected,
    Joined,
    Closed,
}

/// How a viewer is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) join: Join,
    /// Stops reading when told to, and has this little room for what it does not read.
    pub(crate) receive_buffer: Option<usize>,
}

impl Kind {
    pub(crate) fn joining(join: Join) -> Self {
        Self { join, receive_buffer: None }
    }
}

pub(crate) struct Viewer {
    pub(crate) socket: TcpStream,
    pub(crate) stage: Stage,
    /// Whether it takes what has come.
    pub(crate) reads: bool,
    /// The number of its newest frame.
    pub(crate) newest: u64,
    /// Of the frames that the meter counts.
    pub(crate) frames: u64,
    /// When it read the first frame that was sent after this time.
    pub(crate) first_since: Option<(u64, Option<u64>)>,
    protocol: Protocol,
    join: Join,
    port: u16,
    answer: Vec<u8>,
    reader: Reader,
    out: Vec<u8>,
}

impl Viewer {
    /// Begins to connect, from `source`.
    pub(crate) fn dial(protocol: Protocol, port: u16, kind: Kind, source: Ipv4Addr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        // Closed by a reset: no port is kept waiting for stray segments.
        socket.set_linger(Some(std::time::Duration::ZERO))?;
        if let Some(bytes) = kind.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if source != Ipv4Addr::LOCALHOST {
            socket.bind(&SocketAddr::from((source, 0)).into())?;
        }
        match socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => {}
        }
        Ok(Self {
            socket: TcpStream::from_std(socket.into()),
            stage: Stage::Dialing,
            reads: true,
            newest: 0,
            frames: 0,
            first_since: None,
            protocol,
            join: kind.join,
            port,
            answer: Vec::new(),
            reader: Reader::default(),
            out: Vec::new(),
        })
    }

    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.stage, Stage::Connected | Stage::Joined)
    }

    /// Asks for the room.
    pub(crate) fn ask_to_join(&mut self) {
        self.say(&self.protocol.join());
        self.write();
    }

    /// Asks the server to publish frames.
    pub(crate) fn ask_for_frames(&mut self, order: &Order) -> serde_json::Result<()> {
        let order = self.protocol.order(order)?;
        self.say(&order);
        self.write();
        Ok(())
    }

    /// Gives the socket room for what comes, as a viewer has that reads.
    pub(crate) fn widen(&self, bytes: usize) {
        let _ = SockRef::from(&self.socket).set_recv_buffer_size(bytes);
    }

    /// Writes what has been said, as far as the socket takes it.
    pub(crate) fn write(&mut self) {
        if self.stage == Stage::Dialing {
            match (self.socket.take_error(), self.socket.peer_addr()) {
                (Ok(None), Ok(_)) => {
                    self.out = websocket::upgrade_request(self.port);
                    self.stage = Stage::Upgrading;
                }
                (Ok(None), Err(error)) if error.kind() == io::ErrorKind::NotConnected => return,
                _ => return self.stage = Stage::Closed,
            }
        }
        while !self.out.is_empty() && self.stage != Stage::Closed {
            match self.socket.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.stage = Stage::Closed,
            }
        }
        // Ten thousand of them wait longer than they speak.
        self.out = Vec::new();
    }

    /// Reads what has come, up to the end if the server has closed its side.
    pub(crate) fn read(&mut self, buffer: &mut [u8], to_end: bool, meter: &mut Meter) {
        while self.reads && self.stage != Stage::Closed {
            match self.socket.read(buffer) {
                Ok(0) => self.stage = Stage::Closed,
                Ok(length) => {
                    self.take(&buffer[..length], meter);
                    // Less than there was room for: the kernel tells when there is more.
                    if length < buffer.len() && !to_end {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.stage = Stage::Closed,
            }
        }
        if !self.out.is_empty() {
            self.write();
        }
    }

    fn take(&mut self, mut bytes: &[u8], meter: &mut Meter) {
        if self.stage == Stage::Upgrading {
            let already = self.answer.len();
            self.answer.extend_from_slice(bytes);
            let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") else {
                if self.answer.len() > ANSWER {
                    self.stage = Stage::Closed;
                }
                return;
            };
            let answer = mem::take(&mut self.answer);
            if !websocket::is_upgrade(&answer[..end]) {
                return self.stage = Stage::Closed;
            }
            self.stage = Stage::Connecting;
            bytes = &bytes[end + 4 - already..];
            if self.protocol == Protocol::Plain {
                self.be_connected();
            }
        }
        while let Some(received) = self.reader.next(&mut bytes) {
            match received {
                Received::Message => self.hear(meter),
                Received::Ping => websocket::put_pong(&mut self.out, self.reader.control()),
                Received::Close | Received::Violation => return self.stage = Stage::Closed,
            }
        }
    }

    fn hear(&mut self, meter: &mut Meter) {
        match self.protocol.hear(self.reader.head()) {
            Heard::Open => {
                self.say(Protocol::CONNECT);
                if self.join == Join::WithConnect {
                    self.say(&self.protocol.join());
                }
            }
            Heard::Ping => self.say(Protocol::PONG),
            Heard::Connected => self.be_connected(),
            // The acknowledgement of a join may come before that of its CONNECT packet.
            Heard::Joined => self.stage = self.stage.max(Stage::Joined),
            Heard::Done(frames) => meter.done = Some(frames),
            Heard::Frame => {
                let is_there = self.see_frame(meter);
                meter.unreadable += u64::from(!is_there);
            }
            Heard::Snapshot => {
                self.see_frame(meter);
            }
            Heard::Ended => self.stage = Stage::Closed,
            Heard::Other => {}
        }
    }

    fn be_connected(&mut self) {
        self.stage = self.stage.max(Stage::Connected);
        let is_due = match self.join {
            Join::Later => false,
            // There is no CONNECT packet that it could have gone with.
            Join::WithConnect => self.protocol == Protocol::Plain,
            Join::AfterConnect => true,
        };
        if is_due {
            self.say(&self.protocol.join());
        }
    }

    /// Notes the frame of a message, unless it had that or a newer one already. Tells whether there is one.
    fn see_frame(&mut self, meter: &mut Meter) -> bool {
        let now = monotonic_ns();
        let Some((number, sent)) = number_and_time(self.reader.head()) else { return false };
        if number <= self.newest {
            return true;
        }
        self.newest = number;
        if let Some((since, first @ None)) = &mut self.first_since
            && sent >= *since
        {
            *first = Some(now);
        }
        if meter.note(number, sent, now) {
            self.frames += 1;
        }
        true
    }

    fn say(&mut self, text: &[u8]) {
        websocket::put_text(&mut self.out, text);
    }
}
