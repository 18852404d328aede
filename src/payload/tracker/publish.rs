//! The session's page: the newest snapshot in shared memory.

use std::time::Duration;

use super::Shared;
use super::error::TrackerError;
use crate::page::{self, Page, Writer};
use crate::payload::{Error, SessionPayload};
use crate::shm::{self, Segment};

/// The schema of a session's page: JSON in the canonical form.
pub const PAGE_SCHEMA: &str = "circlet.session/1";

/// Returns the newest snapshot on the page of a session, by the page's name: whole, also where its writer was killed. `None` where none
/// was written yet.
///
/// To read often, keep a [`Reader`](page::Reader) of the page, whose schema is [`PAGE_SCHEMA`].
///
/// # Errors
/// There is no such page, or what is on it is no payload.
pub fn read_session(name: &str) -> Result<Option<SessionPayload>, ReadError> {
    let page = page::open(name, &page::Options::new().schema(PAGE_SCHEMA))?;
    let mut reader = page.reader();
    let Some(value) = reader.read()? else { return Ok(None) };
    let text = std::str::from_utf8(value.bytes).map_err(|_| ReadError::NotText)?;
    Ok(Some(SessionPayload::from_json(text)?))
}

/// Why there is no snapshot to read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The page cannot be opened or read.
    #[error(transparent)]
    Page(#[from] page::Error),
    /// Its value is no text.
    #[error("the page's value is not UTF-8: it is no session's")]
    NotText,
    /// Its value is no payload.
    #[error(transparent)]
    Payload(#[from] Error),
}

/// A page, and who writes it.
pub(super) struct Published {
    page: Page,
    writer: Writer,
    /// Somebody else made it, who does not remove its name any more.
    is_taken_over: bool,
}

impl Drop for Published {
    fn drop(&mut self) {
        if let (true, Some(name)) = (self.is_taken_over, self.page.segment().name()) {
            // Somebody may have removed it by hand.
            let _ = Segment::unlink(name);
        }
    }
}

/// Makes the page of a session. One whose tracker was killed is gone on with: whoever has it open goes on reading.
pub(super) fn page(name: &str, max_bytes: u32) -> Result<Published, TrackerError> {
    // What is measured is no guest's to bound, and comes on top.
    let room = max_bytes.saturating_add(64 << 10);
    let options = page::Options::new().max_bytes(room).schema(PAGE_SCHEMA);
    let (page, is_taken_over) = match page::create(name, &options) {
        Err(page::Error::Segment(shm::Error::NameTaken { .. })) => {
            let is_removed = Segment::remove_abandoned(name).map_err(page::Error::Segment)?;
            if is_removed {
                (page::create(name, &options)?, false)
            } else {
                (page::open(name, &options)?, true)
            }
        }
        made => (made?, false),
    };
    // Refused where the one who made it is alive.
    let writer = page.writer()?;
    Ok(Published { page, writer, is_taken_over })
}

/// Writes snapshots until the tracker ends.
pub(super) fn run(shared: &Shared, mut published: Published, interval: Duration) {
    loop {
        let json = shared.snapshot_json();
        if published.writer.write(json.as_bytes()).is_err() {
            // Longer than the page: what is measured is not bounded. It says so, which always has room.
            let _ = published.writer.write(without(&json).as_bytes());
        }
        if shared.pause(interval) {
            return;
        }
    }
}

/// Returns what is left of a snapshot that is too long: which one it was, and why there is no more.
fn without(json: &str) -> String {
    let payload = SessionPayload::from_json(json).unwrap_or_default();
    let reason = format!("the snapshot has {} bytes, more than its page has room for", json.len());
    let left = SessionPayload {
        seq: payload.seq,
        captured_at_ms: payload.captured_at_ms,
        process: payload.process,
        unavailable: Some([("*".to_owned(), reason)].into()),
        ..SessionPayload::default()
    };
    left.to_json()
}
