//! What circlet itself knows: rings, pools, executors and pools of sessions that a program has its tracker watch.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use super::error::TrackerError;
#[cfg(all(feature = "exec", target_os = "linux"))]
use crate::exec::{ExecutorWatcher, Language, SessionPool, policy::Policy};
#[cfg(all(feature = "exec", target_os = "linux"))]
use crate::payload::{ExecutorState, PolicyState};
use crate::payload::{RingState, Statistics, WorkerPool, WorkerThreads};
use crate::pool::Pool;
use crate::ring::{self, Ring};

/// The sections that are watched, each with what is in it now.
pub(super) type Seen = Map<String, Value>;

/// What is watched, in the order in which it was given.
#[derive(Default)]
pub(super) struct Watches(Vec<Watch>);

struct Watch {
    name: String,
    look: Box<dyn Fn() -> Option<Sight> + Send>,
}

/// How one thing that is watched is now.
enum Sight {
    Ring(RingState),
    Pool(Box<WorkerThreads>),
    #[cfg(all(feature = "exec", target_os = "linux"))]
    Executors {
        executors: BTreeMap<String, ExecutorState>,
        policy: Option<(String, PolicyState)>,
    },
}

impl Watches {
    pub(super) fn ring(&mut self, name: &str, ring: &Ring) -> Result<(), TrackerError> {
        let look = ring.watcher().map_err(|source: ring::Error| TrackerError::Ring(Box::new(source)))?;
        self.add(name, move || look().map(|stats| Sight::Ring(RingState::from(&stats))))
    }

    pub(super) fn pool(&mut self, name: &str, pool: &Pool) -> Result<(), TrackerError> {
        let look = pool.watcher();
        self.add(name, move || {
            // It has the shape of the section.
            look().map(|seen| Sight::Pool(Box::new(WorkerThreads::from_snapshot(&seen).unwrap_or_default())))
        })
    }

    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(super) fn executor(&mut self, name: &str, executor: ExecutorWatcher) -> Result<(), TrackerError> {
        let (language, policy) = (executor.language, policy_of(name, &executor.policies));
        let of = name.to_owned();
        self.add(name, move || {
            let state = described(ExecutorState::from(&executor.look()?), language, policy.as_ref());
            Some(Sight::Executors { executors: [(of.clone(), state)].into(), policy: policy.clone() })
        })
    }

    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(super) fn sessions(&mut self, name: &str, pool: &SessionPool) -> Result<(), TrackerError> {
        use crate::pool::WorkerState;
        let (look, builder) = (pool.watcher(), pool.builder());
        let (language, policy) = (builder.language, policy_of(name, &builder.policies));
        let of = name.to_owned();
        self.add(name, move || {
            let registry = look()?.registry.into_iter();
            let there = registry.filter(|(_, entry)| entry.state != WorkerState::Terminated);
            let state = |entry| described(ExecutorState::from(&entry), language, policy.as_ref());
            let executors = there.map(|(id, entry)| (format!("{of}/{id}"), state(entry))).collect();
            Some(Sight::Executors { executors, policy: policy.clone() })
        })
    }

    fn add(
        &mut self,
        name: &str,
        look: impl Fn() -> Option<Sight> + Send + 'static,
    ) -> Result<(), TrackerError> {
        // One of this name may have gone.
        self.0.retain(|watch| watch.name != name || (watch.look)().is_some());
        if self.0.iter().any(|watch| watch.name == name) {
            return Err(TrackerError::KnownWatch(name.to_owned()));
        }
        self.0.push(Watch { name: name.to_owned(), look: Box::new(look) });
        Ok(())
    }

    /// Watches one no more; `false` where none has this name.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|watch| watch.name != name);
        self.0.len() < before
    }

    /// Looks at all of them, and forgets those that have gone.
    pub(super) fn look(&mut self) -> Seen {
        let mut sights = Vec::new();
        self.0.retain(|watch| match (watch.look)() {
            Some(sight) => {
                sights.push((watch.name.clone(), sight));
                true
            }
            None => false,
        });
        sections(sights)
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|watch| &watch.name)).finish()
    }
}

/// Puts what was seen into its sections.
fn sections(sights: Vec<(String, Sight)>) -> Seen {
    let (mut sections, mut pools) = (Map::new(), Vec::new());
    let mut put = |section: &str, name: String, state: Value| {
        let members = sections.entry(section).or_insert_with(|| json!({}));
        members[name] = state;
    };
    for (name, sight) in sights {
        match sight {
            Sight::Ring(state) => put("rings", name, json!(state)),
            Sight::Pool(state) => pools.push(*state),
            #[cfg(all(feature = "exec", target_os = "linux"))]
            Sight::Executors { executors, policy } => {
                for (name, state) in executors {
                    put("executors", name, json!(state));
                }
                if let Some((name, state)) = policy {
                    put("policies", name, json!(state));
                }
            }
        }
    }
    if let Some(all) = joined(pools) {
        sections.insert("worker_threads".to_owned(), json!(all));
    }
    sections
}

/// Makes one section of several pools: their workers side by side, their counts together. Percentiles of several have no sum, and what they
/// do not have in common is absent.
fn joined(pools: Vec<WorkerThreads>) -> Option<WorkerThreads> {
    let mut pools = pools.into_iter();
    let mut all = pools.next()?;
    for one in pools {
        let features = all.features.take_if(|features| one.features.as_ref() == Some(features));
        let limits = all.limits.take_if(|limits| one.limits.as_ref() == Some(limits));
        // The ids are of the process, and each is of one worker.
        all.registry.get_or_insert_default().extend(one.registry.unwrap_or_default());
        all.pool = all.pool.zip(one.pool).map(|(all, one)| counts(&all, &one));
        all.statistics = all.statistics.zip(one.statistics).map(|(all, one)| totals(&all, &one));
        all.forgotten = match (all.forgotten, one.forgotten) {
            (Some(mut all), Some(one)) => {
                all.workers = sum(all.workers, one.workers);
                all.messages_processed = sum(all.messages_processed, one.messages_processed);
                all.errors = sum(all.errors, one.errors);
                Some(all)
            }
            (all, one) => all.or(one),
        };
        all.message_port_registry = match (all.message_port_registry, one.message_port_registry) {
            // Each pool numbers its ports from the same.
            (Some(_), Some(_)) => None,
            (all, one) => all.or(one),
        };
        (all.features, all.limits) = (features, limits);
    }
    Some(all)
}

fn counts(one: &WorkerPool, other: &WorkerPool) -> WorkerPool {
    WorkerPool {
        active: sum(one.active, other.active),
        idle: sum(one.idle, other.idle),
        ready: sum(one.ready, other.ready),
        booting: sum(one.booting, other.booting),
        draining: sum(one.draining, other.draining),
        terminated: sum(one.terminated, other.terminated),
        min: sum(one.min, other.min),
        max: sum(one.max, other.max),
        strategy: one.strategy.clone().filter(|strategy| other.strategy.as_ref() == Some(strategy)),
        ..WorkerPool::default()
    }
}

fn totals(one: &Statistics, other: &Statistics) -> Statistics {
    Statistics {
        total_messages_sent: sum(one.total_messages_sent, other.total_messages_sent),
        total_messages_received: sum(one.total_messages_received, other.total_messages_received),
        total_errors: sum(one.total_errors, other.total_errors),
        ..Statistics::default()
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one?.saturating_add(other?))
}

#[cfg(all(feature = "exec", target_os = "linux"))]
fn described(
    state: ExecutorState,
    language: Language,
    policy: Option<&(String, PolicyState)>,
) -> ExecutorState {
    ExecutorState {
        language: Some(language.name().to_lowercase()),
        policy: policy.map(|(name, _)| name.clone()),
        ..state
    }
}

/// Describes the policies that hold together, under their names: as what is refused by one is refused. One without a name is called as the
/// executor is.
#[cfg(all(feature = "exec", target_os = "linux"))]
fn policy_of(executor: &str, policies: &[Policy]) -> Option<(String, PolicyState)> {
    let name = |policy: &Policy| policy.name.clone().unwrap_or_else(|| executor.to_owned());
    let mut each = policies.iter().map(|policy| (name(policy), PolicyState::from(policy)));
    let first = each.next()?;
    Some(each.fold(first, |(names, all), (name, one)| {
        let all = PolicyState {
            rules: sum(all.rules, one.rules),
            files: stricter(all.files, one.files),
            network: stricter(all.network, one.network),
            ..all
        };
        (format!("{names} + {name}"), all)
    }))
}

#[cfg(all(feature = "exec", target_os = "linux"))]
fn stricter(one: Option<String>, other: Option<String>) -> Option<String> {
    let strictness = |word: &Option<String>| match word.as_deref() {
        Some("deny") => 2,
        Some("warn") => 1,
        _ => 0,
    };
    if strictness(&other) > strictness(&one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_pools_are_one_section_whose_counts_are_theirs_together() {
        let pool = |id: &str, active: u64, strategy: &str| -> WorkerThreads {
            let workers = json!({
                "pool": {"active": active, "idle": 1, "min": 1, "max": 4, "strategy": strategy},
                "registry": {id: {"state": "idle"}},
                "statistics": {"total_messages_sent": 5, "total_errors": 1, "p99_processing_ns": 7},
                "limits": [{"resource": "memory"}],
            });
            serde_json::from_value(workers).unwrap()
        };
        assert_eq!(joined(Vec::new()), None);
        let alone = pool("w_1", 2, "affinity");
        assert_eq!(joined(vec![alone.clone()]), Some(alone.clone()));
        let all = joined(vec![alone, pool("w_2", 3, "round-robin")]).unwrap();
        let expected = json!({
            "pool": {"active": 5, "idle": 2, "min": 2, "max": 8},
            "registry": {"w_1": {"state": "idle"}, "w_2": {"state": "idle"}},
            "statistics": {"total_messages_sent": 10, "total_errors": 2},
            "limits": [{"resource": "memory"}],
        });
        assert_eq!(json!(all), expected);
    }

    #[cfg(all(feature = "exec", target_os = "linux"))]
    #[test]
    fn policies_that_hold_together_are_as_strict_as_the_strictest_of_them() {
        let policy = |text: &str| serde_json::from_str::<Policy>(text).unwrap();
        let strict = policy(
            r#"{"version": 1, "name": "strict", "fs": {"default": "deny"}, "net": {"default": "allow"}}"#,
        );
        let open = policy(r#"{"version": 1, "fs": {"default": "warn"}, "net": {"default": "warn"}}"#);
        let (name, state) = policy_of("python", &[open, strict]).unwrap();
        assert_eq!(name, "python + strict");
        assert_eq!((state.files.as_deref(), state.network.as_deref()), (Some("deny"), Some("warn")));
        assert_eq!(policy_of("python", &[]), None);
    }
}
