//! `circlet policy explain`.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use circlet::exec::policy::{Action, Resolved, Surroundings};
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::arguments::FlagArguments;
use super::given::given;
use super::question::Question;
use super::{here, table};
use crate::failure::Failure;
use crate::output::{harmless, print};

/// Say what a policy allows, and which rule says so
///
/// Of several policies the strictest decides; flags add to the first. Paths are taken from this folder,
/// or begin with $CWD, $HOME, ~ or $TMP, and links are followed, as the kernel does. What the interpreter needs is known when a session
/// starts; --runtime stands for it here.
///
/// Questions: open, read, write, list, create, remove or execute, and a path; connect or listen, and
/// HOST:PORT [udp]; exec and a program; env and a variable; syscall and a call.
///
/// Examples:
///   circlet policy explain no-network
///   circlet policy explain policy.json --as 'open /etc/passwd' --as 'connect 10.0.0.1:443'
///   circlet policy explain policy.json networked --as 'exec git' --as 'env HOME'
///   circlet policy explain strict --allow-read=data --as 'read data/a.csv' --json | jq '.[].action'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Names of templates, files with policies, or JSON
    #[arg(required = true, value_name = "POLICY", value_hint = clap::ValueHint::FilePath)]
    policies: Vec<OsString>,
    /// Ask this; may be given many times
    #[arg(long = "as", value_name = "QUESTION")]
    questions: Vec<String>,
    /// A file or a folder that the interpreter needs; may be given many times
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    runtime: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: FlagArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let surroundings = here::surroundings(&arguments.runtime)?;
    let policy = merged(arguments, &surroundings)?;
    here::note_absent_of(&policy);
    if arguments.questions.is_empty() {
        let rows = table::rows(&policy);
        return if arguments.json {
            print(rows.iter().map(table::Row::json).collect::<Value>())
        } else {
            print(table::table(&rows, policy.layers().len() > 1))
        };
    }
    // As the kernel has it: a rule for a link holds for where it leads.
    let policy = policy.with_real_paths(|path| fs::canonicalize(path).ok());
    let mut answers = Vec::new();
    for text in &arguments.questions {
        let question = Question::parse(text, &surroundings)?;
        let request = question.request();
        answers.push((request.to_string(), policy.decide(&request)));
    }
    if arguments.json {
        let fields = answers.iter().map(|(request, decision)| {
            let (place, policy) = (decision.rule.place.to_string(), decision.rule.policy.as_deref());
            json!({ "request": request, "action": decision.action, "rule": place, "policy": policy })
        });
        return print(fields.collect::<Value>());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (request, decision) in &answers {
        let action: Action = decision.action;
        table.add_row([action.name(), &harmless(request), &harmless(&decision.rule.to_string())]);
    }
    print(table.trim_fmt())
}

/// Returns all policies together. What flags add, they add to the first.
fn merged(arguments: &Arguments, surroundings: &Surroundings) -> Result<Resolved, Failure> {
    let given = arguments.policies.iter().map(|word| given(word));
    let mut policies = given.collect::<Result<Vec<_>, _>>().map_err(Failure::input)?.concat();
    if let Some(first) = policies.first_mut() {
        *first = arguments.flags.add_to(first.clone())?;
    }
    let whole = policies.iter().map(|policy| policy.resolve(surroundings)).reduce(Resolved::merged_with);
    whole.ok_or_else(|| Failure::input("name a policy"))
}
