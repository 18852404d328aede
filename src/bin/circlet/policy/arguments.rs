//! How words of the command line add to a policy.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use circlet::exec::policy::{Flags, Policy};

use crate::failure::Failure;

/// What is added to a policy.
///
/// Without a value a flag is for all of it. Deny wins over allow.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Added to the policy")]
pub(crate) struct FlagArguments {
    /// Have files and folders read and listed; all without PATHS
    #[arg(long, value_name = "PATHS", num_args = 0.., require_equals = true, value_delimiter = ',', value_hint = clap::ValueHint::AnyPath)]
    allow_read: Option<Vec<String>>,
    /// Have files and folders written, made and removed
    #[arg(long, value_name = "PATHS", num_args = 0.., require_equals = true, value_delimiter = ',', value_hint = clap::ValueHint::AnyPath)]
    allow_write: Option<Vec<String>>,
    /// Have hosts connected to: example.org:443, *.example.org, 10.0.0.0/8:8000-8010, [::1]:80
    #[arg(long, value_name = "HOST:PORT", num_args = 0.., require_equals = true, value_delimiter = ',', value_hint = clap::ValueHint::Hostname)]
    allow_net: Option<Vec<String>>,
    /// Have programs started, by their paths or as PATH has them
    #[arg(long, value_name = "PROGRAMS", num_args = 0.., require_equals = true, value_delimiter = ',', value_hint = clap::ValueHint::CommandName)]
    allow_run: Option<Vec<String>>,
    /// Have variables taken over: PATH, LC_*
    #[arg(long, value_name = "NAMES", num_args = 0.., require_equals = true, value_delimiter = ',')]
    allow_env: Option<Vec<String>>,
    /// Have no files and folders read and listed; none at all without PATHS
    #[arg(long, value_name = "PATHS", num_args = 0.., require_equals = true, value_delimiter = ',', value_hint = clap::ValueHint::AnyPath)]
    deny_read: Option<Vec<String>>,
    /// Have no files and folders written, made and removed
    #[arg(long, value_name = "PATHS", num_args = 0.., require_equals = true, value_delimiter = ',', value_hint = clap::ValueHint::AnyPath)]
    deny_write: Option<Vec<String>>,
    /// Have no hosts connected to
    #[arg(long, value_name = "HOST:PORT", num_args = 0.., require_equals = true, value_delimiter = ',', value_hint = clap::ValueHint::Hostname)]
    deny_net: Option<Vec<String>>,
    /// Have no programs started
    #[arg(long, value_name = "PROGRAMS", num_args = 0.., require_equals = true, value_delimiter = ',', value_hint = clap::ValueHint::CommandName)]
    deny_run: Option<Vec<String>>,
    /// Have no variables taken over
    #[arg(long, value_name = "NAMES", num_args = 0.., require_equals = true, value_delimiter = ',')]
    deny_env: Option<Vec<String>>,
}

impl FlagArguments {
    /// Tells whether none is given.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { allow_read, allow_write, allow_net, allow_run, allow_env, .. } = self;
        let Self { deny_read, deny_write, deny_net, deny_run, deny_env, .. } = self;
        let allowed = [allow_read, allow_write, allow_net, allow_run, allow_env];
        let denied = [deny_read, deny_write, deny_net, deny_run, deny_env];
        allowed.into_iter().chain(denied).all(Option::is_none)
    }

    /// Adds what the flags say to a policy.
    pub(crate) fn add_to(&self, policy: Policy) -> Result<Policy, Failure> {
        self.flags()?.add_to(policy).map_err(Failure::input)
    }

    /// Returns the flags, with programs by their paths.
    pub(crate) fn flags(&self) -> Result<Flags, Failure> {
        Ok(Flags {
            allow_read: self.allow_read.clone(),
            allow_write: self.allow_write.clone(),
            allow_net: self.allow_net.clone(),
            // The one that would be started.
            allow_run: programs(self.allow_run.as_deref(), 1)?,
            allow_env: self.allow_env.clone(),
            deny_read: self.deny_read.clone(),
            deny_write: self.deny_write.clone(),
            deny_net: self.deny_net.clone(),
            deny_run: programs(self.deny_run.as_deref(), usize::MAX)?,
            deny_env: self.deny_env.clone(),
        })
    }
}

/// Returns programs by their paths: at most so many of each name that is no path.
fn programs(names: Option<&[String]>, most: usize) -> Result<Option<Vec<String>>, Failure> {
    let Some(names) = names else { return Ok(None) };
    let mut paths = Vec::new();
    for name in names {
        if name.contains('/') {
            paths.push(name.clone());
        } else {
            paths.extend(found_in_path(name)?.into_iter().take(most));
        }
    }
    Ok(Some(paths))
}

/// Returns the programs of a name that PATH has, in its order: one at least.
pub(super) fn found_in_path(name: &str) -> Result<Vec<String>, Failure> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_program = |file: &Path| {
        fs::metadata(file).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    let files = folders.map(|folder| folder.join(name)).filter(|file| is_program(file));
    let found: Vec<String> = files.filter_map(|file| file.to_str().map(str::to_owned)).collect();
    if found.is_empty() || name.is_empty() {
        return Err(Failure::input(format!(
            "no program `{name}` is in PATH: give its path, such as /usr/bin/git"
        )));
    }
    Ok(found)
}
