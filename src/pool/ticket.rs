//! What everybody who has to do with a job shares of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::JobId;
use super::message::Message;
use super::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

/// What whoever submits a job says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) kind: Cow<'static, str>,
    pub(super) priority: i32,
    /// What few jobs have, apart, so that the others are small.
    pub(super) rare: Option<Box<Rare>>,
}

/// What few jobs are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rare {
    pub(super) nodes: Option<u64>,
    pub(super) key: Option<u64>,
    pub(super) within: Option<Duration>,
    pub(super) is_idempotent: bool,
    /// What it is to a worker that is no thread.
    pub(super) message: Option<Arc<Message>>,
}

impl Wishes {
    pub(super) fn new(kind: Cow<'static, str>) -> Self {
        Self { kind, priority: 0, rare: None }
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// What the handle, the queue, the worker and the registry share of a job.
pub(crate) struct Ticket {
    /// Written once, under the lock that lets others have the job.
    id: AtomicU64,
    pub(super) submitted: Instant,
    wishes: Wishes,
    /// Written under the lock of the dispatch alone.
    whereabouts: AtomicU32,
    /// A wish that guards no other data, hence relaxed.
    abort: AtomicBool,
    /// Whether it was the deadline that aborted.
    is_late: AtomicBool,
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// With whoever submits it, or started.
    Elsewhere,
    /// Nowhere any more, without having started. Whoever took it out of where it was ends it.
    Withdrawn,
    /// In the queue of all workers.
    Queue,
    /// In the queue of the worker at this place.
    Pinned(usize),
    /// With the worker at this place, if it has not started it meanwhile.
    Lane(usize),
}

impl Whereabouts {
    fn encoded(self) -> u32 {
        // A pool has too few places to come near the end of the numbers.
        match self {
            Self::Elsewhere => 0,
            Self::Withdrawn => 1,
            Self::Queue => 2,
            Self::Pinned(place) => 3 + 2 * place as u32,
            Self::Lane(place) => 4 + 2 * place as u32,
        }
    }

    fn decoded(word: u32) -> Self {
        match word {
            0 => Self::Elsewhere,
            1 => Self::Withdrawn,
            2 => Self::Queue,
            odd if odd % 2 == 1 => Self::Pinned((odd as usize - 3) / 2),
            even => Self::Lane((even as usize - 4) / 2),
        }
    }
}

impl Ticket {
    pub(super) fn new(wishes: Wishes, submitted: Instant) -> Self {
        Self {
            id: AtomicU64::new(0),
            submitted,
            wishes,
            whereabouts: AtomicU32::new(0),
            abort: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
        }
    }

    pub(super) fn kind(&self) -> &Cow<'static, str> {
        &self.wishes.kind
    }

    pub(super) fn priority(&self) -> i32 {
        self.wishes.priority
    }

    pub(super) fn nodes(&self) -> Option<u64> {
        self.wishes.rare.as_ref()?.nodes
    }

    pub(super) fn key(&self) -> Option<u64> {
        self.wishes.rare.as_ref()?.key
    }

    /// Returns when the job is to be over. A moment beyond the end of time is none.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.submitted.checked_add(self.wishes.rare.as_ref()?.within?)
    }

    /// Tells whether it is a job of priority 0, for any worker, without a deadline.
    pub(super) fn is_plain(&self) -> bool {
        let is_plain = |rare: &Rare| rare.key.is_none() && rare.within.is_none();
        self.wishes.priority == 0 && self.wishes.rare.as_deref().is_none_or(is_plain)
    }

    /// Returns what the job is to a worker that is no thread.
    pub(crate) fn message(&self) -> Option<&Message> {
        self.wishes.rare.as_ref()?.message.as_deref()
    }

    /// Takes the job back from a worker that it was sent to ahead. `false` if that has started it.
    pub(super) fn take_back(&self) -> bool {
        self.message().is_none_or(Message::take_back)
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.wishes.rare.as_ref().is_some_and(|rare| rare.is_idempotent)
    }

    pub(super) fn id(&self) -> JobId {
        JobId(self.id.load(Relaxed))
    }

    pub(super) fn number(&self, id: u64) {
        self.id.store(id, Relaxed);
    }

    pub(super) fn abort(&self) {
        self.abort.store(true, Relaxed);
    }

    pub(crate) fn aborted(&self) -> bool {
        self.abort.load(Relaxed)
    }

    /// Aborts it because its deadline has passed.
    pub(super) fn expire(&self) {
        self.is_late.store(true, Relaxed);
        self.abort();
    }

    pub(crate) fn is_late(&self) -> bool {
        self.is_late.load(Relaxed)
    }

    /// Notes where the job is now.
    pub(super) fn is_at(&self, whereabouts: Whereabouts) {
        self.whereabouts.store(whereabouts.encoded(), Relaxed);
    }

    pub(super) fn whereabouts(&self) -> Whereabouts {
        Whereabouts::decoded(self.whereabouts.load(Relaxed))
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        self.whereabouts() == Whereabouts::Withdrawn
    }

    /// Gives back what was wished for the job.
    pub(super) fn into_wishes(self) -> Wishes {
        self.wishes
    }
}
