//! Chooses which lines a budget has room for, and how much each of them says.

use super::line::{Level, Line};

/// What was chosen: the lines in their order, each at a level.
pub(super) struct Fit {
    pub(super) text: String,
    pub(super) tokens: u64,
    pub(super) omitted: usize,
}

/// Chooses as much as a budget has room for. `count` is what a line, its newline among it, costs; the cost of lines is the sum.
///
/// There is one order of steps: each line at its least, the most important first, a free text by way of its beginnings; then each as
/// it usually is; then each in full. The longest run of steps that fits is taken. So a larger budget never takes a line away, nor says less in one.
pub(super) fn fit(lines: &[Line], budget: u64, count: impl Fn(&str) -> u64) -> Fit {
    let mut by_weight: Vec<usize> = (0..lines.len()).collect();
    // Lines of the same weight are in their order, as the sort is stable.
    by_weight.sort_by_key(|&index| std::cmp::Reverse(lines[index].weight));
    let omission = |kept: usize| omitted(lines.len() - kept).map_or(0, |line| count(&line));
    let mut costs = vec![0; lines.len()];
    let mut cost = 0;
    let mut best = Some((0, omission(0))).filter(|&(_, all)| all <= budget);
    let mut kept = 0;
    for (step, (level, index)) in steps(&by_weight).enumerate() {
        let line = count(lines[index].at(level));
        // A line ends with a newline, so that none costs nothing.
        let before = std::mem::replace(&mut costs[index], line);
        kept += usize::from(before == 0);
        cost = cost - before + line;
        let taken = step + 1;
        let all = cost + omission(kept);
        if all <= budget {
            best = Some((taken, all));
        }
    }
    let Some((taken, tokens)) = best else {
        return Fit { text: String::new(), tokens: 0, omitted: lines.len() };
    };
    let mut levels = vec![None; lines.len()];
    for (level, index) in steps(&by_weight).take(taken) {
        levels[index] = Some(level);
    }
    let chosen = lines.iter().zip(&levels).filter_map(|(line, level)| level.map(|level| line.at(level)));
    let left_out = levels.iter().filter(|level| level.is_none()).count();
    Fit { text: chosen.map(str::to_owned).chain(omitted(left_out)).collect(), tokens, omitted: left_out }
}

/// All steps, in their order.
fn steps(by_weight: &[usize]) -> impl Iterator<Item = (Level, usize)> {
    let rounds = [&[Level::Hint, Level::Short, Level::Least][..], &[Level::Usual], &[Level::Full]];
    rounds.into_iter().flat_map(move |levels| {
        by_weight.iter().flat_map(move |&index| levels.iter().map(move |&level| (level, index)))
    })
}

/// Says that lines were left out, in a line; none where none were.
fn omitted(lines: usize) -> Option<String> {
    (lines > 0).then(|| format!("+{lines} omitted\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line> {
        let line = |label, weight, facts: [&str; 3]| {
            let mut line = Line::new(label, weight);
            for (level, fact) in [Level::Least, Level::Usual, Level::Full].into_iter().zip(facts) {
                line.add(level, Some(fact.to_owned()));
            }
            line.done().unwrap()
        };
        vec![
            line("A", 1, ["1", "2", "3"]),
            line("B", 3, ["1", "2", "3"]),
            line("C", 2, ["1", "2", "3"]),
            line("D", 1, ["1", "2", "3"]),
        ]
    }

    fn said(budget: u64) -> String {
        let fit = fit(&lines(), budget, |text| text.len() as u64);
        assert_eq!(fit.text.len() as u64, fit.tokens);
        fit.text
    }

    #[test]
    fn the_most_important_line_is_kept_first_and_stands_at_its_place() {
        assert_eq!(said(10), "");
        assert_eq!(said(11), "+4 omitted\n");
        assert_eq!(said(15), "+4 omitted\n");
        assert_eq!(said(16), "B: 1\n+3 omitted\n");
        // Four lines are shorter than two, and one that says that two are left out.
        assert_eq!(said(20), "A: 1\nB: 1\nC: 1\nD: 1\n");
        assert_eq!(said(25), "A: 1\nB: 1, 2\nC: 1\nD: 1\n");
        assert_eq!(said(32), "A: 1, 2\nB: 1, 2\nC: 1, 2\nD: 1, 2\n");
        assert_eq!(said(35), "A: 1, 2\nB: 1, 2, 3\nC: 1, 2\nD: 1, 2\n");
        assert_eq!(said(1_000), "A: 1, 2, 3\nB: 1, 2, 3\nC: 1, 2, 3\nD: 1, 2, 3\n");
    }

    #[test]
    fn a_free_text_is_taken_by_its_beginnings_before_the_next_line_is() {
        let mut text = Line::new("A", 2);
        text.add_each(|level| Some("x".repeat([1, 5, 10, 20, 30][level as usize])));
        let mut other = Line::new("B", 1);
        other.add(Level::Least, Some("1234567890".to_owned()));
        let lines = [text.done().unwrap(), other.done().unwrap()];
        let said = |budget| fit(&lines, budget, |text| text.len() as u64).text;
        assert_eq!(said(15), "+2 omitted\n");
        assert_eq!(said(16), "A: x\n+1 omitted\n");
        assert_eq!(said(20), "A: xxxxx\n+1 omitted\n");
        assert_eq!(said(25), format!("A: {}\n+1 omitted\n", "x".repeat(10)));
        assert_eq!(said(28), format!("A: {}\nB: 1234567890\n", "x".repeat(10)));
        assert_eq!(said(100), format!("A: {}\nB: 1234567890\n", "x".repeat(30)));
    }

    #[test]
    fn nothing_to_say_costs_nothing() {
        let fit = fit(&[], 0, |text| text.len() as u64);
        assert_eq!((fit.text.as_str(), fit.tokens, fit.omitted), ("", 0, 0));
    }
}
