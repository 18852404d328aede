/**
 * Session payloads in their canonical form, as circlet writes it.
 *
 * This file is what `circlet session schema --typescript` prints. What is absent is unknown, and never 0. Numbers are
 * integers in the unit that their name ends with; those above 2 ** 53 are rounded by `JSON.parse`. A payload may have more
 * fields than these, which are those of this version.
 *
 * @module
 */

/**
 * Says what one session is doing, as far as it is known.
 * Every section and every field is optional. Absent means unknown; no reader may take it for 0. A `null` is read as
 * absent, except where the schema gives it a meaning of its own (`Worker::last_error`). Fields that the schema does not
 * have are kept, at every level, in the `extra` of their section.
 */
export interface SessionPayload {
  /** Gives how old each section was by then, in milliseconds. */
  ages_ms?: Record<string, number>;
  /** Says what policies denied the session's code, and warned of. */
  audit?: Audit;
  /** Says which of the runtime's own interfaces are in use, and what they cost. */
  bun?: Bun;
  /** Describes the package cache. */
  cache?: Cache;
  /** Gives the time of it, in milliseconds since 1970-01-01 UTC. */
  captured_at_ms?: number;
  /** Lists the places to read, each as `path:first-last` in lines. */
  context?: string[];
  /** Lists what needs attention, the most urgent first. */
  critical?: string[];
  /** Describes what the project depends on. */
  dependencies?: Dependencies;
  /** Describes the executors, each under its name. */
  executors?: Record<string, ExecutorState>;
  /** Says which files the session touched. */
  files?: Files;
  /** Describes the state of the git repository. */
  git?: Git;
  /** Says in a sentence what the session is for. */
  goal?: string;
  /** Describes the hub. */
  hub?: HubState;
  /** Says in a sentence what was done last. */
  last?: string;
  /** Says where and in what the session runs. */
  metadata?: Metadata;
  /** Describes the native program that is the session, where no other runtime is. */
  native?: Runtime;
  /** Describes Node, where the session runs in it. */
  node?: Runtime;
  /** Says how far the runtime stands in for Node. */
  node_compat?: NodeCompat;
  /** Describes the policies that the executors run under, each under its name. */
  policies?: Record<string, PolicyState>;
  /** Says what its process holds and has used. */
  process?: Process;
  /** Describes Python, where the session runs in it. */
  python?: Runtime;
  /**
   * Says what was taken out as it should not leave, by its path: `home`, `user`, `login`, `token`, `key` or `secret`.
   */
  redacted?: Record<string, string>;
  /** Describes the rings, each under its name. */
  rings?: Record<string, RingState>;
  /** Gives the version of the canonical form. */
  schema: 1;
  /** Counts what was written: one more for each payload of a session. */
  seq?: number;
  /** Holds what a view said that follows from other fields, by its path there; see `SessionPayload::from_json`. */
  stated?: Record<string, unknown>;
  /** Describes the last test run. */
  test?: Test;
  /** Says why something is absent, by its path. */
  unavailable?: Record<string, string>;
  /** Describes the contexts of code that are kept apart. */
  vm?: Vm;
  /** Says what the workers do. */
  worker_threads?: WorkerThreads;
}

/** Says what policies denied and warned of. */
export interface Audit {
  /** Counts what was denied. */
  denied?: number;
  /** Lists the last decisions, the newest at the end. */
  last?: AuditEntry[];
  /** Counts what of both was not told, as there was too much at once. */
  omitted?: number;
  /** Counts what was warned of. */
  warned?: number;
}

/** Says what became of what was asked. */
export type AuditAction =
  /** It was refused. */
  | "deny"
  /** It was done, and written down. */
  | "warn"
  /** A word that this version does not know. */
  | (string & {});

/** Describes one decision that denied or warned. */
export interface AuditEntry {
  /** Says what became of it. */
  action?: AuditAction;
  /** Names who enforces it, such as `landlock`. */
  mechanism?: string;
  /** Counts the decisions before it that were left out. */
  omitted?: number;
  /** Says what was asked, such as `read /etc/hosts`. */
  request?: string;
  /** Names what decided, such as `fs.rules[0]`. */
  rule?: string;
  /** Gives the number of the run that was under way. */
  run?: number;
  /** Says which code it was, as that says itself. */
  self_reported?: SelfReported;
  /** Gives the id of the process that ran the code. */
  session?: number;
  /** Gives the id of the thread that asked. */
  thread?: number;
  /** Gives the time, in milliseconds since 1970-01-01 UTC. */
  unix_ms?: number;
}

/** Says which of the runtime's own interfaces are in use, and what they cost. */
export interface Bun {
  /** Lists the Bun interfaces in use, in the order of their first use. They are what does not run elsewhere. */
  apis?: string[];
  /** Says which command-line flags are on. */
  flags?: BunFlags;
  /** Gives timings and memory. */
  performance?: Performance;
  /** Gives descriptors, lag and traffic. */
  resources?: Resources;
}

/** Says how a Bun runtime was built. */
export interface BunBuild {
  /** Names the processor architecture, such as `arm64`. */
  arch?: string;
  /** Says whether it is a debug build. */
  is_debug?: boolean;
  /** Names the platform, such as `darwin`. */
  platform?: string;
  /** Says whether it uses vector instructions. */
  simd?: boolean;
}

/** Says what a Bun runtime has. */
export interface BunFeatures {
  /** Says whether TLS comes from BoringSSL. */
  boringssl?: boolean;
  /** Lists the experimental features in use. */
  experimental?: string[];
  /** Says whether HTTP/2 is there. */
  http2?: boolean;
  /** Says whether JavaScriptCore is the engine. */
  jsc?: boolean;
  /** Says whether the Web Crypto API is there. */
  webcrypto?: boolean;
}

/** Says which of Bun's command-line flags are on. */
export interface BunFlags {
  /** Says whether `--bun` is on: programs run in Bun that ask for Node. */
  bun?: boolean;
  /** Says whether `--hot` is on: changed modules are loaded in place. */
  hot?: boolean;
  /** Says whether `--inspect` is on: a debugger can attach. */
  inspect?: boolean;
  /** Says whether `--smol` is on: less memory, more collections. */
  smol?: boolean;
  /** Says whether `--watch` is on: changed files restart the process. */
  watch?: boolean;
}

/** Describes one Bun runtime. */
export interface BunRuntime {
  /** Says how the runtime was built. */
  build?: BunBuild;
  /** Says what the runtime was built with. */
  features?: BunFeatures;
  /** Names version, platform and architecture in one word. */
  fingerprint?: string;
  /** Gives the revision, a date or a commit. */
  revision?: string;
  /** Gives the version, such as `1.3.2`. */
  version?: string;
}

/** Describes the package cache. */
export interface Cache {
  /** Gives its folder. */
  dir?: string;
  /** Counts its files. */
  entries?: number;
  /** Counts the look-ups that found what they asked for. */
  hits?: number;
  /** Describes the cached manifests. */
  manifests?: CacheManifests;
  /** Counts the look-ups that did not. */
  misses?: number;
  /** Describes the cached modules. */
  modules?: CacheModules;
  /** Gives the size of its files, in bytes. */
  size_bytes?: number;
}

/** Describes the cached manifests. */
export interface CacheManifests {
  /** Counts the manifests. */
  entries?: number;
}

/** Describes the cached modules. */
export interface CacheModules {
  /** Counts the modules in the cache. */
  cached?: number;
  /** Counts the modules that had to leave it. */
  evicted?: number;
}

/** Says what collections of garbage did. */
export interface Collections {
  /** Counts the objects that they freed. */
  collected?: number;
  /** Counts them. */
  collections?: number;
  /** Gives the time of the longest, in microseconds. */
  longest_us?: number;
  /** Gives the time of all of them, in microseconds. */
  total_us?: number;
}

/** Counts the parts of the code that could run in the tests (found), and those that did (hit). */
export interface Coverage {
  /** Counts the branches. */
  branches_found?: number;
  /** Counts the branches that were taken. */
  branches_hit?: number;
  /** Counts the functions. */
  functions_found?: number;
  /** Counts the functions that ran. */
  functions_hit?: number;
  /** Counts the lines with code. */
  lines_found?: number;
  /** Counts the lines that ran. */
  lines_hit?: number;
}

/** Describes one job that runs. */
export interface CurrentJob {
  /** Says whether the job was told to stop. */
  abort_signal?: boolean;
  /** Gives the time since the job began, in microseconds. */
  elapsed_us?: number;
  /** Names the job. */
  id?: string;
  /** Counts the points or nodes that the job works on. */
  nodes?: number;
  /** Names the kind of job, such as `bezier_batch`. */
  type?: string;
}

/** Describes what the project depends on. */
export interface Dependencies {
  /** Describes the lockfile. */
  lockfile?: Lockfile;
  /** Names the polyfills that are installed. */
  polyfills?: Polyfills;
  /** Counts the dependencies by kind. */
  tree?: DependencyTree;
}

/** Counts the dependencies by kind. */
export interface DependencyTree {
  /** Counts what only development needs. */
  dev?: number;
  /** Counts what the project names for its own use, and always needs. */
  direct?: number;
  /** Counts the packages with machine code. */
  native_modules?: number;
  /** Counts the packages that were compiled at installation. */
  node_gyp_rebuilds?: number;
  /** Counts what may be missing. */
  optional?: number;
  /** Counts what the project's user must bring. */
  peer?: number;
}

/** Describes the process that the session runs in. */
export interface Env {
  /** Gives the git commit that the session works on, as a hash of any length. */
  head?: string;
  /** Gives the id of the process. */
  process_id?: number;
  /** Names the session: `sess-`, the day it began (UTC), and a part that makes it unique. */
  session?: string;
  /** Gives the id of the thread, as the runtime writes it. */
  thread_id?: string;
  /** Gives the age of the process, in milliseconds. */
  uptime_ms?: number;
}

/** Says how late an event loop runs what is due. */
export interface EventLoop {
  /** Gives how late it was at the most within the last minute, in microseconds. */
  lag_longest_us?: number;
  /** Gives how late it was last, in microseconds. */
  lag_us?: number;
}

/** Describes one executor: a supervised worker that runs code. */
export interface ExecutorState {
  /** Counts the calls that it ran. */
  calls?: number;
  /** Counts those that raised. */
  errors?: number;
  /** Names the language, such as `python`. */
  language?: string;
  /** Gives the id of its process. */
  pid?: number;
  /** Names the policy that it runs under, a member of `policies`. */
  policy?: string;
  /** Says what it does: `booting`, `idle`, `processing`, `draining` or `terminated`. */
  state?: string;
}

/** Says what happened to one file. */
export interface FileChange {
  /** Gives the change in its number of lines, with its sign: `+150`. */
  lines?: string;
  /** Gives its path within the project. */
  path?: string;
  /** Says why. */
  rationale?: string;
  /** Says what happened to it. */
  status?: FileStatus;
}

/** Says what happened to a file. */
export type FileStatus =
  /** It was made. */
  | "created"
  /** It was changed. */
  | "modified"
  /** It was removed. */
  | "deleted"
  /** It was looked at and left alone. */
  | "touched"
  /** A word that this version does not know. */
  | (string & {});

/** Says which files the session touched. */
export interface Files {
  /** Lists the files. */
  breakdown?: FileChange[];
}

/** Counts workers that ended and that a registry has no more. */
export interface ForgottenWorkers {
  /** Counts their errors. */
  errors?: number;
  /** Counts the messages they processed. */
  messages_processed?: number;
  /** Counts them. */
  workers?: number;
}

/** Gives the time that went into garbage collection. */
export interface GcTimes {
  /** Gives the time of full collections, in microseconds. */
  mark_sweep_us?: number;
  /** Gives the time of young collections, in microseconds. */
  scavenge_us?: number;
}

/** Describes the state of a git repository. */
export interface Git {
  /** Counts the commits that the branch has and its upstream has not; absent without an upstream. */
  ahead?: number;
  /** Counts the commits that the upstream has and the branch has not; absent without an upstream. */
  behind?: number;
  /** Names the branch; absent when none is checked out. */
  branch?: string;
  /** Counts the paths in conflict. */
  conflicts?: number;
  /** Says whether a commit is checked out in the place of a branch. */
  detached?: boolean;
  /** Gives the commit that is checked out, as a hash of any length; absent before the first commit. */
  head?: string;
  /** Says what was begun and not ended. */
  operation?: GitOperation;
  /** Counts the paths whose staged state differs from the commit, without those in conflict. */
  staged_changes?: number;
  /** Counts the stashes. */
  stashes?: number;
  /** Counts the submodules that differ, by their commit or by what is in them. */
  submodules_changed?: number;
  /** Counts the paths that differ from the commit; an untracked folder counts once. */
  uncommitted_files?: number;
  /** Counts the tracked paths that differ from what is staged, those in conflict among them. */
  unstaged_changes?: number;
  /** Counts the paths that git does not track and is not told to ignore; a folder of them counts once. */
  untracked?: number;
  /** Says whether the folder belongs to a linked worktree (`git worktree add`). */
  worktree?: boolean;
}

/** Says what a repository is in the middle of. */
export type GitOperation =
  /** Nothing. */
  | "none"
  /** A merge. */
  | "merge"
  /** A rebase. */
  | "rebase"
  /** Patches that are applied from mail. */
  | "am"
  /** A cherry-pick. */
  | "cherry-pick"
  /** A revert. */
  | "revert"
  /** A search for the commit that broke something. */
  | "bisect"
  /** A word that this version does not know. */
  | (string & {});

/** Gives the memory of a runtime's objects. */
export interface Heap {
  /** Counts blocks in use, where that is what the runtime counts. */
  blocks?: number;
  /** Gives what objects hold outside it. */
  external_bytes?: number;
  /** Gives the most that it may have. */
  limit_bytes?: number;
  /** Gives what was taken from the system for it. */
  total_bytes?: number;
  /** Gives what is in use. */
  used_bytes?: number;
}

/** Describes the hub that shows the session to viewers. */
export interface HubState {
  /** Gives the address that it listens at. */
  address?: string;
  /** Counts its rooms. */
  rooms?: number;
  /** Counts the updates that it sent. */
  updates_sent?: number;
  /** Counts the viewers that are connected. */
  viewers?: number;
}

/** Describes the lockfile. */
export interface Lockfile {
  /** Gives its hash, with the algorithm in front: `sha256:…`. */
  hash?: string;
  /** Gives its path within the project. */
  path?: string;
  /** Counts the packages that it lists. */
  total_dependencies?: number;
  /** Gives the size of those packages, in bytes. */
  total_size_bytes?: number;
}

/** Gives the memory of the engine by kind. */
export interface MemoryUse {
  /** Gives the memory of array buffers. */
  array_buffers_bytes?: number;
  /** Gives the memory that objects of the engine hold outside its heap. */
  external_bytes?: number;
  /** Gives the engine's heap in use. */
  heap_bytes?: number;
}

/** Describes one message port. */
export interface MessagePort {
  /** Names the port. */
  id?: string;
  /** Counts the messages that wait in the port. */
  messages_queued?: number;
  /** Names the worker that holds the port. */
  owner?: string;
  /** Says what became of the port. */
  state?: PortState;
}

/** Holds the message ports between workers. */
export interface MessagePortRegistry {
  /** Lists the ports. */
  ports?: MessagePort[];
}

/** Says where and in what the session runs. */
export interface Metadata {
  /** Describes the Bun that runs the session; absent in any other runtime. */
  bun?: BunRuntime;
  /** Names the field of work, such as `perf-vis`. */
  domain?: string;
  /** Describes the process. */
  env?: Env;
  /** Describes the machine. */
  platform?: Platform;
  /** Names what the session is limited to, such as `bun-native`. */
  scope?: string;
}

/** Counts the bytes that went over the network. */
export interface NetworkIo {
  /** Counts the bytes read. */
  bytes_read?: number;
  /** Counts the bytes written. */
  bytes_written?: number;
}

/** Says how well one interface of Node works. */
export interface NodeApi {
  /** Names the interface, such as `node:vm`. */
  name?: string;
  /** Says what a user of it should know. */
  notes?: string;
  /** Says how it is made. */
  status?: NodeApiStatus;
}

/** Says how an interface of Node is made. */
export type NodeApiStatus =
  /** Made by the runtime itself. */
  | "native"
  /** There in part. */
  | "partial"
  /** Made by a script on top of the runtime. */
  | "polyfill"
  /** Not there. */
  | "missing"
  /** A word that this version does not know. */
  | (string & {});

/** Says how far the runtime stands in for Node. */
export interface NodeCompat {
  /** Lists Node's interfaces with the state of each. */
  apis?: NodeApi[];
  /** Says whether the compatibility layer is on. */
  enabled?: boolean;
  /** Says, for each interface that behaves differently from Node's, how. */
  overrides?: Record<string, string>;
  /** Names the polyfills in use. */
  polyfills?: string[];
}

/** Gives the timings and the memory of the process. */
export interface Performance {
  /** Gives the time that a cold start should not exceed, in microseconds. */
  cold_start_target_us?: number;
  /** Gives the time that went into garbage collection. */
  gc?: GcTimes;
  /** Gives the memory in use. */
  memory?: MemoryUse;
  /** Gives the time of one operation on its own, in nanoseconds. */
  per_op_baseline_ns?: number;
  /** Gives the time of one operation within a batch, in nanoseconds. */
  per_op_batched_ns?: number;
  /** Gives the time from start to ready, in microseconds. */
  startup_us?: number;
}

/** Describes the machine that the session runs on. */
export interface Platform {
  /** Names the processor's model. */
  cpu?: string;
  /** Counts the logical processors that are online, whether this process may use them or not. */
  cpu_count?: number;
  /** Gives the kernel's release, as `uname -r` does. */
  kernel?: string;
  /** Gives the machine's memory in bytes, whether this process may use it or not. */
  memory_bytes?: number;
  /** Names the kernel and its release, as `uname -sr` does. */
  os?: string;
  /** Names the runtime and the platform in one line, such as `circlet/0.1.0 (Linux x86_64)`. */
  useragent?: string;
}

/** Describes one policy. */
export interface PolicyState {
  /** Says what becomes of files that no rule speaks of: `allow`, `deny` or `warn`. */
  files?: string;
  /** Says what becomes of connections that no rule speaks of. */
  network?: string;
  /** Counts its rules. */
  rules?: number;
  /** Gives the version of its format. */
  version?: number;
}

/** Names the polyfills that are installed. */
export interface Polyfills {
  /** Names those that stand in for Bun's interfaces. */
  bun?: string[];
  /** Names those that stand in for Node's interfaces. */
  node?: string[];
}

/** Says which worker gets the next job. */
export type PoolStrategy =
  /** Each worker in turn. */
  | "round-robin"
  /** The worker that has run jobs for the least time. */
  | "least-busy"
  /** The worker that has the job's key. */
  | "affinity"
  /** A word that this version does not know. */
  | (string & {});

/** Says what became of a message port. */
export type PortState =
  /** Held by the thread that made it. */
  | "open"
  /** Given to another thread. */
  | "transferred"
  /** Closed. */
  | "closed"
  /** A word that this version does not know. */
  | (string & {});

/** Says what the process of the session holds and has used. All of it is measured from outside its code. */
export interface Process {
  /** Counts its open file descriptors. */
  fd_count?: number;
  /** Counts the page faults that had to wait for a disk. */
  major_faults?: number;
  /** Gives the largest resident set so far. */
  peak_rss_bytes?: number;
  /** Gives the resident set: what is in physical memory. */
  rss_bytes?: number;
  /** Gives the time of all its threads on a processor in the kernel, in microseconds. */
  system_cpu_us?: number;
  /** Counts its threads. */
  threads?: number;
  /** Gives the time of all its threads on a processor in user mode, in microseconds. */
  user_cpu_us?: number;
}

/** Limits the memory of one worker. */
export interface ResourceLimits {
  /** Limits the whole heap. */
  max_heap_bytes?: number;
  /** Limits the heap of objects that survived. */
  max_old_generation_bytes?: number;
  /** Limits the heap of new objects. */
  max_young_generation_bytes?: number;
}

/** Gives what one worker used so far. */
export interface ResourceUsage {
  /** Says why there is no memory. */
  rss_absent?: string;
  /** Gives its memory in bytes. */
  rss_bytes?: number;
  /** Gives its time on a processor in the kernel, in microseconds. */
  system_cpu_us?: number;
  /** Gives its time on a processor in user mode, in microseconds. */
  user_cpu_us?: number;
}

/** Gives what the process holds of the system. */
export interface Resources {
  /** Gives how late it was at the most within the last minute, in microseconds. */
  event_loop_lag_longest_us?: number;
  /** Gives how late the event loop runs its timers, in microseconds. */
  event_loop_lag_us?: number;
  /** Gives the traffic so far. */
  network_io?: NetworkIo;
}

/** Describes one ring in shared memory. */
export interface RingState {
  /** Gives its capacity. */
  capacity_bytes?: number;
  /** Counts the messages dropped as there was no place. */
  dropped?: number;
  /** Counts the frames received. */
  frames_received?: number;
  /** Counts the frames sent. */
  frames_sent?: number;
  /** Counts how often there was no place for a message. */
  full_events?: number;
  /** Gives the most that was in it. */
  high_water_bytes?: number;
  /** Says how it is used: `spsc`, `mpsc` or `broadcast`. */
  mode?: string;
  /** Counts its producers. */
  producers?: number;
  /** Gives what is in it and was not received. */
  used_bytes?: number;
}

/** Describes the runtime that runs the session's code, and what it costs. It says all of this itself. */
export interface Runtime {
  /** Lists the interfaces that the session has used. */
  apis?: string[];
  /** Says how late its event loop is. */
  event_loop?: EventLoop;
  /** Gives the path of its program. */
  executable?: string;
  /** Says what it was built with or runs with. */
  features?: Record<string, boolean>;
  /** Says what its collections of garbage did. */
  gc?: Collections;
  /** Gives the memory of its objects. */
  heap?: Heap;
  /** Names its implementation, such as `CPython`. */
  implementation?: string;
  /** Counts the modules that it has loaded. */
  modules?: number;
  /** Counts the threads that it knows of. */
  threads?: number;
  /** Gives its version. */
  version?: string;
}

/** Says which code asked, as that says itself. */
export interface SelfReported {
  /** Names what the code did, as its interpreter calls it. */
  event?: string;
  /** Names the file of the code. */
  file?: string;
  /** Gives the line in it, from 1; 0 where there is none. */
  line?: number;
}

/** Holds the totals over all workers. */
export interface Statistics {
  /** Gives the mean time of a message, in nanoseconds. */
  avg_processing_ns?: number;
  /** Gives the time that half of the messages do not exceed, in nanoseconds. */
  p50_processing_ns?: number;
  /** Gives the time that 95 of 100 messages do not exceed, in nanoseconds. */
  p95_processing_ns?: number;
  /** Gives the time that 999 of 1000 messages do not exceed, in nanoseconds. */
  p99_9_processing_ns?: number;
  /** Gives the time that 99 of 100 messages do not exceed, in nanoseconds. */
  p99_processing_ns?: number;
  /** Counts the errors. */
  total_errors?: number;
  /** Counts the messages that workers answered, errors among them. */
  total_messages_received?: number;
  /** Counts the messages that went to workers. */
  total_messages_sent?: number;
  /** Holds the times of the last messages alone. */
  window?: StatisticsWindow;
}

/** Holds the times of the messages that were answered within a sliding window. */
export interface StatisticsWindow {
  /** Gives their mean time, in nanoseconds. */
  avg_processing_ns?: number;
  /** Gives the length of the window, in milliseconds. */
  length_ms?: number;
  /** Gives the time that half of them do not exceed, in nanoseconds. */
  p50_processing_ns?: number;
  /** Gives the time that 95 of 100 do not exceed, in nanoseconds. */
  p95_processing_ns?: number;
  /** Gives the time that 999 of 1000 do not exceed, in nanoseconds. */
  p99_9_processing_ns?: number;
  /** Gives the time that 99 of 100 do not exceed, in nanoseconds. */
  p99_processing_ns?: number;
  /** Counts the messages that workers answered within it, errors among them. */
  received?: number;
}

/** Describes the last test run. */
export interface Test {
  /** Gives the coverage. */
  coverage?: Coverage;
  /** Counts the test files. */
  files?: number;
  /** Names the test runner, such as `bun:test`. */
  runner?: string;
  /** Counts the tests by outcome. */
  tests?: TestCounts;
}

/** Counts tests by outcome. */
export interface TestCounts {
  /** Gives the time of the run, in microseconds. */
  duration_us?: number;
  /** Counts those that failed. */
  failed?: number;
  /** Counts those that passed. */
  passed?: number;
  /** Counts those that did not run. */
  skipped?: number;
}

/** Describes the contexts of code that a runtime keeps apart, such as those of `node:vm`. */
export interface Vm {
  /** Says whether code in them may make code of strings. */
  code_generation?: boolean;
  /** Counts them. */
  contexts?: number;
  /** Says whether code in them is kept from changing the prototypes of others. */
  pollution_blocked?: boolean;
}

/** Says what one worker does, and what it did. */
export interface Worker {
  /** Gives the time of its start, in milliseconds since 1970-01-01 UTC. */
  created_at_ms?: number;
  /** Describes the job that it runs now. */
  current_job?: CurrentJob;
  /** Says why it ended: `stopped`, `recycled` or `crashed`. */
  end?: string;
  /** Counts its errors. */
  errors?: number;
  /** Counts the heap snapshots taken of it. */
  heap_snapshot_count?: number;
  /** Holds its last error: `Some(None)`, written as `null`, when it is known that there was none. */
  last_error?: string | null;
  /** Counts the messages it processed. */
  messages_processed?: number;
  /** Gives the id of its process, where it has one of its own. */
  pid?: number;
  /** Gives what it used so far. */
  resource_usage?: ResourceUsage;
  /** Says what the worker does now. */
  state?: WorkerState;
}

/** Says what the workers are capable of. */
export interface WorkerFeatures {
  /** Says whether errors arrive as objects and not as text. */
  errors_as_objects?: boolean;
  /** Says whether heap snapshots can be taken, such as `enabled`. */
  heap_snapshot?: string;
  /** Says whether the fix for transferred message ports is in, such as `applied`. */
  messageport_transfer_fix?: string;
  /** Limits the memory of one worker. */
  resource_limits?: ResourceLimits;
  /** Says whether a worker's standard error reaches its owner. */
  stderr_forwarding?: boolean;
  /** Says whether a worker's standard output reaches its owner. */
  stdout_forwarding?: boolean;
}

/** Limits every worker. */
export interface WorkerLimit {
  /** Says who sees to it: `rlimit`, `watchdog` or `none`. */
  enforced_by?: string;
  /** Says how much of it: bytes, jobs or milliseconds. */
  requested?: number;
  /** Says what is limited, such as `memory` or `tasks`. */
  resource?: string;
}

/** Counts the workers of a pool by what they do. */
export interface WorkerPool {
  /** Counts the workers that run a job. */
  active?: number;
  /** Counts the workers that cannot take a job yet. */
  booting?: number;
  /** Counts the workers that are about to end. */
  draining?: number;
  /** Counts the workers that wait for a job. */
  idle?: number;
  /** Gives the most workers that the pool may have. */
  max?: number;
  /** Gives the fewest workers that the pool may have. */
  min?: number;
  /** Counts the sessions that wait for an executor. */
  ready?: number;
  /** Says which worker gets the next job. */
  strategy?: PoolStrategy;
  /** Counts the workers that ended. */
  terminated?: number;
}

/** Says what a worker does. */
export type WorkerState =
  /** It starts, and takes no job yet. */
  | "booting"
  /** It waits for a job. */
  | "idle"
  /** It runs a job. */
  | "processing"
  /** It is to end, and finishes what it has. */
  | "draining"
  /** It ended. */
  | "terminated"
  /** A word that this version does not know. */
  | (string & {});

/** Says what the workers do. */
export interface WorkerThreads {
  /** Says what the workers are capable of. */
  features?: WorkerFeatures;
  /** Counts the ended workers that the registry has no more. */
  forgotten?: ForgottenWorkers;
  /** Holds what every worker may use, and who sees to it. */
  limits?: WorkerLimit[];
  /** Holds the message ports between workers. */
  message_port_registry?: MessagePortRegistry;
  /** Counts the workers by what they do. */
  pool?: WorkerPool;
  /** Holds each worker under its id. */
  registry?: Record<string, Worker>;
  /** Holds the totals over all workers. */
  statistics?: Statistics;
}
