//! Test reports that real test runners have written, counted again by Python.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use circlet::payload::{Coverage, Test, Unavailable, junit_report, lcov_report};

use super::common::scratch;
use super::programs::{lacks, program};
use super::{pipe, python, write};

/// Counts the cases of a report by their outcome, with a parser that nobody here wrote.
fn counted(folder: &Path, report: &str) -> [u64; 3] {
    let code = format!(
        "
import json, xml.etree.ElementTree as tree
cases = list(tree.parse('{report}').iter('testcase'))
failed = [c for c in cases if c.find('failure') is not None or c.find('error') is not None]
skipped = [c for c in cases if c.find('skipped') is not None and c not in failed]
print(json.dumps([len(cases) - len(failed) - len(skipped), len(failed), len(skipped)]))"
    );
    let counts = python(folder, &code);
    [0, 1, 2].map(|index| counts[index].as_u64().unwrap())
}

fn outcomes(test: &Test) -> [u64; 3] {
    let tests = test.tests.as_ref().unwrap();
    [tests.passed, tests.failed, tests.skipped].map(Option::unwrap)
}

/// Says a sum of an attribute of the outermost suites, in microseconds.
fn microseconds(folder: &Path, report: &str) -> u64 {
    let code = format!(
        "
import xml.etree.ElementTree as tree
root = tree.parse('{report}').getroot()
times = [root.get('time')] if root.get('time') else [suite.get('time') for suite in root]
print(round(sum(map(float, times)) * 1e6))"
    );
    python(folder, &code).as_u64().unwrap()
}

#[test]
fn a_report_of_pytest_has_the_outcomes_that_python_counts() {
    let Some(pytest) = program("pytest").filter(|_| !lacks("python3")) else { return };
    let folder = scratch("project-pytest");
    let tests = "
import pytest
def test_passes(): print(']]> <failure/> \\x1b')
def test_fails(): assert '<a href=\"x\">' == '&'
@pytest.mark.skip(reason='<not> & now')
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert 0
@pytest.fixture
def broken(): raise ValueError
def test_errs(broken): pass
@pytest.mark.parametrize('n', ['é', '\\u2028', '\"'])
def test_each(n): pass
class TestClass:
    def test_method(self): pass
";
    write(&folder, &[("test_one.py", tests), ("inner/test_two.py", "def test_there(): pass\n")]);
    for (family, has_files) in [("xunit2", false), ("xunit1", true)] {
        let mut command = Command::new(&pytest);
        command.args(["-q", "-p", "no:cacheprovider", "--junitxml=report.xml", "-o"]);
        let status =
            command.arg(format!("junit_family={family}")).current_dir(&folder).output().unwrap().status;
        assert_eq!(status.code(), Some(1));
        let test = junit_report(&folder.join("report.xml")).unwrap();
        assert_eq!(outcomes(&test), [6, 2, 2]);
        assert_eq!(outcomes(&test), counted(&folder, "report.xml"));
        assert_eq!(test.runner.as_deref(), Some("pytest"));
        assert_eq!(test.files, has_files.then_some(2), "{family}");
        assert_eq!(test.tests.unwrap().duration_us, Some(microseconds(&folder, "report.xml")));
    }
}

const BUN_TEST: &str = r#"
import { describe, expect, test } from "bun:test";
import { used } from "./code";
describe("outer <&>", () => {
  describe("inner", () => {
    test("passes", () => expect(used(2)).toBe("big"));
    test("fails", () => expect(used(2)).toBe("<small>"));
  });
  test.skip("skipped", () => {});
  test.todo("to do");
});
"#;

const BUN_CODE: &str = "
export function used(n: number) {
  if (n > 1) {
    return 'big';
  }
  return 'small';
}
export function unused() {
  return 1;
}
";

/// Runs Bun's tests in a folder of their own and returns it.
fn tested_by_bun(name: &str) -> Option<PathBuf> {
    let bun = program("bun").filter(|_| !lacks("python3"))?;
    let folder = scratch(name);
    let other = "import { expect, test } from 'bun:test';\nimport { unused } from './more';\ntest('top', () => expect(unused(1)).toBe(1));\n";
    let more = "export function unused(n: number) {\n  return n;\n}\nexport const never = () => {\n  return 2;\n};\n";
    write(
        &folder,
        &[("a.test.ts", BUN_TEST), ("code.ts", BUN_CODE), ("b.test.ts", other), ("more.ts", more)],
    );
    let mut command = Command::new(bun);
    command.args(["test", "--reporter=junit", "--reporter-outfile=report.xml"]);
    command.args(["--coverage", "--coverage-reporter=lcov", "--coverage-dir=coverage"]);
    let output = command.current_dir(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    Some(folder)
}

#[test]
fn a_report_of_bun_has_the_outcomes_and_the_files_that_it_ran() {
    let Some(folder) = tested_by_bun("project-bun-report") else { return };
    let test = junit_report(&folder.join("report.xml")).unwrap();
    assert_eq!(outcomes(&test), [2, 1, 2]);
    assert_eq!(outcomes(&test), counted(&folder, "report.xml"));
    assert_eq!((test.runner.as_deref(), test.files), (Some("bun:test"), Some(2)));
    assert_eq!(test.tests.unwrap().duration_us, Some(microseconds(&folder, "report.xml")));
}

#[test]
fn a_coverage_of_bun_has_the_lines_that_python_adds_up_with_and_without_totals() {
    let Some(folder) = tested_by_bun("project-bun-coverage") else { return };
    let path = folder.join("coverage/lcov.info");
    let code = "
import json
lines = open('coverage/lcov.info').read().split()
total = lambda key: sum(int(l.split(':')[1]) for l in lines if l.startswith(key + ':'))
hits = [l.split(',')[1] for l in lines if l.startswith('DA:')]
print(json.dumps([len(hits), len([h for h in hits if h != '0']), total('LF'), total('LH'), total('FNF'), total('FNH')]))";
    let wanted = python(&folder, code);
    let said = |coverage: &Coverage| serde_json::json!([coverage.lines_found, coverage.lines_hit]);
    let coverage = lcov_report(&path).unwrap();
    assert_eq!(said(&coverage), serde_json::json!([wanted[2], wanted[3]]));
    let functions = serde_json::json!([coverage.functions_found, coverage.functions_hit]);
    assert_eq!(functions, serde_json::json!([wanted[4], wanted[5]]));
    assert_eq!((coverage.branches_found, coverage.branches_hit), (None, None));
    assert!(coverage.lines() > Some(0.0) && coverage.lines() < Some(100.0), "{coverage:?}");
    // The same lines without their totals, and twice, as two runs write them.
    let text = fs::read_to_string(&path).unwrap();
    let bare: String =
        text.lines().filter(|line| !line.starts_with('L')).map(|line| format!("{line}\n")).collect();
    fs::write(&path, format!("{bare}{bare}")).unwrap();
    assert_eq!(said(&lcov_report(&path).unwrap()), serde_json::json!([wanted[0], wanted[1]]));
}

#[test]
fn what_is_no_file_is_no_report_and_holds_nobody_up() {
    let folder = scratch("project-no-report");
    pipe(&folder.join("pipe"));
    fs::File::create(folder.join("large")).unwrap().set_len(1 << 40).unwrap();
    for name in ["pipe", "large", "missing", "."] {
        let path = folder.join(name);
        for error in [junit_report(&path).unwrap_err(), lcov_report(&path).unwrap_err()] {
            let is_wanted = match name {
                "large" => matches!(error, Unavailable::TooMuch { .. }),
                "missing" => matches!(error, Unavailable::Unreadable { .. }),
                _ => matches!(error, Unavailable::NotAFile { .. }),
            };
            assert!(is_wanted, "{name}: {error}");
        }
    }
}
