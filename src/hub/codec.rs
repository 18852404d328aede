//! Packets of Socket.IO as they leave and come, in JSON and in MessagePack. How packets are written is the affair of the crates of the
//! project socketioxide; here each is written once, for everyone who gets it.

use std::ops::Range;

use bytes::Bytes;
use engineioxide_core::Str;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value as Json;
use socketioxide_core::Value;
use socketioxide_core::packet::{Packet, PacketData};
use socketioxide_core::parser::{Parse, ParseConfig, ParseError, ParserState};
use socketioxide_parser_common::CommonParser;
use socketioxide_parser_msgpack::MsgPackParser;

use super::plain::Plain;
use super::websocket;

/// How the packets of a viewer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// The default of Socket.IO.
    Json,
    /// That of the npm package `socket.io-msgpack-parser`.
    MessagePack,
}

/// How many codecs there are: each thing to send is written at most so many times.
pub(super) const CODECS: usize = 2;

/// Packets as they leave: frames of websockets, one after the other, which are what transports by polling are made of too.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    bytes: Bytes,
    payloads: Vec<Payload>,
}

/// Where a frame's payload is.
#[derive(Clone, Debug)]
struct Payload {
    range: Range<usize>,
    is_text: bool,
}

impl Frames {
    /// Writes an event, whose arguments are a tuple's members.
    pub(super) fn event(codec: Codec, name: &str, arguments: &impl Serialize) -> Self {
        Self::packet(codec, |parser| Some(Packet::event("/", parser.value(arguments, Some(name))?)))
    }

    /// Writes the answer to an event.
    pub(super) fn acknowledgement(codec: Codec, id: i64, argument: &Json) -> Self {
        Self::packet(codec, |parser| Some(Packet::ack("/", parser.value(argument, None)?, id)))
    }

    /// Writes that a socket is connected, whose id this is.
    pub(super) fn connected(codec: Codec, id: &str) -> Self {
        Self::packet(codec, |parser| {
            Some(Packet::connect("/", parser.plain(&serde_json::json!({ "sid": id }))))
        })
    }

    /// Writes that a socket is not connected, and why.
    pub(super) fn refused(codec: Codec, namespace: &str, reason: &str) -> Self {
        Self::packet(codec, |_| Some(Packet::connect_error(Str::copy_from_slice(namespace), reason)))
    }

    /// Writes a packet of Engine.IO as it is.
    pub(super) fn engine(packet: &str) -> Self {
        let mut frames = Writer::default();
        frames.text(&[packet]);
        frames.done()
    }

    /// Takes a frame of a websocket that is no packet.
    pub(super) fn raw(frame: Bytes) -> Self {
        Self { bytes: frame, payloads: Vec::new() }
    }

    fn packet(codec: Codec, make: impl FnOnce(Parser) -> Option<Packet>) -> Self {
        let parser = Parser(codec);
        // Values of JSON and columns can always be written.
        make(parser).map(|packet| Writer::default().written(parser.encode(packet)).done()).unwrap_or_default()
    }

    /// Puts one after the other.
    pub(super) fn joined<'a>(all: impl IntoIterator<Item = &'a Frames>) -> Self {
        let mut bytes = Vec::new();
        let mut payloads = Vec::new();
        for frames in all {
            let before = bytes.len();
            bytes.extend_from_slice(&frames.bytes);
            let moved = |range: &Range<usize>| range.start + before..range.end + before;
            payloads.extend(
                frames
                    .payloads
                    .iter()
                    .map(|payload| Payload { range: moved(&payload.range), is_text: payload.is_text }),
            );
        }
        Self { bytes: bytes.into(), payloads }
    }

    /// Returns it for a websocket.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns how many packets it has.
    pub(super) fn packets(&self) -> usize {
        self.payloads.len()
    }

    /// Takes off the packets from one on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        if at >= self.payloads.len() {
            return Self::default();
        }
        let start = at.checked_sub(1).map_or(0, |last| self.payloads[last].range.end);
        let moved = |range: Range<usize>| range.start - start..range.end - start;
        let rest = self.payloads.split_off(at);
        let payloads =
            rest.into_iter().map(|payload| Payload { range: moved(payload.range), ..payload }).collect();
        Self { bytes: self.bytes.split_off(start), payloads }
    }

    /// Adds it to the payload of an answer to a poll, whose packets are parted by a record separator (Engine.IO v4).
    pub(super) fn poll(&self, payload: &mut Vec<u8>) {
        use base64::Engine as _;
        for Payload { range, is_text } in &self.payloads {
            if !payload.is_empty() {
                payload.push(SEPARATOR);
            }
            let bytes = &self.bytes[range.clone()];
            if *is_text {
                payload.extend_from_slice(bytes);
            } else {
                payload.push(b'b');
                payload.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(bytes).as_bytes());
            }
        }
    }
}

/// What is between the packets of a payload.
pub(super) const SEPARATOR: u8 = 0x1e;

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    payloads: Vec<Payload>,
}

impl Writer {
    fn text(&mut self, parts: &[&str]) {
        let length = parts.iter().map(|part| part.len()).sum();
        websocket::write_header(&mut self.bytes, websocket::TEXT, length);
        let start = self.bytes.len();
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part.as_bytes()));
        self.payloads.push(Payload { range: start..self.bytes.len(), is_text: true });
    }

    fn binary(&mut self, bytes: &[u8]) {
        websocket::write_header(&mut self.bytes, websocket::BINARY, bytes.len());
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.payloads.push(Payload { range: start..self.bytes.len(), is_text: false });
    }

    /// Writes a message of Engine.IO: a text of type 4 and its attachments, or bytes.
    fn written(mut self, message: Value) -> Self {
        match message {
            Value::Str(text, attachments) => {
                self.text(&["4", &text]);
                attachments.iter().flatten().for_each(|bytes| self.binary(bytes));
            }
            Value::Bytes(bytes) => self.binary(&bytes),
        }
        self
    }

    fn done(self) -> Frames {
        Frames { bytes: self.bytes.into(), payloads: self.payloads }
    }
}

/// The parser of a codec.
#[derive(Clone, Copy)]
struct Parser(Codec);

impl Parser {
    fn value(self, arguments: &impl Serialize, event: Option<&str>) -> Option<Value> {
        match self.0 {
            Codec::Json => CommonParser.encode_value(arguments, event).ok(),
            Codec::MessagePack => MsgPackParser.encode_value(arguments, event).ok(),
        }
    }

    fn plain(self, value: &Json) -> Option<Value> {
        match self.0 {
            Codec::Json => CommonParser.encode_default(value).ok(),
            Codec::MessagePack => MsgPackParser.encode_default(value).ok(),
        }
    }

    fn encode(self, packet: Packet) -> Value {
        match self.0 {
            Codec::Json => CommonParser.encode(packet),
            Codec::MessagePack => MsgPackParser.encode(packet),
        }
    }

    fn read_plain(self, value: Option<&Value>) -> Option<Json> {
        let read = match self.0 {
            Codec::Json => CommonParser.decode_default(value).ok(),
            Codec::MessagePack => MsgPackParser.decode_default(value).ok(),
        };
        read.map(|Plain(read)| read)
    }

    fn read_event(self, mut value: Value) -> Result<(String, Json), ParseError> {
        // An event may come without an argument. What comes has to be one: the parsers look at the name alone.
        let has_argument = match &value {
            Value::Str(text, _) => {
                serde_json::from_str::<Vec<IgnoredAny>>(text).map_err(|_| ParseError::InvalidData)?.len() > 1
            }
            Value::Bytes(bytes) => {
                let length = rmp::decode::read_array_len(&mut bytes.as_ref());
                length.map_err(|_| ParseError::InvalidData)? > 1
            }
        };
        let name = match self.0 {
            Codec::Json => CommonParser.read_event(&value).ok(),
            Codec::MessagePack => MsgPackParser.read_event(&value).ok(),
        };
        let name = name.ok_or(ParseError::InvalidEventName)?.to_owned();
        if !has_argument {
            return Ok((name, Json::Null));
        }
        let argument = match self.0 {
            Codec::Json => CommonParser.decode_value(&mut value, true).ok(),
            Codec::MessagePack => MsgPackParser.decode_value(&mut value, true).ok(),
        };
        let Plain(argument) = argument.ok_or(ParseError::InvalidData)?;
        Ok((name, argument))
    }
}

/// What a viewer says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// It wants to be connected.
    Connect { namespace: String, auth: Json },
    /// It leaves, and its connection stays.
    Disconnect,
    /// An event, its first argument, and the id that an answer bears.
    Event { name: String, argument: Json, acknowledgement: Option<i64> },
    /// A part of something that is not whole yet, or what asks for nothing.
    Nothing,
}

/// Reads what a viewer sent: a message of text, or of bytes.
///
/// # Errors
/// It is none of Socket.IO's, or larger than allowed: what is wrong.
pub(super) fn read(
    codec: Codec,
    message: Message,
    state: &ParserState,
    config: &ParseConfig,
) -> Result<Said, ParseError> {
    let packet = match (codec, message) {
        (Codec::Json, Message::Text(text)) => CommonParser.decode_str(config, state, text),
        (Codec::Json, Message::Binary(bytes)) => CommonParser.decode_bin(config, state, bytes),
        (Codec::MessagePack, Message::Text(text)) => MsgPackParser.decode_str(config, state, text),
        (Codec::MessagePack, Message::Binary(bytes)) => MsgPackParser.decode_bin(config, state, bytes),
    };
    let packet = match packet {
        Err(ParseError::NeedsMoreBinaryData) => return Ok(Said::Nothing),
        read => read?,
    };
    let parser = Parser(codec);
    match packet.inner {
        PacketData::Connect(auth) => {
            let auth = match auth {
                None => Json::Null,
                Some(auth) => {
                    // MessagePack's client says that it has none.
                    let read = parser.read_plain(Some(&auth)).filter(|it| it.is_object() || it.is_null());
                    read.ok_or(ParseError::InvalidData)?
                }
            };
            Ok(Said::Connect { namespace: packet.ns.to_string(), auth })
        }
        _ if packet.ns != "/" => Ok(Said::Nothing),
        PacketData::Disconnect => Ok(Said::Disconnect),
        PacketData::Event(value, acknowledgement) | PacketData::BinaryEvent(value, acknowledgement) => {
            let (name, argument) = parser.read_event(value)?;
            Ok(Said::Event { name, argument, acknowledgement })
        }
        // The hub asks for no answers, and refuses rather than is refused.
        PacketData::EventAck(..) | PacketData::BinaryAck(..) | PacketData::ConnectError(_) => {
            Ok(Said::Nothing)
        }
    }
}

/// A message of Engine.IO.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    Text(Str),
    Binary(Bytes),
}
