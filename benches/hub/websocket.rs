//! The client's side of WebSocket (RFC 6455), as much of it as viewers need: frames are read from whatever pieces arrive, and of each
//! message the beginning is kept and the rest skipped, so that a viewer costs the generator next to nothing.

/// How much of a message is kept: more than any control message has, and where a frame has its number and its time.
const HEAD: usize = 256;

const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const TEXT: u8 = 0x1;

/// Any key will do on loopback, where no proxy could take a frame for a request.
const MASK: [u8; 4] = [0x5b, 0x2e, 0x91, 0xc6];

/// The key of the RFC's own example, with the answer that it has to get.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The request that asks for the WebSocket of a Socket.IO server.
pub(crate) fn upgrade_request(port: u16) -> Vec<u8> {
    format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
    .into_bytes()
}

/// Tells whether the answer to that request, which is here up to its empty line, is the upgrade.
pub(crate) fn is_upgrade(answer: &[u8]) -> bool {
    let answer = String::from_utf8_lossy(answer);
    answer.starts_with("HTTP/1.1 101 ") && answer.contains(ACCEPT)
}

/// Puts a text message behind what is to be written.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_frame(out, TEXT, text);
}

/// Puts the answer to a ping behind what is to be written.
pub(crate) fn put_pong(out: &mut Vec<u8>, payload: &[u8]) {
    put_frame(out, PONG, payload);
}

fn put_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..=125 => out.push(0x80 | length as u8),
        length => {
            debug_assert!(length <= usize::from(u16::MAX), "viewers send nothing longer");
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
    }
    out.extend(MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// What has been read in full.
pub(crate) enum Received {
    /// A message, whose beginning is in [`Reader::head`].
    Message,
    /// A ping, whose payload is in [`Reader::control`].
    Ping,
    Close,
    /// Something that no server may send.
    Violation,
}

/// Reads frames from pieces of any length.
#[derive(Default)]
pub(crate) struct Reader {
    header: [u8; 10],
    header_length: usize,
    /// Of the payload, once its header is complete.
    remaining: Option<u64>,
    head: Vec<u8>,
    control: Vec<u8>,
}

impl Reader {
    /// The beginning of the last message.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The payload of the last control frame.
    pub(crate) fn control(&self) -> &[u8] {
        &self.control
    }

    /// Takes from `bytes` until something is complete, or all of them.
    pub(crate) fn next(&mut self, bytes: &mut &[u8]) -> Option<Received> {
        loop {
            let remaining = match self.remaining {
                Some(remaining) => remaining,
                None => match self.read_header(bytes)? {
                    Ok(length) => length,
                    Err(violation) => return Some(violation),
                },
            };
            let (part, rest) = bytes.split_at(remaining.min(bytes.len() as u64) as usize);
            *bytes = rest;
            self.keep(part);
            self.remaining = Some(remaining - part.len() as u64);
            if self.remaining != Some(0) {
                return None;
            }
            self.remaining = None;
            self.header_length = 0;
            let is_final = self.header[0] & 0x80 != 0;
            match self.opcode() {
                CLOSE => return Some(Received::Close),
                PING => return Some(Received::Ping),
                PONG => {}
                _ if is_final => return Some(Received::Message),
                _ => {}
            }
        }
    }

    fn opcode(&self) -> u8 {
        self.header[0] & 0x0f
    }

    /// Gives the payload's length when the header is complete, which it is not yet for `None`.
    fn read_header(&mut self, bytes: &mut &[u8]) -> Option<Result<u64, Received>> {
        loop {
            let complete = match (self.header_length, self.header[1] & 0x7f) {
                (0 | 1, _) => 2,
                (_, 126) => 4,
                (_, 127) => 10,
                _ => 2,
            };
            if self.header_length == complete {
                break;
            }
            let (first, rest) = bytes.split_first()?;
            self.header[self.header_length] = *first;
            self.header_length += 1;
            *bytes = rest;
        }
        let is_masked = self.header[1] & 0x80 != 0;
        let is_extended = self.header[0] & 0x70 != 0;
        if is_masked || is_extended {
            return Some(Err(Received::Violation));
        }
        match self.opcode() {
            // A further piece of a message, whose beginning may not be all here yet.
            0 => {}
            opcode if opcode < CLOSE => self.head.clear(),
            _ => self.control.clear(),
        }
        let length = &self.header[2..self.header_length];
        let length = match length.len() {
            0 => u64::from(self.header[1] & 0x7f),
            _ => length.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        Some(Ok(length))
    }

    fn keep(&mut self, part: &[u8]) {
        let kept = if self.opcode() < CLOSE { &mut self.head } else { &mut self.control };
        let room = HEAD.saturating_sub(kept.len());
        kept.extend_from_slice(&part[..part.len().min(room)]);
    }
}
