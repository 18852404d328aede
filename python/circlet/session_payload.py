"""Session payloads in their canonical form, as circlet writes it.

This file is what `circlet session schema --python` prints. What is absent is unknown, and never 0. Numbers are integers
in the unit that their name ends with. A payload may have more fields than these, which are those of this version.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

__all__ = [
    "Audit",
    "AuditAction",
    "AuditEntry",
    "Bun",
    "BunBuild",
    "BunFeatures",
    "BunFlags",
    "BunRuntime",
    "Cache",
    "CacheManifests",
    "CacheModules",
    "Collections",
    "Coverage",
    "CurrentJob",
    "Dependencies",
    "DependencyTree",
    "Env",
    "EventLoop",
    "ExecutorState",
    "FileChange",
    "FileStatus",
    "Files",
    "ForgottenWorkers",
    "GcTimes",
    "Git",
    "GitOperation",
    "Heap",
    "HubState",
    "Lockfile",
    "MemoryUse",
    "MessagePort",
    "MessagePortRegistry",
    "Metadata",
    "NetworkIo",
    "NodeApi",
    "NodeApiStatus",
    "NodeCompat",
    "Performance",
    "Platform",
    "PolicyState",
    "Polyfills",
    "PoolStrategy",
    "PortState",
    "Process",
    "ResourceLimits",
    "ResourceUsage",
    "Resources",
    "RingState",
    "Runtime",
    "SelfReported",
    "SessionPayload",
    "Statistics",
    "StatisticsWindow",
    "Test",
    "TestCounts",
    "Vm",
    "Worker",
    "WorkerFeatures",
    "WorkerLimit",
    "WorkerPool",
    "WorkerState",
    "WorkerThreads",
]


class _SessionPayloadRequired(TypedDict):
    """Has the fields that are always there."""

    schema: Literal[1]
    """Gives the version of the canonical form."""


class SessionPayload(_SessionPayloadRequired, total=False):
    """Says what one session is doing, as far as it is known.

    Every section and every field is optional. Absent means unknown; no reader may take it for 0. A `null` is read as
    absent, except where the schema gives it a meaning of its own (`Worker::last_error`). Fields that the schema does
    not have are kept, at every level, in the `extra` of their section.
    """

    ages_ms: dict[str, int]
    """Gives how old each section was by then, in milliseconds."""
    audit: Audit
    """Says what policies denied the session's code, and warned of."""
    bun: Bun
    """Says which of the runtime's own interfaces are in use, and what they cost."""
    cache: Cache
    """Describes the package cache."""
    captured_at_ms: int
    """Gives the time of it, in milliseconds since 1970-01-01 UTC."""
    context: list[str]
    """Lists the places to read, each as `path:first-last` in lines."""
    critical: list[str]
    """Lists what needs attention, the most urgent first."""
    dependencies: Dependencies
    """Describes what the project depends on."""
    executors: dict[str, ExecutorState]
    """Describes the executors, each under its name."""
    files: Files
    """Says which files the session touched."""
    git: Git
    """Describes the state of the git repository."""
    goal: str
    """Says in a sentence what the session is for."""
    hub: HubState
    """Describes the hub."""
    last: str
    """Says in a sentence what was done last."""
    metadata: Metadata
    """Says where and in what the session runs."""
    native: Runtime
    """Describes the native program that is the session, where no other runtime is."""
    node: Runtime
    """Describes Node, where the session runs in it."""
    node_compat: NodeCompat
    """Says how far the runtime stands in for Node."""
    policies: dict[str, PolicyState]
    """Describes the policies that the executors run under, each under its name."""
    process: Process
    """Says what its process holds and has used."""
    python: Runtime
    """Describes Python, where the session runs in it."""
    redacted: dict[str, str]
    """Says what was taken out as it should not leave, by its path: `home`, `user`, `login`, `token`, `key` or `secret`.
    """
    rings: dict[str, RingState]
    """Describes the rings, each under its name."""
    seq: int
    """Counts what was written: one more for each payload of a session."""
    stated: dict[str, object]
    """Holds what a view said that follows from other fields, by its path there; see `SessionPayload::from_json`."""
    test: Test
    """Describes the last test run."""
    unavailable: dict[str, str]
    """Says why something is absent, by its path."""
    vm: Vm
    """Describes the contexts of code that are kept apart."""
    worker_threads: WorkerThreads
    """Says what the workers do."""


class Audit(TypedDict, total=False):
    """Says what policies denied and warned of."""

    denied: int
    """Counts what was denied."""
    last: list[AuditEntry]
    """Lists the last decisions, the newest at the end."""
    omitted: int
    """Counts what of both was not told, as there was too much at once."""
    warned: int
    """Counts what was warned of."""


AuditAction: TypeAlias = Literal["deny", "warn"] | str
"""Says what became of what was asked.

* `deny`: It was refused.
* `warn`: It was done, and written down.
"""


class AuditEntry(TypedDict, total=False):
    """Describes one decision that denied or warned."""

    action: AuditAction
    """Says what became of it."""
    mechanism: str
    """Names who enforces it, such as `landlock`."""
    omitted: int
    """Counts the decisions before it that were left out."""
    request: str
    """Says what was asked, such as `read /etc/hosts`."""
    rule: str
    """Names what decided, such as `fs.rules[0]`."""
    run: int
    """Gives the number of the run that was under way."""
    self_reported: SelfReported
    """Says which code it was, as that says itself."""
    session: int
    """Gives the id of the process that ran the code."""
    thread: int
    """Gives the id of the thread that asked."""
    unix_ms: int
    """Gives the time, in milliseconds since 1970-01-01 UTC."""


class Bun(TypedDict, total=False):
    """Says which of the runtime's own interfaces are in use, and what they cost."""

    apis: list[str]
    """Lists the Bun interfaces in use, in the order of their first use. They are what does not run elsewhere."""
    flags: BunFlags
    """Says which command-line flags are on."""
    performance: Performance
    """Gives timings and memory."""
    resources: Resources
    """Gives descriptors, lag and traffic."""


class BunBuild(TypedDict, total=False):
    """Says how a Bun runtime was built."""

    arch: str
    """Names the processor architecture, such as `arm64`."""
    is_debug: bool
    """Says whether it is a debug build."""
    platform: str
    """Names the platform, such as `darwin`."""
    simd: bool
    """Says whether it uses vector instructions."""


class BunFeatures(TypedDict, total=False):
    """Says what a Bun runtime has."""

    boringssl: bool
    """Says whether TLS comes from BoringSSL."""
    experimental: list[str]
    """Lists the experimental features in use."""
    http2: bool
    """Says whether HTTP/2 is there."""
    jsc: bool
    """Says whether JavaScriptCore is the engine."""
    webcrypto: bool
    """Says whether the Web Crypto API is there."""


class BunFlags(TypedDict, total=False):
    """Says which of Bun's command-line flags are on."""

    bun: bool
    """Says whether `--bun` is on: programs run in Bun that ask for Node."""
    hot: bool
    """Says whether `--hot` is on: changed modules are loaded in place."""
    inspect: bool
    """Says whether `--inspect` is on: a debugger can attach."""
    smol: bool
    """Says whether `--smol` is on: less memory, more collections."""
    watch: bool
    """Says whether `--watch` is on: changed files restart the process."""


class BunRuntime(TypedDict, total=False):
    """Describes one Bun runtime."""

    build: BunBuild
    """Says how the runtime was built."""
    features: BunFeatures
    """Says what the runtime was built with."""
    fingerprint: str
    """Names version, platform and architecture in one word."""
    revision: str
    """Gives the revision, a date or a commit."""
    version: str
    """Gives the version, such as `1.3.2`."""


class Cache(TypedDict, total=False):
    """Describes the package cache."""

    dir: str
    """Gives its folder."""
    entries: int
    """Counts its files."""
    hits: int
    """Counts the look-ups that found what they asked for."""
    manifests: CacheManifests
    """Describes the cached manifests."""
    misses: int
    """Counts the look-ups that did not."""
    modules: CacheModules
    """Describes the cached modules."""
    size_bytes: int
    """Gives the size of its files, in bytes."""


class CacheManifests(TypedDict, total=False):
    """Describes the cached manifests."""

    entries: int
    """Counts the manifests."""


class CacheModules(TypedDict, total=False):
    """Describes the cached modules."""

    cached: int
    """Counts the modules in the cache."""
    evicted: int
    """Counts the modules that had to leave it."""


class Collections(TypedDict, total=False):
    """Says what collections of garbage did."""

    collected: int
    """Counts the objects that they freed."""
    collections: int
    """Counts them."""
    longest_us: int
    """Gives the time of the longest, in microseconds."""
    total_us: int
    """Gives the time of all of them, in microseconds."""


class Coverage(TypedDict, total=False):
    """Counts the parts of the code that could run in the tests (found), and those that did (hit)."""

    branches_found: int
    """Counts the branches."""
    branches_hit: int
    """Counts the branches that were taken."""
    functions_found: int
    """Counts the functions."""
    functions_hit: int
    """Counts the functions that ran."""
    lines_found: int
    """Counts the lines with code."""
    lines_hit: int
    """Counts the lines that ran."""


class CurrentJob(TypedDict, total=False):
    """Describes one job that runs."""

    abort_signal: bool
    """Says whether the job was told to stop."""
    elapsed_us: int
    """Gives the time since the job began, in microseconds."""
    id: str
    """Names the job."""
    nodes: int
    """Counts the points or nodes that the job works on."""
    type: str
    """Names the kind of job, such as `bezier_batch`."""


class Dependencies(TypedDict, total=False):
    """Describes what the project depends on."""

    lockfile: Lockfile
    """Describes the lockfile."""
    polyfills: Polyfills
    """Names the polyfills that are installed."""
    tree: DependencyTree
    """Counts the dependencies by kind."""


class DependencyTree(TypedDict, total=False):
    """Counts the dependencies by kind."""

    dev: int
    """Counts what only development needs."""
    direct: int
    """Counts what the project names for its own use, and always needs."""
    native_modules: int
    """Counts the packages with machine code."""
    node_gyp_rebuilds: int
    """Counts the packages that were compiled at installation."""
    optional: int
    """Counts what may be missing."""
    peer: int
    """Counts what the project's user must bring."""


class Env(TypedDict, total=False):
    """Describes the process that the session runs in."""

    head: str
    """Gives the git commit that the session works on, as a hash of any length."""
    process_id: int
    """Gives the id of the process."""
    session: str
    """Names the session: `sess-`, the day it began (UTC), and a part that makes it unique."""
    thread_id: str
    """Gives the id of the thread, as the runtime writes it."""
    uptime_ms: int
    """Gives the age of the process, in milliseconds."""


class EventLoop(TypedDict, total=False):
    """Says how late an event loop runs what is due."""

    lag_longest_us: int
    """Gives how late it was at the most within the last minute, in microseconds."""
    lag_us: int
    """Gives how late it was last, in microseconds."""


class ExecutorState(TypedDict, total=False):
    """Describes one executor: a supervised worker that runs code."""

    calls: int
    """Counts the calls that it ran."""
    errors: int
    """Counts those that raised."""
    language: str
    """Names the language, such as `python`."""
    pid: int
    """Gives the id of its process."""
    policy: str
    """Names the policy that it runs under, a member of `policies`."""
    state: str
    """Says what it does: `booting`, `idle`, `processing`, `draining` or `terminated`."""


class FileChange(TypedDict, total=False):
    """Says what happened to one file."""

    lines: str
    """Gives the change in its number of lines, with its sign: `+150`."""
    path: str
    """Gives its path within the project."""
    rationale: str
    """Says why."""
    status: FileStatus
    """Says what happened to it."""


FileStatus: TypeAlias = Literal["created", "modified", "deleted", "touched"] | str
"""Says what happened to a file.

* `created`: It was made.
* `modified`: It was changed.
* `deleted`: It was removed.
* `touched`: It was looked at and left alone.
"""


class Files(TypedDict, total=False):
    """Says which files the session touched."""

    breakdown: list[FileChange]
    """Lists the files."""


class ForgottenWorkers(TypedDict, total=False):
    """Counts workers that ended and that a registry has no more."""

    errors: int
    """Counts their errors."""
    messages_processed: int
    """Counts the messages they processed."""
    workers: int
    """Counts them."""


class GcTimes(TypedDict, total=False):
    """Gives the time that went into garbage collection."""

    mark_sweep_us: int
    """Gives the time of full collections, in microseconds."""
    scavenge_us: int
    """Gives the time of young collections, in microseconds."""


class Git(TypedDict, total=False):
    """Describes the state of a git repository."""

    ahead: int
    """Counts the commits that the branch has and its upstream has not; absent without an upstream."""
    behind: int
    """Counts the commits that the upstream has and the branch has not; absent without an upstream."""
    branch: str
    """Names the branch; absent when none is checked out."""
    conflicts: int
    """Counts the paths in conflict."""
    detached: bool
    """Says whether a commit is checked out in the place of a branch."""
    head: str
    """Gives the commit that is checked out, as a hash of any length; absent before the first commit."""
    operation: GitOperation
    """Says what was begun and not ended."""
    staged_changes: int
    """Counts the paths whose staged state differs from the commit, without those in conflict."""
    stashes: int
    """Counts the stashes."""
    submodules_changed: int
    """Counts the submodules that differ, by their commit or by what is in them."""
    uncommitted_files: int
    """Counts the paths that differ from the commit; an untracked folder counts once."""
    unstaged_changes: int
    """Counts the tracked paths that differ from what is staged, those in conflict among them."""
    untracked: int
    """Counts the paths that git does not track and is not told to ignore; a folder of them counts once."""
    worktree: bool
    """Says whether the folder belongs to a linked worktree (`git worktree add`)."""


GitOperation: TypeAlias = Literal["none", "merge", "rebase", "am", "cherry-pick", "revert", "bisect"] | str
"""Says what a repository is in the middle of.

* `none`: Nothing.
* `merge`: A merge.
* `rebase`: A rebase.
* `am`: Patches that are applied from mail.
* `cherry-pick`: A cherry-pick.
* `revert`: A revert.
* `bisect`: A search for the commit that broke something.
"""


class Heap(TypedDict, total=False):
    """Gives the memory of a runtime's objects."""

    blocks: int
    """Counts blocks in use, where that is what the runtime counts."""
    external_bytes: int
    """Gives what objects hold outside it."""
    limit_bytes: int
    """Gives the most that it may have."""
    total_bytes: int
    """Gives what was taken from the system for it."""
    used_bytes: int
    """Gives what is in use."""


class HubState(TypedDict, total=False):
    """Describes the hub that shows the session to viewers."""

    address: str
    """Gives the address that it listens at."""
    rooms: int
    """Counts its rooms."""
    updates_sent: int
    """Counts the updates that it sent."""
    viewers: int
    """Counts the viewers that are connected."""


class Lockfile(TypedDict, total=False):
    """Describes the lockfile."""

    hash: str
    """Gives its hash, with the algorithm in front: `sha256:…`."""
    path: str
    """Gives its path within the project."""
    total_dependencies: int
    """Counts the packages that it lists."""
    total_size_bytes: int
    """Gives the size of those packages, in bytes."""


class MemoryUse(TypedDict, total=False):
    """Gives the memory of the engine by kind."""

    array_buffers_bytes: int
    """Gives the memory of array buffers."""
    external_bytes: int
    """Gives the memory that objects of the engine hold outside its heap."""
    heap_bytes: int
    """Gives the engine's heap in use."""


class MessagePort(TypedDict, total=False):
    """Describes one message port."""

    id: str
    """Names the port."""
    messages_queued: int
    """Counts the messages that wait in the port."""
    owner: str
    """Names the worker that holds the port."""
    state: PortState
    """Says what became of the port."""


class MessagePortRegistry(TypedDict, total=False):
    """Holds the message ports between workers."""

    ports: list[MessagePort]
    """Lists the ports."""


class Metadata(TypedDict, total=False):
    """Says where and in what the session runs."""

    bun: BunRuntime
    """Describes the Bun that runs the session; absent in any other runtime."""
    domain: str
    """Names the field of work, such as `perf-vis`."""
    env: Env
    """Describes the process."""
    platform: Platform
    """Describes the machine."""
    scope: str
    """Names what the session is limited to, such as `bun-native`."""


class NetworkIo(TypedDict, total=False):
    """Counts the bytes that went over the network."""

    bytes_read: int
    """Counts the bytes read."""
    bytes_written: int
    """Counts the bytes written."""


class NodeApi(TypedDict, total=False):
    """Says how well one interface of Node works."""

    name: str
    """Names the interface, such as `node:vm`."""
    notes: str
    """Says what a user of it should know."""
    status: NodeApiStatus
    """Says how it is made."""


NodeApiStatus: TypeAlias = Literal["native", "partial", "polyfill", "missing"] | str
"""Says how an interface of Node is made.

* `native`: Made by the runtime itself.
* `partial`: There in part.
* `polyfill`: Made by a script on top of the runtime.
* `missing`: Not there.
"""


class NodeCompat(TypedDict, total=False):
    """Says how far the runtime stands in for Node."""

    apis: list[NodeApi]
    """Lists Node's interfaces with the state of each."""
    enabled: bool
    """Says whether the compatibility layer is on."""
    overrides: dict[str, str]
    """Says, for each interface that behaves differently from Node's, how."""
    polyfills: list[str]
    """Names the polyfills in use."""


class Performance(TypedDict, total=False):
    """Gives the timings and the memory of the process."""

    cold_start_target_us: int
    """Gives the time that a cold start should not exceed, in microseconds."""
    gc: GcTimes
    """Gives the time that went into garbage collection."""
    memory: MemoryUse
    """Gives the memory in use."""
    per_op_baseline_ns: int
    """Gives the time of one operation on its own, in nanoseconds."""
    per_op_batched_ns: int
    """Gives the time of one operation within a batch, in nanoseconds."""
    startup_us: int
    """Gives the time from start to ready, in microseconds."""


class Platform(TypedDict, total=False):
    """Describes the machine that the session runs on."""

    cpu: str
    """Names the processor's model."""
    cpu_count: int
    """Counts the logical processors that are online, whether this process may use them or not."""
    kernel: str
    """Gives the kernel's release, as `uname -r` does."""
    memory_bytes: int
    """Gives the machine's memory in bytes, whether this process may use it or not."""
    os: str
    """Names the kernel and its release, as `uname -sr` does."""
    useragent: str
    """Names the runtime and the platform in one line, such as `circlet/0.1.0 (Linux x86_64)`."""


class PolicyState(TypedDict, total=False):
    """Describes one policy."""

    files: str
    """Says what becomes of files that no rule speaks of: `allow`, `deny` or `warn`."""
    network: str
    """Says what becomes of connections that no rule speaks of."""
    rules: int
    """Counts its rules."""
    version: int
    """Gives the version of its format."""


class Polyfills(TypedDict, total=False):
    """Names the polyfills that are installed."""

    bun: list[str]
    """Names those that stand in for Bun's interfaces."""
    node: list[str]
    """Names those that stand in for Node's interfaces."""


PoolStrategy: TypeAlias = Literal["round-robin", "least-busy", "affinity"] | str
"""Says which worker gets the next job.

* `round-robin`: Each worker in turn.
* `least-busy`: The worker that has run jobs for the least time.
* `affinity`: The worker that has the job's key.
"""


PortState: TypeAlias = Literal["open", "transferred", "closed"] | str
"""Says what became of a message port.

* `open`: Held by the thread that made it.
* `transferred`: Given to another thread.
* `closed`: Closed.
"""


class Process(TypedDict, total=False):
    """Says what the process of the session holds and has used. All of it is measured from outside its code."""

    fd_count: int
    """Counts its open file descriptors."""
    major_faults: int
    """Counts the page faults that had to wait for a disk."""
    peak_rss_bytes: int
    """Gives the largest resident set so far."""
    rss_bytes: int
    """Gives the resident set: what is in physical memory."""
    system_cpu_us: int
    """Gives the time of all its threads on a processor in the kernel, in microseconds."""
    threads: int
    """Counts its threads."""
    user_cpu_us: int
    """Gives the time of all its threads on a processor in user mode, in microseconds."""


class ResourceLimits(TypedDict, total=False):
    """Limits the memory of one worker."""

    max_heap_bytes: int
    """Limits the whole heap."""
    max_old_generation_bytes: int
    """Limits the heap of objects that survived."""
    max_young_generation_bytes: int
    """Limits the heap of new objects."""


class ResourceUsage(TypedDict, total=False):
    """Gives what one worker used so far."""

    rss_absent: str
    """Says why there is no memory."""
    rss_bytes: int
    """Gives its memory in bytes."""
    system_cpu_us: int
    """Gives its time on a processor in the kernel, in microseconds."""
    user_cpu_us: int
    """Gives its time on a processor in user mode, in microseconds."""


class Resources(TypedDict, total=False):
    """Gives what the process holds of the system."""

    event_loop_lag_longest_us: int
    """Gives how late it was at the most within the last minute, in microseconds."""
    event_loop_lag_us: int
    """Gives how late the event loop runs its timers, in microseconds."""
    network_io: NetworkIo
    """Gives the traffic so far."""


class RingState(TypedDict, total=False):
    """Describes one ring in shared memory."""

    capacity_bytes: int
    """Gives its capacity."""
    dropped: int
    """Counts the messages dropped as there was no place."""
    frames_received: int
    """Counts the frames received."""
    frames_sent: int
    """Counts the frames sent."""
    full_events: int
    """Counts how often there was no place for a message."""
    high_water_bytes: int
    """Gives the most that was in it."""
    mode: str
    """Says how it is used: `spsc`, `mpsc` or `broadcast`."""
    producers: int
    """Counts its producers."""
    used_bytes: int
    """Gives what is in it and was not received."""


class Runtime(TypedDict, total=False):
    """Describes the runtime that runs the session's code, and what it costs. It says all of this itself."""

    apis: list[str]
    """Lists the interfaces that the session has used."""
    event_loop: EventLoop
    """Says how late its event loop is."""
    executable: str
    """Gives the path of its program."""
    features: dict[str, bool]
    """Says what it was built with or runs with."""
    gc: Collections
    """Says what its collections of garbage did."""
    heap: Heap
    """Gives the memory of its objects."""
    implementation: str
    """Names its implementation, such as `CPython`."""
    modules: int
    """Counts the modules that it has loaded."""
    threads: int
    """Counts the threads that it knows of."""
    version: str
    """Gives its version."""


class SelfReported(TypedDict, total=False):
    """Says which code asked, as that says itself."""

    event: str
    """Names what the code did, as its interpreter calls it."""
    file: str
    """Names the file of the code."""
    line: int
    """Gives the line in it, from 1; 0 where there is none."""


class Statistics(TypedDict, total=False):
    """Holds the totals over all workers."""

    avg_processing_ns: int
    """Gives the mean time of a message, in nanoseconds."""
    p50_processing_ns: int
    """Gives the time that half of the messages do not exceed, in nanoseconds."""
    p95_processing_ns: int
    """Gives the time that 95 of 100 messages do not exceed, in nanoseconds."""
    p99_9_processing_ns: int
    """Gives the time that 999 of 1000 messages do not exceed, in nanoseconds."""
    p99_processing_ns: int
    """Gives the time that 99 of 100 messages do not exceed, in nanoseconds."""
    total_errors: int
    """Counts the errors."""
    total_messages_received: int
    """Counts the messages that workers answered, errors among them."""
    total_messages_sent: int
    """Counts the messages that went to workers."""
    window: StatisticsWindow
    """Holds the times of the last messages alone."""


class StatisticsWindow(TypedDict, total=False):
    """Holds the times of the messages that were answered within a sliding window."""

    avg_processing_ns: int
    """Gives their mean time, in nanoseconds."""
    length_ms: int
    """Gives the length of the window, in milliseconds."""
    p50_processing_ns: int
    """Gives the time that half of them do not exceed, in nanoseconds."""
    p95_processing_ns: int
    """Gives the time that 95 of 100 do not exceed, in nanoseconds."""
    p99_9_processing_ns: int
    """Gives the time that 999 of 1000 do not exceed, in nanoseconds."""
    p99_processing_ns: int
    """Gives the time that 99 of 100 do not exceed, in nanoseconds."""
    received: int
    """Counts the messages that workers answered within it, errors among them."""


class Test(TypedDict, total=False):
    """Describes the last test run."""

    coverage: Coverage
    """Gives the coverage."""
    files: int
    """Counts the test files."""
    runner: str
    """Names the test runner, such as `bun:test`."""
    tests: TestCounts
    """Counts the tests by outcome."""


class TestCounts(TypedDict, total=False):
    """Counts tests by outcome."""

    duration_us: int
    """Gives the time of the run, in microseconds."""
    failed: int
    """Counts those that failed."""
    passed: int
    """Counts those that passed."""
    skipped: int
    """Counts those that did not run."""


class Vm(TypedDict, total=False):
    """Describes the contexts of code that a runtime keeps apart, such as those of `node:vm`."""

    code_generation: bool
    """Says whether code in them may make code of strings."""
    contexts: int
    """Counts them."""
    pollution_blocked: bool
    """Says whether code in them is kept from changing the prototypes of others."""


class Worker(TypedDict, total=False):
    """Says what one worker does, and what it did."""

    created_at_ms: int
    """Gives the time of its start, in milliseconds since 1970-01-01 UTC."""
    current_job: CurrentJob
    """Describes the job that it runs now."""
    end: str
    """Says why it ended: `stopped`, `recycled` or `crashed`."""
    errors: int
    """Counts its errors."""
    heap_snapshot_count: int
    """Counts the heap snapshots taken of it."""
    last_error: str | None
    """Holds its last error: `Some(None)`, written as `null`, when it is known that there was none."""
    messages_processed: int
    """Counts the messages it processed."""
    pid: int
    """Gives the id of its process, where it has one of its own."""
    resource_usage: ResourceUsage
    """Gives what it used so far."""
    state: WorkerState
    """Says what the worker does now."""


class WorkerFeatures(TypedDict, total=False):
    """Says what the workers are capable of."""

    errors_as_objects: bool
    """Says whether errors arrive as objects and not as text."""
    heap_snapshot: str
    """Says whether heap snapshots can be taken, such as `enabled`."""
    messageport_transfer_fix: str
    """Says whether the fix for transferred message ports is in, such as `applied`."""
    resource_limits: ResourceLimits
    """Limits the memory of one worker."""
    stderr_forwarding: bool
    """Says whether a worker's standard error reaches its owner."""
    stdout_forwarding: bool
    """Says whether a worker's standard output reaches its owner."""


class WorkerLimit(TypedDict, total=False):
    """Limits every worker."""

    enforced_by: str
    """Says who sees to it: `rlimit`, `watchdog` or `none`."""
    requested: int
    """Says how much of it: bytes, jobs or milliseconds."""
    resource: str
    """Says what is limited, such as `memory` or `tasks`."""


class WorkerPool(TypedDict, total=False):
    """Counts the workers of a pool by what they do."""

    active: int
    """Counts the workers that run a job."""
    booting: int
    """Counts the workers that cannot take a job yet."""
    draining: int
    """Counts the workers that are about to end."""
    idle: int
    """Counts the workers that wait for a job."""
    max: int
    """Gives the most workers that the pool may have."""
    min: int
    """Gives the fewest workers that the pool may have."""
    ready: int
    """Counts the sessions that wait for an executor."""
    strategy: PoolStrategy
    """Says which worker gets the next job."""
    terminated: int
    """Counts the workers that ended."""


WorkerState: TypeAlias = Literal["booting", "idle", "processing", "draining", "terminated"] | str
"""Says what a worker does.

* `booting`: It starts, and takes no job yet.
* `idle`: It waits for a job.
* `processing`: It runs a job.
* `draining`: It is to end, and finishes what it has.
* `terminated`: It ended.
"""


class WorkerThreads(TypedDict, total=False):
    """Says what the workers do."""

    features: WorkerFeatures
    """Says what the workers are capable of."""
    forgotten: ForgottenWorkers
    """Counts the ended workers that the registry has no more."""
    limits: list[WorkerLimit]
    """Holds what every worker may use, and who sees to it."""
    message_port_registry: MessagePortRegistry
    """Holds the message ports between workers."""
    pool: WorkerPool
    """Counts the workers by what they do."""
    registry: dict[str, Worker]
    """Holds each worker under its id."""
    statistics: Statistics
    """Holds the totals over all workers."""
