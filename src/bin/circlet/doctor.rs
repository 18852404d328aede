//! `circlet doctor`.

use circlet::exec::{Abilities, Check};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{harmless, print};

/// Say whether policies can be enforced here, and what is missing
///
/// It tries what a confined session needs in a process that ends at once, and looks for the interpreters
/// and the C library.
///
/// Exit codes: 0 if policies can be enforced, 1 if not.
///
/// Examples:
///   circlet doctor
///   circlet doctor --json | jq '.checks[] | select(.is_there | not)'
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How wide the table is where no terminal says it.
const WIDTH: u16 = 110;

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let here = Abilities::here();
    let (checks, enforces) = (here.checks(), here.enforce_policies());
    if arguments.json {
        print(json!({ "enforces_policies": enforces, "abilities": here, "checks": checks }))?;
    } else {
        print(table(&checks))?;
        for check in checks.iter().filter(|check| !check.is_there) {
            print(format_args!("\nMissing: {}. What helps: {}.", check.name, check.remedy))?;
        }
        let can =
            if enforces { "Policies can be enforced here." } else { "Policies cannot be enforced here." };
        print(format_args!("\n{can}"))?;
    }
    if enforces { Ok(()) } else { Err(Failure::Code(1)) }
}

fn table(checks: &[Check]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    table.set_header(["", "WHAT", "FOUND", "NEEDED FOR"]);
    for check in checks {
        let mark = match (check.is_there, check.is_required) {
            (true, _) => "ok",
            (false, true) => "MISSING",
            (false, false) => "missing",
        };
        table.add_row([mark, check.name, &harmless(&check.found), check.needed_for]);
    }
    table.trim_fmt()
}
