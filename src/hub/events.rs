//! What viewers and emitters say, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use engineioxide_core::Sid;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use socketioxide_core::parser::{ParseConfig, ParseError};

use super::addresses::Token;
use super::change::{Change, Columns, Event};
use super::codec::{self, Frames, Message, Said};
use super::core::Core;
use super::error::HubError;
use super::room::Position;
use super::viewer::{Close, Socket, Viewer};
use super::websocket::CloseCode;

/// Takes a message of a viewer. `Err` says why it is to be closed.
pub(super) fn take(core: &Arc<Core>, viewer: &Arc<Viewer>, message: Message) -> Result<(), Refusal> {
    let bytes = match &message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
    };
    let (quota, limits) = {
        let mut line = viewer.line();
        (line.quota.take(bytes, core.now_ms()), *line.quota.limits())
    };
    quota.map_err(Refusal::Policy)?;
    if bytes > limits.message_bytes {
        return Err(Refusal::Policy(format!(
            "a message of {bytes} bytes, more than {}",
            limits.message_bytes
        )));
    }
    let config = ParseConfig {
        max_incoming_binary_buf_size: limits.message_bytes,
        max_incoming_binaries: 64,
        ..ParseConfig::default()
    };
    let said = codec::read(viewer.codec, message, &viewer.parser, &config).map_err(Refusal::Parse)?;
    let socket = viewer.line().socket;
    match (said, socket) {
        (Said::Connect { namespace, .. }, _) if namespace != "/" => {
            viewer.send(core, Frames::refused(viewer.codec, &namespace, "Invalid namespace"));
        }
        (Said::Connect { auth, .. }, None) => connect(core, viewer, &auth),
        (Said::Connect { .. }, Some(_)) => {
            return Err(Refusal::Policy("a socket that is connected already".to_owned()));
        }
        (Said::Nothing, _) => {}
        (Said::Disconnect, _) => viewer.disconnect(core),
        (Said::Event { .. }, None) => {
            return Err(Refusal::Policy("an event before the socket is connected".to_owned()));
        }
        (Said::Event { name, argument, acknowledgement }, Some(socket)) => {
            let acknowledge =
                |answer: &Value| acknowledgement.map(|id| Frames::acknowledgement(viewer.codec, id, answer));
            let frames = match event(core, viewer, socket, acknowledgement, &name, argument) {
                Ok(answer) => answer.as_ref().and_then(acknowledge),
                Err(refusal) => {
                    core.stats.refused.fetch_add(1, Ordering::Relaxed);
                    let answer = json!({ "ok": false, "error": refusal, "event": name });
                    // Whoever asked for no answer is told of refusals all the same.
                    acknowledge(&answer).or_else(|| Some(Frames::event(viewer.codec, "refused", &(answer,))))
                }
            };
            if let Some(frames) = frames {
                viewer.send(core, frames);
            }
        }
    }
    Ok(())
}

/// Why a viewer is closed for what it said.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Policy(String),
    #[error("no packet of Socket.IO v5: {0}")]
    Parse(ParseError),
}

/// Closes a viewer for what it said, and tells it why.
pub(super) fn refuse(core: &Arc<Core>, viewer: &Arc<Viewer>, refusal: &Refusal) {
    core.stats.closed.fetch_add(1, Ordering::Relaxed);
    let why = json!({ "ok": false, "error": refusal.to_string() });
    viewer.send(core, Frames::event(viewer.codec, "refused", &(why,)));
    let code = match refusal {
        Refusal::Policy(_) => CloseCode::Policy,
        Refusal::Parse(_) => CloseCode::Protocol,
    };
    viewer.close(core, Close::Because(code, &refusal.to_string()));
}

fn connect(core: &Arc<Core>, viewer: &Arc<Viewer>, auth: &Value) {
    let options = &core.options;
    let token = auth.get("token").and_then(Value::as_str);
    let is =
        |secret: &Option<String>, token: &str| secret.as_deref().is_some_and(|secret| is_same(secret, token));
    let address = viewer.line().admitted.as_ref().map(|admitted| admitted.address);
    let looked_at = token.zip(address).map(|(token, address)| {
        let is_right = |token: &str| is(&options.emit_token, token) || is(&options.view_token, token);
        (core.addresses.token(address, token, is_right, core.now_ms()), address)
    });
    let refusal = match looked_at {
        Some((Token::Right, _)) => None,
        Some((Token::Wrong, _)) => {
            Some("this hub does not know the token: give that of its viewers or of its emitters".to_owned())
        }
        Some((Token::Unread, address)) => Some(too_many_wrong_tokens(address)),
        None if options.view_token.is_none() => None,
        None => Some(
            "a token is needed to watch: that of viewers or of emitters (programs: `auth: {token: ...}`)"
                .to_owned(),
        ),
    };
    if let Some(refusal) = refusal {
        core.stats.refused.fetch_add(1, Ordering::Relaxed);
        return viewer.send(core, Frames::refused(viewer.codec, "/", &refusal));
    }
    let may_emit = token.is_some_and(|token| is(&options.emit_token, token));
    let socket = Socket { id: Sid::new(), may_emit };
    viewer.connect(core, socket, Frames::connected(viewer.codec, socket.id.as_str()));
}

/// Says that no token is looked at, as others from its address were wrong.
pub(super) fn too_many_wrong_tokens(address: IpAddr) -> String {
    format!(
        "too many wrong tokens came from {address}: none is looked at until a minute after the first of them"
    )
}

/// Compares secrets in a time that does not tell where they differ.
pub(super) fn is_same(secret: &str, token: &str) -> bool {
    let differ = secret.bytes().zip(token.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    secret.len() == token.len() && std::hint::black_box(differ) == 0
}

/// What is done to a room's state, as emitters say it.
pub(super) const UPDATE: &str = "game-state-update";

/// What emitters may say.
pub(super) const EMITTED: [&str; 3] = ["agent-action", "visualization-event", UPDATE];

/// What a viewer joins: a room by its name, and where it was before.
struct Join {
    room: String,
    /// Where events are to go on: the `hub` and the `next` that it was told.
    from: Option<(String, u64)>,
}

impl Join {
    /// Reads what a viewer says.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(argument: &Value) -> Result<Self, String> {
        let room = room_of(argument)?.to_owned();
        let (hub, next) = (argument.get("hub"), argument.get("next"));
        let from = match (hub, next) {
            (None | Some(Value::Null), None | Some(Value::Null)) => None,
            (Some(Value::String(hub)), Some(next)) if next.is_u64() => {
                next.as_u64().map(|next| (hub.clone(), next))
            }
            _ => {
                let given = |value: Option<&Value>| match value {
                    Some(value) => value.to_string().chars().take(40).collect(),
                    None => "missing".to_owned(),
                };
                return Err(format!(
                    "`hub` is {} and `next` is {}: give both as they were told, a string and a whole number, or none of them to begin now",
                    given(hub),
                    given(next)
                ));
            }
        };
        Ok(Self { room, from })
    }
}

/// Does what an event asks for; returns its answer, unless that was sent.
fn event(
    core: &Arc<Core>,
    viewer: &Arc<Viewer>,
    socket: Socket,
    acknowledgement: Option<i64>,
    name: &str,
    argument: Value,
) -> Result<Option<Value>, String> {
    match name {
        "join-game" => join(core, viewer, acknowledgement, &argument).map(|()| None),
        "leave-game" => {
            let room = room_of(&argument)?;
            Ok(Some(json!({ "ok": viewer.leave(core, room), "room": room })))
        }
        _ if EMITTED.contains(&name) && !socket.may_emit => {
            Err(format!("only emitters say `{name}`: connect with their token as `auth: {{token: ...}}`"))
        }
        _ if EMITTED.contains(&name) => {
            emit(core, name, argument).map(Some).map_err(|error| error.to_string())
        }
        _ => Err(format!(
            "no event `{}` is known; viewers say join-game and leave-game, emitters {} too",
            name.escape_debug().take(40).collect::<String>(),
            EMITTED.join(", ")
        )),
    }
}

fn join(
    core: &Arc<Core>,
    viewer: &Arc<Viewer>,
    acknowledgement: Option<i64>,
    argument: &Value,
) -> Result<(), String> {
    let join = Join::read(argument)?;
    let (rooms, is_in, limit) = {
        let line = viewer.line();
        (line.rooms(), line.is_in(&join.room), line.quota.limits().rooms)
    };
    if rooms >= limit && !is_in {
        return Err(format!(
            "it is in {rooms} rooms, as many as a client may be in: leave one with leave-game first"
        ));
    }
    let hub = core.id();
    let next = join.from.filter(|(of, _)| **of == *hub).map(|(_, next)| next);
    let answer = |at: Position, is_resumed: bool| {
        let said = json!({
            "ok": true, "room": join.room, "version": at.version, "hub": &*hub, "next": at.next, "resumed": is_resumed,
        });
        acknowledgement.map(|id| Frames::acknowledgement(viewer.codec, id, &said))
    };
    let joined = core.rooms.enter(&join.room, core.now_ms(), |place| viewer.join(core, place, next, answer));
    joined.map_err(|error| error.to_string())
}

const ROOM: &str = "a room is needed: its name, or `{room: name}`";

fn room_of(argument: &Value) -> Result<&str, String> {
    argument.as_str().or_else(|| argument.get("room")?.as_str()).ok_or_else(|| ROOM.to_owned())
}

/// What is done to a room's state: a change without events, of which emitters may say only some.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    room: String,
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    columns: BTreeMap<String, Columns>,
    #[serde(default)]
    removed: BTreeSet<String>,
}

impl From<Update> for Change {
    fn from(update: Update) -> Self {
        let mut change = Self::to(&update.room);
        change.removed = update.removed;
        change.set.extend(update.set.into_iter().map(|(key, value)| (key, value.into())));
        change.set.extend(update.columns.into_iter().map(|(key, columns)| (key, columns.into())));
        change
    }
}

/// Why what an emitter says is not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotEmitted {
    /// It is not said as it is to be.
    #[error("{0}")]
    Wrong(String),
    /// It is not for emitters to say.
    #[error("{0}")]
    Forbidden(String),
    /// The hub does not take it.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// Publishes what an emitter says; returns what it is told.
///
/// # Errors
/// What is wrong with it.
pub(super) fn emit(core: &Core, name: &str, argument: Value) -> Result<Value, NotEmitted> {
    let change = said(name, argument).map_err(NotEmitted::Wrong)?;
    if let Some(refusal) = core.refuses(&change) {
        return Err(NotEmitted::Forbidden(refusal));
    }
    let mut answer = json!({ "ok": true, "room": change.room });
    let is_event = !change.events.is_empty();
    if let (Some(number), true) = (core.publish(change)?, is_event) {
        answer["n"] = number.into();
    }
    Ok(answer)
}

/// Reads what is said as emitters say it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn said(name: &str, argument: Value) -> Result<Change, String> {
    if name == UPDATE {
        let update = Update::deserialize(argument).map_err(|error| {
            format!(
                "game-state-update takes `{{room, set: {{key: value}}, columns: {{key: {{x: {{f32: base64}}}}}}, removed: [key]}}`: {error}"
            )
        })?;
        return Ok(update.into());
    }
    let Value::Object(mut data) = argument else { return Err(ROOM.to_owned()) };
    let Some(Value::String(room)) = data.remove("room") else { return Err(ROOM.to_owned()) };
    let mut change = Change::to(&room);
    change.events.push(Event { name: name.to_owned(), data: Value::Object(data).into() });
    Ok(change)
}
