//! What is asked over HTTP: sessions of Engine.IO, and what there is beside them.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use engineioxide_core::{Sid, TransportType};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, ORIGIN,
    RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE, VARY,
    WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tungstenite::handshake::derive_accept_key;

use super::addresses::{Admitted, Token, TooMany};
use super::codec::Codec;
use super::core::Core;
use super::error::HubError;
use super::events::{self, NotEmitted};
use super::stats::HubStats;
use super::viewer::{Close, NOOP, Viewer};
use super::websocket::CloseCode;
use super::{access, engine, page};

pub(super) type Answer = Response<Full<Bytes>>;

/// How long a request may take to come.
pub(super) const REQUEST: Duration = Duration::from_secs(10);

/// Where sessions are, and in which codec.
const PATHS: [(&str, Codec); 2] = [("/socket.io/", Codec::Json), ("/socket.io-msgpack/", Codec::MessagePack)];

/// Answers a request.
pub(super) async fn answer(
    core: Arc<Core>,
    peer: IpAddr,
    port: u16,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let refusal =
        access::address(&core.options, peer).or_else(|| access::page(&core.options, port, request.headers()));
    if let Some(refusal) = refusal {
        core.stats.refused.fetch_add(1, Ordering::Relaxed);
        return Ok(no(StatusCode::FORBIDDEN, &refusal));
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let codec = PATHS.iter().find(|(path, _)| {
        request.uri().path() == *path || request.uri().path() == path.trim_end_matches('/')
    });
    let mut answer = match (codec, request.method()) {
        (_, &Method::OPTIONS) => preflight(),
        (Some((_, codec)), _) => session(&core, peer, *codec, request).await,
        (None, method) => plain(&core, peer, &method.clone(), request).await,
    };
    // It was allowed above, whatever it is.
    if let Some(origin) = origin {
        let headers = answer.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(VARY, HeaderValue::from_static("Origin"));
    }
    Ok(answer)
}

/// What a browser asks before it asks from another origin.
fn preflight() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    answer
}

fn said(status: StatusCode, value: &Value) -> Answer {
    text(status, "application/json", value.to_string())
}

/// Says why something is not done.
fn no(status: StatusCode, error: &str) -> Answer {
    said(status, &reason(error))
}

fn reason(error: &str) -> Value {
    json!({ "ok": false, "error": error })
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// What a session of Engine.IO is refused for, by the codes of its protocol.
enum Bad {
    Transport = 0,
    Session = 1,
    Method = 2,
    Request = 3,
    Version = 5,
}

impl Bad {
    fn said(self, message: &str) -> Answer {
        said(StatusCode::BAD_REQUEST, &json!({ "code": self as u8, "message": message }))
    }
}

const WEBSOCKETS_ALONE: &str =
    "Transport unknown: this hub takes websockets alone, `transports: [\"websocket\"]` of a client";

/// Serves a request of a session of Engine.IO.
async fn session(core: &Arc<Core>, peer: IpAddr, codec: Codec, request: Request<Incoming>) -> Answer {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let value = |name| {
        query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    };
    if value("EIO") != Some("4") {
        return Bad::Version.said("Unsupported protocol version");
    }
    let transport = match value("transport") {
        Some("websocket") => TransportType::Websocket,
        Some("polling") if !core.options.websocket_only => TransportType::Polling,
        Some("polling") => return Bad::Transport.said(WEBSOCKETS_ALONE),
        _ => return Bad::Transport.said("Transport unknown"),
    };
    let viewer = match value("sid") {
        None => None,
        Some(sid) => {
            let viewer = sid.parse::<Sid>().ok().and_then(|sid| core.sessions().get(&sid).cloned());
            // A session that somebody else has heard of is not theirs, nor is it another codec's.
            let Some(viewer) = viewer.filter(|viewer| viewer.codec == codec) else {
                return Bad::Session.said("Session ID unknown");
            };
            Some(viewer)
        }
    };
    let who = match (viewer, request.method()) {
        (Some(viewer), _) => Who::Known(viewer),
        (None, &Method::GET) => match core.addresses.admit(peer) {
            Ok(admitted) => Who::New(admitted),
            Err(too_many) => {
                core.stats.refused.fetch_add(1, Ordering::Relaxed);
                let mut answer = no(too_many_status(&too_many), &too_many.to_string());
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
                return answer;
            }
        },
        (None, _) => return Bad::Method.said("Bad handshake method"),
    };
    match (transport, who, request.method().clone()) {
        (TransportType::Websocket, who, Method::GET) => websocket(core, codec, who, request),
        (TransportType::Polling, Who::New(admitted), _) => {
            let viewer = engine::open(core, codec, admitted, None);
            polled(engine::open_packet(core, viewer.sid, TransportType::Polling).into_bytes())
        }
        (TransportType::Polling, Who::Known(viewer), Method::GET) => poll(core, &viewer).await,
        (TransportType::Polling, Who::Known(viewer), Method::POST) => post(core, &viewer, request).await,
        _ => Bad::Method.said("Bad handshake method"),
    }
}

/// Whose session it is.
enum Who {
    New(Admitted),
    Known(Arc<Viewer>),
}

fn too_many_status(too_many: &TooMany) -> StatusCode {
    match too_many {
        TooMany::Sessions { .. } | TooMany::Descriptors => StatusCode::SERVICE_UNAVAILABLE,
        TooMany::OfAddress { .. } => StatusCode::TOO_MANY_REQUESTS,
    }
}

/// Returns the answer to a connection that is not taken, whatever it asks for.
pub(super) fn refusal(too_many: &TooMany) -> Vec<u8> {
    let (status, body) = (too_many_status(too_many), reason(&too_many.to_string()).to_string());
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nRetry-After: 10\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

fn polled(payload: impl Into<Bytes>) -> Answer {
    text(StatusCode::OK, "text/plain; charset=UTF-8", payload)
}

/// What a poll is answered with. The next one is answered once this is written.
struct Payload {
    bytes: Vec<u8>,
    _turn: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Answers a poll as soon as there is something to say.
async fn poll(core: &Arc<Core>, viewer: &Arc<Viewer>) -> Answer {
    let (mut has_waited, mut is_over) = (false, false);
    loop {
        // An answer that nobody reads is kept once, and not for each connection that asks for another.
        let turn = viewer.line().turn().acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(core.options.stalled_after, turn).await else {
            core.stats.closed.fetch_add(1, Ordering::Relaxed);
            viewer.close(core, Close::Gone);
            return Bad::Request.said("the answer to the poll before this one was not read");
        };
        let waiting = {
            let mut line = viewer.line();
            match line.is_polling() {
                true => {}
                // It is closed, or goes on over a websocket.
                false if has_waited => {
                    return line.last_answer().map_or_else(|| polled(NOOP), |last| polled(Vec::from(last)));
                }
                false => return Bad::Request.said("Bad request"),
            }
            let bytes = line.answer(viewer, core);
            if !bytes.is_empty() {
                return polled(Bytes::from_owner(Payload { bytes, _turn: turn }));
            }
            if is_over {
                return polled(NOOP);
            }
            line.poll()
        };
        drop(turn);
        let Some(waiting) = waiting else {
            viewer.close(core, Close::Because(CloseCode::Policy, "two polls at a time"));
            return Bad::Request.said("Bad request");
        };
        (has_waited, is_over) = (true, waiting.await.is_err());
    }
}

/// Takes what a viewer posts.
async fn post(core: &Arc<Core>, viewer: &Arc<Viewer>, request: Request<Incoming>) -> Answer {
    if !viewer.line().is_polling() {
        return Bad::Request.said("Bad request");
    }
    let limit = viewer.line().quota.limits().message_bytes;
    let body = match body(request, limit).await {
        Ok(body) => body,
        Err(refusal) => {
            viewer
                .close(core, Close::Because(CloseCode::Size, "a payload that is too long, or does not come"));
            return *refusal;
        }
    };
    match engine::post(core, viewer, &body) {
        Ok(()) => text(StatusCode::OK, "text/html", "ok"),
        Err(refusal) => {
            events::refuse(core, viewer, &refusal);
            Bad::Request.said(&refusal.to_string())
        }
    }
}

/// Reads what comes with a request: at most so many bytes, and in time.
async fn body(request: Request<Incoming>, limit: usize) -> Result<Bytes, Box<Answer>> {
    let refused = |status, error: String| Err(Box::new(no(status, &error)));
    let given =
        request.body().size_hint().exact().map_or(String::new(), |bytes| format!("; this one has {bytes}"));
    match tokio::time::timeout(REQUEST, Limited::new(request.into_body(), limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a request has at most {limit} bytes{given}: send less at once"),
        ),
        Err(_) => refused(
            StatusCode::REQUEST_TIMEOUT,
            format!("a request takes at most {REQUEST:?} to come{given}"),
        ),
    }
}

/// Begins a websocket: a new session's, or that of one that polled until now.
fn websocket(core: &Arc<Core>, codec: Codec, who: Who, mut request: Request<Incoming>) -> Answer {
    let headers = request.headers();
    let has = |name, wanted: &str| {
        headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted)))
    };
    let key = headers.get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let accept = key.and_then(|key| HeaderValue::from_str(&key).ok());
    let is_asked =
        has(UPGRADE, "websocket") && has(CONNECTION, "upgrade") && has(SEC_WEBSOCKET_VERSION, "13");
    let Some(accept) = accept.filter(|_| is_asked) else {
        return Bad::Request.said("Bad request");
    };
    if matches!(&who, Who::Known(viewer) if !viewer.line().begin_upgrade()) {
        return Bad::Request.said("Bad request");
    }
    let upgraded = hyper::upgrade::on(&mut request);
    let core = core.clone();
    tokio::spawn(async move {
        // The listener makes no other connections.
        let parts = upgraded.await.ok().and_then(|upgraded| upgraded.downcast::<TokioIo<TcpStream>>().ok());
        match (parts, who) {
            (Some(parts), Who::New(admitted)) => {
                engine::serve(core, codec, admitted, parts.io.into_inner(), parts.read_buf).await;
            }
            (Some(parts), Who::Known(viewer)) => {
                engine::upgrade(core, viewer, parts.io.into_inner(), parts.read_buf).await;
            }
            (None, Who::Known(viewer)) => viewer.line().end_upgrade(),
            (None, Who::New(_)) => {}
        }
    });
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

/// What there is beside sessions.
async fn plain(core: &Arc<Core>, peer: IpAddr, method: &Method, request: Request<Incoming>) -> Answer {
    if matches!(*method, Method::GET | Method::HEAD)
        && let Some(file) = page::answer(request.uri().path(), request.headers())
    {
        return file;
    }
    match (method, request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/healthz") => {
            let troubles = core.troubles.all().into_iter().map(|trouble| trouble + "\n");
            text(StatusCode::OK, "text/plain", "ok\n".to_owned() + &troubles.collect::<String>())
        }
        (&Method::GET | &Method::HEAD, "/metrics") => {
            text(StatusCode::OK, "text/plain; version=0.0.4", HubStats::of(core).to_prometheus())
        }
        (&Method::POST, "/emit") => emit(core, peer, request).await,
        (_, path @ ("/healthz" | "/metrics" | "/emit")) => {
            let allowed = if path == "/emit" { "POST" } else { "GET, HEAD" };
            let says = format!("{path} takes {allowed}, and not {method}");
            let mut answer = no(StatusCode::METHOD_NOT_ALLOWED, &says);
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            answer
        }
        (_, path) => {
            let says =
                format!("there is nothing at {path}: there are /, /socket.io/, /emit, /metrics and /healthz");
            no(StatusCode::NOT_FOUND, &says)
        }
    }
}

/// What a script emits: `{"event": ..., "room": ...}`, with `Authorization: Bearer TOKEN`.
async fn emit(core: &Arc<Core>, peer: IpAddr, request: Request<Incoming>) -> Answer {
    let token =
        request.headers().get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let is_right =
        |token: &str| core.options.emit_token.as_deref().is_some_and(|secret| events::is_same(secret, token));
    // Where there are no emitters, a viewer's token is no guess.
    let token = token.filter(|_| core.options.emit_token.is_some());
    let token = token.map(|token| core.addresses.token(peer, token, is_right, core.now_ms()));
    if token != Some(Token::Right) {
        return no_emitter(core, peer, token);
    }
    let limit = core.options.emitter_limits.message_bytes;
    let body = match body(request, limit).await {
        Ok(body) => body,
        Err(refusal) => {
            core.stats.refused.fetch_add(1, Ordering::Relaxed);
            return *refusal;
        }
    };
    if let Err(too_much) = core.addresses.post(peer, body.len(), core.now_ms()) {
        let says = format!(
            "{too_much} from {peer}, the most that may be posted: wait a second, or start the hub with larger `emitter_limits`"
        );
        let mut answer = refused(core, StatusCode::TOO_MANY_REQUESTS, &says);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        return answer;
    }
    let wrong = |error: String| refused(core, StatusCode::BAD_REQUEST, &error);
    let mut value: Value = match serde_json::from_slice(&body) {
        Ok(value) => value,
        Err(error) => return wrong(format!("the body is no JSON: {error}; post {EXAMPLE}")),
    };
    let event = match &mut value {
        Value::Object(members) => members.remove("event"),
        _ => return wrong(format!("the body is no object: post {EXAMPLE}")),
    };
    let event = match event {
        Some(Value::String(event)) if events::EMITTED.contains(&event.as_str()) => event,
        given => {
            let given =
                given.map_or("missing".to_owned(), |given| given.to_string().chars().take(40).collect());
            let known = events::EMITTED.join(", ");
            return wrong(format!("`event` is {given}, and may be one of {known}: post {EXAMPLE}"));
        }
    };
    match events::emit(core, &event, value) {
        Ok(done) => said(StatusCode::OK, &done),
        Err(error) => refused(core, status(&error), &error.to_string()),
    }
}

/// What a script may post.
const EXAMPLE: &str = r#"{"event": "agent-action", "room": "game-1", "action": "edit"}"#;

/// Returns the status for what was not done.
fn status(error: &NotEmitted) -> StatusCode {
    match error {
        NotEmitted::Forbidden(_) => StatusCode::FORBIDDEN,
        NotEmitted::Hub(HubError::Full { .. } | HubError::Rooms { .. }) => StatusCode::INSUFFICIENT_STORAGE,
        NotEmitted::Hub(HubError::Stopped) => StatusCode::SERVICE_UNAVAILABLE,
        NotEmitted::Wrong(_) | NotEmitted::Hub(_) => StatusCode::BAD_REQUEST,
    }
}

/// Refuses what somebody posts who is no emitter.
fn no_emitter(core: &Core, peer: IpAddr, token: Option<Token>) -> Answer {
    if core.options.emit_token.is_none() {
        let says = "nobody may emit: this hub was started without a token of emitters (`--emit-token`, `emit_token`)";
        return refused(core, StatusCode::FORBIDDEN, says);
    }
    let says = match token {
        Some(Token::Unread) => {
            let mut answer =
                refused(core, StatusCode::TOO_MANY_REQUESTS, &events::too_many_wrong_tokens(peer));
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
            return answer;
        }
        Some(_) => "the token is not that of this hub's emitters",
        None => "only emitters may: send their token as `Authorization: Bearer TOKEN`",
    };
    let mut answer = refused(core, StatusCode::UNAUTHORIZED, says);
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

/// Refuses what was posted, and counts that.
fn refused(core: &Core, status: StatusCode, says: &str) -> Answer {
    core.stats.refused.fetch_add(1, Ordering::Relaxed);
    no(status, says)
}
