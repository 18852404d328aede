//! A port in the hands of the job that uses it.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use super::super::{Error, WorkerId};
use super::{PortId, Ports};
use crate::ring::{self, Receiver, Ring, Role, Sender};

/// An end of a ring: [`Sender`] or [`Receiver`].
pub trait End: Sized + Send {
    /// Which end it is.
    const ROLE: Role;

    /// Takes the end of a ring.
    ///
    /// # Errors
    /// As [`Ring::sender`].
    fn take(ring: &Ring) -> Result<Self, ring::Error>;
}

impl End for Sender {
    const ROLE: Role = Role::Producer;

    fn take(ring: &Ring) -> Result<Self, ring::Error> {
        ring.sender()
    }
}

impl End for Receiver {
    const ROLE: Role = Role::Consumer;

    fn take(ring: &Ring) -> Result<Self, ring::Error> {
        ring.receiver()
    }
}

/// A port that a job uses: the end itself, until it is dropped. The next one goes on where this one stopped.
///
/// It lives no longer than the job. One that is forgotten ([`std::mem::forget`]) is in use for ever.
pub struct Port<'a, E: End> {
    /// Gone before it is given back.
    end: Option<E>,
    lease: Lease,
    job: PhantomData<&'a ()>,
}

/// The right to a port, which is given back with this.
struct Lease {
    id: PortId,
    worker: WorkerId,
    ring: Ring,
    ports: Arc<Ports>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.ring.end_loan();
        self.ports.give_back(self.id, self.worker);
    }
}

impl<E: End> Port<'_, E> {
    pub(in super::super) fn take(
        ports: &Arc<Ports>,
        id: PortId,
        worker: WorkerId,
        within: Duration,
    ) -> Result<Self, Error> {
        let granted = ports.take(id, worker, within)?;
        let lease = Lease { id, worker, ring: granted.seat, ports: Arc::clone(ports) };
        if granted.role != E::ROLE {
            return Err(Error::PortRole { port: id, role: granted.role });
        }
        Ok(Self { end: Some(E::take(&lease.ring)?), lease, job: PhantomData })
    }

    /// Returns the port's id.
    pub fn id(&self) -> PortId {
        self.lease.id
    }

    /// Hands the port on to another worker, or to whichever asks for it (`None`).
    ///
    /// # Errors
    /// [`Error::NoSuchWorker`]; [`Error::NoPort`] if it was closed meanwhile. It is given back all the same.
    pub fn transfer(self, to: Option<WorkerId>) -> Result<(), Error> {
        self.lease.ports.transfer(self.lease.id, to)
    }
}

impl<E: End> Deref for Port<'_, E> {
    type Target = E;

    fn deref(&self) -> &E {
        self.end.as_ref().expect("the end is there until the port is dropped")
    }
}

impl<E: End> DerefMut for Port<'_, E> {
    fn deref_mut(&mut self) -> &mut E {
        self.end.as_mut().expect("the end is there until the port is dropped")
    }
}

impl<E: End> Drop for Port<'_, E> {
    fn drop(&mut self) {
        self.end = None;
    }
}

impl<E: End> fmt::Debug for Port<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("id", &self.lease.id).field("role", &E::ROLE).finish_non_exhaustive()
    }
}
