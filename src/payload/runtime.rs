//! A runtime that is not Bun: Python, Node, or none at all.

use std::collections::BTreeMap;

use super::section::section;

section! {
    /// Describes the runtime that runs the session's code, and what it costs. It says all of this itself.
    pub struct Runtime {
        /// Gives its version.
        pub version: Option<String>,
        /// Names its implementation, such as `CPython`.
        pub implementation: Option<String>,
        /// Gives the path of its program.
        pub executable: Option<String>,
        /// Says what it was built with or runs with.
        pub features: Option<BTreeMap<String, bool>>,
        /// Lists the interfaces that the session has used.
        pub apis: Option<Vec<String>>,
        /// Gives the memory of its objects.
        pub heap: Option<Heap>,
        /// Says what its collections of garbage did.
        pub gc: Option<Collections>,
        /// Says how late its event loop is.
        pub event_loop: Option<EventLoop>,
        /// Counts the threads that it knows of.
        pub threads: Option<u64>,
        /// Counts the modules that it has loaded.
        pub modules: Option<u64>,
    }
}

section! {
    /// Gives the memory of a runtime's objects.
    pub struct Heap {
        /// Gives what is in use.
        pub used_bytes: Option<u64>,
        /// Gives what was taken from the system for it.
        pub total_bytes: Option<u64>,
        /// Gives the most that it may have.
        pub limit_bytes: Option<u64>,
        /// Gives what objects hold outside it.
        pub external_bytes: Option<u64>,
        /// Counts blocks in use, where that is what the runtime counts.
        pub blocks: Option<u64>,
    }
}

section! {
    /// Says what collections of garbage did.
    pub struct Collections {
        /// Counts them.
        pub collections: Option<u64>,
        /// Counts the objects that they freed.
        pub collected: Option<u64>,
        /// Gives the time of all of them, in microseconds.
        pub total_us: Option<u64>,
        /// Gives the time of the longest, in microseconds.
        pub longest_us: Option<u64>,
    }
}

section! {
    /// Says how late an event loop runs what is due.
    pub struct EventLoop {
        /// Gives how late it was last, in microseconds.
        pub lag_us: Option<u64>,
        /// Gives how late it was at the most within the last minute, in microseconds.
        pub lag_longest_us: Option<u64>,
    }
}

section! {
    /// Describes the contexts of code that a runtime keeps apart, such as those of `node:vm`.
    pub struct Vm {
        /// Counts them.
        pub contexts: Option<u64>,
        /// Says whether code in them may make code of strings.
        pub code_generation: Option<bool>,
        /// Says whether code in them is kept from changing the prototypes of others.
        pub pollution_blocked: Option<bool>,
    }
}
