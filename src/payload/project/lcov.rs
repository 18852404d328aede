//! What a coverage report says that is written in the format of lcov.

use std::collections::HashMap;
use std::path::Path;

use super::reading::read_text;
use super::{Coverage, Unavailable};

/// Bytes of a report.
const SIZE_LIMIT: u64 = 64 << 20;

/// Reads a coverage report in the format of lcov, as [`parse_lcov`] does.
///
/// # Errors
///
/// Those of [`parse_lcov`], and the file is not there, is no regular file, or is larger than 64 MiB.
pub fn lcov_report(report: &Path) -> Result<Coverage, Unavailable> {
    parse_lcov(&read_text(report, SIZE_LIMIT)?)
}

/// Reads a coverage report in the format of lcov (`geninfo(1)`), usually `lcov.info`, and adds up its files.
///
/// Of each file the totals count (`LF` and `LH`, `FNF` and `FNH`, `BRF` and `BRH`); where they are not there, or a file has several
/// records, as each of several test runs writes one, its lines, functions and branches themselves do (`DA`, `FNDA`, `BRDA`), each
/// once: it was hit if it was in any record.
///
/// Absent stay the kinds that no record tells of, and those of which a file has several records with nothing but totals.
///
/// # Errors
///
/// The text has no record, ends within one, or has a line that is malformed.
///
/// ```
/// let coverage = circlet::payload::parse_lcov("SF:a.ts\nDA:1,5\nDA:2,0\nend_of_record\n")?;
/// assert_eq!((coverage.lines_found, coverage.lines_hit, coverage.lines()), (Some(2), Some(1), Some(50.0)));
/// assert_eq!(coverage.branches_found, None);
/// # Ok::<(), circlet::payload::Unavailable>(())
/// ```
pub fn parse_lcov(report: &str) -> Result<Coverage, Unavailable> {
    let malformed = |cause: String| Unavailable::Malformed { what: "the lcov report".to_owned(), cause };
    let mut files: HashMap<&str, File> = HashMap::new();
    let mut open: Option<(&str, Record)> = None;
    for (index, line) in report.lines().enumerate() {
        let wrong = |what: &str| malformed(format!("line {} {what}", index + 1));
        let line = line.trim();
        if line == "end_of_record" {
            let (name, record) = open.take().ok_or_else(|| wrong("ends a record that has not begun"))?;
            files.entry(name).or_default().add(record);
        } else if let Some(name) = line.strip_prefix("SF:") {
            if open.replace((name.strip_prefix("./").unwrap_or(name), Record::default())).is_some() {
                return Err(wrong("begins a record within another"));
            }
        } else if let Some((key, value)) = line.split_once(':')
            && let Some((_, record)) = &mut open
        {
            record.read(key, value).ok_or_else(|| wrong(&format!("has no such form: `{line:.40}`")))?;
        }
    }
    if open.is_some() {
        return Err(malformed("it ends within a record".to_owned()));
    }
    if files.is_empty() {
        return Err(malformed("it has no record".to_owned()));
    }
    let sums = Kind::ALL.map(|kind| sum(files.values().map(|file| file.counts(kind))));
    let [lines, functions, branches] =
        sums.map(|sum| sum.map_or((None, None), |(found, hit)| (Some(found), Some(hit))));
    Ok(Coverage {
        lines_found: lines.0,
        lines_hit: lines.1,
        functions_found: functions.0,
        functions_hit: functions.1,
        branches_found: branches.0,
        branches_hit: branches.1,
        ..Coverage::default()
    })
}

/// What is counted.
#[derive(Clone, Copy)]
enum Kind {
    Lines,
    Functions,
    Branches,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Lines, Self::Functions, Self::Branches];
}

/// What one record, or several of one file, say of one kind.
#[derive(Default)]
struct Counts<'a> {
    found: Option<u64>,
    hit: Option<u64>,
    /// Each by its line, its name or its place, with whether it was hit.
    each: HashMap<&'a str, bool>,
}

/// From `SF:` to `end_of_record`, with an entry for each kind.
#[derive(Default)]
struct Record<'a>([Counts<'a>; 3]);

impl<'a> Record<'a> {
    /// Reads one line of the record; `None` where it has not the form that its key says. Other keys are passed over.
    fn read(&mut self, key: &str, value: &'a str) -> Option<()> {
        let Self([lines, functions, branches]) = self;
        match key {
            "LF" => lines.found = Some(value.parse().ok()?),
            "LH" => lines.hit = Some(value.parse().ok()?),
            "FNF" => functions.found = Some(value.parse().ok()?),
            "FNH" => functions.hit = Some(value.parse().ok()?),
            "BRF" => branches.found = Some(value.parse().ok()?),
            "BRH" => branches.hit = Some(value.parse().ok()?),
            // Line, count, and a checksum at times.
            "DA" => {
                let (line, count) = value.split_once(',')?;
                line.parse::<u64>().ok()?;
                lines.see(line, is_hit(count.split(',').next()?)?);
            }
            // Line, the last line at times, and the name, which may have commas in it.
            "FN" => {
                let (_, name) = value.split_once(',')?;
                let (end, rest) = name.split_once(',').unwrap_or(("", name));
                functions.see(if end.parse::<u64>().is_ok() { rest } else { name }, false);
            }
            "FNDA" => {
                let (count, name) = value.split_once(',')?;
                functions.see(name, is_hit(count)?);
            }
            // Line, block, branch, count: a branch is known by the first three.
            "BRDA" => {
                let (place, count) = value.rsplit_once(',')?;
                branches.see(place, is_hit(count)?);
            }
            _ => {}
        }
        Some(())
    }
}

impl<'a> Counts<'a> {
    fn see(&mut self, what: &'a str, hit: bool) {
        *self.each.entry(what).or_default() |= hit;
    }

    /// Counts those that were seen one by one, if any were.
    fn counted(&self) -> Option<(u64, u64)> {
        let hit = self.each.values().filter(|hit| **hit).count() as u64;
        (!self.each.is_empty()).then_some((self.each.len() as u64, hit))
    }

    fn stated(&self) -> Option<(u64, u64)> {
        self.found.zip(self.hit)
    }
}

/// Reads a count, which some write with a fraction or an exponent, or as `-` for what was not even reached.
fn is_hit(count: &str) -> Option<bool> {
    if count == "-" { Some(false) } else { count.parse::<f64>().ok().map(|count| count > 0.0) }
}

/// All records of one file.
#[derive(Default)]
struct File<'a> {
    records: u64,
    all: Record<'a>,
    /// By kind, whether there is a record with totals and nothing that they are of.
    has_bare_totals: [bool; 3],
}

impl<'a> File<'a> {
    fn add(&mut self, record: Record<'a>) {
        self.records += 1;
        for (index, (all, counts)) in self.all.0.iter_mut().zip(record.0).enumerate() {
            self.has_bare_totals[index] |=
                counts.each.is_empty() && counts.found.is_some_and(|found| found > 0);
            (all.found, all.hit) = (counts.found, counts.hit);
            for (what, hit) in counts.each {
                all.see(what, hit);
            }
        }
    }

    /// Returns how many there are and how many were hit.
    fn counts(&self, kind: Kind) -> Told {
        let counts = &self.all.0[kind as usize];
        let is_known = self.records == 1 || !self.has_bare_totals[kind as usize];
        let stated = counts.stated().filter(|_| self.records == 1);
        match stated.or_else(|| counts.counted()) {
            _ if !is_known => Told::Unknown,
            Some((found, hit)) => Told::Counts(found, hit),
            None if counts.found == Some(0) => Told::Counts(0, 0),
            None if counts.found.is_some() => Told::Unknown,
            None => Told::Nothing,
        }
    }
}

/// What a file's records tell of one kind.
enum Told {
    Counts(u64, u64),
    /// There are some, and not how many.
    Unknown,
    /// There are none, or its writer does not know this kind.
    Nothing,
}

/// Adds up the files; `None` when one is unknown, or none tells anything.
fn sum(files: impl Iterator<Item = Told>) -> Option<(u64, u64)> {
    let mut all = None;
    for told in files {
        match told {
            Told::Counts(found, hit) => {
                let (sum_found, sum_hit): (u64, u64) = all.unwrap_or_default();
                all = Some((sum_found.checked_add(found)?, sum_hit.checked_add(hit)?));
            }
            Told::Unknown => return None,
            Told::Nothing => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse_lcov;

    /// Found and hit of lines, functions and branches.
    fn read(report: &str) -> [Option<u64>; 6] {
        let read = parse_lcov(report).unwrap();
        [
            read.lines_found,
            read.lines_hit,
            read.functions_found,
            read.functions_hit,
            read.branches_found,
            read.branches_hit,
        ]
    }

    #[test]
    fn the_totals_of_several_files_add_up() {
        let report = "TN:\nSF:a\nFNF:2\nFNH:1\nDA:1,1\nLF:9\nLH:7\nBRF:4\nBRH:3\nend_of_record\nSF:b\nLF:1\nLH:0\nend_of_record\n";
        assert_eq!(read(report), [Some(10), Some(7), Some(2), Some(1), Some(4), Some(3)]);
    }

    #[test]
    fn without_totals_the_lines_functions_and_branches_are_counted() {
        let report = "SF:a\r\nFN:1,f\r\nFN:5,9,g(int, int)\r\nFNDA:3,f\r\nFNDA:0,g(int, int)\r\nDA:1,3,abc=\r\nDA:2,0\r\nDA:3,1e+06\r\n\
            BRDA:1,0,0,1\r\nBRDA:1,0,1,-\r\nBRDA:1,0,2,0\r\nend_of_record\r\n";
        assert_eq!(read(report), [Some(3), Some(2), Some(2), Some(1), Some(3), Some(1)]);
    }

    #[test]
    fn a_file_with_several_records_counts_once_and_is_hit_where_any_hits_it() {
        let report = "TN:one\nSF:a\nDA:1,1\nDA:2,0\nLF:2\nLH:1\nend_of_record\nTN:two\nSF:./a\nDA:1,0\nDA:2,4\nDA:3,0\nLF:3\nLH:1\nend_of_record\n";
        assert_eq!(read(report), [Some(3), Some(2), None, None, None, None]);
        let bare =
            "SF:a\nLF:2\nLH:1\nFNF:0\nFNH:0\nend_of_record\nSF:a\nLF:2\nLH:2\nFNF:0\nFNH:0\nend_of_record\n";
        assert_eq!(read(bare), [None, None, Some(0), Some(0), None, None]);
    }

    #[test]
    fn a_half_of_the_totals_is_no_total() {
        assert_eq!(read("SF:a\nLF:5\nend_of_record\n"), [None; 6]);
        assert_eq!(read("SF:a\nLF:0\nend_of_record\n")[..2], [Some(0), Some(0)]);
        let most = u64::MAX;
        let report = format!("SF:a\nLF:{most}\nLH:0\nend_of_record\nSF:b\nLF:{most}\nLH:0\nend_of_record\n");
        assert_eq!(read(&report), [None; 6]);
    }

    #[test]
    fn what_is_no_report_is_an_error_with_its_reason() {
        for (report, wanted) in [
            ("", "it has no record"),
            ("hello\n", "it has no record"),
            ("SF:a\nDA:1,1\n", "it ends within a record"),
            ("end_of_record\n", "line 1 ends a record that has not begun"),
            ("SF:a\nSF:b\n", "line 2 begins a record within another"),
            ("SF:a\nDA:1\nend_of_record\n", "line 2 has no such form: `DA:1`"),
            ("SF:a\nLF:-1\nend_of_record\n", "line 2 has no such form: `LF:-1`"),
            ("SF:a\nDA:1,many\nend_of_record\n", "line 2 has no such form: `DA:1,many`"),
        ] {
            let error = parse_lcov(report).unwrap_err().to_string();
            assert_eq!(error, format!("the lcov report is malformed: {wanted}"));
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(report in "(SF:a\n|DA:|LF:|LH:|FN:|FNDA:|BRDA:|1|,|-|é|\n|end_of_record\n){0,60}") {
            let _ = parse_lcov(&report);
        }
    }
}
