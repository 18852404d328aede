use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::hub::codec::SEPARATOR;

const LIMITS: Limits = Limits { keys: 8, bytes: 4_000, log: 5 };

fn room() -> Room {
    Room::new("g".into(), LIMITS, 0, 1)
}

fn set(key: &str, value: Value) -> Change {
    let mut change = Change::to("g");
    change.set.insert(key.to_owned(), value.into());
    change
}

/// Reads frames as a viewer does: the names and the arguments of events.
fn events(frames: &Frames) -> Vec<(String, Vec<Value>)> {
    let mut payload = Vec::new();
    frames.poll(&mut payload);
    let packets = payload.split(|byte| *byte == SEPARATOR).filter(|packet| !packet.is_empty());
    packets
        .map(|packet| {
            let text = std::str::from_utf8(packet).unwrap().strip_prefix("42").unwrap();
            let mut arguments: Vec<Value> = serde_json::from_str(text).unwrap();
            (arguments.remove(0).as_str().unwrap().to_owned(), arguments)
        })
        .collect()
}

/// What a viewer makes of what it is told.
#[derive(Default)]
struct Follower {
    at: Position,
    state: Map<String, Value>,
    events: Vec<u64>,
    lost: u64,
}

impl Follower {
    fn new(room: &Room) -> Self {
        Self { at: Position { version: u64::MAX, next: room.position().next }, ..Self::default() }
    }

    fn take(&mut self, frames: &Frames, to: Position) {
        self.at = to;
        for (name, mut arguments) in events(frames) {
            match name.as_str() {
                "gameState" => self.state = arguments[0].as_object().unwrap().clone(),
                "game-state-update" => {
                    self.state.extend(arguments[0].as_object().unwrap().clone());
                    for key in arguments[1]["removed"].as_array().unwrap() {
                        self.state.remove(key.as_str().unwrap());
                    }
                }
                "lost" => self.lost += arguments[0]["lost"].as_u64().unwrap(),
                "happened" => self.events.push(arguments.remove(1)["n"].as_u64().unwrap()),
                other => panic!("{other}"),
            }
        }
    }

    fn catches_up(&mut self, room: &mut Room) {
        let caught_up = room.catch_up(Codec::Json, &self.at, "hub");
        self.take(&caught_up.frames, caught_up.to);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(u8, u8),
    Remove(u8),
    Log,
    /// A tick, which those of these bits can take.
    Tick(u8),
    /// One of them can take something again.
    Ready(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..12, any::<u8>()).prop_map(|(key, value)| Step::Set(key, value)),
        2 => (0_u8..12).prop_map(Step::Remove),
        3 => Just(Step::Log),
        4 => any::<u8>().prop_map(Step::Tick),
        1 => (0_u8..8).prop_map(Step::Ready),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #[test]
    fn whoever_misses_whatever_has_the_state_in_the_end_and_knows_how_many_events_it_lost(steps in steps()) {
        let mut room = room();
        let mut followers: Vec<_> = (0..8).map(|_| Follower::new(&room)).collect();
        let (mut expected, mut logged, mut version) = (Map::new(), 0, 0);
        for step in steps {
            match step {
                Step::Set(key, value) => {
                    let is_new = !expected.contains_key(&key.to_string());
                    let done = room.apply(set(&key.to_string(), json!(value)), None);
                    prop_assert_eq!(done.is_ok(), !is_new || expected.len() < LIMITS.keys);
                    if done.is_ok() {
                        expected.insert(key.to_string(), json!(value));
                    }
                }
                Step::Remove(key) => {
                    let was_there = expected.remove(&key.to_string()).is_some();
                    prop_assert_eq!(room.remove(&key.to_string()), was_there);
                }
                Step::Log => {
                    logged += 1;
                    prop_assert_eq!(room.log("happened", json!({}).into()), logged);
                }
                Step::Tick(ready) => {
                    version += 1;
                    let Some(tick) = room.tick(version, &[Codec::Json]) else { continue };
                    for (bit, follower) in followers.iter_mut().enumerate().filter(|(bit, _)| ready >> bit & 1 == 1) {
                        let _ = bit;
                        if follower.at == tick.from {
                            follower.take(&tick.frames[Codec::Json as usize], tick.to);
                        } else {
                            follower.catches_up(&mut room);
                        }
                    }
                }
                Step::Ready(which) => followers[usize::from(which)].catches_up(&mut room),
            }
        }
        room.tick(version + 1, &[]);
        for follower in &mut followers {
            follower.catches_up(&mut room);
            prop_assert_eq!(&follower.state, &expected);
            prop_assert!(follower.events.is_sorted_by(|a, b| a < b), "{:?}", follower.events);
            prop_assert_eq!(follower.events.len() as u64 + follower.lost, logged);
            prop_assert_eq!(follower.at, room.position());
        }
        let bytes: usize = expected.iter().map(|(key, value)| key.len() + State::from(value.clone()).cost()).sum();
        prop_assert_eq!(room.size(), (expected.len(), bytes));
    }
}

#[test]
fn a_tick_is_the_newest_of_each_key_and_nothing_where_nothing_changed() {
    let mut room = room();
    room.apply(set("a", json!(1)), None).unwrap();
    room.apply(set("a", json!(2)), None).unwrap();
    let tick = room.tick(1, &[Codec::Json]).unwrap();
    let told = events(&tick.frames[Codec::Json as usize]);
    let about = json!({"room": "g", "from": 0, "version": 1, "removed": []});
    assert_eq!(told, [("game-state-update".to_owned(), vec![json!({"a": 2}), about])]);
    room.apply(set("a", json!(2)), None).unwrap();
    assert!(room.tick(2, &[Codec::Json]).is_none(), "it is what it was");
    assert!(tick.frames[Codec::MessagePack as usize].bytes().is_empty(), "nobody speaks it");
}

#[test]
fn what_a_room_has_no_place_for_changes_nothing() {
    let mut room = room();
    room.apply(set("a", json!("x")), None).unwrap();
    let before = room.size();
    let error = room.apply(set("a", json!("x".repeat(5_000))), None).unwrap_err().to_string();
    assert!(error.contains("bytes, and may hold 4000"), "{error}");
    assert_eq!(room.size(), before);
    room.remove("a");
    assert_eq!(room.size(), (0, 0));
}
