//! What confines the sessions of `circlet run` and `circlet repl`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use circlet::exec::Builder;
use circlet::exec::policy::{Access, Action, FsRule, Policy};
use clap::Args;

use crate::failure::Failure;
use crate::policy::{FlagArguments, given, named_by_environment, note_absent};

/// What the code may do.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Confinement {
    /// Confine the code by a template (strict, no-network, readonly, data-science, networked) or a file; of several all hold
    #[arg(long, value_name = "POLICY", value_hint = clap::ValueHint::FilePath)]
    policy: Vec<OsString>,
    #[command(flatten)]
    flags: FlagArguments,
}

impl Confinement {
    /// Returns what is to hold: what the command line gives, else what the environment names. Flags add to the first, or to the
    /// default template where there is none; without all of these nothing confines the code. What is not there is told of.
    pub(crate) fn policies(&self) -> Result<Vec<Policy>, Failure> {
        let given = self.policy.iter().map(|word| given(word));
        let mut policies = given.collect::<Result<Vec<_>, _>>().map_err(Failure::input)?.concat();
        if policies.is_empty() {
            policies = named_by_environment()?;
        }
        if !self.flags.is_empty() {
            if policies.is_empty() {
                policies.push(Policy::template(Policy::DEFAULT_TEMPLATE).map_err(Failure::run)?);
            }
            policies[0] = self.flags.add_to(policies[0].clone())?;
        }
        note_absent(&policies);
        Ok(policies)
    }
}

/// Tells of words that would have confined a program before its file, and are the program's own after it: it begins with `program`.
pub(crate) fn note_misplaced(program: &str, words: &[OsString]) {
    let command = Confinement::augment_args(clap::Command::new("circlet"));
    let flags: Vec<_> = command.get_arguments().filter_map(|flag| flag.get_long()).collect();
    let flag_of = |word: &OsString| {
        let name = word.to_str()?.strip_prefix("--")?.split('=').next()?.to_owned();
        flags.contains(&&*name).then_some(name)
    };
    let found: BTreeSet<_> = words.iter().filter_map(flag_of).collect();
    for flag in found {
        // Where nobody listens, the program runs all the same.
        let _ = writeln!(
            io::stderr(),
            "circlet: note: --{flag} after {program} is the program's own and confines nothing: give it before {program} \
             (after -- this is not noted)"
        );
    }
}

/// Has policies let a file be read, or a folder with all that is below it, unless they deny it.
pub(crate) fn reading(mut policies: Vec<Policy>, place: &Path) -> Vec<Policy> {
    let place = place.canonicalize().ok();
    // A policy is text: what has no such name is not allowed.
    let Some(place) = place.as_deref().and_then(Path::to_str) else { return policies };
    let access = BTreeSet::from([Access::Read, Access::List]);
    let rule = FsRule { action: Action::Allow, paths: BTreeSet::from([place.to_owned()]), access };
    for policy in &mut policies {
        policy.fs.rules.push(rule.clone());
    }
    policies
}

/// Has a session confined by all of these.
pub(crate) fn by(builder: Builder, policies: Vec<Policy>) -> Builder {
    policies.into_iter().fold(builder, Builder::policy)
}
