//! What a test report says that is written in the XML of JUnit.

use std::collections::BTreeSet;
use std::path::Path;

use roxmltree::{Document, Node, ParsingOptions};

use super::reading::read_text;
use super::{Test, TestCounts, Unavailable};

/// Bytes of a report.
const SIZE_LIMIT: u64 = 32 << 20;
/// Elements and texts of a report.
const NODES_LIMIT: u32 = 1_000_000;
/// Attributes of a report, and of one element, each of which the parser compares with all before it.
const ATTRIBUTES_LIMIT: usize = 2_000_000;
const ATTRIBUTES_OF_ONE_LIMIT: usize = 64;
/// Declarations of name spaces, which the parser copies from each element to those within.
const NAMESPACES_LIMIT: usize = 16;
/// Elements within each other.
const DEPTH_LIMIT: usize = 128;

/// Reads a test report in the XML of JUnit, as [`parse_junit`] does.
///
/// # Errors
///
/// Those of [`parse_junit`], and the file is not there, is no regular file, or is larger than 32 MiB.
pub fn junit_report(report: &Path) -> Result<Test, Unavailable> {
    parse_junit(&read_text(report, SIZE_LIMIT)?)
}

/// Reads a test report in the XML of JUnit: those of pytest, Bun, jest-junit, cargo-nextest and Surefire, and such as look alike.
///
/// Counts test cases and adds up no totals, so that a suite within a suite counts once. A case with a `failure` or an `error`
/// failed, another one with `skipped`, or that says that it was not run, is skipped, and the rest passed. A report may have two
/// cases of one test, as pytest's has where both the test and its teardown fail. `files` counts the different `file` attributes,
/// of a case or else of the suite around it. `duration_us` is the time of the whole run where that is given, else the sum of the
/// outermost suites, else that of the cases.
///
/// Absent stay `files` and `duration_us` where the report does not give them for all, `runner` where it is none of the above, and
/// `coverage`, which is in no such report.
///
/// # Errors
///
/// The text is no well-formed XML or has other elements, counts tests without listing any, has a document type declaration (with
/// which entities come), or is more than a report: over 32 MiB, a million elements and texts, 2 million attributes, 64 attributes
/// of one element, 16 declarations of name spaces, or 128 elements within each other.
///
/// ```
/// let test = circlet::payload::parse_junit(
///     r#"<testsuite name="pytest" time="0.5"><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>"#,
/// )?;
/// let tests = test.tests.unwrap_or_default();
/// assert_eq!((tests.total(), tests.failed, tests.duration_us), (Some(2), Some(1), Some(500_000)));
/// assert_eq!(test.runner.as_deref(), Some("pytest"));
/// # Ok::<(), circlet::payload::Unavailable>(())
/// ```
pub fn parse_junit(report: &str) -> Result<Test, Unavailable> {
    let malformed = |cause: String| Unavailable::Malformed { what: "the JUnit report".to_owned(), cause };
    within_limits(report).map_err(malformed)?;
    let options = ParsingOptions { nodes_limit: NODES_LIMIT, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(report, options).map_err(|error| malformed(error.to_string()))?;
    let root = document.root_element();
    if !matches!(root.tag_name().name(), "testsuites" | "testsuite") {
        return Err(malformed(format!("it begins with `{:.40}`", root.tag_name().name())));
    }
    let cases = Cases::of(root);
    if cases.count == 0 && cases.claimed > 0 {
        return Err(malformed(format!("it counts {} tests and lists none", cases.claimed)));
    }
    let tests = TestCounts {
        passed: Some(cases.count - cases.failed - cases.skipped),
        failed: Some(cases.failed),
        skipped: Some(cases.skipped),
        duration_us: duration_us(root, cases.seconds.filter(|_| cases.count > 0)),
        ..TestCounts::default()
    };
    Ok(Test {
        runner: runner(root).map(str::to_owned),
        files: (cases.count > 0 && !cases.lacks_file).then_some(cases.files.len() as u64),
        tests: Some(tests),
        ..Test::default()
    })
}

/// What the test cases of a report add up to.
#[derive(Default)]
struct Cases<'a> {
    count: u64,
    failed: u64,
    skipped: u64,
    /// The sum of their times; `None` when one has none.
    seconds: Option<f64>,
    files: BTreeSet<&'a str>,
    lacks_file: bool,
    /// The most tests that a suite says it has.
    claimed: u64,
}

impl<'a> Cases<'a> {
    fn of(root: Node<'a, '_>) -> Self {
        let mut cases = Self { seconds: Some(0.0), ..Self::default() };
        let mut waiting: Vec<(Node, Option<&str>)> = vec![(root, None)];
        while let Some((element, file_around)) = waiting.pop() {
            let file = element.attribute("file").filter(|file| !file.is_empty()).or(file_around);
            match element.tag_name().name() {
                "testsuites" | "testsuite" => {
                    let claimed = element.attribute("tests").and_then(|tests| tests.trim().parse().ok());
                    cases.claimed = cases.claimed.max(claimed.unwrap_or(0));
                    waiting.extend(element.children().filter(Node::is_element).map(|child| (child, file)));
                }
                "testcase" => cases.add(element, file),
                _ => {}
            }
        }
        cases
    }

    fn add(&mut self, case: Node<'a, '_>, file: Option<&'a str>) {
        self.count += 1;
        let has = |names: &[&str]| {
            case.children().any(|child| child.is_element() && names.contains(&child.tag_name().name()))
        };
        let was_not_run = || {
            case.attribute("status").is_some_and(|status| matches!(status, "notrun" | "skipped" | "disabled"))
        };
        if has(&["failure", "error"]) {
            self.failed += 1;
        } else if has(&["skipped"]) || was_not_run() {
            self.skipped += 1;
        }
        match file {
            Some(file) => drop(self.files.insert(file)),
            None => self.lacks_file = true,
        }
        let seconds = case.attribute("time").and_then(seconds);
        self.seconds = self.seconds.zip(seconds).map(|(sum, more)| sum + more);
    }
}

fn duration_us(root: Node, of_cases: Option<f64>) -> Option<u64> {
    let own = |suite: Node| suite.attribute("time").and_then(seconds);
    let suites = || {
        let suites: Vec<Node> =
            root.children().filter(|child| child.tag_name().name() == "testsuite").collect();
        let is_outside = root.children().any(|child| child.tag_name().name() == "testcase");
        if suites.is_empty() || is_outside { None } else { suites.into_iter().map(own).sum::<Option<f64>>() }
    };
    let seconds = own(root).or_else(suites).or(of_cases)?;
    let us = (seconds * 1e6).round();
    (us <= u64::MAX as f64).then_some(us as u64)
}

/// Reads a time in seconds, such as Surefire's `1,234.5`.
fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let seconds: f64 = match (text.contains(','), text.contains('.')) {
        (true, true) => text.replace(',', "").parse().ok()?,
        _ => text.parse().ok()?,
    };
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}

/// Names the test runner by what it calls its report.
fn runner(root: Node) -> Option<&'static str> {
    let is_of_surefire = |suite: Node| {
        let mut schemas =
            suite.attributes().filter(|attribute| attribute.name() == "noNamespaceSchemaLocation");
        schemas.any(|schema| schema.value().contains("surefire"))
    };
    let first = root.children().find(Node::is_element);
    let names = [Some(root), first].into_iter().flatten().filter_map(|suite| suite.attribute("name"));
    let by_name = names.into_iter().find_map(|name| match name {
        "pytest" | "pytest tests" => Some("pytest"),
        "bun test" => Some("bun:test"),
        "jest tests" => Some("jest"),
        "vitest tests" => Some("vitest"),
        "nextest-run" => Some("cargo-nextest"),
        _ => None,
    });
    by_name.or_else(|| is_of_surefire(root).then_some("surefire"))
}

/// Looks through the tags of a report, in time that grows with its length alone, for what would keep the parser busy for long.
/// What it does not understand it leaves to the parser.
fn within_limits(report: &str) -> Result<(), String> {
    if report.len() as u64 > SIZE_LIMIT {
        return Err(format!("it has more than {SIZE_LIMIT} bytes"));
    }
    let (mut depth, mut attributes, mut namespaces) = (0_usize, 0, 0);
    let mut rest = report;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let skip_to =
            |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
        let skipped = if rest.starts_with("<!--") {
            skip_to("-->", 4)
        } else if rest.starts_with("<![CDATA[") {
            skip_to("]]>", 9)
        } else if rest.starts_with("<?") {
            skip_to("?>", 2)
        } else if rest.starts_with("<!") {
            return Err("it has a document type declaration".to_owned());
        } else if rest.starts_with("</") {
            depth = depth.saturating_sub(1);
            skip_to(">", 2)
        } else {
            let tag = Tag::at(rest);
            attributes += tag.attributes;
            namespaces += tag.namespaces;
            depth += usize::from(!tag.is_empty);
            if tag.attributes > ATTRIBUTES_OF_ONE_LIMIT {
                return Err(format!("an element has more than {ATTRIBUTES_OF_ONE_LIMIT} attributes"));
            }
            tag.length
        };
        for (count, limit, what) in [
            (depth, DEPTH_LIMIT, "elements within each other"),
            (attributes, ATTRIBUTES_LIMIT, "attributes"),
            (namespaces, NAMESPACES_LIMIT, "declarations of name spaces"),
        ] {
            if count > limit {
                return Err(format!("it has more than {limit} {what}"));
            }
        }
        rest = &rest[skipped..];
    }
    Ok(())
}

/// The tag that an element begins with.
struct Tag {
    length: usize,
    attributes: usize,
    namespaces: usize,
    is_empty: bool,
}

impl Tag {
    /// Measures the tag that a text begins with.
    fn at(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut tag = Self { length: bytes.len(), attributes: 0, namespaces: 0, is_empty: false };
        let mut quote = None;
        for (index, byte) in bytes.iter().enumerate() {
            match (*byte, quote) {
                (byte, Some(open)) if byte == open => quote = None,
                (_, Some(_)) => {}
                (b'"' | b'\'', None) => quote = Some(*byte),
                (b'=', None) => tag.attributes += 1,
                (b'x', None) if bytes[index..].starts_with(b"xmlns") => tag.namespaces += 1,
                (b'>', None) => {
                    tag.is_empty = index > 0 && bytes[index - 1] == b'/';
                    tag.length = index + 1;
                    break;
                }
                _ => {}
            }
        }
        tag
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{Test, parse_junit};

    /// Passed, failed, skipped, files, microseconds.
    fn numbers(test: &Test) -> [Option<u64>; 5] {
        let tests = test.tests.clone().unwrap();
        [tests.passed, tests.failed, tests.skipped, test.files, tests.duration_us]
    }

    fn read(report: &str) -> (Option<String>, [Option<u64>; 5]) {
        let test = parse_junit(report).unwrap();
        (test.runner.clone(), numbers(&test))
    }

    #[test]
    fn the_report_of_jest_junit_counts_its_cases() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="3" failures="1" errors="0" time="1.25">
  <testsuite name="adds" errors="0" failures="1" skipped="1" timestamp="2026-01-01T00:00:00" time="0.8" tests="3">
    <testcase classname="adds one" name="adds one" time="0.003" file="a.test.js"></testcase>
    <testcase classname="adds two" name="adds two" time="0.001" file="a.test.js"><failure>Error: no</failure></testcase>
    <testcase classname="adds three" name="adds three" time="0" file="b.test.js"><skipped/></testcase>
  </testsuite>
</testsuites>"#;
        let wanted = [Some(1), Some(1), Some(1), Some(2), Some(1_250_000)];
        assert_eq!(read(report), (Some("jest".to_owned()), wanted));
    }

    #[test]
    fn a_test_of_cargo_nextest_that_passed_in_the_end_passed() {
        let report = r#"<testsuites name="nextest-run" tests="3" failures="1" errors="0" uuid="x" timestamp="t" time="0.030">
    <testsuite name="circlet" tests="3" disabled="0" errors="0" failures="1">
        <testcase name="flaky" classname="circlet" timestamp="t" time="0.01"><flakyFailure type="test failure"/></testcase>
        <testcase name="fails" classname="circlet" timestamp="t" time="0.01"><failure type="test failure"/><rerunFailure type="test failure"/></testcase>
        <testcase name="passes" classname="circlet" timestamp="t" time="0.01"><system-out>&lt;testcase/&gt;</system-out></testcase>
    </testsuite>
</testsuites>"#;
        let wanted = [Some(2), Some(1), Some(0), None, Some(30_000)];
        assert_eq!(read(report), (Some("cargo-nextest".to_owned()), wanted));
    }

    #[test]
    fn the_report_of_surefire_has_one_suite_and_commas_in_its_times() {
        let report = r#"<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:noNamespaceSchemaLocation="https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report-3.0.xsd"
  version="3.0" name="com.example.AppTest" time="1,234.5" tests="3" errors="1" skipped="1" failures="0">
  <properties><property name="java.version" value="17"/></properties>
  <testcase name="a" classname="com.example.AppTest" time="1,234.5"/>
  <testcase name="b" classname="com.example.AppTest" time="0.0"><error type="E"><![CDATA[<testcase/>]]></error><system-err><![CDATA[x]]></system-err></testcase>
  <testcase name="c" classname="com.example.AppTest" time="0"><skipped message="no"/></testcase>
</testsuite>"#;
        let wanted = [Some(1), Some(1), Some(1), None, Some(1_234_500_000)];
        assert_eq!(read(report), (Some("surefire".to_owned()), wanted));
    }

    #[test]
    fn suites_within_suites_count_their_cases_once_and_only_the_outermost_times() {
        let report = r#"<testsuites><testsuite tests="2" time="2"><testsuite tests="2" time="2" file="a"><testcase time="9"/>
            <testcase time="9"><failure/><error/><skipped/></testcase></testsuite></testsuite>
            <testsuite tests="1" time="1" file="b"><testcase status="notrun"/></testsuite></testsuites>"#;
        assert_eq!(read(report), (None, [Some(1), Some(1), Some(1), Some(2), Some(3_000_000)]));
    }

    #[test]
    fn what_a_report_does_not_tell_of_all_stays_absent() {
        let report =
            r#"<testsuites><testsuite><testcase file="a" time="1"/><testcase/></testsuite></testsuites>"#;
        assert_eq!(read(report).1, [Some(2), Some(0), Some(0), None, None]);
        let by_cases = r#"<testsuite><testcase time="1"/><testcase time="0.5"/></testsuite>"#;
        assert_eq!(read(by_cases).1[4], Some(1_500_000));
        for time in ["-1", "NaN", "inf", "1e300", "1,5", ""] {
            let report = format!(r#"<testsuite time="{time}"><testcase/></testsuite>"#);
            assert_eq!(read(&report).1[4], None, "{time}");
        }
        assert_eq!(read("<testsuites/>").1, [Some(0), Some(0), Some(0), None, None]);
    }

    #[test]
    fn what_is_no_report_is_an_error_with_its_reason() {
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><testsuite>&b;</testsuite>"#;
        let file = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite>&a;</testsuite>"#;
        for (report, wanted) in [
            (bomb, "it has a document type declaration"),
            (file, "it has a document type declaration"),
            ("<html/>", "it begins with `html`"),
            (r#"<testsuite tests="5"/>"#, "it counts 5 tests and lists none"),
            ("", "the document does not have a root node"),
            ("<testsuite>&b;</testsuite>", "unknown entity reference"),
            ("<testsuite>", "the root node was opened but never closed"),
            ("not XML", "unknown token"),
        ] {
            let error = parse_junit(report).unwrap_err().to_string();
            assert!(error.starts_with("the JUnit report is malformed: "), "{error}");
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn a_report_that_would_keep_a_parser_busy_is_refused_at_once() {
        let many = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
        let wide = format!("<testsuite {}/>", many(200_000, &|index| format!(r#"a{index}="" "#)));
        let deep = "<testsuite>".repeat(1_000_000);
        let spaces =
            format!("<testsuite>{}", many(60_000, &|index| format!(r#"<a xmlns:n{index}="u{index}"/>"#)));
        let long = format!("<testsuite>{}</testsuite>", "<testcase/>".repeat(1_100_000));
        let attributes = format!("<testsuite>{}</testsuite>", r#"<a b="" c="" d=""/>"#.repeat(700_000));
        let unclosed = format!("<testsuite>{}", "<a b='".repeat(1_000_000));
        for report in [wide, deep, spaces, long, attributes, unclosed] {
            let begun = Instant::now();
            let error = parse_junit(&report).unwrap_err().to_string();
            assert!(begun.elapsed() < Duration::from_secs(5), "{error}: {:?}", begun.elapsed());
        }
        let large = " ".repeat((super::SIZE_LIMIT + 1) as usize);
        assert!(parse_junit(&large).unwrap_err().to_string().contains("more than 33554432 bytes"));
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(report in "(<|>|/|!--|-->|\\?|testsuite|testcase| |time=|\"|'|1|xmlns:a=|&amp;|&|<!\\[CDATA\\[|\\]\\]>|é){0,60}") {
            let _ = parse_junit(&report);
        }
    }
}
