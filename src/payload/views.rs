//! The two forms of a payload: the canonical one, whose numbers are integers in the unit that their name ends with, and the view that
//! the first document of its kind had, with `_mb`, `_ms` and `_s`, and with totals and rates that follow from other fields.
//!
//! One table says which field is which. What follows from others is in no canonical payload: where a view says it, it is kept beside
//! (`stated`), so that the view is written as it was read, and what it says can be compared with what follows.

use serde_json::{Map, Number, Value};

use super::derived::{DERIVED, Derived};
use super::{Error, SessionPayload};

/// A field of the view, and what it is in the canonical form.
struct Field {
    /// Its path in the view; `*` is any key.
    view: &'static str,
    /// Its path in the canonical form.
    canonical: &'static str,
    /// How many canonical units one of the view's is.
    factor: f64,
}

const MS_IN_US: f64 = 1e3;
const MS_IN_NS: f64 = 1e6;
const MIB: f64 = 1_048_576.0;
const GIB: f64 = 1_073_741_824.0;

macro_rules! fields {
    ($($view:literal => $canonical:literal * $factor:expr,)*) => {
        &[$(Field { view: $view, canonical: $canonical, factor: $factor },)*]
    };
}

const FIELDS: &[Field] = fields![
    "metadata.env.uptime_s" => "metadata.env.uptime_ms" * 1e3,
    "metadata.platform.memory_gb" => "metadata.platform.memory_bytes" * GIB,
    "bun.performance.startup_ms" => "bun.performance.startup_us" * MS_IN_US,
    "bun.performance.per_op_baseline_ms" => "bun.performance.per_op_baseline_ns" * MS_IN_NS,
    "bun.performance.per_op_batched_ms" => "bun.performance.per_op_batched_ns" * MS_IN_NS,
    "bun.performance.cold_start_target_ms" => "bun.performance.cold_start_target_us" * MS_IN_US,
    "bun.performance.memory_mb.rss" => "process.rss_bytes" * MIB,
    "bun.performance.memory_mb.heap" => "bun.performance.memory.heap_bytes" * MIB,
    "bun.performance.memory_mb.external" => "bun.performance.memory.external_bytes" * MIB,
    "bun.performance.memory_mb.array_buffers" => "bun.performance.memory.array_buffers_bytes" * MIB,
    "bun.performance.gc.scavenge_ms" => "bun.performance.gc.scavenge_us" * MS_IN_US,
    "bun.performance.gc.mark_sweep_ms" => "bun.performance.gc.mark_sweep_us" * MS_IN_US,
    "bun.resources.fd_count" => "process.fd_count" * 1.0,
    "bun.resources.event_loop_lag_ms" => "bun.resources.event_loop_lag_us" * MS_IN_US,
    "worker_threads.features.resource_limits.max_old_generation_size_mb"
        => "worker_threads.features.resource_limits.max_old_generation_bytes" * MIB,
    "worker_threads.features.resource_limits.max_young_generation_size_mb"
        => "worker_threads.features.resource_limits.max_young_generation_bytes" * MIB,
    "worker_threads.features.resource_limits.max_heap_size_mb"
        => "worker_threads.features.resource_limits.max_heap_bytes" * MIB,
    "worker_threads.registry.*.created_at" => "worker_threads.registry.*.created_at_ms" * 1.0,
    "worker_threads.registry.*.resource_usage.user_cpu_ms"
        => "worker_threads.registry.*.resource_usage.user_cpu_us" * MS_IN_US,
    "worker_threads.registry.*.resource_usage.system_cpu_ms"
        => "worker_threads.registry.*.resource_usage.system_cpu_us" * MS_IN_US,
    "worker_threads.registry.*.resource_usage.rss_mb"
        => "worker_threads.registry.*.resource_usage.rss_bytes" * MIB,
    "worker_threads.registry.*.current_job.elapsed_ms"
        => "worker_threads.registry.*.current_job.elapsed_us" * MS_IN_US,
    "worker_threads.statistics.avg_processing_ms" => "worker_threads.statistics.avg_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.p50_processing_ms" => "worker_threads.statistics.p50_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.p95_processing_ms" => "worker_threads.statistics.p95_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.p99_processing_ms" => "worker_threads.statistics.p99_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.p99_9_processing_ms" => "worker_threads.statistics.p99_9_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.window.avg_processing_ms" => "worker_threads.statistics.window.avg_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.window.p50_processing_ms" => "worker_threads.statistics.window.p50_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.window.p95_processing_ms" => "worker_threads.statistics.window.p95_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.window.p99_processing_ms" => "worker_threads.statistics.window.p99_processing_ns" * MS_IN_NS,
    "worker_threads.statistics.window.p99_9_processing_ms" => "worker_threads.statistics.window.p99_9_processing_ns" * MS_IN_NS,
    "dependencies.lockfile.total_size_mb" => "dependencies.lockfile.total_size_bytes" * MIB,
    "cache.size_mb" => "cache.size_bytes" * MIB,
    "test.tests.duration_ms" => "test.tests.duration_us" * MS_IN_US,
];

/// Names the fields of the view that the canonical form calls otherwise: as the view does, and as the canonical form does.
pub(super) fn view_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.iter().map(|field| (field.view, field.canonical))
}

/// Where a canonical payload keeps what a view said that follows from other fields: by its path in the view.
pub(super) const STATED: &str = "stated";

/// Makes the canonical form of a view. What neither form knows stays where it is; a number that no integer stands for, as one below 0,
/// stays as the view has it.
///
/// # Errors
/// There is something else where a number is to be: its path in the view.
pub(super) fn to_canonical(mut payload: Value) -> Result<Value, Error> {
    for field in FIELDS {
        let mut misfit = None;
        moved(&mut payload, field.view, field.canonical, &mut |value| {
            if !value.is_number() && !value.is_null() {
                misfit.get_or_insert_with(|| value.to_string());
            }
            scaled(value, field.factor)
        });
        if let Some(found) = misfit {
            let cause = serde::de::Error::custom(format_args!("invalid type: {found}, expected a number"));
            return Err(Error::WrongShape { path: field.view.to_owned(), cause });
        }
    }
    let mut stated = Map::new();
    for Derived { path, .. } in DERIVED {
        if let Some(value) = take(&mut payload, &parts(path)) {
            stated.insert((*path).to_owned(), value);
        }
    }
    if let (false, Value::Object(members)) = (stated.is_empty(), &mut payload) {
        match members.entry(STATED).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(others) => others.extend(stated),
            other => *other = Value::Object(stated),
        }
    }
    Ok(payload)
}

/// Makes the view of a canonical payload, and of what follows from it; what it states is as it was stated.
pub(super) fn to_view(mut canonical: Value, payload: &SessionPayload) -> Value {
    if let Some(Value::Object(stated)) = canonical.get_mut(STATED) {
        stated.retain(|path, _| !DERIVED.iter().any(|derived| derived.path == path));
        if stated.is_empty() {
            canonical.as_object_mut().map(|members| members.remove(STATED));
        }
    }
    for field in FIELDS {
        moved(&mut canonical, field.canonical, field.view, &mut |value| unscaled(value, field.factor));
    }
    for derived in DERIVED {
        let stated = payload.stated.as_ref().and_then(|stated| stated.get(derived.path).cloned());
        if let Some(value) = stated.or_else(|| (derived.of)(payload)) {
            put(&mut canonical, &parts(derived.path), value);
        }
    }
    canonical
}

fn parts(path: &str) -> Vec<&str> {
    path.split('.').collect()
}

/// Turns a number into an integer of so many times its value.
fn scaled(value: &Value, factor: f64) -> Option<Value> {
    if let (Some(integer), true) = (value.as_u64(), factor.fract() == 0.0) {
        return integer.checked_mul(factor as u64).map(Value::from);
    }
    let exact = value.as_f64()? * factor;
    // Beyond 2^53 not every integer is there.
    (0.0..=9_007_199_254_740_992.0).contains(&exact).then(|| Value::from(exact.round() as u64))
}

/// Turns an integer back into the shortest decimal that stands for it.
fn unscaled(value: &Value, factor: f64) -> Option<Value> {
    let integer = value.as_u64()?;
    if factor.fract() == 0.0 && integer % factor as u64 == 0 {
        return Some(Value::from(integer / factor as u64));
    }
    let exact = integer as f64 / factor;
    let shortest = (1..=12).find_map(|digits| {
        let power = 10_f64.powi(digits);
        let rounded = (exact * power).round() / power;
        ((rounded * factor).round() as u64 == integer).then_some(rounded)
    });
    Number::from_f64(shortest.unwrap_or(exact)).map(Value::Number)
}

/// Takes what is at a path and puts it to another, changed. Both have their `*` at the same places.
fn moved(root: &mut Value, from: &str, to: &str, change: &mut dyn FnMut(&Value) -> Option<Value>) {
    let (from, to) = (parts(from), parts(to));
    let Some(star) = from.iter().position(|part| *part == "*") else {
        if let Some(value) = at(root, &from).and_then(change)
            && has_room(root, &to)
            && take(root, &from).is_some()
        {
            put(root, &to, value);
        }
        return;
    };
    let Some(Value::Object(members)) = at_mut(root, &from[..star]) else { return };
    for member in members.values_mut() {
        moved(member, &from[star + 1..].join("."), &to[star + 1..].join("."), change);
    }
}

fn at<'a>(root: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(root, |value, part| value.as_object()?.get(*part))
}

fn at_mut<'a>(root: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(root, |value, part| value.as_object_mut()?.get_mut(*part))
}

/// Tells whether nothing is at a path, nor in the way to it. What is there already stays, and so does what would have come.
fn has_room(root: &Value, path: &[&str]) -> bool {
    let mut here = root;
    for part in path {
        match here {
            Value::Null => return true,
            Value::Object(members) => match members.get(*part) {
                Some(member) => here = member,
                None => return true,
            },
            _ => return false,
        }
    }
    here.is_null()
}

/// Takes out what is at a path, and the objects on the way that are empty then.
fn take(root: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, above) = path.split_last()?;
    let taken = at_mut(root, above)?.as_object_mut()?.remove(*last)?;
    if let Some(parent) = above.last().and(at(root, above))
        && parent.as_object().is_some_and(Map::is_empty)
    {
        take(root, above);
    }
    Some(taken)
}

/// Puts something to a path, and makes the objects on the way. Where something else is in the way it is left out.
fn put(root: &mut Value, path: &[&str], value: Value) {
    let Some((last, above)) = path.split_last() else { return };
    let mut here = root;
    for part in above {
        if here.is_null() {
            *here = Value::Object(Map::new());
        }
        let Some(members) = here.as_object_mut() else { return };
        here = members.entry(*part).or_insert_with(|| Value::Object(Map::new()));
    }
    if here.is_null() {
        *here = Value::Object(Map::new());
    }
    if let Some(members) = here.as_object_mut() {
        members.insert((*last).to_owned(), value);
    }
}
