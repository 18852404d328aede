//! The payload as a short text for a prompt, within a budget of tokens.

mod fit;
mod line;
mod measured;
mod parts;
mod project;
mod purpose;
mod runtimes;
mod workers;

use std::fmt;

use serde::Serialize;

use self::fit::fit;
use self::line::Line;
pub(super) use self::line::plural;
use super::{SessionPayload, tokens};

/// The budget of a summary where nobody says another, in tokens.
pub const SUMMARY_TOKENS: u64 = 450;

/// What is said of a payload of which nothing is known.
const NOTHING: &str = "Nothing is known about this session.\n";

/// A payload as short text for a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The lines, of which each ends with a newline; empty where the budget has no room for any.
    pub text: String,
    /// How many tokens that is, or at the most.
    pub tokens: u64,
    /// Whether `tokens` is what the tokenizer counts, and not the most that it can be.
    pub is_exact: bool,
    /// How many lines were left out.
    pub omitted: usize,
}

impl SessionPayload {
    /// Says what the session is doing in lines of plain text that are never more than `budget` tokens together.
    ///
    /// The same payload and budget give the same bytes. Lines are in one order, with what changes from moment to moment last, so that
    /// what a model has cached of a prompt's beginning stays valid. Where not all fits, the least important lines
    /// are left out and counted in the last one; a larger budget never says less. What is absent is left out. Text from
    /// elsewhere is escaped and clipped, so that it cannot end its line.
    ///
    /// Tokens are those of `o200k_base`: as it counts them with the feature `tokens`, and the most that it can count without.
    ///
    /// ```
    /// use circlet::payload::{Git, SUMMARY_TOKENS, SessionPayload};
    ///
    /// let payload = SessionPayload {
    ///     goal: Some("draw\na curve".to_owned()),
    ///     git: Some(Git { branch: Some("main".to_owned()), uncommitted_files: Some(0), ..Git::default() }),
    ///     ..SessionPayload::default()
    /// };
    /// let summary = payload.summary(SUMMARY_TOKENS);
    /// assert_eq!(summary.text, "Goal: \"draw\\na curve\"\nGit: branch main, clean, deployable\n");
    /// assert!(summary.tokens <= SUMMARY_TOKENS && summary.omitted == 0);
    /// ```
    pub fn summary(&self, budget: u64) -> Summary {
        let lines = lines(self);
        let nothing = tokens::count(NOTHING);
        let (text, tokens, omitted) = if !lines.is_empty() {
            let fit = fit(&lines, budget, tokens::count);
            (fit.text, fit.tokens, fit.omitted)
        } else if nothing <= budget {
            (NOTHING.to_owned(), nothing, 0)
        } else {
            (String::new(), 0, 0)
        };
        Summary { text, tokens, is_exact: tokens::IS_EXACT, omitted }
    }
}

/// Writes the lines, without the newline of the last.
impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text.trim_end_matches('\n'))
    }
}

/// Makes all lines in their order: what a session is for and where it runs, then what it changes, then what changes by itself.
fn lines(payload: &SessionPayload) -> Vec<Line> {
    [
        // What stays for as long as the session does.
        purpose::goal(payload),
        purpose::critical(payload),
        purpose::context(payload),
        purpose::session(payload),
        purpose::host(payload),
        runtimes::bun(payload),
        runtimes::node(payload),
        runtimes::python(payload),
        runtimes::native(payload),
        runtimes::node_compat(payload),
        runtimes::apis(payload),
        project::dependencies(payload),
        workers::limits(payload),
        parts::policies(payload),
        // What it changes.
        project::git(payload),
        project::files(payload),
        project::tests(payload),
        project::coverage(payload),
        purpose::last(payload),
        runtimes::vm(payload),
        parts::unavailable(payload),
        parts::executors(payload),
        workers::workers(payload),
        workers::errors(payload),
        parts::audit(payload),
        // What changes by itself.
        project::cache(payload),
        workers::jobs(payload),
        workers::messages(payload),
        workers::ports(payload),
        parts::rings(payload),
        parts::hub(payload),
        measured::resources(payload),
        measured::heap(payload),
        measured::collections(payload),
        measured::timings(payload),
        measured::snapshot(payload),
    ]
    .into_iter()
    .flatten()
    .collect()
}
