//! The variables that confined code has.

use std::ffi::OsString;

use crate::exec::policy::Env;

/// Those that say in which language and time zone people are.
const ALWAYS: [&str; 4] = ["LANG", "LANGUAGE", "LC_*", "TZ"];

/// Returns the variables of this process that a policy leaves, and those that it sets.
pub(in crate::exec) fn variables(policy: &Env) -> Vec<(OsString, OsString)> {
    let fits = |name: &str, pattern: &str| match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == pattern,
    };
    let is_left = |name: &OsString| {
        let patterns = ALWAYS.into_iter().chain(policy.allow.iter().map(String::as_str));
        name.to_str().is_some_and(|name| patterns.into_iter().any(|pattern| fits(name, pattern)))
    };
    let set = policy.set.iter().map(|(name, value)| (name.into(), value.into()));
    std::env::vars_os().filter(|(name, _)| is_left(name)).chain(set).collect()
}
