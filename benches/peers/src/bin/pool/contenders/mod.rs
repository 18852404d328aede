//! The pools, a file for each, and what each is measured at.

mod circlet;
mod crossbeam;
mod rayon;
mod rusty_pool;
mod threadpool;
mod tokio;

use crate::row::Row;
use crate::work::{Make, Start};

/// A pool, or a way to use it, and its name. The first of a row is circlet's, to which the others are compared.
pub(crate) type Named<T> = (&'static str, T);

/// Returns who takes part in a row of empty tasks.
pub(crate) fn of_empty_tasks(row: Row) -> Vec<Named<Make>> {
    match row {
        Row::Single => vec![
            ("circlet, submit_to", circlet::submit_to),
            ("circlet, submit", circlet::submit),
            ("crossbeam-channel, unbounded", crossbeam::in_unbounded),
            ("crossbeam-channel, bounded", crossbeam::in_bounded),
            ("threadpool", threadpool::singly),
            ("rusty_pool", rusty_pool::singly),
            ("rayon, spawn", rayon::singly),
            ("tokio, spawn_blocking", tokio::singly),
        ],
        Row::Batch => vec![
            ("circlet, submit_batch", circlet::submit_batch),
            ("crossbeam-channel, a Vec of closures", crossbeam::batches),
            ("rayon, spawn within spawn", rayon::from_within),
            ("rayon, a scope at a time", rayon::scopes),
        ],
        Row::Fan | Row::IdleFan => vec![
            ("circlet, submit_batch", circlet::submit_batch),
            ("circlet, submit_to", circlet::submit_to),
            ("crossbeam-channel, unbounded", crossbeam::in_unbounded),
            ("rayon, scope", rayon::scopes),
            ("rusty_pool", rusty_pool::singly),
        ],
        Row::Burst => Vec::new(),
    }
}

/// Returns who takes part in the burst.
pub(crate) fn of_burst() -> Vec<Named<Start>> {
    vec![
        ("circlet, submit_to", circlet::burst),
        ("crossbeam-channel, threads started", crossbeam::burst),
        ("threadpool", threadpool::burst),
        ("rusty_pool, core of 0", rusty_pool::burst),
        ("tokio, spawn_blocking", tokio::burst),
    ]
}
