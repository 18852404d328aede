//! Policies as words of the command line and of the environment name them.

use std::env;
use std::ffi::OsStr;
use std::path::Path;

use circlet::exec::policy::{Policy, PolicyError};

use crate::failure::Failure;

/// Names what holds where the command line gives no policy.
const VARIABLE: &str = "POLICY_FILE";

/// Reads what a word names: templates, files, or JSON.
pub(crate) fn given(word: &OsStr) -> Result<Vec<Policy>, PolicyError> {
    match word.to_str() {
        Some(text) => Policy::given(text),
        // No template has such a name.
        None => Ok(vec![Policy::read(Path::new(word))?]),
    }
}

/// Reads what the environment names.
pub(crate) fn named_by_environment() -> Result<Vec<Policy>, Failure> {
    let Some(word) = env::var_os(VARIABLE) else { return Ok(Vec::new()) };
    if word.is_empty() {
        // Whoever sets it does not mean that nothing holds.
        return Err(Failure::input(format!(
            "{VARIABLE} is set and empty: have it name a template or a file, or unset it to confine nothing"
        )));
    }
    given(&word).map_err(|error| Failure::input(format!("{VARIABLE}: {error}")))
}
