//! Where policies are looked at: this folder, and what of their rules is not there.

use std::env;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use circlet::exec::policy::{Policy, Resolved, Surroundings};

use crate::failure::Failure;
use crate::output::harmless;

/// Returns the places that a session which starts now would have.
pub(super) fn surroundings(runtime: &[PathBuf]) -> Result<Surroundings, Failure> {
    let cwd = env::current_dir().map_err(|error| Failure::run(format!("this folder is gone: {error}")))?;
    let home = env::home_dir().filter(|home| home.is_absolute());
    let home =
        home.ok_or_else(|| Failure::input("no home is known: set HOME to a folder's absolute path"))?;
    let runtime = runtime.iter().map(|path| cwd.join(path)).collect();
    let tmp = cwd.join(env::temp_dir());
    let tmp = fs::canonicalize(&tmp).unwrap_or(tmp);
    Ok(Surroundings { cwd, home, tmp, runtime })
}

/// Notes on standard error which rules are for what is not there.
pub(crate) fn note_absent(policies: &[Policy]) {
    // Where nothing is known of this place, whoever needs it says so.
    let Ok(here) = surroundings(&[]) else { return };
    let whole = policies.iter().map(|policy| policy.resolve(&here)).reduce(Resolved::merged_with);
    whole.iter().for_each(note_absent_of);
}

/// As [`note_absent`], of policies in their place.
pub(super) fn note_absent_of(policies: &Resolved) {
    // What nobody may look at is not known to be missing.
    for (rule, path) in policies.absent(|path| path.try_exists().unwrap_or(true)) {
        let (rule, path) = (harmless(&rule.to_string()), harmless(&path.display().to_string()));
        let note = "is not there: this rule holds only for sessions that start once it is";
        // Where nobody listens, nothing is lost.
        let _ = writeln!(std::io::stderr(), "circlet: note: {rule}: {path} {note}");
    }
}
