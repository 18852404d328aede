//! What confines the sessions of `circlet run` and `circlet repl`.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;

use circlet::exec::Builder;
use circlet::exec::policy::{Access, Action, FsRule, Policy};

use crate::failure::Failure;
use crate::policy::FlagArguments;

/// Names the file of a policy that holds where the command line gives none.
const VARIABLE: &str = "POLICY_FILE";

/// What the code may do.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Confinement {
    /// Confine the code by a template (strict, no-network, readonly, data-science, networked) or a file; of several all hold
    #[arg(long, value_name = "POLICY", value_hint = clap::ValueHint::FilePath)]
    policy: Vec<String>,
    #[command(flatten)]
    flags: FlagArguments,
}

impl Confinement {
    /// Returns what is to hold: what the command line gives, else what the environment names. Flags add to the first, or to the
    /// default template where there is none; without all of these nothing confines the code.
    pub(crate) fn policies(&self) -> Result<Vec<Policy>, Failure> {
        let given = self.policy.iter().map(|word| Policy::given(word));
        let mut policies = given.collect::<Result<Vec<_>, _>>().map_err(Failure::input)?.concat();
        if policies.is_empty() {
            policies.extend(named_by_environment()?);
        }
        if !self.flags.is_empty() {
            if policies.is_empty() {
                policies.push(Policy::template(Policy::DEFAULT_TEMPLATE).map_err(Failure::run)?);
            }
            policies[0] = self.flags.add_to(policies[0].clone())?;
        }
        Ok(policies)
    }
}

/// Reads the policy of the file that the environment names.
fn named_by_environment() -> Result<Option<Policy>, Failure> {
    let file = env::var_os(VARIABLE).filter(|file| !file.is_empty());
    let policy = file.map(|file| Policy::read(Path::new(&file))).transpose();
    policy.map_err(|error| Failure::input(format!("{VARIABLE}: {error}")))
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
