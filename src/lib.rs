//! One native core, shared by the languages of one program.
//!
//! A Rust, C, Python or Bun process creates a [`ring`] (or a [`page`], one latest value) in shared memory and the others
//! read it in place; jobs run on a [`pool`]; [curves](curve) of every family become cubic Bezier segments; a [`payload`] says what the
//! session is doing. It is an embeddable library first: nothing starts a thread, opens a port or prints unless the
//! caller asked for it.
//!
//! | feature | what it adds |
//! |---|---|
//! | (none) | [`shm`], [`ring`], [`page`], [`curve`], [`pool`], [`payload`] |
//! | `svg` | SVG path data and documents, in and out |
//! | `exec` | Python workers under supervision, pools of Python and Bun processes |
//! | `project` | what a project's lockfiles, manifests, caches and test reports say, for the [`payload`] |
//! | `capi` | the C face: `include/circlet.h`, which Python and Bun load too |
//! | `cli` | the program `circlet` |
//! | `hub` | the live hub: rooms of state over Socket.IO |
//! | `tokens` | summaries that count tokens as a tokenizer does |

/// The README's programs run.
#[cfg(all(doctest, feature = "exec", target_os = "linux"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The executor's programs compile.
#[cfg(all(doctest, feature = "exec", target_os = "linux"))]
#[doc = include_str!("../docs/executor.md")]
struct ExecutorDocs;

/// The policies' programs run.
#[cfg(all(doctest, feature = "exec", target_os = "linux"))]
#[doc = include_str!("../docs/policies.md")]
struct PoliciesDocs;

/// The hub's program runs.
#[cfg(all(doctest, feature = "hub"))]
#[doc = include_str!("../docs/hub.md")]
struct HubDocs;

#[cfg(feature = "capi")]
pub mod capi;
pub mod curve;
#[cfg(all(feature = "exec", target_os = "linux"))]
pub mod exec;
#[cfg(feature = "hub")]
pub mod hub;
pub mod page;
pub mod payload;
pub mod pool;
#[cfg(target_os = "linux")]
mod procfs;
pub mod ring;
pub mod shm;
mod usage;
