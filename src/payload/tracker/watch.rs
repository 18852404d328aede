//! What circlet itself knows: rings, pools, executors, pools of sessions and hubs that a program has its tracker watch.

#[cfg(all(feature = "exec", target_os = "linux"))]
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::TrackerError;
#[cfg(all(feature = "exec", target_os = "linux"))]
use crate::exec::{AuditTrail, ExecutorWatcher, Language, SessionPool, policy::Policy};
#[cfg(feature = "hub")]
use crate::hub::Hub;
#[cfg(feature = "hub")]
use crate::payload::HubState;
#[cfg(all(feature = "exec", target_os = "linux"))]
use crate::payload::{ExecutorState, PolicyState};
use crate::payload::{RingState, Statistics, WorkerPool, WorkerThreads};
use crate::pool::Pool;
use crate::ring::{self, Ring};

/// The sections that are watched, each with what is in it now.
pub(super) type Seen = Map<String, Value>;

/// What is watched, in the order in which it was given.
///
/// It is looked at without the lock of this: what a pool lets go of meanwhile is the program's, which may come back here.
#[derive(Default)]
pub(super) struct Watches {
    list: Vec<Watch>,
    /// How often it was looked, and which look was taken last.
    looks: u64,
    taken: u64,
}

/// Looks at one thing; `None` once it has gone.
type Look = Arc<dyn Fn() -> Option<Sight> + Send + Sync>;

#[derive(Clone)]
pub(super) struct Watch {
    name: String,
    look: Look,
}

/// What is to be looked at, and which look it is.
pub(super) struct Looking {
    number: u64,
    list: Vec<Watch>,
}

/// What was seen at a look.
pub(super) struct Looked {
    number: u64,
    sights: Vec<(Watch, Option<Sight>)>,
}

/// How one thing that is watched is now.
enum Sight {
    Ring(RingState),
    Pool(Box<WorkerThreads>),
    #[cfg(all(feature = "exec", target_os = "linux"))]
    Executors {
        executors: BTreeMap<String, ExecutorState>,
        policy: Option<(String, PolicyState)>,
        trail: Option<AuditTrail>,
    },
    #[cfg(feature = "hub")]
    Hub(HubState),
}

impl Watch {
    pub(super) fn ring(name: &str, ring: &Ring) -> Result<Self, TrackerError> {
        let look = ring.watcher().map_err(|source: ring::Error| TrackerError::Ring(Box::new(source)))?;
        Ok(Self::new(name, move || look().map(|stats| Sight::Ring(RingState::from(&stats)))))
    }

    pub(super) fn pool(name: &str, pool: &Pool) -> Self {
        let look = pool.watcher();
        Self::new(name, move || {
            // It has the shape of the section.
            look().map(|seen| Sight::Pool(Box::new(WorkerThreads::from_snapshot(&seen).unwrap_or_default())))
        })
    }

    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(super) fn executor(name: &str, executor: ExecutorWatcher) -> Self {
        let (language, policy) = (executor.language, policy_of(name, &executor.policies));
        let of = name.to_owned();
        Self::new(name, move || {
            let state = described(ExecutorState::from(&executor.look()?), language, policy.as_ref());
            let executors = [(of.clone(), state)].into();
            Some(Sight::Executors { executors, policy: policy.clone(), trail: executor.trail.clone() })
        })
    }

    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(super) fn sessions(name: &str, pool: &SessionPool) -> Self {
        use crate::pool::WorkerState;
        let (look, builder) = (pool.watcher(), pool.builder());
        let (language, policy) = (builder.language, policy_of(name, &builder.policies));
        let trail = builder.watched.clone();
        let of = name.to_owned();
        Self::new(name, move || {
            let registry = look()?.registry.into_iter();
            let there = registry.filter(|(_, entry)| entry.state != WorkerState::Terminated);
            let state = |entry| described(ExecutorState::from(&entry), language, policy.as_ref());
            let executors = there.map(|(id, entry)| (format!("{of}/{id}"), state(entry))).collect();
            Some(Sight::Executors { executors, policy: policy.clone(), trail: trail.clone() })
        })
    }

    #[cfg(feature = "hub")]
    pub(super) fn hub(name: &str, hub: &Hub) -> Self {
        let (address, look) = (hub.addr().to_string(), hub.watcher());
        Self::new(name, move || {
            Some(Sight::Hub(HubState { address: Some(address.clone()), ..HubState::from(&look()?) }))
        })
    }

    fn new(name: &str, look: impl Fn() -> Option<Sight> + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), look: Arc::new(look) }
    }
}

impl Watches {
    pub(super) fn add(&mut self, watch: Watch) -> Result<(), TrackerError> {
        if self.list.iter().any(|known| known.name == watch.name) {
            return Err(TrackerError::KnownWatch(watch.name));
        }
        self.list.push(watch);
        Ok(())
    }

    /// Watches one no more; `false` where none has this name.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let before = self.list.len();
        self.list.retain(|watch| watch.name != name);
        self.list.len() < before
    }

    /// Begins to look.
    pub(super) fn looking(&mut self) -> Looking {
        self.looks += 1;
        Looking { number: self.looks, list: self.list.clone() }
    }

    /// Takes what was seen, without what has gone or is watched no more; `None` where a later look was taken before.
    pub(super) fn take(&mut self, looked: Looked) -> Option<Seen> {
        if looked.number < self.taken {
            return None;
        }
        self.taken = looked.number;
        let mut sights = Vec::new();
        for (watch, sight) in looked.sights {
            let is_this = |known: &Watch| Arc::ptr_eq(&known.look, &watch.look);
            match sight {
                Some(sight) if self.list.iter().any(is_this) => sights.push((watch.name, sight)),
                Some(_) => {}
                None => self.list.retain(|known| !is_this(known)),
            }
        }
        Some(sections(sights))
    }
}

impl Looking {
    pub(super) fn look(self) -> Looked {
        let seen = |watch: Watch| {
            let sight = (watch.look)();
            (watch, sight)
        };
        Looked { number: self.number, sights: self.list.into_iter().map(seen).collect() }
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list.iter().map(|watch| &watch.name)).finish()
    }
}

/// Puts what was seen into its sections.
fn sections(sights: Vec<(String, Sight)>) -> Seen {
    let (mut sections, mut pools) = (Map::new(), Vec::new());
    #[cfg(feature = "hub")]
    let mut hubs = Vec::new();
    #[cfg(all(feature = "exec", target_os = "linux"))]
    let mut trails = Vec::new();
    let mut put = |section: &str, name: String, state: Value| {
        let members = sections.entry(section).or_insert_with(|| json!({}));
        members[name] = state;
    };
    for (name, sight) in sights {
        match sight {
            Sight::Ring(state) => put("rings", name, json!(state)),
            Sight::Pool(state) => pools.push(*state),
            #[cfg(all(feature = "exec", target_os = "linux"))]
            Sight::Executors { executors, policy, trail } => {
                trails.extend(trail);
                for (name, state) in executors {
                    put("executors", name, json!(state));
                }
                if let Some((name, state)) = policy {
                    put("policies", name, json!(state));
                }
            }
            #[cfg(feature = "hub")]
            Sight::Hub(state) => hubs.push(state),
        }
    }
    #[cfg(all(feature = "exec", target_os = "linux"))]
    if let Some(all) = AuditTrail::together(&trails) {
        sections.insert("audit".to_owned(), json!(all));
    }
    #[cfg(feature = "hub")]
    if let Some(all) = hubs.into_iter().reduce(|all, one| together(&all, &one)) {
        sections.insert("hub".to_owned(), json!(all));
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

/// Makes one of two hubs, which have no address in common.
#[cfg(feature = "hub")]
fn together(one: &HubState, other: &HubState) -> HubState {
    HubState {
        viewers: sum(one.viewers, other.viewers),
        rooms: sum(one.rooms, other.rooms),
        updates_sent: sum(one.updates_sent, other.updates_sent),
        ..HubState::default()
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
    fn a_look_that_is_overtaken_or_of_what_is_watched_no_more_is_not_taken() {
        let watch = |name: &str| Watch::new(name, || Some(Sight::Ring(RingState::default())));
        let seen = |names: &[&str]| -> Option<Seen> {
            let rings: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
            Some(if names.is_empty() {
                Map::new()
            } else {
                [("rings".to_owned(), rings.into())].into_iter().collect()
            })
        };
        let mut watches = Watches::default();
        watches.add(watch("a")).unwrap();
        let early = watches.looking().look();
        watches.add(watch("b")).unwrap();
        let late = watches.looking().look();
        assert!(watches.remove("a"));
        assert_eq!(watches.take(late), seen(&["b"]));
        assert_eq!(watches.take(early), None);
        // Another of the same name is another.
        let before = watches.looking().look();
        watches.remove("b");
        watches.add(watch("b")).unwrap();
        assert_eq!(watches.take(before), seen(&[]));
        watches.add(Watch::new("gone", || None)).unwrap();
        let last = watches.looking().look();
        assert_eq!(watches.take(last), seen(&["b"]));
        assert!(!watches.remove("gone"));
    }

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
