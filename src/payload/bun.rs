//! What the runtime does: the interfaces in use, timings, memory, resources.

use super::section::section;

section! {
    /// Says which of the runtime's own interfaces are in use, and what they cost.
    pub struct Bun {
        /// Lists the Bun interfaces in use, in the order of their first use. They are what does not run elsewhere.
        pub apis: Option<Vec<String>>,
        /// Gives timings and memory.
        pub performance: Option<Performance>,
        /// Gives descriptors, lag and traffic.
        pub resources: Option<Resources>,
        /// Says which command-line flags are on.
        pub flags: Option<BunFlags>,
    }
}

section! {
    /// Gives the timings and the memory of the process.
    pub struct Performance {
        /// Gives the time from start to ready, in microseconds.
        pub startup_us: Option<u64>,
        /// Gives the time of one operation on its own, in nanoseconds.
        pub per_op_baseline_ns: Option<u64>,
        /// Gives the time of one operation within a batch, in nanoseconds.
        pub per_op_batched_ns: Option<u64>,
        /// Gives the time that a cold start should not exceed, in microseconds.
        pub cold_start_target_us: Option<u64>,
        /// Gives the memory in use.
        pub memory: Option<MemoryUse>,
        /// Gives the time that went into garbage collection.
        pub gc: Option<GcTimes>,
    }
}

section! {
    /// Gives the memory of the engine by kind.
    pub struct MemoryUse {
        /// Gives the engine's heap in use.
        pub heap_bytes: Option<u64>,
        /// Gives the memory that objects of the engine hold outside its heap.
        pub external_bytes: Option<u64>,
        /// Gives the memory of array buffers.
        pub array_buffers_bytes: Option<u64>,
    }
}

section! {
    /// Gives the time that went into garbage collection.
    pub struct GcTimes {
        /// Gives the time of young collections, in microseconds.
        pub scavenge_us: Option<u64>,
        /// Gives the time of full collections, in microseconds.
        pub mark_sweep_us: Option<u64>,
    }
}

impl GcTimes {
    /// Computes the time of all collections, in microseconds.
    pub fn total_us(&self) -> Option<u64> {
        self.scavenge_us?.checked_add(self.mark_sweep_us?)
    }
}

section! {
    /// Gives what the process holds of the system.
    pub struct Resources {
        /// Gives how late the event loop runs its timers, in microseconds.
        pub event_loop_lag_us: Option<u64>,
        /// Gives how late it was at the most within the last minute, in microseconds.
        pub event_loop_lag_longest_us: Option<u64>,
        /// Gives the traffic so far.
        pub network_io: Option<NetworkIo>,
    }
}

section! {
    /// Counts the bytes that went over the network.
    pub struct NetworkIo {
        /// Counts the bytes read.
        pub bytes_read: Option<u64>,
        /// Counts the bytes written.
        pub bytes_written: Option<u64>,
    }
}

section! {
    /// Says which of Bun's command-line flags are on.
    pub struct BunFlags {
        /// Says whether `--smol` is on: less memory, more collections.
        pub smol: Option<bool>,
        /// Says whether `--bun` is on: programs run in Bun that ask for Node.
        pub bun: Option<bool>,
        /// Says whether `--inspect` is on: a debugger can attach.
        pub inspect: Option<bool>,
        /// Says whether `--hot` is on: changed modules are loaded in place.
        pub hot: Option<bool>,
        /// Says whether `--watch` is on: changed files restart the process.
        pub watch: Option<bool>,
    }
}
