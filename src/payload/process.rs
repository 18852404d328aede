//! The process of the session, as the kernel sees it.

use super::section::section;

section! {
    /// Says what the process of the session holds and has used. All of it is measured from outside its code.
    pub struct Process {
        /// Gives the resident set: what is in physical memory.
        pub rss_bytes: Option<u64>,
        /// Gives the largest resident set so far.
        pub peak_rss_bytes: Option<u64>,
        /// Gives the time of all its threads on a processor in user mode, in microseconds.
        pub user_cpu_us: Option<u64>,
        /// Gives the time of all its threads on a processor in the kernel, in microseconds.
        pub system_cpu_us: Option<u64>,
        /// Counts its threads.
        pub threads: Option<u64>,
        /// Counts its open file descriptors.
        pub fd_count: Option<u64>,
        /// Counts the page faults that had to wait for a disk.
        pub major_faults: Option<u64>,
    }
}

impl Process {
    /// Computes the time on a processor, in microseconds.
    pub fn cpu_us(&self) -> Option<u64> {
        self.user_cpu_us?.checked_add(self.system_cpu_us?)
    }
}
