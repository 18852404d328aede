//! `circlet policy init`.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use circlet::exec::policy::Policy;
use clap::builder::PossibleValuesParser;

use super::arguments::FlagArguments;
use crate::failure::Failure;
use crate::output;

/// Write a policy to begin with
///
/// Templates: strict (the interpreter, and a folder for temporary files), no-network (reads the system's
/// libraries, reads and writes the folder it runs in), readonly (as that, and writes nothing of it),
/// data-science (as no-network, with more memory, processes and files), networked (as no-network, and
/// connects to public addresses at ports 80 and 443).
///
/// Examples:
///   circlet policy init
///   circlet policy init readonly --output policy.json
///   circlet policy init no-network --allow-net=example.org:443 --allow-run=git --output policy.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The template
    #[arg(default_value = Policy::DEFAULT_TEMPLATE, value_parser = PossibleValuesParser::new(Policy::template_names()))]
    template: String,
    /// Write it into this file, which must not be there yet
    #[arg(long, short, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    #[command(flatten)]
    flags: FlagArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let text = Policy::template_text(&arguments.template).map_err(Failure::input)?.trim_end();
    let policy = Policy::from_json(text).map_err(Failure::input)?;
    let added = arguments.flags.add_to(policy.clone())?;
    // The template's own lines are easier to read.
    let text = if added == policy { text.to_owned() } else { added.to_json() };
    let Some(place) = &arguments.output else { return output::print(text) };
    let created = File::create_new(place).and_then(|mut file| writeln!(file, "{text}"));
    created.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::input(format!("{} is there already: name another file, or remove it", place.display()))
        }
        _ => Failure::input(format!(
            "{} cannot be written: {error}; name a file in a folder that exists",
            place.display()
        )),
    })
}
