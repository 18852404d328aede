//! Websockets (RFC 6455) as a hub needs them: frames are written once for everyone, and nothing is kept for a viewer between two of its
//! messages.

use std::io::Cursor;

use bytes::Bytes;
use engineioxide_core::Str;
use tungstenite::protocol::frame::FrameHeader;
pub(super) use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::codec::Message;

pub(super) const TEXT: OpCode = OpCode::Data(Data::Text);
pub(super) const BINARY: OpCode = OpCode::Data(Data::Binary);

/// A control frame's payload is no longer (section 5.5).
const CONTROL_BYTES: u64 = 125;

/// Writes the header of a whole message of a server, which is not masked.
pub(super) fn write_header(bytes: &mut Vec<u8>, opcode: OpCode, length: usize) {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    // A vector takes everything.
    let _ = header.format(length as u64, bytes);
}

/// Returns the frame that closes a websocket, and says why.
pub(super) fn close(code: CloseCode, reason: &str) -> Bytes {
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(CONTROL_BYTES as usize - 2)];
    let mut bytes = Vec::new();
    write_header(&mut bytes, OpCode::Control(Control::Close), reason.len() + 2);
    bytes.extend_from_slice(&u16::from(code).to_be_bytes());
    bytes.extend_from_slice(reason);
    bytes.into()
}

/// What comes over a websocket.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Incoming {
    Message(Message),
    /// Its payload is to be sent back, which this frame does.
    Ping(Bytes),
    /// A frame that says nothing by itself: a pong, or a fragment that is not the last.
    Frame,
    Close,
}

/// Why a websocket is closed: what the other side did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("a frame that RFC 6455 does not allow: {0}")]
    Protocol(&'static str),
    #[error("a text message that is not UTF-8")]
    NotUtf8,
    #[error("a message of more than {0} bytes")]
    TooLong(usize),
}

impl Wrong {
    pub(super) fn code(&self) -> CloseCode {
        match self {
            Self::Protocol(_) => CloseCode::Protocol,
            Self::NotUtf8 => CloseCode::Invalid,
            Self::TooLong(_) => CloseCode::Size,
        }
    }
}

/// A frame, whose payload is masked, and the bytes after it.
struct Frame<'a> {
    header: FrameHeader,
    payload: &'a [u8],
    after: &'a [u8],
}

/// Takes messages out of the bytes of a client. It holds what is not whole yet, and nothing else.
#[derive(Debug)]
pub(super) struct Reader {
    /// How long a message may be.
    max_bytes: usize,
    /// The begin of a frame.
    rest: Vec<u8>,
    /// The message that is on its way in fragments: what it is, and what there is of it.
    fragments: Option<(Data, Vec<u8>)>,
}

impl Reader {
    /// Makes one whose first message has at most so many bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, rest: Vec::new(), fragments: None }
    }

    /// Reads bytes, and hands on what is whole: that says how long the next message may be, or that nothing more is taken.
    ///
    /// # Errors
    /// The other side does not keep to RFC 6455, or to the length: nothing more can be read.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(Incoming) -> Option<usize>,
    ) -> Result<(), Wrong> {
        let mut owned = std::mem::take(&mut self.rest);
        let mut bytes = if owned.is_empty() {
            bytes
        } else {
            owned.extend_from_slice(bytes);
            &owned
        };
        while let Some(frame) = self.frame(bytes)? {
            let incoming = self.whole(&frame.header, frame.payload)?;
            bytes = frame.after;
            let Some(max_bytes) = take(incoming) else { return Ok(()) };
            self.max_bytes = max_bytes;
        }
        // What only grew is not copied each time: it may come byte by byte.
        let only_grew = !owned.is_empty() && bytes.len() == owned.len();
        self.rest = if only_grew { owned } else { bytes.to_vec() };
        Ok(())
    }

    /// Parts the first frame from what is after it; `None` where it is not whole.
    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, Wrong> {
        let mut cursor = Cursor::new(bytes);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Wrong::Protocol("a reserved opcode"))?;
        let Some((header, length)) = parsed else { return Ok(None) };
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Wrong::Protocol("bits of extensions that nobody agreed on"));
        }
        if header.mask.is_none() {
            return Err(Wrong::Protocol("a client's frame without a mask"));
        }
        let is_control = matches!(header.opcode, OpCode::Control(_));
        if is_control && (length > CONTROL_BYTES || !header.is_final) {
            return Err(Wrong::Protocol("a control frame in fragments or of more than 125 bytes"));
        }
        let before = self.fragments.as_ref().map_or(0, |(_, fragments)| fragments.len());
        let is_allowed = |length: &usize| is_control || length.saturating_add(before) <= self.max_bytes;
        let length = usize::try_from(length).ok().filter(is_allowed).ok_or(Wrong::TooLong(self.max_bytes))?;
        let rest = &bytes[cursor.position() as usize..];
        Ok(rest.split_at_checked(length).map(|(payload, after)| Frame { header, payload, after }))
    }

    /// Takes a frame's payload; returns what it says, or with it a message that is whole now.
    fn whole(&mut self, header: &FrameHeader, masked: &[u8]) -> Result<Incoming, Wrong> {
        let payload = || unmasked(header, masked);
        let data = match header.opcode {
            OpCode::Control(Control::Ping) => {
                let mut pong = Vec::new();
                write_header(&mut pong, OpCode::Control(Control::Pong), masked.len());
                pong.extend(payload());
                return Ok(Incoming::Ping(pong.into()));
            }
            OpCode::Control(Control::Close) => return Ok(Incoming::Close),
            OpCode::Control(_) => return Ok(Incoming::Frame),
            OpCode::Data(data) => data,
        };
        let (data, bytes) = match (self.fragments.take(), data) {
            (Some((data, mut fragments)), Data::Continue) => {
                fragments.extend(payload());
                (data, fragments)
            }
            (None, Data::Text | Data::Binary) => (data, payload().collect()),
            (None, _) => return Err(Wrong::Protocol("a fragment of no message")),
            (Some(_), _) => return Err(Wrong::Protocol("a message within another's fragments")),
        };
        if !header.is_final {
            self.fragments = Some((data, bytes));
            return Ok(Incoming::Frame);
        }
        let message = match data {
            Data::Text => Message::Text(Str::from(String::from_utf8(bytes).map_err(|_| Wrong::NotUtf8)?)),
            _ => Message::Binary(bytes.into()),
        };
        Ok(Incoming::Message(message))
    }
}

fn unmasked<'a>(header: &FrameHeader, masked: &'a [u8]) -> impl Iterator<Item = u8> + use<'a> {
    let mask = header.mask.unwrap_or_default();
    masked.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};

    use proptest::prelude::*;
    use tungstenite::protocol::{Role, WebSocket};

    use super::*;

    /// Both ends of nothing: what is written is kept, and nothing comes.
    #[derive(Default)]
    struct Written(Vec<u8>);

    impl Read for Written {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Writes messages as tungstenite's client does.
    fn sent(messages: &[tungstenite::Message]) -> Vec<u8> {
        let mut client = WebSocket::from_raw_socket(Written::default(), Role::Client, None);
        for message in messages {
            client.send(message.clone()).unwrap();
        }
        client.get_ref().0.clone()
    }

    fn read_in_pieces(bytes: &[u8], piece: usize, max_bytes: usize) -> Result<Vec<Incoming>, Wrong> {
        let mut reader = Reader::new(max_bytes);
        let mut taken = Vec::new();
        for piece in bytes.chunks(piece) {
            reader.read(piece, |incoming| {
                taken.push(incoming);
                Some(max_bytes)
            })?;
        }
        assert!(reader.rest.is_empty() && reader.rest.capacity() == 0, "what is whole leaves nothing");
        Ok(taken)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn whatever_a_client_sends_is_read_however_it_is_cut(
            messages in prop::collection::vec((".{0,300}", prop::collection::vec(any::<u8>(), 0..70_000)), 1..4),
            piece in 1_usize..9_000,
        ) {
            let mut all = Vec::new();
            let mut expected = Vec::new();
            for (text, bytes) in messages {
                all.push(tungstenite::Message::text(text.clone()));
                expected.push(Incoming::Message(Message::Text(Str::from(text))));
                all.push(tungstenite::Message::binary(bytes.clone()));
                expected.push(Incoming::Message(Message::Binary(bytes.into())));
            }
            prop_assert_eq!(read_in_pieces(&sent(&all), piece, 1 << 20).unwrap(), expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), piece in 1_usize..40) {
            let mut reader = Reader::new(300);
            for piece in bytes.chunks(piece) {
                if reader.read(piece, |_| Some(300)).is_err() {
                    break;
                }
                prop_assert!(reader.rest.len() <= 314 + 40);
            }
        }
    }

    /// A frame with a mask of zeros.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn fragments_are_one_message_and_control_frames_come_between_them() {
        let bytes = [frame(0x01, b"4ab"), frame(0x89, b"hi"), frame(0x00, b"cd"), frame(0x80, b"e")].concat();
        let pong = Bytes::from_static(&[0x8a, 2, b'h', b'i']);
        let (part, ping) = (Incoming::Frame, Incoming::Ping(pong));
        let expected = vec![part.clone(), ping, part, Incoming::Message(Message::Text(Str::from("4abcde")))];
        assert_eq!(read_in_pieces(&bytes, 1, 6), Ok(expected));
    }

    #[test]
    fn what_the_rfc_forbids_is_refused() {
        let refused = [
            (vec![0x81, 1, b'x'], "mask"),
            (frame(0xc1, b"x"), "extensions"),
            (frame(0x83, b"x"), "opcode"),
            (frame(0x80, b"x"), "no message"),
            ([frame(0x01, b"x"), frame(0x81, b"y")].concat(), "within another"),
            (frame(0x09, b"x"), "control"),
            (frame(0x81, b"\xff"), "UTF-8"),
            (frame(0x82, &[0; 101]), "more than 100"),
            ([frame(0x02, &[0; 60]), frame(0x80, &[0; 41])].concat(), "more than 100"),
            (vec![0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], "more than 100"),
        ];
        for (bytes, says) in refused {
            let wrong = Reader::new(100).read(&bytes, |_| Some(100)).unwrap_err();
            assert!(wrong.to_string().contains(says), "{wrong}: {says}");
        }
    }

    #[test]
    fn the_length_that_is_allowed_next_holds_within_the_same_bytes() {
        let bytes = [frame(0x81, b"4me"), frame(0x81, &[b'4'; 60])].concat();
        for (next, is_allowed) in [(60, true), (59, false)] {
            let mut taken = 0;
            let read = Reader::new(10).read(&bytes, |_| {
                taken += 1;
                Some(next)
            });
            assert_eq!((read.is_ok(), taken), (is_allowed, 1 + usize::from(is_allowed)));
        }
    }

    #[test]
    fn a_close_is_read_as_it_was_written() {
        let long = "ä".repeat(100);
        let mut socket = WebSocket::from_raw_socket(
            Cursor::new(close(CloseCode::Again, &long).to_vec()),
            Role::Client,
            None,
        );
        let Ok(tungstenite::Message::Close(Some(read))) = socket.read() else { panic!("no close") };
        assert_eq!((read.code, read.reason.as_str()), (CloseCode::Again, &long[..122]));
    }
}
