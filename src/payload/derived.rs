//! What follows from other fields: totals, rates, and whether a tree is clean. A payload stores none of it.

use serde_json::{Number, Value};

use super::SessionPayload;

/// A field of the view that follows from fields of the payload.
pub(super) struct Derived {
    /// Its path in the view.
    pub(super) path: &'static str,
    /// What it is, where enough is known.
    pub(super) of: fn(&SessionPayload) -> Option<Value>,
}

/// All of them.
pub(super) const DERIVED: &[Derived] = &[
    Derived {
        path: "bun.performance.gc.total_gc_time_ms",
        of: |payload| {
            let gc = payload.bun.as_ref()?.performance.as_ref()?.gc.as_ref()?;
            real(gc.total_us()? as f64 / 1e3)
        },
    },
    Derived {
        path: "worker_threads.pool.size",
        of: |payload| payload.worker_threads.as_ref()?.pool.as_ref()?.size().map(Value::from),
    },
    Derived {
        path: "worker_threads.statistics.error_rate",
        of: |payload| rate(payload.worker_threads.as_ref()?.statistics.as_ref()?.error_rate()),
    },
    Derived {
        path: "worker_threads.statistics.pool_utilization",
        of: |payload| rate(payload.worker_threads.as_ref()?.pool.as_ref()?.utilization()),
    },
    Derived { path: "cache.manifests.hit_rate", of: |payload| rate(payload.cache.as_ref()?.hit_rate()) },
    Derived {
        path: "test.tests.total",
        of: |payload| payload.test.as_ref()?.tests.as_ref()?.total().map(Value::from),
    },
    Derived {
        path: "test.coverage.enabled",
        of: |payload| {
            let coverage = payload.test.as_ref()?.coverage.as_ref()?;
            let counts = [coverage.lines_found, coverage.functions_found, coverage.branches_found];
            counts.iter().any(Option::is_some).then_some(Value::Bool(true))
        },
    },
    Derived {
        path: "test.coverage.lines",
        of: |payload| rate(payload.test.as_ref()?.coverage.as_ref()?.lines()),
    },
    Derived {
        path: "test.coverage.functions",
        of: |payload| rate(payload.test.as_ref()?.coverage.as_ref()?.functions()),
    },
    Derived {
        path: "test.coverage.branches",
        of: |payload| rate(payload.test.as_ref()?.coverage.as_ref()?.branches()),
    },
    Derived { path: "git.dirty", of: |payload| payload.git.as_ref()?.dirty().map(Value::Bool) },
    Derived { path: "files.modified", of: |payload| payload.files.as_ref()?.modified().map(Value::from) },
    Derived { path: "files.created", of: |payload| payload.files.as_ref()?.created().map(Value::from) },
    Derived {
        path: "files.touched_no_change",
        of: |payload| payload.files.as_ref()?.touched_no_change().map(Value::from),
    },
];

fn real(value: f64) -> Option<Value> {
    Number::from_f64(value).map(Value::Number)
}

/// A rate or a percentage, with four digits behind the point.
fn rate(value: Option<f64>) -> Option<Value> {
    real((value? * 1e4).round() / 1e4)
}
