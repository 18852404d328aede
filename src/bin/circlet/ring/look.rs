//! Looking at a named segment, whatever it is and whatever its schema.

use circlet::page::{self, Page};
use circlet::ring::{self, Ring, Stats};
use circlet::shm::{self, Backing, Mode, PeerState, Segment};
use indicatif::HumanBytes;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::harmless;

/// A segment that is opened for what it is.
#[derive(Debug)]
pub(super) enum Opened {
    Ring(Ring),
    Page(Page),
}

impl Opened {
    /// Opens it with the schema that its own header has.
    pub(super) fn open(name: &str) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::input(format!("{:?}: {error}", harmless(name)));
        let segment = Segment::open(name, &Backing::default()).map_err(|error| match error {
            shm::Error::NotFound { .. } => no_such(name),
            shm::Error::Name { .. } => Failure::input(harmless(&error.to_string())),
            _ => wrong(&error),
        })?;
        let geometry = segment.geometry();
        if geometry.mode() == Mode::Page {
            let options = page::Options::new().schema(geometry.schema());
            page::open(name, &options).map(Self::Page).map_err(|error| wrong(&error))
        } else {
            let options = ring::Options::new().schema(geometry.schema());
            ring::open_with(name, &options).map(Self::Ring).map_err(|error| wrong(&error))
        }
    }
}

/// Says that a name is nobody's, and what to do.
pub(super) fn no_such(name: &str) -> Failure {
    let name = harmless(name);
    Failure::input(format!("there is no ring or page {name:?}: `circlet ring list` tells which there are"))
}

/// What was seen of a segment at one moment.
#[derive(Clone, Debug)]
pub(super) enum Look {
    Ring(Stats),
    Page(PageLook),
}

/// What was seen of a page.
#[derive(Clone, Debug)]
pub(super) struct PageLook {
    pub(super) schema: String,
    pub(super) capacity_bytes: u64,
    pub(super) max_bytes: u32,
    pub(super) writer: PeerState,
    /// Version and length of the value; `None` before the first, or why it cannot be read.
    pub(super) value: Result<Option<(u64, usize)>, String>,
}

impl Look {
    pub(super) fn at(name: &str) -> Result<Self, Failure> {
        Ok(match Opened::open(name)? {
            Opened::Ring(ring) => Self::Ring(ring.stats()),
            Opened::Page(page) => {
                let mut reader = page.reader();
                let value = match reader.read() {
                    Ok(value) => Ok(value.map(|value| (value.version, value.bytes.len()))),
                    Err(error) => Err(error.to_string()),
                };
                let geometry = page.segment().geometry();
                Self::Page(PageLook {
                    schema: geometry.schema().to_owned(),
                    capacity_bytes: geometry.capacity(),
                    max_bytes: page.max_bytes(),
                    writer: reader.writer_state(),
                    value,
                })
            }
        })
    }

    pub(super) fn mode(&self) -> Mode {
        match self {
            Self::Ring(stats) => stats.mode,
            Self::Page(_) => Mode::Page,
        }
    }

    pub(super) fn schema(&self) -> &str {
        match self {
            Self::Ring(stats) => &stats.schema,
            Self::Page(page) => &page.schema,
        }
    }

    /// How many bytes wait to be read; `None` where nobody takes them away.
    pub(super) fn used_bytes(&self) -> Option<u64> {
        match self {
            Self::Ring(stats) if stats.mode != Mode::Broadcast => Some(stats.used_bytes),
            _ => None,
        }
    }

    /// The most bytes that waited to be read, as far as it was seen; `None` where nobody takes them away.
    pub(super) fn high_water_bytes(&self) -> Option<u64> {
        match self {
            // The ring's own mark may lag behind by a sixteenth of the capacity.
            Self::Ring(stats) => Some(stats.high_water_bytes.max(self.used_bytes()?)),
            Self::Page(_) => None,
        }
    }

    /// What of the ring is used, from 0 to 1.
    pub(super) fn fill(&self) -> Option<f64> {
        match self {
            Self::Ring(stats) => Some(self.used_bytes()? as f64 / stats.capacity_bytes as f64),
            Self::Page(_) => None,
        }
    }

    /// The producers, in a word or two.
    pub(super) fn producers(&self) -> String {
        match self {
            Self::Ring(stats) if stats.producers > 1 => format!("{} alive", stats.producers),
            Self::Ring(stats) => stats.producer.to_string(),
            Self::Page(page) => page.writer.to_string(),
        }
    }

    /// The consumer, in a word; `None` where readers have no seat.
    pub(super) fn consumer(&self) -> Option<PeerState> {
        match self {
            Self::Ring(stats) if stats.mode != Mode::Broadcast => Some(stats.consumer),
            _ => None,
        }
    }

    /// Says everything. What a mode does not have is null.
    pub(super) fn fields(&self, name: &str) -> Value {
        let schema = Some(self.schema()).filter(|tag| !tag.is_empty());
        match self {
            Self::Ring(stats) => {
                // Nobody releases in a broadcast ring, and its readers have no seat.
                let queue = (stats.mode != Mode::Broadcast).then_some(stats);
                json!({
                    "name": name,
                    "mode": stats.mode.to_string(),
                    "schema": schema,
                    "overflow": stats.overflow.to_string(),
                    "max_frame_bytes": stats.max_frame,
                    "max_message_bytes": stats.max_message,
                    "capacity_bytes": stats.capacity_bytes,
                    "used_bytes": self.used_bytes(),
                    "high_water_bytes": self.high_water_bytes(),
                    "frames_sent": stats.frames_sent,
                    "frames_received": queue.map(|stats| stats.frames_received),
                    "payload_bytes_sent": stats.payload_bytes_sent,
                    "full_events": stats.full_events,
                    "dropped": stats.dropped,
                    "producer_waits": stats.producer_waits,
                    "consumer_waits": queue.map(|stats| stats.consumer_waits),
                    "producers": stats.producers,
                    "producer": stats.producer.to_string(),
                    "consumer": queue.map(|stats| stats.consumer.to_string()),
                })
            }
            Self::Page(page) => {
                let value = page.value.as_ref().ok().copied().flatten();
                let mut fields = json!({
                    "name": name,
                    "mode": Mode::Page.to_string(),
                    "schema": schema,
                    "capacity_bytes": page.capacity_bytes,
                    "max_value_bytes": page.max_bytes,
                    "version": value.map_or(0, |value| value.0),
                    "value_bytes": value.map(|value| value.1),
                    "producer": page.writer.to_string(),
                });
                if let (Err(error), Some(fields)) = (&page.value, fields.as_object_mut()) {
                    fields.insert("version".to_owned(), Value::Null);
                    fields.insert("error".to_owned(), error.as_str().into());
                }
                fields
            }
        }
    }
}

/// Says an error as the fields of what could not be looked at.
pub(super) fn error_fields(name: &str, error: &Failure) -> Value {
    json!({ "name": name, "error": error.to_string() })
}

/// A share of something as a bar of so many characters.
fn bar(share: f64, width: usize) -> String {
    let share = share.clamp(0.0, 1.0);
    let mut full = (share * width as f64).round() as usize;
    // Neither full nor empty before it is.
    if share > 0.0 && share < 1.0 {
        full = full.clamp(1, width - 1);
    }
    format!("[{}{}]", "#".repeat(full), "-".repeat(width - full))
}

/// A share as a bar and a number, which says 100 % only where nothing is free.
pub(super) fn share(share: f64, width: usize) -> String {
    format!("{} {:>3.0} %", bar(share, width), (share * 100.0).floor())
}

/// A size for people: "15.20 KiB", but "12 B" exactly.
pub(super) fn size(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_or_empty_only_where_the_ring_is() {
        assert_eq!(bar(0.0, 4), "[----]");
        assert_eq!(bar(0.001, 4), "[#---]");
        assert_eq!(bar(0.5, 4), "[##--]");
        assert_eq!(bar(0.999, 4), "[###-]");
        assert_eq!(bar(1.0, 4), "[####]");
        assert_eq!(bar(f64::NAN, 4).len(), 6);
        assert_eq!(bar(7.0, 4), "[####]");
    }
}
