//! `circlet session metrics`.

use std::io::{IsTerminal, stdout};

use super::read::{self, Source};
use crate::failure::Failure;
use crate::output::{harmless_lines, print};

/// Print the numbers of a session payload as metrics, for Prometheus or OpenTelemetry
///
/// docs/metrics.md says which fact is which metric. What is absent has no line.
///
/// Examples:
///   circlet session metrics payload.json > circlet.prom
///   circlet session metrics page:app --openmetrics
///   circlet session metrics - --otlp < payload.json > metrics.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// A file, - for standard input, or page:NAME for a page in shared memory; without one, a snapshot of the
    /// project here
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Option<Source>,
    /// Print JSON of OTLP
    #[arg(long, conflicts_with = "openmetrics")]
    otlp: bool,
    /// Print OpenMetrics 1.0 in the place of the text format 0.0.4 of Prometheus
    #[arg(long)]
    openmetrics: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let payload = read::payload_or_here(arguments.file.as_ref())?;
    if arguments.otlp {
        return print(payload.to_otlp());
    }
    let text = if arguments.openmetrics { payload.to_openmetrics() } else { payload.to_prometheus() };
    match text.strip_suffix('\n') {
        Some(text) if stdout().is_terminal() => print(harmless_lines(text)),
        Some(text) => print(text),
        // There is no number in it.
        None => Ok(()),
    }
}
