//! A viewer of a hub's rooms that keeps what it is told of them.
#![allow(dead_code, reason = "each test program has it as a module and uses a part of it")]

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::{Map, Value, json};
use tungstenite::Message;

use super::hub_protocol::{SOON, Viewer};

/// A viewer of rooms, and what it knows of them.
pub(crate) struct Follower {
    viewer: Viewer,
    /// The state of the room that was told of last.
    pub(crate) state: Map<String, Value>,
    /// The numbers and the data of the events that were told.
    pub(crate) events: Vec<(u64, Value)>,
    /// The id of the hub that it was told last.
    pub(crate) hub: String,
    /// How many events were said to be lost.
    pub(crate) lost: u64,
}

impl Follower {
    /// Connects, with a token or without.
    pub(crate) fn connect(addr: SocketAddr, token: Option<&str>) -> Self {
        let mut follower = Self {
            viewer: Viewer::session(addr),
            state: Map::new(),
            events: Vec::new(),
            hub: String::new(),
            lost: 0,
        };
        let auth = token.map(|token| json!({ "token": token }).to_string());
        follower.viewer.say(&format!("40{}", auth.unwrap_or_default()));
        follower.until_text(|text| text.starts_with("40"));
        follower
    }

    /// Says an event, and returns its answer.
    pub(crate) fn ask(&mut self, event: &str, argument: &Value) -> Value {
        self.viewer.say(&format!("427[\"{event}\",{argument}]"));
        let answer = self.until_text(|text| text.starts_with("437"));
        serde_json::from_str::<Value>(&answer[3..]).unwrap()[0].clone()
    }

    /// Joins a room, and waits for its state; returns the answer.
    pub(crate) fn join(&mut self, what: &Value) -> Value {
        let answer = self.ask("join-game", what);
        self.until_text(|text| text.contains("\"gameState\""));
        answer
    }

    /// Reads until a text comes that is asked for.
    fn until_text(&mut self, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            let Message::Text(text) = self.viewer.message() else { continue };
            self.take(&text);
            if is_it(&text) {
                return text.to_string();
            }
        }
        panic!("what is waited for does not come: {:?} {:?}", self.state, self.events);
    }

    /// Reads until something is so.
    pub(crate) fn until(&mut self, is_it: impl Fn(&Self) -> bool) {
        while !is_it(self) {
            self.until_text(|_| true);
        }
    }

    /// Reads what still comes until the connection ends.
    pub(crate) fn until_end(&mut self) {
        while let Ok(message) = self.viewer.0.read() {
            if let Message::Text(text) = message {
                self.take(&text);
            }
        }
    }

    fn take(&mut self, text: &str) {
        if text == "2" {
            return self.viewer.say("3");
        }
        // What comes with bytes has how many of them before it, as in `451-[`; those are left where they are.
        let said = text.find('[').filter(|_| text.starts_with("42") || text.starts_with("45"));
        let Some(Value::Array(said)) = said.and_then(|at| serde_json::from_str(&text[at..]).ok()) else {
            return;
        };
        match said[0].as_str().unwrap() {
            "gameState" => {
                self.state = said[1].as_object().unwrap().clone();
                self.hub = said[2]["hub"].as_str().unwrap().to_owned();
            }
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
