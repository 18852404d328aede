//! The transports of Engine.IO v4 (<https://socket.io/docs/v4/engine-io-protocol/>): polling, websockets, and the way from one to the
//! other.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use engineioxide_core::{OpenPacket, Packet, ProtocolVersion, Sid, Str, TransportType};
use tokio::net::TcpStream;

use super::addresses::Admitted;
use super::codec::{Codec, Frames, Message, SEPARATOR};
use super::core::Core;
use super::events::{self, Refusal};
use super::linger;
use super::viewer::{Close, Viewer};
use super::websocket::{CloseCode, Incoming, Reader};

/// For how long an upgrade may take.
const UPGRADE: Duration = Duration::from_secs(10);

/// How often a poll is answered meanwhile, so that the client may settle: one that was on its way may come late.
const ANSWER_POLLS: Duration = Duration::from_millis(50);

/// Makes a session, over a websocket or polling.
pub(super) fn open(
    core: &Arc<Core>,
    codec: Codec,
    admitted: Admitted,
    stream: Option<Arc<TcpStream>>,
) -> Arc<Viewer> {
    let viewer = Arc::new(Viewer::new(core, codec, admitted, stream));
    core.came(&viewer);
    viewer
}

/// Returns what a session begins with.
pub(super) fn open_packet(core: &Core, sid: Sid, transport: TransportType) -> String {
    let options = &core.options;
    let upgrades = match transport {
        TransportType::Polling => [TransportType::Websocket].into_iter().collect(),
        TransportType::Websocket => Default::default(),
    };
    Packet::Open(OpenPacket {
        sid,
        upgrades,
        ping_interval: options.ping_interval,
        ping_timeout: options.ping_timeout,
        max_payload: options.viewer_limits.message_bytes as u64,
    })
    .into()
}

/// Serves a viewer over a websocket, after what came with the handshake, until it is closed.
pub(super) async fn serve(
    core: Arc<Core>,
    codec: Codec,
    admitted: Admitted,
    stream: TcpStream,
    first: Bytes,
) {
    let stream = Arc::new(stream);
    let viewer = open(&core, codec, admitted, Some(stream.clone()));
    viewer.send(&core, Frames::engine(&open_packet(&core, viewer.sid, TransportType::Websocket)));
    read(&core, &viewer, &stream, Reader::new(max_bytes(&viewer)), &first).await;
}

/// How long a message of a viewer may be, as it is known by now.
fn max_bytes(viewer: &Viewer) -> usize {
    viewer.line().quota.limits().message_bytes
}

thread_local! {
    /// What is read into: one for each thread, not for each viewer.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 64 << 10].into());
}

/// Reads a websocket until it ends.
async fn read(core: &Arc<Core>, viewer: &Arc<Viewer>, stream: &TcpStream, mut reader: Reader, first: &[u8]) {
    let mut goes_on = take(core, viewer, &mut reader, first);
    while goes_on {
        if stream.readable().await.is_err() {
            break;
        }
        goes_on = BUFFER.with_borrow_mut(|buffer| match stream.try_read(buffer) {
            Ok(0) => false,
            Ok(length) => take(core, viewer, &mut reader, &buffer[..length]),
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        });
    }
    viewer.close(core, Close::Gone);
    linger::read_to_end(stream).await;
}

/// Takes bytes of a viewer; tells whether it goes on.
fn take(core: &Arc<Core>, viewer: &Arc<Viewer>, reader: &mut Reader, bytes: &[u8]) -> bool {
    if viewer.line().is_closed() {
        return false;
    }
    let mut refusal = None;
    let read = reader.read(bytes, |incoming| {
        let taken = match incoming {
            Incoming::Close => {
                // Whoever closes waits for an answer.
                viewer.close(core, Close::Because(CloseCode::Normal, ""));
                Ok(false)
            }
            Incoming::Ping(pong) => ping(core, viewer, pong),
            Incoming::Frame => pay(core, viewer, 0).map(|()| true),
            Incoming::Message(message) => packet(core, viewer, message),
        };
        let goes_on = taken.unwrap_or_else(|why| {
            refusal = Some(why);
            false
        });
        goes_on.then(|| max_bytes(viewer))
    });
    if let Err(wrong) = read {
        core.stats.closed.fetch_add(1, Ordering::Relaxed);
        viewer.close(core, Close::Because(wrong.code(), &wrong.to_string()));
        return false;
    }
    if let Some(refusal) = refusal {
        events::refuse(core, viewer, &refusal);
        return false;
    }
    !viewer.line().is_closed()
}

/// Answers a ping of a websocket, which costs as much as a message.
fn ping(core: &Arc<Core>, viewer: &Arc<Viewer>, pong: Bytes) -> Result<bool, Refusal> {
    pay(core, viewer, pong.len())?;
    viewer.send(core, Frames::raw(pong));
    Ok(true)
}

/// Takes what a message costs for something that is none.
fn pay(core: &Core, viewer: &Viewer, bytes: usize) -> Result<(), Refusal> {
    viewer.line().quota.take(bytes, core.now_ms()).map_err(Refusal::Policy)
}

/// Takes a packet of Engine.IO; tells whether the session goes on.
fn packet(core: &Arc<Core>, viewer: &Arc<Viewer>, message: Message) -> Result<bool, Refusal> {
    let Message::Text(text) = message else {
        events::take(core, viewer, message)?;
        return Ok(true);
    };
    let packet = Packet::parse(ProtocolVersion::V4, text)
        .map_err(|error| Refusal::Policy(format!("no packet of Engine.IO v4: {error}")))?;
    match packet {
        Packet::Message(text) => events::take(core, viewer, Message::Text(text))?,
        Packet::Binary(bytes) => events::take(core, viewer, Message::Binary(bytes))?,
        Packet::Pong => {
            if !viewer.line().ponged(core) {
                pay(core, viewer, 0)?;
            }
        }
        Packet::Close => {
            viewer.close(core, Close::Gone);
            return Ok(false);
        }
        Packet::Noop | Packet::Upgrade => pay(core, viewer, 0)?,
        _ => return Err(Refusal::Policy("a packet of Engine.IO v4 that only servers send".to_owned())),
    }
    Ok(true)
}

/// Takes what was posted: packets, parted by record separators.
///
/// # Errors
/// What is wrong with it; the session is closed then.
pub(super) fn post(core: &Arc<Core>, viewer: &Arc<Viewer>, body: &[u8]) -> Result<(), Refusal> {
    for part in body.split(|byte| *byte == SEPARATOR) {
        let text = std::str::from_utf8(part)
            .map_err(|_| Refusal::Policy("a payload that is not UTF-8".to_owned()))?;
        if !packet(core, viewer, Message::Text(Str::copy_from_slice(text)))? {
            break;
        }
    }
    Ok(())
}

/// Goes on with a session over a websocket, after what came with the handshake: the client tries whether it works, and then says so.
pub(super) async fn upgrade(core: Arc<Core>, viewer: Arc<Viewer>, stream: TcpStream, first: Bytes) {
    let stream = Arc::new(stream);
    let mut reader = Reader::new(max_bytes(&viewer));
    let probed = tokio::time::timeout(UPGRADE, probe(&core, &viewer, &stream, &mut reader, &first)).await;
    if let Ok(Some(settled)) = probed
        && viewer.line().upgrade(&viewer, &core, stream.clone())
    {
        for message in settled.rest {
            if let Err(refusal) = packet(&core, &viewer, message) {
                return events::refuse(&core, &viewer, &refusal);
            }
        }
        if settled.is_over {
            return viewer.close(&core, Close::Because(CloseCode::Normal, ""));
        }
        read(&core, &viewer, &stream, reader, &[]).await;
    } else {
        // The session goes on by polling, if it does.
        viewer.line().end_upgrade();
        let _ = stream.try_write(&super::websocket::close(CloseCode::Protocol, "no upgrade"));
    }
}

/// What came with the word that a client settles on its websocket.
struct Settled {
    rest: Vec<Message>,
    /// It closes it again.
    is_over: bool,
}

/// Waits for the client to try a websocket and to settle on it.
async fn probe(
    core: &Core,
    viewer: &Viewer,
    stream: &TcpStream,
    reader: &mut Reader,
    first: &[u8],
) -> Option<Settled> {
    let mut messages = Vec::new();
    let mut buffer = first.to_vec();
    let mut is_probed = false;
    loop {
        let mut is_over = false;
        let read = reader.read(&buffer, |incoming| {
            match incoming {
                Incoming::Message(message) => messages.push(message),
                // Whoever sends too many of them is tried no longer.
                Incoming::Ping(_) | Incoming::Frame => is_over |= pay(core, viewer, 0).is_err(),
                Incoming::Close => is_over = true,
            }
            (!is_over).then(|| max_bytes(viewer))
        });
        while !messages.is_empty() {
            let Message::Text(text) = messages.remove(0) else { return None };
            match Packet::parse(ProtocolVersion::V4, text).ok()? {
                Packet::PingUpgrade if !is_probed => {
                    is_probed = true;
                    stream.try_write(Frames::engine("3probe").bytes()).ok()?;
                }
                Packet::Upgrade if is_probed => {
                    return Some(Settled { rest: messages, is_over: is_over || read.is_err() });
                }
                _ => return None,
            }
        }
        if read.is_err() || is_over {
            return None;
        }
        loop {
            if is_probed {
                viewer.line().end_poll();
            }
            let Ok(readable) = tokio::time::timeout(ANSWER_POLLS, stream.readable()).await else { continue };
            readable.ok()?;
            buffer.resize(4 << 10, 0);
            match stream.try_read(&mut buffer) {
                Ok(0) => return None,
                Ok(length) => {
                    buffer.truncate(length);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
        if viewer.line().is_closed() {
            return None;
        }
    }
}
