//! The figures of all rounds, and what is printed of them.

use serde_json::{Value, json};

/// One figure of one round of one peer. What never came about has no value.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// What circlet's hub is held to.
    pub(crate) aim: &'static str,
    pub(crate) value: Option<f64>,
}

impl Figure {
    pub(crate) fn new(what: impl Into<String>, unit: &'static str, aim: &'static str, value: f64) -> Self {
        Self { what: what.into(), unit, aim, value: Some(value).filter(|value| value.is_finite()) }
    }
}

struct Line {
    row: &'static str,
    what: String,
    unit: &'static str,
    aim: &'static str,
    /// For each peer, one of each round.
    values: Vec<Vec<Option<f64>>>,
}

pub(crate) struct Table {
    peers: Vec<&'static str>,
    lines: Vec<Line>,
    failures: Vec<String>,
}

impl Table {
    pub(crate) fn new(peers: Vec<&'static str>) -> Self {
        Self { peers, lines: Vec::new(), failures: Vec::new() }
    }

    pub(crate) fn note(&mut self, row: &'static str, peer: usize, figures: Vec<Figure>) {
        for Figure { what, unit, aim, value } in figures {
            let known = self.lines.iter().position(|line| line.row == row && line.what == what);
            let index = known.unwrap_or_else(|| {
                self.lines.push(Line { row, what, unit, aim, values: vec![Vec::new(); self.peers.len()] });
                self.lines.len() - 1
            });
            self.lines[index].values[peer].push(value);
        }
    }

    pub(crate) fn fail(&mut self, row: &str, peer: &str, why: &str) {
        let failure = format!("{row}, {peer}: {why}");
        eprintln!("FAILED {failure}");
        self.failures.push(failure);
    }

    pub(crate) fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Prints the medians, each with its ratio to the first peer's.
    pub(crate) fn print(&self) {
        println!("\n| row | what | unit | aim | {} |", self.peers.join(" | "));
        println!("|---|---|---|---|{}", "---|".repeat(self.peers.len()));
        for Line { row, what, unit, aim, values } in &self.lines {
            let first = values.first().and_then(|first| median(first));
            let cells = values.iter().enumerate().map(|(peer, values)| match (median(values), first) {
                _ if values.is_empty() => String::new(),
                (None, _) => "never".to_owned(),
                (Some(figure), Some(first)) if peer > 0 && first > 0.0 && figure > 0.0 => {
                    format!("{} ({:.2}x)", rounded(figure), figure / first)
                }
                (Some(figure), _) => rounded(figure),
            });
            println!("| {row} | {what} | {unit} | {aim} | {} |", cells.collect::<Vec<_>>().join(" | "));
        }
        for failure in &self.failures {
            println!("\nFAILED {failure}");
        }
    }

    /// Gives the figures of every round.
    pub(crate) fn to_json(&self) -> Value {
        let lines = self.lines.iter().map(|line| {
            let peers = self.peers.iter().zip(&line.values).filter(|(_, values)| !values.is_empty());
            let peers = peers.map(|(peer, values)| {
                ((*peer).to_owned(), json!({"median": median(values), "rounds": values}))
            });
            json!({"row": line.row, "what": line.what, "unit": line.unit, "aim": line.aim,
                "peers": peers.collect::<serde_json::Map<_, _>>()})
        });
        json!({"lines": lines.collect::<Vec<_>>(), "failures": self.failures})
    }
}

/// The one in the middle, or what is between two, where what never came about is more than anything.
fn median(values: &[Option<f64>]) -> Option<f64> {
    let mut values: Vec<f64> = values.iter().map(|value| value.unwrap_or(f64::INFINITY)).collect();
    values.sort_by(f64::total_cmp);
    let middle = [values.len().checked_sub(1)? / 2, values.len() / 2];
    let median = middle.iter().map(|index| values[*index]).sum::<f64>() / 2.0;
    Some(median).filter(|median| median.is_finite())
}

fn rounded(figure: f64) -> String {
    match figure.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}
