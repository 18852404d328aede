//! `circlet policy check`.

use std::ffi::OsString;
use std::io::Write;

use super::given::given;
use super::here::note_absent;
use crate::failure::Failure;
use crate::output;

/// Tell whether files are policies, and what is wrong where
///
/// Rules for what is not there are told of as well: they hold only for sessions that start once it is.
///
/// Exit codes: 0 if all of them are, 2 if one is not.
///
/// Examples:
///   circlet policy check policy.json
///   circlet policy check policies/*.json
///   circlet policy check strict
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Files with policies, names of templates, or JSON
    #[arg(required = true, value_name = "POLICY", value_hint = clap::ValueHint::FilePath)]
    policies: Vec<OsString>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut all_are = true;
    for word in &arguments.policies {
        match given(word) {
            Ok(policies) => {
                output::print(format_args!("{}: ok", output::harmless(&word.to_string_lossy())))?;
                note_absent(&policies);
            }
            Err(error) => {
                all_are = false;
                // Where nobody listens, the exit code says it.
                let _ = writeln!(std::io::stderr(), "circlet: {error}");
            }
        }
    }
    if all_are { Ok(()) } else { Err(Failure::Code(2)) }
}
