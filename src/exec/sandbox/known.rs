//! What this system lets a process do, found out once.

use std::io;
use std::sync::OnceLock;

pub(super) use crate::procfs::is_passing;

/// Something that is found out once; again where it was not found for want of memory, of processes or of descriptors: what is
/// refused for a moment would else be missing as long as this process lives.
#[derive(Debug)]
pub(super) struct Known<T>(OnceLock<T>);

impl<T> Known<T> {
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Returns it, found out by now.
    ///
    /// # Errors
    /// Those of finding it, which are not kept.
    pub(super) fn get(&self, find: impl FnOnce() -> io::Result<T>) -> io::Result<&T> {
        if let Some(known) = self.0.get() {
            return Ok(known);
        }
        let found = find()?;
        Ok(self.0.get_or_init(|| found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_for_a_moment_is_found_out_again_and_what_was_found_is_kept() {
        let known = Known::new();
        let refused = known.get(|| Err(io::Error::from_raw_os_error(libc::EMFILE)));
        assert!(is_passing(&refused.unwrap_err()));
        assert_eq!(*known.get(|| Ok(1)).unwrap(), 1);
        assert_eq!(*known.get(|| Ok(2)).unwrap(), 1);
        assert!(!is_passing(&io::Error::from_raw_os_error(libc::EPERM)));
    }
}
