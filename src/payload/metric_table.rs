//! The metrics of a payload: which fact is which, for Prometheus and for OpenTelemetry. `docs/metrics.md` is made of this table.

use super::metrics::Instrument::{Counter, Gauge, UpDownCounter};
use super::metrics::{Label, Metric};

/// Each row: the fact's path, its labels, what kind of number it is; the name for Prometheus; the name and the unit for OpenTelemetry;
/// what it says.
macro_rules! metrics {
    (@fixed) => { None };
    (@fixed $fixed:literal) => { Some($fixed) };
    ($($path:literal { $($label:ident $(= $fixed:literal)?),* } $instrument:ident
        $prometheus:literal $opentelemetry:literal $unit:literal $help:literal;)*) => {
        &[$(Metric {
            path: $path,
            labels: &[$(Label { name: stringify!($label), fixed: metrics!(@fixed $($fixed)?) }),*],
            instrument: $instrument,
            prometheus: $prometheus,
            opentelemetry: $opentelemetry,
            unit: $unit,
            help: $help,
        },)*]
    };
}

/// All of them. Rows of one name stand for one metric with different labels.
pub(super) const METRICS: &[Metric] = metrics![
    "captured_at_ms" {} Gauge
        "circlet_session_captured_timestamp_seconds" "circlet.session.captured.timestamp" "s"
        "Time of the payload, since 1970-01-01 UTC.";
    "seq" {} Counter
        "circlet_session_payloads_total" "circlet.session.payloads" "{payload}"
        "Payloads that were written.";
    "ages_ms.*" { section } Gauge
        "circlet_session_section_age_seconds" "circlet.session.section.age" "s"
        "Age of a section of the payload.";

    "process.rss_bytes" {} UpDownCounter
        "circlet_process_resident_memory_bytes" "process.memory.usage" "By"
        "Physical memory in use.";
    "process.peak_rss_bytes" {} Gauge
        "circlet_process_resident_memory_peak_bytes" "circlet.process.memory.peak" "By"
        "The most physical memory in use so far.";
    "process.user_cpu_us" { mode = "user" } Counter
        "circlet_process_cpu_seconds_total" "process.cpu.time" "s"
        "Time on a processor.";
    "process.system_cpu_us" { mode = "system" } Counter
        "circlet_process_cpu_seconds_total" "process.cpu.time" "s"
        "Time on a processor.";
    "process.threads" {} UpDownCounter
        "circlet_process_threads" "process.thread.count" "{thread}"
        "Threads.";
    "process.fd_count" {} UpDownCounter
        "circlet_process_open_fds" "process.unix.file_descriptor.count" "{file_descriptor}"
        "Open file descriptors.";
    "process.major_faults" { fault = "major" } Counter
        "circlet_process_page_faults_total" "process.paging.faults" "{fault}"
        "Page faults; a major one had to wait for a disk.";
    "metadata.env.uptime_ms" {} Gauge
        "circlet_process_uptime_seconds" "process.uptime" "s"
        "Age of the process.";
    "metadata.platform.cpu_count" {} UpDownCounter
        "circlet_host_logical_cpus" "system.cpu.logical.count" "{cpu}"
        "Logical processors of the machine.";
    "metadata.platform.memory_bytes" {} UpDownCounter
        "circlet_host_memory_bytes" "system.memory.limit" "By"
        "Memory of the machine.";

    "bun.performance.startup_us" {} Gauge
        "circlet_bun_startup_seconds" "circlet.bun.startup.duration" "s"
        "Time from start to ready.";
    "bun.performance.cold_start_target_us" {} Gauge
        "circlet_bun_cold_start_target_seconds" "circlet.bun.cold_start.target" "s"
        "Time that a cold start should not exceed.";
    "bun.performance.per_op_baseline_ns" { kind = "alone" } Gauge
        "circlet_bun_operation_seconds" "circlet.bun.operation.duration" "s"
        "Time of one operation, alone and within a batch.";
    "bun.performance.per_op_batched_ns" { kind = "batched" } Gauge
        "circlet_bun_operation_seconds" "circlet.bun.operation.duration" "s"
        "Time of one operation, alone and within a batch.";
    "bun.performance.memory.heap_bytes" { kind = "heap" } UpDownCounter
        "circlet_bun_memory_bytes" "circlet.bun.memory.usage" "By"
        "Memory of the engine in use, by kind; array buffers are external too.";
    "bun.performance.memory.external_bytes" { kind = "external" } UpDownCounter
        "circlet_bun_memory_bytes" "circlet.bun.memory.usage" "By"
        "Memory of the engine in use, by kind; array buffers are external too.";
    "bun.performance.memory.array_buffers_bytes" { kind = "array_buffers" } UpDownCounter
        "circlet_bun_memory_bytes" "circlet.bun.memory.usage" "By"
        "Memory of the engine in use, by kind; array buffers are external too.";
    "bun.performance.gc.scavenge_us" { kind = "scavenge" } Counter
        "circlet_bun_gc_seconds_total" "circlet.bun.gc.time" "s"
        "Time that went into collections of garbage.";
    "bun.performance.gc.mark_sweep_us" { kind = "mark_sweep" } Counter
        "circlet_bun_gc_seconds_total" "circlet.bun.gc.time" "s"
        "Time that went into collections of garbage.";
    "bun.resources.network_io.bytes_read" { direction = "receive" } Counter
        "circlet_process_network_bytes_total" "process.network.io" "By"
        "Bytes that went over the network.";
    "bun.resources.network_io.bytes_written" { direction = "transmit" } Counter
        "circlet_process_network_bytes_total" "process.network.io" "By"
        "Bytes that went over the network.";

    "bun.resources.event_loop_lag_us" { runtime = "bun" } Gauge
        "circlet_event_loop_lag_seconds" "circlet.event_loop.lag.last" "s"
        "How late the event loop ran what was due, last.";
    "node|python|native.event_loop.lag_us" { runtime } Gauge
        "circlet_event_loop_lag_seconds" "circlet.event_loop.lag.last" "s"
        "How late the event loop ran what was due, last.";
    "bun.resources.event_loop_lag_longest_us" { runtime = "bun" } Gauge
        "circlet_event_loop_lag_longest_seconds" "circlet.event_loop.lag.longest" "s"
        "How late the event loop was at the most within the last minute.";
    "node.event_loop.lag_longest_us" { runtime = "node" } Gauge
        "circlet_event_loop_lag_longest_seconds" "nodejs.eventloop.delay.max" "s"
        "How late the event loop was at the most within the last minute.";
    "python|native.event_loop.lag_longest_us" { runtime } Gauge
        "circlet_event_loop_lag_longest_seconds" "circlet.event_loop.lag.longest" "s"
        "How late the event loop was at the most within the last minute.";

    "node|python|native.heap.used_bytes" { runtime } UpDownCounter
        "circlet_runtime_heap_used_bytes" "circlet.runtime.heap.used" "By"
        "Memory of the runtime's objects in use.";
    "node|python|native.heap.total_bytes" { runtime } UpDownCounter
        "circlet_runtime_heap_committed_bytes" "circlet.runtime.heap.committed" "By"
        "Memory that the runtime took from the system for its objects.";
    "node|python|native.heap.limit_bytes" { runtime } Gauge
        "circlet_runtime_heap_limit_bytes" "circlet.runtime.heap.limit" "By"
        "The most memory that the runtime's objects may have.";
    "node|python|native.heap.external_bytes" { runtime } UpDownCounter
        "circlet_runtime_heap_external_bytes" "circlet.runtime.heap.external" "By"
        "Memory that objects hold outside the runtime's heap.";
    "node|python|native.heap.blocks" { runtime } UpDownCounter
        "circlet_runtime_heap_blocks" "circlet.runtime.heap.blocks" "{block}"
        "Blocks of the runtime's heap in use.";
    "node|python|native.gc.collections" { runtime } Counter
        "circlet_runtime_gc_collections_total" "circlet.runtime.gc.collections" "{collection}"
        "Collections of garbage, of all generations.";
    "node|python|native.gc.collected" { runtime } Counter
        "circlet_runtime_gc_collected_objects_total" "circlet.runtime.gc.collected_objects" "{object}"
        "Objects that collections of garbage freed.";
    "node|python|native.gc.total_us" { runtime } Counter
        "circlet_runtime_gc_seconds_total" "circlet.runtime.gc.time" "s"
        "Time that went into collections of garbage.";
    "node|python|native.gc.longest_us" { runtime } Gauge
        "circlet_runtime_gc_longest_seconds" "circlet.runtime.gc.longest" "s"
        "Time of the longest collection of garbage.";
    "node|python|native.threads" { runtime } UpDownCounter
        "circlet_runtime_threads" "circlet.runtime.thread.count" "{thread}"
        "Threads that the runtime knows of.";
    "node|python|native.modules" { runtime } UpDownCounter
        "circlet_runtime_modules" "circlet.runtime.module.count" "{module}"
        "Modules that are loaded.";
    "vm.contexts" {} UpDownCounter
        "circlet_vm_contexts" "circlet.vm.context.count" "{context}"
        "Contexts of code that are kept apart.";

    "worker_threads.pool.active|idle|ready|booting|draining" { state } UpDownCounter
        "circlet_pool_workers" "circlet.pool.worker.count" "{worker}"
        "Workers of the pool, by what they do.";
    "worker_threads.pool.terminated" {} Counter
        "circlet_pool_workers_terminated_total" "circlet.pool.worker.terminated" "{worker}"
        "Workers of the pool that ended.";
    "worker_threads.pool.min" {} Gauge
        "circlet_pool_workers_min" "circlet.pool.worker.min" "{worker}"
        "The fewest workers that the pool may have.";
    "worker_threads.pool.max" {} Gauge
        "circlet_pool_workers_max" "circlet.pool.worker.max" "{worker}"
        "The most workers that the pool may have.";
    "worker_threads.features.resource_limits.max_old_generation_bytes" { kind = "old_generation" } Gauge
        "circlet_worker_memory_limit_bytes" "circlet.worker.memory.limit" "By"
        "The most memory that one worker may have, by kind.";
    "worker_threads.features.resource_limits.max_young_generation_bytes" { kind = "young_generation" } Gauge
        "circlet_worker_memory_limit_bytes" "circlet.worker.memory.limit" "By"
        "The most memory that one worker may have, by kind.";
    "worker_threads.features.resource_limits.max_heap_bytes" { kind = "heap" } Gauge
        "circlet_worker_memory_limit_bytes" "circlet.worker.memory.limit" "By"
        "The most memory that one worker may have, by kind.";
    "worker_threads.registry.*.state" { worker, state } Gauge
        "circlet_worker_state" "circlet.worker.state" "1"
        "1 for the state that a worker is in.";
    "worker_threads.registry.*.created_at_ms" { worker } Gauge
        "circlet_worker_start_timestamp_seconds" "circlet.worker.start.timestamp" "s"
        "Time of the worker's start, since 1970-01-01 UTC.";
    "worker_threads.registry.*.messages_processed" { worker } Counter
        "circlet_worker_messages_total" "circlet.worker.messages" "{message}"
        "Messages that a worker processed.";
    "worker_threads.registry.*.errors" { worker } Counter
        "circlet_worker_errors_total" "circlet.worker.errors" "{error}"
        "Errors of a worker.";
    "worker_threads.registry.*.heap_snapshot_count" { worker } Counter
        "circlet_worker_heap_snapshots_total" "circlet.worker.heap_snapshots" "{snapshot}"
        "Heap snapshots taken of a worker.";
    "worker_threads.registry.*.resource_usage.user_cpu_us" { worker, mode = "user" } Counter
        "circlet_worker_cpu_seconds_total" "circlet.worker.cpu.time" "s"
        "Time of a worker on a processor.";
    "worker_threads.registry.*.resource_usage.system_cpu_us" { worker, mode = "system" } Counter
        "circlet_worker_cpu_seconds_total" "circlet.worker.cpu.time" "s"
        "Time of a worker on a processor.";
    "worker_threads.registry.*.resource_usage.rss_bytes" { worker } UpDownCounter
        "circlet_worker_resident_memory_bytes" "circlet.worker.memory.usage" "By"
        "Physical memory of a worker.";
    "worker_threads.registry.*.current_job.nodes" { worker } Gauge
        "circlet_worker_job_nodes" "circlet.worker.job.nodes" "{node}"
        "Points or nodes that a worker's job works on.";
    "worker_threads.registry.*.current_job.elapsed_us" { worker } Gauge
        "circlet_worker_job_elapsed_seconds" "circlet.worker.job.elapsed" "s"
        "Time since a worker's job began.";
    "worker_threads.forgotten.workers" {} Counter
        "circlet_forgotten_workers_total" "circlet.forgotten.workers" "{worker}"
        "Workers that ended and that the registry has no more.";
    "worker_threads.forgotten.messages_processed" {} Counter
        "circlet_forgotten_messages_total" "circlet.forgotten.messages" "{message}"
        "Messages that forgotten workers processed.";
    "worker_threads.forgotten.errors" {} Counter
        "circlet_forgotten_errors_total" "circlet.forgotten.errors" "{error}"
        "Errors of forgotten workers.";
    "worker_threads.statistics.total_messages_sent" {} Counter
        "circlet_messages_sent_total" "circlet.messages.sent" "{message}"
        "Messages that went to workers.";
    "worker_threads.statistics.total_messages_received" {} Counter
        "circlet_messages_received_total" "circlet.messages.received" "{message}"
        "Messages that workers answered, errors among them.";
    "worker_threads.statistics.total_errors" {} Counter
        "circlet_message_errors_total" "circlet.messages.errors" "{error}"
        "Messages that workers answered with an error.";
    "worker_threads.statistics.avg_processing_ns" {} Gauge
        "circlet_message_processing_mean_seconds" "circlet.message.processing.mean" "s"
        "Mean time of a message.";
    "worker_threads.statistics.p50_processing_ns" { quantile = "0.5" } Gauge
        "circlet_message_processing_seconds" "circlet.message.processing.quantile" "s"
        "Time that so large a part of the messages does not exceed.";
    "worker_threads.statistics.p95_processing_ns" { quantile = "0.95" } Gauge
        "circlet_message_processing_seconds" "circlet.message.processing.quantile" "s"
        "Time that so large a part of the messages does not exceed.";
    "worker_threads.statistics.p99_processing_ns" { quantile = "0.99" } Gauge
        "circlet_message_processing_seconds" "circlet.message.processing.quantile" "s"
        "Time that so large a part of the messages does not exceed.";
    "worker_threads.statistics.p99_9_processing_ns" { quantile = "0.999" } Gauge
        "circlet_message_processing_seconds" "circlet.message.processing.quantile" "s"
        "Time that so large a part of the messages does not exceed.";
    "worker_threads.statistics.window.length_ms" {} Gauge
        "circlet_window_length_seconds" "circlet.window.length" "s"
        "Length of the window of the last messages.";
    "worker_threads.statistics.window.received" {} Gauge
        "circlet_window_messages_received" "circlet.window.messages.received" "{message}"
        "Messages that were answered within the window.";
    "worker_threads.statistics.window.avg_processing_ns" {} Gauge
        "circlet_window_processing_mean_seconds" "circlet.window.processing.mean" "s"
        "Mean time of a message within the window.";
    "worker_threads.statistics.window.p50_processing_ns" { quantile = "0.5" } Gauge
        "circlet_window_processing_seconds" "circlet.window.processing.quantile" "s"
        "Time that so large a part of the messages within the window does not exceed.";
    "worker_threads.statistics.window.p95_processing_ns" { quantile = "0.95" } Gauge
        "circlet_window_processing_seconds" "circlet.window.processing.quantile" "s"
        "Time that so large a part of the messages within the window does not exceed.";
    "worker_threads.statistics.window.p99_processing_ns" { quantile = "0.99" } Gauge
        "circlet_window_processing_seconds" "circlet.window.processing.quantile" "s"
        "Time that so large a part of the messages within the window does not exceed.";
    "worker_threads.statistics.window.p99_9_processing_ns" { quantile = "0.999" } Gauge
        "circlet_window_processing_seconds" "circlet.window.processing.quantile" "s"
        "Time that so large a part of the messages within the window does not exceed.";
    "worker_threads.message_port_registry.ports.*.messages_queued" { port } UpDownCounter
        "circlet_port_messages_queued" "circlet.port.messages.queued" "{message}"
        "Messages that wait in a port.";

    "dependencies.lockfile.total_dependencies" {} Gauge
        "circlet_lockfile_packages" "circlet.lockfile.packages" "{package}"
        "Packages in the lockfile.";
    "dependencies.lockfile.total_size_bytes" {} Gauge
        "circlet_lockfile_packages_bytes" "circlet.lockfile.size" "By"
        "Size of the packages in the lockfile.";
    "dependencies.tree.direct|dev|peer|optional" { kind } Gauge
        "circlet_dependencies" "circlet.dependencies.count" "{package}"
        "Dependencies, by kind.";
    "dependencies.tree.node_gyp_rebuilds" {} Gauge
        "circlet_dependencies_rebuilt" "circlet.dependencies.rebuilt" "{package}"
        "Packages that were compiled at installation.";
    "dependencies.tree.native_modules" {} Gauge
        "circlet_dependencies_native" "circlet.dependencies.native" "{package}"
        "Packages with machine code.";
    "cache.hits" { result = "hit" } Counter
        "circlet_cache_lookups_total" "circlet.cache.lookups" "{lookup}"
        "Look-ups in the package cache.";
    "cache.misses" { result = "miss" } Counter
        "circlet_cache_lookups_total" "circlet.cache.lookups" "{lookup}"
        "Look-ups in the package cache.";
    "cache.size_bytes" {} UpDownCounter
        "circlet_cache_bytes" "circlet.cache.size" "By"
        "Size of the package cache.";
    "cache.entries" {} UpDownCounter
        "circlet_cache_files" "circlet.cache.files" "{file}"
        "Files of the package cache.";
    "cache.manifests.entries" {} UpDownCounter
        "circlet_cache_manifests" "circlet.cache.manifests" "{manifest}"
        "Manifests in the package cache.";
    "cache.modules.cached" {} UpDownCounter
        "circlet_cache_modules" "circlet.cache.modules.cached" "{module}"
        "Modules in the package cache.";
    "cache.modules.evicted" {} Counter
        "circlet_cache_modules_evicted_total" "circlet.cache.modules.evicted" "{module}"
        "Modules that had to leave the package cache.";
    "test.files" {} Gauge
        "circlet_test_files" "circlet.test.file.count" "{file}"
        "Files of the last test run.";
    "test.tests.passed|failed|skipped" { outcome } Gauge
        "circlet_tests" "circlet.test.count" "{test}"
        "Tests of the last run, by outcome.";
    "test.tests.duration_us" {} Gauge
        "circlet_tests_duration_seconds" "circlet.test.duration" "s"
        "Time of the last test run.";
    "test.coverage.lines_found" { kind = "lines" } Gauge
        "circlet_coverage_found" "circlet.coverage.found" "1"
        "Parts of the code that tests may run.";
    "test.coverage.functions_found" { kind = "functions" } Gauge
        "circlet_coverage_found" "circlet.coverage.found" "1"
        "Parts of the code that tests may run.";
    "test.coverage.branches_found" { kind = "branches" } Gauge
        "circlet_coverage_found" "circlet.coverage.found" "1"
        "Parts of the code that tests may run.";
    "test.coverage.lines_hit" { kind = "lines" } Gauge
        "circlet_coverage_hit" "circlet.coverage.hit" "1"
        "Parts of the code that tests ran.";
    "test.coverage.functions_hit" { kind = "functions" } Gauge
        "circlet_coverage_hit" "circlet.coverage.hit" "1"
        "Parts of the code that tests ran.";
    "test.coverage.branches_hit" { kind = "branches" } Gauge
        "circlet_coverage_hit" "circlet.coverage.hit" "1"
        "Parts of the code that tests ran.";
    "git.uncommitted_files" {} Gauge
        "circlet_git_uncommitted_files" "circlet.git.uncommitted_files" "{file}"
        "Paths that differ from the commit.";
    "git.unstaged_changes" {} Gauge
        "circlet_git_unstaged_changes" "circlet.git.unstaged_changes" "{file}"
        "Tracked paths that differ from what is staged.";
    "git.staged_changes" {} Gauge
        "circlet_git_staged_changes" "circlet.git.staged_changes" "{file}"
        "Paths whose staged state differs from the commit.";
    "git.untracked" {} Gauge
        "circlet_git_untracked" "circlet.git.untracked" "{file}"
        "Paths that git does not track.";
    "git.conflicts" {} Gauge
        "circlet_git_conflicts" "circlet.git.conflicts" "{file}"
        "Paths in conflict.";
    "git.submodules_changed" {} Gauge
        "circlet_git_submodules_changed" "circlet.git.submodules_changed" "{submodule}"
        "Submodules that differ.";
    "git.ahead" {} Gauge
        "circlet_git_ahead" "circlet.git.ahead" "{commit}"
        "Commits that the branch has and its upstream has not.";
    "git.behind" {} Gauge
        "circlet_git_behind" "circlet.git.behind" "{commit}"
        "Commits that the upstream has and the branch has not.";
    "git.stashes" {} Gauge
        "circlet_git_stashes" "circlet.git.stashes" "{stash}"
        "Stashes.";

    "audit.denied|warned" { action } Counter
        "circlet_audit_decisions_total" "circlet.audit.decisions" "{decision}"
        "Decisions of policies, by what became of the request.";
    "audit.omitted" {} Counter
        "circlet_audit_omitted_total" "circlet.audit.omitted" "{decision}"
        "Decisions of policies that were not told, as there were too many.";
    "rings.*.capacity_bytes" { ring } Gauge
        "circlet_ring_capacity_bytes" "circlet.ring.capacity" "By"
        "Capacity of a ring.";
    "rings.*.used_bytes" { ring } UpDownCounter
        "circlet_ring_used_bytes" "circlet.ring.used" "By"
        "What is in a ring and was not received.";
    "rings.*.high_water_bytes" { ring } Gauge
        "circlet_ring_high_water_bytes" "circlet.ring.high_water" "By"
        "The most that was in a ring.";
    "rings.*.frames_sent" { ring } Counter
        "circlet_ring_frames_sent_total" "circlet.ring.frames.sent" "{frame}"
        "Frames sent into a ring.";
    "rings.*.frames_received" { ring } Counter
        "circlet_ring_frames_received_total" "circlet.ring.frames.received" "{frame}"
        "Frames received from a ring.";
    "rings.*.dropped" { ring } Counter
        "circlet_ring_messages_dropped_total" "circlet.ring.messages.dropped" "{message}"
        "Messages dropped as there was no place in a ring.";
    "rings.*.full_events" { ring } Counter
        "circlet_ring_full_total" "circlet.ring.full" "{event}"
        "How often there was no place in a ring.";
    "rings.*.producers" { ring } UpDownCounter
        "circlet_ring_producers" "circlet.ring.producers" "{producer}"
        "Producers of a ring.";
    "executors.*.state" { executor, state } Gauge
        "circlet_executor_state" "circlet.executor.state" "1"
        "1 for the state that an executor is in.";
    "executors.*.calls" { executor } Counter
        "circlet_executor_calls_total" "circlet.executor.calls" "{call}"
        "Calls that an executor ran.";
    "executors.*.errors" { executor } Counter
        "circlet_executor_errors_total" "circlet.executor.errors" "{error}"
        "Calls of an executor that raised.";
    "policies.*.rules" { policy } Gauge
        "circlet_policy_rules" "circlet.policy.rules" "{rule}"
        "Rules of a policy.";
    "hub.viewers" {} UpDownCounter
        "circlet_hub_viewers" "circlet.hub.viewers" "{viewer}"
        "Viewers that are connected.";
    "hub.rooms" {} UpDownCounter
        "circlet_hub_rooms" "circlet.hub.rooms" "{room}"
        "Rooms of the hub.";
    "hub.updates_sent" {} Counter
        "circlet_hub_updates_sent_total" "circlet.hub.updates.sent" "{update}"
        "Updates that the hub sent.";
];
