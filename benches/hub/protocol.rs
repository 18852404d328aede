//! What viewers say, in Socket.IO or in the few words of the peer without it, and what they are told.

use crate::frames::{Order, ROOM};

/// When a viewer asks for its room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Join {
    /// When it is told to.
    Later,
    /// In the same write as the CONNECT packet.
    WithConnect,
    /// As soon as its CONNECT packet is acknowledged.
    AfterConnect,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    /// Engine.IO 4 with Socket.IO 5 in it.
    SocketIo,
    /// Plain messages, which need no connecting beyond the WebSocket's.
    Plain,
}

/// What a message means to a viewer.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    /// Engine.IO's open packet: a CONNECT packet is due.
    Open,
    Ping,
    Connected,
    Joined,
    /// The order is done, with so many frames.
    Done(u64),
    Frame,
    /// A room's whole state, in which there may be a frame.
    Snapshot,
    /// The server wants no more of this viewer.
    Ended,
    Other,
}

const JOIN_ACK: u64 = 0;
const ORDER_ACK: u64 = 1;
const REFUSED: &[u8] = b"\"ok\":false";

impl Protocol {
    pub(crate) const CONNECT: &'static [u8] = b"40";
    pub(crate) const PONG: &'static [u8] = b"3";

    pub(crate) fn join(self) -> Vec<u8> {
        match self {
            Self::SocketIo => format!("42{JOIN_ACK}[\"join-game\",\"{ROOM}\"]").into_bytes(),
            Self::Plain => b"join".to_vec(),
        }
    }

    pub(crate) fn order(self, order: &Order) -> serde_json::Result<Vec<u8>> {
        let order = serde_json::to_string(order)?;
        Ok(match self {
            Self::SocketIo => format!("42{ORDER_ACK}[\"start\",{order}]").into_bytes(),
            Self::Plain => format!("start {order}").into_bytes(),
        })
    }

    /// Tells what the beginning of a message is.
    pub(crate) fn hear(self, head: &[u8]) -> Heard {
        match (self, head) {
            (Self::SocketIo, [b'0', ..]) => Heard::Open,
            (Self::SocketIo, b"2") => Heard::Ping,
            (Self::SocketIo, [b'4', b'0', ..]) => Heard::Connected,
            (Self::SocketIo, [b'4', b'2', rest @ ..]) if rest.starts_with(b"[\"gameState\"") => {
                Heard::Snapshot
            }
            (Self::SocketIo, [b'4', b'2', ..]) => Heard::Frame,
            (Self::SocketIo, [b'4', b'3', rest @ ..]) => acknowledged(rest),
            (Self::SocketIo, [b'4', b'1' | b'4', ..] | [b'1', ..]) => Heard::Ended,
            (Self::Plain, b"joined") => Heard::Joined,
            (Self::Plain, [b'd', b'o', b'n', b'e', b' ', rest @ ..]) => {
                number(rest).map_or(Heard::Other, Heard::Done)
            }
            (Self::Plain, [b'[', ..]) => Heard::Frame,
            _ => Heard::Other,
        }
    }
}

/// Reads `0["joined"]`, and `1[300]`. A refusal is no join.
fn acknowledged(rest: &[u8]) -> Heard {
    if rest.windows(REFUSED.len()).any(|window| window == REFUSED) {
        return Heard::Other;
    }
    let mut parts = rest.split(|byte| matches!(byte, b'[' | b']'));
    match (parts.next().and_then(number), parts.next().and_then(number)) {
        (Some(JOIN_ACK), _) => Heard::Joined,
        (Some(ORDER_ACK), Some(frames)) => Heard::Done(frames),
        _ => Heard::Other,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
