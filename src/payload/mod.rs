//! Session payloads: a typed snapshot of what a whole session is doing.
//!
//! A [`SessionPayload`] says where a session runs, what its workers do, how its project stands, and what it is for. It is one
//! JSON object that any language reads. Three rules hold for all of it:
//!
//! * What is absent is unknown, and never 0.
//! * Fields that this version does not know survive being read and written.
//! * It stores facts, as integers in the unit that their name ends with. What follows from them, as totals, rates and whether a tree is
//!   clean, is computed: by methods, and in [`SessionPayload::to_view`], whose units are those that people read.
//!
//! [`host`] and [`process`] fill in what can be measured from within the process, [`git_state`] what git says about a
//! folder, and [`SessionPayload::summary`] says it in a few lines. [`SessionPayload::to_prometheus`] and
//! [`SessionPayload::to_otlp`] write its numbers as metrics. A [`SessionTracker`] keeps a payload, and publishes it.
//!
//! ```
//! use circlet::payload::{SessionPayload, WorkerThreads};
//!
//! let workers = r#"{"pool": {"active": 1, "idle": 3}, "statistics": {"total_errors": 0}}"#;
//! let payload = SessionPayload {
//!     goal: Some("draw a curve".to_owned()),
//!     worker_threads: serde_json::from_str(workers)?,
//!     ..SessionPayload::default()
//! };
//! let summary = payload.summary(450).to_string();
//! assert_eq!(summary, "Goal: \"draw a curve\"\nWorkers: 1 active, 4 pool size, 3 idle\nMessages: no errors");
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! | section | types |
//! |---|---|
//! | `process` | [`Process`] |
//! | `metadata` | [`Metadata`], [`BunRuntime`], [`BunFeatures`], [`BunBuild`], [`Env`], [`Platform`] |
//! | `bun` | [`Bun`], [`Performance`], [`MemoryUse`], [`GcTimes`], [`Resources`], [`NetworkIo`], [`BunFlags`] |
//! | `node_compat` | [`NodeCompat`], [`NodeApi`] |
//! | `node`, `python`, `native`, `vm` | [`Runtime`], [`Heap`], [`Collections`], [`EventLoop`], [`Vm`] |
//! | `worker_threads` | [`WorkerThreads`], [`WorkerPool`], [`WorkerFeatures`], [`ResourceLimits`], [`Worker`], [`ResourceUsage`], [`CurrentJob`], [`Statistics`], [`MessagePortRegistry`], [`MessagePort`] |
//! | `dependencies` | [`Dependencies`], [`Lockfile`], [`DependencyTree`], [`Polyfills`] |
//! | `cache` | [`Cache`], [`CacheManifests`], [`CacheModules`] |
//! | `test` | [`Test`], [`TestCounts`], [`Coverage`] |
//! | `git` | [`Git`], [`GitOperation`] |
//! | `files` | [`Files`], [`FileChange`] |
//! | `rings`, `executors`, `policies`, `hub` | [`RingState`], [`ExecutorState`], [`PolicyState`], [`HubState`] |
//! | `audit` | [`Audit`], [`AuditEntry`], [`SelfReported`] |

mod audit;
mod bun;
mod contradictions;
mod dates;
mod derived;
mod error;
mod escape;
mod metadata;
mod metric_table;
mod metrics;
mod node_compat;
mod otlp;
mod parts;
mod patch;
mod probe;
mod process;
mod process_probe;
mod project;
mod prometheus;
mod redact;
mod runtime;
#[cfg(feature = "cli")]
mod schema;
mod section;
mod session;
mod summary;
mod tokens;
mod tracker;
mod views;
mod words;
mod worker_threads;

pub use audit::{Audit, AuditAction, AuditEntry, SelfReported};
pub use bun::{Bun, BunFlags, GcTimes, MemoryUse, NetworkIo, Performance, Resources};
pub use contradictions::Contradiction;
pub use error::Error;
pub use metadata::{BunBuild, BunFeatures, BunRuntime, Env, Metadata, Platform};
pub use node_compat::{NodeApi, NodeApiStatus, NodeCompat};
pub use parts::{ExecutorState, HubState, PolicyState, RingState};
pub use patch::{merge_diff, merge_patch};
pub use probe::{host, new_session_id, process};
pub use process::Process;
pub use process_probe::ProcessProbe;
pub use project::{
    Cache, CacheManifests, CacheModules, Coverage, Dependencies, DependencyTree, FileChange, FileStatus,
    Files, Git, GitOperation, Lockfile, Polyfills, Test, TestCounts, Unavailable, git_state, git_watch_paths,
};
#[cfg(feature = "project")]
pub use project::{
    dependency_tree, junit_report, lcov_report, lockfile, package_cache, parse_junit, parse_lcov,
};
pub use redact::{Redaction, Redactor};
pub use runtime::{Collections, EventLoop, Heap, Runtime, Vm};
#[cfg(feature = "cli")]
pub use schema::json_schema;
use session::SCHEMA;
pub use session::SessionPayload;
pub use summary::{SUMMARY_TOKENS, Summary};
pub use tracker::{
    PAGE_SCHEMA, ReadError, ReadSession, SessionTracker, TrackerError, TrackerOptions, read_session,
    read_session_page,
};
pub use worker_threads::{
    CurrentJob, ForgottenWorkers, MessagePort, MessagePortRegistry, PoolStrategy, PortState, ResourceLimits,
    ResourceUsage, Statistics, StatisticsWindow, Worker, WorkerFeatures, WorkerLimit, WorkerPool,
    WorkerState, WorkerThreads,
};
