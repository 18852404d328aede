//! A segment opened as a ring.

#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::{Dump, Error, Options, Receiver, Sender, Stats};
use crate::shm::{KeptSeat, Loan, Mode, Role, Segment};

/// Creates a named ring, which other processes [`open`]. Its name is removed when this `Ring`, and every sender and
/// receiver made from it, are dropped.
///
/// # Errors
/// [`crate::shm::Error`]: a name that is taken or not allowed, options out of range, no room.
pub fn create(name: &str, options: &Options) -> Result<Ring, Error> {
    Ok(Ring::new(Segment::create(name, &options.geometry()?, options.backing())?))
}

/// Opens a ring that has no schema by its name.
///
/// # Errors
/// [`crate::shm::Error`]: no such name, a segment that is not a ring of this version, a schema.
pub fn open(name: &str) -> Result<Ring, Error> {
    open_with(name, &Options::new())
}

/// As [`open`], with the options that concern this side: the schema, and how it has the memory.
///
/// # Errors
/// As [`open`], and another schema.
pub fn open_with(name: &str, options: &Options) -> Result<Ring, Error> {
    Ring::checked(Segment::open(name, options.backing())?, options)
}

/// Creates a ring without a name, to be passed to another process with [`Ring::export_fd`].
///
/// # Errors
/// [`crate::shm::Error`]: options out of range, no room.
pub fn anonymous(options: &Options) -> Result<Ring, Error> {
    Ok(Ring::new(Segment::anonymous(&options.geometry()?, options.backing())?))
}

/// Opens a ring that has no schema from a descriptor that [`Ring::export_fd`] made, and owns the descriptor.
///
/// # Errors
/// [`crate::shm::Error`]: a descriptor that is not a sealed memfd, a segment that is not a ring of this version, a
/// schema.
#[cfg(unix)]
pub fn from_fd(fd: OwnedFd) -> Result<Ring, Error> {
    from_fd_with(fd, &Options::new())
}

/// As [`from_fd`], with the options that concern this side: the schema, and how it has the memory.
///
/// # Errors
/// As [`from_fd`], and another schema.
#[cfg(unix)]
pub fn from_fd_with(fd: OwnedFd, options: &Options) -> Result<Ring, Error> {
    Ring::checked(Segment::from_fd(fd, options.backing())?, options)
}

/// Opens a ring of which one end is lent, from the very description that holds its seat.
#[cfg(all(feature = "exec", target_os = "linux"))]
pub(crate) fn adopt(fd: OwnedFd, role: Role, index: usize) -> Result<Ring, Error> {
    Ok(Ring::lent(Arc::new(Segment::adopt(fd)?), Loan::new(role, index)))
}

/// Settles what the last one in a kept seat left that died there: a claim that bars the way, or the claim lock.
pub(crate) fn mend(kept: &KeptSeat) {
    kept.let_go_of_others();
    if kept.role() == Role::Producer {
        // What cannot be settled, the next one is told.
        drop(kept.lend().sit(kept.segment(), Role::Producer).map_err(Error::from).and_then(Sender::seated));
    }
}

/// A ring in shared memory: where senders and receivers come from. `Send` and `Sync`.
#[derive(Clone, Debug)]
pub struct Ring {
    segment: Arc<Segment>,
    /// Where a port lends one of its ends.
    loan: Option<Arc<Loan>>,
}

impl Ring {
    fn new(segment: Segment) -> Self {
        Self { segment: Arc::new(segment), loan: None }
    }

    /// Makes a ring of which one end is lent, and nothing else to be had, from the description that holds its seat.
    pub(crate) fn lent(segment: Arc<Segment>, loan: Arc<Loan>) -> Self {
        Self { segment, loan: Some(loan) }
    }

    /// Keeps a seat for those who will sit there one after the other.
    pub(crate) fn keep(&self, role: Role) -> Result<KeptSeat, Error> {
        Ok(KeptSeat::take(&self.segment, role)?)
    }

    /// Ends what was lent: no end is to be had of it any more. Whoever has one drops it before.
    pub(crate) fn end_loan(&self) {
        if let Some(loan) = &self.loan {
            loan.end();
        }
    }

    fn checked(segment: Segment, options: &Options) -> Result<Self, Error> {
        options.check(segment.geometry())?;
        Ok(Self::new(segment))
    }

    /// Takes a producer's seat; a seat whose holder died is free again, and its successor goes on where it stopped.
    ///
    /// # Errors
    /// [`crate::shm::Error::Busy`] while living producers hold every seat (one, or 32 in an mpsc ring);
    /// [`Error::Poisoned`] where the ring's words cannot be.
    pub fn sender(&self) -> Result<Sender, Error> {
        match &self.loan {
            Some(loan) => Sender::seated(loan.sit(&self.segment, Role::Producer)?),
            None => Sender::new(Arc::clone(&self.segment)),
        }
    }

    /// Takes the consumer's seat; a successor reads on after the last released frame. A broadcast ring has any number
    /// of receivers, and each begins with the next frame that is sent.
    ///
    /// # Errors
    /// As [`Ring::sender`].
    pub fn receiver(&self) -> Result<Receiver, Error> {
        match &self.loan {
            Some(loan) => Receiver::seated(loan.sit(&self.segment, Role::Consumer)?),
            None => Receiver::new(Arc::clone(&self.segment), false),
        }
    }

    /// As [`Ring::receiver`], but in a broadcast ring it begins with the oldest frame that is still there.
    ///
    /// # Errors
    /// As [`Ring::sender`].
    pub fn receiver_from_oldest(&self) -> Result<Receiver, Error> {
        if self.loan.is_some() {
            return self.receiver();
        }
        Receiver::new(Arc::clone(&self.segment), true)
    }

    /// Returns who may write and read.
    pub fn mode(&self) -> Mode {
        self.segment.geometry().mode()
    }

    /// Returns the bytes of the data area.
    pub fn capacity(&self) -> u64 {
        self.segment.geometry().capacity()
    }

    /// Returns the longest payload of one frame in bytes: the longest claim.
    pub fn max_frame(&self) -> u32 {
        self.segment.geometry().max_frame()
    }

    /// Returns the longest message in bytes.
    pub fn max_message(&self) -> u32 {
        self.segment.geometry().max_message()
    }

    /// Returns the mapped segment: its base and geometry, for those who lay views over it.
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Makes a descriptor that another process can open this ring from. Close it here once it is passed: the locks
    /// that tell who is alive belong to it.
    ///
    /// # Errors
    /// What the kernel said.
    #[cfg(unix)]
    pub fn export_fd(&self) -> Result<OwnedFd, Error> {
        Ok(self.segment.export_fd()?)
    }

    /// Reads the counters. Each is right by itself; together they are of about one moment.
    pub fn stats(&self) -> Stats {
        Stats::read(&self.segment)
    }

    /// Returns what reads the counters as [`Ring::stats`] does, and returns `None` once this ring and all that was made of it are
    /// dropped. It keeps none of them, and no name: it has a mapping of its own.
    ///
    /// # Errors
    /// What the kernel said.
    pub(crate) fn watcher(&self) -> Result<impl Fn() -> Option<Stats> + Send + use<>, Error> {
        let (theirs, own) = (Arc::downgrade(&self.segment), Arc::new(self.segment.again()?));
        Ok(move || (theirs.strong_count() > 0).then(|| Stats::read(&own)))
    }

    /// Goes through the frames that are in the ring now, oldest first, and leaves them there: it takes no seat, and
    /// writes nothing. In a broadcast ring it begins with the oldest frame that is still there.
    ///
    /// Each frame is a private copy, made while the ring goes on: frames that its reader releases (or, in a broadcast
    /// ring, its writer overwrites) before they are copied are passed over, which shows in the positions. It ends after one
    /// way round the ring at the latest, and with the first [`super::Poison`].
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use circlet::ring::{self, Options};
    ///
    /// let ring = ring::anonymous(&Options::new())?;
    /// let mut sender = ring.sender()?;
    /// sender.send(b"one")?;
    /// sender.send(b"two")?;
    /// let payloads: Vec<_> = ring.dump().map(|frame| frame.map(|frame| frame.payload)).collect::<Result<_, _>>()?;
    /// assert_eq!(payloads, [b"one", b"two"]);
    /// assert_eq!(&*ring.receiver()?.recv()?, b"one");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dump(&self) -> Dump {
        Dump::new(&self.segment)
    }
}
