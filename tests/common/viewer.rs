//! A viewer of a hub, over a websocket, as tests are one.
#![allow(dead_code, unreachable_pub, reason = "each test program has it as a module and uses a part of it")]

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

/// How long anything may take that comes by and by.
pub const SOON: Duration = Duration::from_secs(20);

/// A viewer of rooms, and what it knows of them.
pub struct Viewer {
    socket: WebSocket<TcpStream>,
    /// The state of the room that was told of last.
    pub state: Map<String, Value>,
    /// The numbers and the data of the events that were told.
    pub events: Vec<(u64, Value)>,
    /// How many events were said to be lost.
    pub lost: u64,
}

impl Viewer {
    /// Connects, with a token or without.
    pub fn connect(addr: SocketAddr, token: Option<&str>) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let path = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = tungstenite::client(path.into_client_request().unwrap(), stream).unwrap();
        let mut viewer = Self { socket, state: Map::new(), events: Vec::new(), lost: 0 };
        let auth = token.map(|token| json!({ "token": token }).to_string());
        viewer.say(&format!("40{}", auth.unwrap_or_default()));
        viewer.until_text(|text| text.starts_with("40"));
        viewer
    }

    pub fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// Says an event, and returns its answer.
    pub fn ask(&mut self, event: &str, argument: &Value) -> Value {
        self.say(&format!("427[\"{event}\",{argument}]"));
        let answer = self.until_text(|text| text.starts_with("437"));
        serde_json::from_str::<Value>(&answer[3..]).unwrap()[0].clone()
    }

    /// Joins a room, and waits for its state; returns the answer.
    pub fn join(&mut self, what: &Value) -> Value {
        let answer = self.ask("join-game", what);
        self.until_text(|text| text.contains("\"gameState\""));
        answer
    }

    /// Reads until a text comes that is asked for.
    fn until_text(&mut self, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            let Message::Text(text) = self.socket.read().expect("something is told") else { continue };
            self.take(&text);
            if is_it(&text) {
                return text.to_string();
            }
        }
        panic!("what is waited for does not come: {:?} {:?}", self.state, self.events);
    }

    /// Reads until something is so.
    pub fn until(&mut self, is_it: impl Fn(&Self) -> bool) {
        while !is_it(self) {
            self.until_text(|_| true);
        }
    }

    fn take(&mut self, text: &str) {
        if text == "2" {
            return self.say("3");
        }
        let Some(Value::Array(said)) =
            text.strip_prefix("42").and_then(|said| serde_json::from_str(said).ok())
        else {
            return;
        };
        match said[0].as_str().unwrap() {
            "gameState" => self.state = said[1].as_object().unwrap().clone(),
            "game-state-update" => {
                self.state.extend(said[1].as_object().unwrap().clone());
                for key in said[2]["removed"].as_array().unwrap() {
                    self.state.remove(key.as_str().unwrap());
                }
            }
            "lost" => self.lost += said[1]["lost"].as_u64().unwrap(),
            "agent-action" | "visualization-event" => {
                self.events.push((said[2]["n"].as_u64().unwrap(), said[1].clone()));
            }
            other => panic!("{other}: {text}"),
        }
    }
}
