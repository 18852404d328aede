//! What a machine has of what a test is about.

use circlet::exec::Abilities;

/// Tells whether a machine lacks something that `circlet doctor` calls so, and says that a test is skipped for it. What becomes of a
/// policy there is what `tests/confined_users.rs` tries.
pub(crate) fn lacks(name: &str) -> bool {
    let lacking = Abilities::here().checks().into_iter().find(|check| check.name == name && !check.is_there);
    lacking.inspect(|check| eprintln!("skipped: {name}: {}", check.found)).is_some()
}
