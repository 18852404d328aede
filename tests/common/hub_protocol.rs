//! Hubs for tests, and viewers of them that speak the protocols by hand.
#![allow(dead_code, reason = "each test program has it as a module and uses a part of it")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use circlet::hub::{Hub, HubOptions};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

/// How long anything may take that comes at once, on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
pub(crate) const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

pub(crate) fn hub(change: impl FnOnce(&mut HubOptions)) -> Hub {
    let mut options = HubOptions::default();
    options.addr = "127.0.0.1:0".parse().unwrap();
    options.emit_token = Some("secret".to_owned());
    change(&mut options);
    Hub::start(options).unwrap()
}

/// Sends a request, and returns its answer's status and body.
pub(crate) fn http(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let host = if headers.iter().any(|header| header.starts_with("Host:")) {
        String::new()
    } else {
        format!("Host: {addr}\r\n")
    };
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

pub(crate) fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    http(addr, "GET", path, &[], "")
}

/// A session by polling: where its requests go.
pub(crate) fn poll_session(addr: SocketAddr) -> String {
    let (status, body) = get(addr, POLLING);
    assert_eq!(status, 200, "{body}");
    let open: Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
    format!("{POLLING}&sid={}", open["sid"].as_str().unwrap())
}

pub(crate) struct Viewer(pub(crate) WebSocket<TcpStream>);

impl Viewer {
    pub(crate) fn open(addr: SocketAddr, path: &str) -> tungstenite::Result<Self> {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let request = format!("ws://{addr}{path}").into_client_request().unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
            Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("no answer to a handshake"),
        }
    }

    /// One whose session is open, and whose socket is not connected.
    pub(crate) fn session(addr: SocketAddr) -> Self {
        let mut viewer = Self::open(addr, WEBSOCKET).unwrap();
        assert!(viewer.text().starts_with("0{"));
        viewer
    }

    /// One whose socket is connected.
    pub(crate) fn connected(addr: SocketAddr) -> Self {
        let mut viewer = Self::session(addr);
        viewer.say("40");
        assert!(viewer.text().starts_with("40{\"sid\":"));
        viewer
    }

    pub(crate) fn emitter(addr: SocketAddr) -> Self {
        let mut viewer = Self::session(addr);
        viewer.say(r#"40{"token":"secret"}"#);
        assert!(viewer.text().starts_with("40{"));
        viewer
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    pub(crate) fn message(&mut self) -> Message {
        self.0.read().unwrap()
    }

    pub(crate) fn text(&mut self) -> String {
        self.message().into_text().unwrap().to_string()
    }

    /// The next event or answer: what is before its JSON, and that.
    pub(crate) fn packet(&mut self) -> (String, Value) {
        let text = self.text();
        let at = text.find('[').unwrap_or_else(|| panic!("no arguments: {text}"));
        (text[..at].to_owned(), serde_json::from_str(&text[at..]).unwrap())
    }

    pub(crate) fn join(&mut self, room: &str) -> Value {
        self.say(&format!("427[\"join-game\",{}]", json!(room)));
        let (kind, answer) = self.packet();
        assert_eq!(kind, "437", "{answer}");
        answer[0].clone()
    }

    /// Reads until the server closes, and returns what it said before, and why it closed.
    pub(crate) fn end(mut self) -> (Vec<String>, Option<u16>) {
        let mut said = Vec::new();
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => said.push(text.to_string()),
                Ok(Message::Close(why)) => return (said, why.map(|why| why.code.into())),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    panic!("it is still open: {said:?}")
                }
                Err(_) => return (said, None),
            }
        }
    }
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
