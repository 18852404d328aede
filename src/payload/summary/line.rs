//! One line of the summary, in its lengths, and how numbers are written in it.

const KIB: f64 = 1024.0;
/// The characters of a free text where there is room for little more.
const HINT_CHARS: usize = 10;
const SHORT_CHARS: usize = 48;

/// How much a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// The beginning of a free text; other lines have no shorter form than [`Level::Least`].
    Hint,
    /// More of that beginning.
    Short,
    /// What it is there for.
    Least,
    /// What one usually asks next.
    Usual,
    /// All that is known and is not longer than a line should be.
    Full,
}

impl Level {
    pub(super) const ALL: [Self; 5] = [Self::Hint, Self::Short, Self::Least, Self::Usual, Self::Full];

    /// Chooses one of three for this level; the shorter ones have what [`Level::Least`] has.
    pub(super) fn of<T: Copy>(self, [least, usual, full]: [T; 3]) -> T {
        match self {
            Self::Hint | Self::Short | Self::Least => least,
            Self::Usual => usual,
            Self::Full => full,
        }
    }

    /// Chooses how many characters a free text has at this level, of three for the usual ones.
    pub(super) fn chars(self, three: [usize; 3]) -> usize {
        match self {
            Self::Hint => HINT_CHARS,
            Self::Short => SHORT_CHARS,
            _ => self.of(three),
        }
    }
}

/// A line: a label that is ours, and facts of which each is written for one level and the ones above it.
pub(super) struct Line {
    label: &'static str,
    /// How important it is: lines of more weight are kept first.
    pub(super) weight: u8,
    texts: [String; Level::ALL.len()],
}

impl Line {
    pub(super) fn new(label: &'static str, weight: u8) -> Self {
        Self { label, weight, texts: Default::default() }
    }

    /// Adds a fact from a level on, if it is known.
    pub(super) fn add(&mut self, from: Level, fact: Option<String>) {
        if let Some(fact) = fact {
            self.add_each(|level| (level.max(Level::Least) >= from).then(|| fact.clone()));
        }
    }

    /// Adds a fact that is written for each level in its own way.
    pub(super) fn add_each(&mut self, fact: impl Fn(Level) -> Option<String>) {
        for level in Level::ALL {
            let text = &mut self.texts[level as usize];
            if let Some(fact) = fact(level) {
                text.push_str(if text.is_empty() { "" } else { ", " });
                text.push_str(&fact);
            }
        }
    }

    /// Ends the line; none where nothing is known. A level that says nothing says what the next one does.
    pub(super) fn done(mut self) -> Option<Self> {
        for level in (0..self.texts.len() - 1).rev() {
            if self.texts[level].is_empty() {
                self.texts[level] = self.texts[level + 1].clone();
            }
        }
        if self.texts[0].is_empty() {
            return None;
        }
        for text in &mut self.texts {
            *text = format!("{}: {text}\n", self.label);
        }
        Some(self)
    }

    /// Returns the line as it is at a level, with its newline.
    pub(super) fn at(&self, level: Level) -> &str {
        &self.texts[level as usize]
    }
}

/// Writes a few of many, and how many more there are. `most` is how many are written; those that have no text are not counted.
pub(super) fn few(all: impl IntoIterator<Item = Option<String>>, most: usize) -> Option<String> {
    let mut known = all.into_iter().flatten();
    let mut written: Vec<String> = known.by_ref().take(most).collect();
    let more = known.count();
    written.extend((more > 0).then(|| format!("{more} more")));
    (!written.is_empty()).then(|| written.join(", "))
}

/// Writes a number with what it counts, as it stands.
pub(super) fn counted(number: Option<u64>, what: &str) -> Option<String> {
    number.map(|number| format!("{number} {what}"))
}

/// Writes a number with a noun, as [`plural`] does.
pub(super) fn nouns(number: Option<u64>, noun: &str) -> Option<String> {
    number.map(|number| plural(number, noun))
}

/// Writes a number with what it counts, where there is any.
pub(super) fn some(number: Option<u64>, what: &str) -> Option<String> {
    counted(number.filter(|&number| number > 0), what)
}

/// Writes a number with a noun, where there is any.
pub(super) fn some_nouns(number: Option<u64>, noun: &str) -> Option<String> {
    nouns(number.filter(|&number| number > 0), noun)
}

/// Writes a number with a noun, which has an `s` or an `es` at its end unless there is one of it.
pub(in crate::payload) fn plural(number: u64, noun: &str) -> String {
    let ending = match number {
        1 => "",
        _ if noun.ends_with("ss") || noun.ends_with("sh") => "es",
        _ => "s",
    };
    format!("{number} {noun}{ending}")
}

/// Writes a size in the unit that suits it; a MB is 2^20 bytes, as in the payload.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "kB", "MB"] {
        if value < KIB {
            return format!("{} {unit}", decimal(value));
        }
        value /= KIB;
    }
    format!("{} GB", decimal(value))
}

/// Writes a time, given in so many of a second.
pub(super) fn time(value: u64, per_second: f64) -> String {
    let seconds = value as f64 / per_second;
    let (value, unit) = match seconds {
        // No time at all is none of its finest unit.
        0.0 => (0.0, "ms"),
        10e-6..10.0 => (seconds * 1e3, "ms"),
        0.0..10e-6 => (seconds * 1e9, "ns"),
        10.0..7_200.0 => (seconds, "s"),
        7_200.0..172_800.0 => (seconds / 3_600.0, "h"),
        _ => (seconds / 86_400.0, "days"),
    };
    format!("{} {unit}", decimal(value))
}

/// Writes a part of a whole, 0 to 1, in percent.
pub(super) fn percent(part: f64) -> String {
    format!("{}%", decimal(part * 100.0))
}

/// Writes a number with two decimals at the most, without zeros at its end.
pub(super) fn decimal(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_in_the_unit_that_suits_them() {
        let sizes = [0, 1023, 1024, 47_395_635, 34_359_738_368, u64::MAX].map(size);
        assert_eq!(sizes, ["0 bytes", "1023 bytes", "1 kB", "45.2 MB", "32 GB", "17179869184 GB"]);
        let times = [0, 999, 10_000, 120_000, 145_200_000, u64::MAX].map(|ns| time(ns, 1e9));
        assert_eq!(times, ["0 ms", "999 ns", "0.01 ms", "0.12 ms", "145.2 ms", "213503.98 days"]);
        assert_eq!(
            [124_300, 9_000_000, 864_000_000].map(|ms| time(ms, 1e3)),
            ["124.3 s", "2.5 h", "10 days"]
        );
        assert_eq!([0.9976, 1.0, 0.0, 1.0 / 231.0].map(percent), ["99.76%", "100%", "0%", "0.43%"]);
    }

    #[test]
    fn one_of_a_noun_is_singular() {
        assert_eq!([0, 1, 2].map(|n| plural(n, "file")), ["0 files", "1 file", "2 files"]);
        assert_eq!([1, 2].map(|n| plural(n, "miss")), ["1 miss", "2 misses"]);
    }

    #[test]
    fn a_few_of_many_say_how_many_more_there_are() {
        let many = || ["a", "b", "c"].map(|text| Some(text.to_owned()));
        assert_eq!(few(many(), 2).unwrap(), "a, b, 1 more");
        assert_eq!(few(many(), 3).unwrap(), "a, b, c");
        assert_eq!(few([None], 3), None);
    }

    #[test]
    fn a_level_that_says_nothing_says_what_the_next_one_does() {
        let mut line = Line::new("Git", 1);
        line.add(Level::Usual, Some("clean".to_owned()));
        assert_eq!(line.done().unwrap().at(Level::Least), "Git: clean\n");
        assert!(Line::new("Git", 1).done().is_none());
    }
}
