//! A network without interfaces, for sessions that may use none: what the filter refuses leads nowhere, should it ever let it through.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::thread;

use super::known::{Known, is_passing};
use super::places::{Namespaces, unshares};

/// How a session gets such a network.
#[derive(Clone, Copy, Debug)]
pub(super) enum NoNetwork {
    /// All sessions of this process share one, which a privileged process can put them into: to make one for each takes as long as
    /// all the rest of a start.
    Shared(&'static OwnedFd),
    /// Each makes its own, in its user name space.
    Own,
    /// Not at all: the filter alone keeps it from networks.
    None,
}

impl NoNetwork {
    /// Tries it, once.
    ///
    /// # Errors
    /// It cannot be tried at the moment.
    pub(super) fn here() -> io::Result<Self> {
        static MADE: Known<Option<OwnedFd>> = Known::new();
        static OWN: Known<bool> = Known::new();
        let find = || match made() {
            Err(error) if is_passing(&error) => Err(error),
            made => Ok(made.ok()),
        };
        Ok(match Namespaces::here()? {
            Namespaces::Privileged => MADE.get(find)?.as_ref().map_or(Self::None, Self::Shared),
            Namespaces::Users if *OWN.get(|| unshares(Namespaces::Users.flags() | libc::CLONE_NEWNET))? => {
                Self::Own
            }
            Namespaces::Users | Namespaces::None => Self::None,
        })
    }

    /// Returns the flags of `unshare` for it.
    pub(super) fn flags(self) -> libc::c_int {
        if matches!(self, Self::Own) { libc::CLONE_NEWNET } else { 0 }
    }

    /// Returns the descriptor of the one to go into, if there is one.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub(super) fn shared(self) -> io::Result<Option<OwnedFd>> {
        let Self::Shared(network) = self else { return Ok(None) };
        network.try_clone().map(Some)
    }

    /// Tells whether a process is in such a network, or in another where there is none to be in.
    ///
    /// # Errors
    /// The process has gone.
    pub(super) fn has(self, process: u32) -> io::Result<bool> {
        let network = |of: &str| fs::read_link(PathBuf::from(format!("/proc/{of}/ns/net")));
        Ok(matches!(self, Self::None) || network(&process.to_string())? != network("self")?)
    }
}

/// Makes one: a thread leaves its network, and what it leaves for stays as long as the descriptor.
fn made() -> io::Result<OwnedFd> {
    let made = thread::Builder::new().spawn(|| {
        // SAFETY: the call takes an integer, and concerns this thread alone.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            return Err(io::Error::last_os_error());
        }
        File::open("/proc/thread-self/ns/net").map(OwnedFd::from)
    })?;
    made.join().unwrap_or_else(|_| Err(io::Error::from_raw_os_error(libc::EAGAIN)))
}
