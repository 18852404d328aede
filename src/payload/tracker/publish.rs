//! The session's page: the newest snapshot in shared memory.

use std::time::Duration;

use super::error::TrackerError;
use super::{Shared, unix};
use crate::page::{self, Page, Writer};
use crate::payload::{Error, SessionPayload};
use crate::shm::{self, PeerState, Segment};

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
    Ok(read_session_page(name)?.map(|read| read.payload))
}

/// As [`read_session`], with how old the snapshot is and whether somebody goes on writing there.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// # use circlet::payload::{SessionTracker, TrackerOptions, read_session_page};
/// # let name = format!("circlet-doc-{}", std::process::id());
/// # let options = TrackerOptions { page: Some(name.clone()), project: false, ..TrackerOptions::default() };
/// # let tracker = SessionTracker::start(options)?;
/// # while read_session_page(&name).unwrap().is_none() {}
/// let read = read_session_page(&name).unwrap().unwrap();
/// assert!(read.is_live && read.age.is_some() && read.payload.process.is_some());
/// # }
/// # Ok::<(), circlet::payload::TrackerError>(())
/// ```
///
/// # Errors
/// As [`read_session`].
pub fn read_session_page(name: &str) -> Result<Option<ReadSession>, ReadError> {
    let page = page::open(name, &page::Options::new().schema(PAGE_SCHEMA))?;
    let mut reader = page.reader();
    // Before the value is read: one that is written by somebody who is alive may end by then.
    let is_live = reader.writer_state() == PeerState::Alive;
    let Some(value) = reader.read()? else { return Ok(None) };
    let text = std::str::from_utf8(value.bytes).map_err(|_| ReadError::NotText)?;
    let payload = SessionPayload::from_json(text)?;
    let age = payload.captured_at_ms.map(|at| unix().saturating_sub(Duration::from_millis(at)));
    Ok(Some(ReadSession { payload, age, is_live }))
}

/// A snapshot that was read from the page of a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReadSession {
    /// The snapshot.
    pub payload: SessionPayload,
    /// How old it is, by the clock of this machine.
    pub age: Option<Duration>,
    /// Whether its writer lives: one that was killed leaves its last snapshot.
    pub is_live: bool,
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
                (large_enough(name, &options, room)?, true)
            }
        }
        made => (made?, false),
    };
    // Refused where the one who made it is alive.
    let writer = page.writer()?;
    Ok(Published { page, writer, is_taken_over })
}

/// Opens a page that somebody else made, where it has room.
fn large_enough(name: &str, options: &page::Options, room: u32) -> Result<Page, TrackerError> {
    let page = page::open(name, options)?;
    if page.max_bytes() >= room {
        return Ok(page);
    }
    let given = format!("`{name}`, a page for {} bytes that is still open elsewhere", page.max_bytes());
    Err(TrackerError::Option { option: "page", given, allowed: "another name, or a smaller `max_bytes`" })
}

/// Writes snapshots until the tracker ends.
pub(super) fn run(shared: &Shared, mut published: Published, interval: Duration) {
    loop {
        let (moment, process) = shared.look();
        let json = shared.book().at(moment, process).to_json();
        if published.writer.write(json.as_bytes()).is_err() {
            // What is measured is not bounded. The host's side goes before the guest's, and the reason always has room.
            let reason = format!("the snapshot has {} bytes, more than its page has room for", json.len());
            let host = shared.book().of_the_host(&reason);
            if published.writer.write(host.to_json().as_bytes()).is_err() {
                let _ = published.writer.write(reasoned(&host).as_bytes());
            }
        }
        if shared.pause(interval) {
            return;
        }
    }
}

/// Returns what is left of a snapshot that is too long: which one it was, and why there is no more.
fn reasoned(payload: &SessionPayload) -> String {
    let left = SessionPayload {
        seq: payload.seq,
        captured_at_ms: payload.captured_at_ms,
        process: payload.process.clone(),
        unavailable: payload.unavailable.clone(),
        ..SessionPayload::default()
    };
    left.to_json()
}
