//! Several policies that hold together.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Limits, Resolved};

impl Resolved {
    /// Has another hold beside this one: a request is allowed only where both allow it.
    ///
    /// The order does not matter to what is decided, and what is merged twice is as if it were merged once.
    #[must_use]
    pub fn merged_with(mut self, other: Self) -> Self {
        for layer in other.layers {
            if !self.layers.contains(&layer) {
                self.layers.push(layer);
            }
        }
        self
    }

    /// Returns the least of each limit.
    pub fn limits(&self) -> Limits {
        self.layers.iter().fold(Limits::default(), |least, layer| least.least(layer.limits))
    }

    /// Returns the session's own folder for temporary files, if any of the policies has one.
    pub fn private_tmp(&self) -> Option<&PathBuf> {
        self.layers.iter().find_map(|layer| layer.private_tmp.as_ref())
    }

    /// Returns the system calls that any of the policies denies.
    pub fn denied_syscalls(&self) -> BTreeSet<&str> {
        self.layers.iter().flat_map(|layer| &layer.syscalls_deny).map(String::as_str).collect()
    }

    /// Returns the files to which decisions are added: each policy's.
    pub fn audit_files(&self) -> BTreeSet<&PathBuf> {
        self.layers.iter().filter_map(|layer| layer.audit_file.as_ref()).collect()
    }

    /// Tells whether any of the policies wants refusals of files written down.
    pub fn audits_files(&self) -> bool {
        self.layers.iter().any(|layer| layer.audit_files)
    }
}

impl Limits {
    /// Returns the lesser of each limit of two.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        Self {
            wall_ms: least(self.wall_ms, other.wall_ms),
            cpu_ms: least(self.cpu_ms, other.cpu_ms),
            memory_bytes: least(self.memory_bytes, other.memory_bytes),
            processes: least(self.processes, other.processes),
            file_bytes: least(self.file_bytes, other.file_bytes),
            descriptors: least(self.descriptors, other.descriptors),
            output_bytes: least(self.output_bytes, other.output_bytes),
        }
    }
}
