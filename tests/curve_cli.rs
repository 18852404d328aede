//! `circlet curve`: what it prints, what it draws, and what it refuses.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const POINTS: &str = "x,y\n0,0\n10,40\n30,35\n45,5\n60,20\n90,10\n";

/// The pictures of the gallery: a name, the words that make it, and its points.
const GALLERY: [(&str, &str); 25] = [
    ("bezier", "bezier|0,10 25,60 65,-20 90,30"),
    ("linear", "linear|"),
    ("step", "step|"),
    ("step-before", "step --position 0|"),
    ("bump_x", "bump_x|"),
    ("bump_y", "bump_y|"),
    ("catmull_rom-uniform", "catmull_rom --alpha 0|0,0 10,60 13,60 60,20 90,70"),
    ("catmull_rom", "catmull_rom|0,0 10,60 13,60 60,20 90,70"),
    ("catmull_rom-chordal", "catmull_rom --alpha 1|0,0 10,60 13,60 60,20 90,70"),
    ("catmull_rom-closed", "catmull_rom --ends closed|0,20 30,0 60,30 45,60 10,50"),
    ("cardinal", "cardinal --tension 0.6|"),
    ("natural", "natural --knots centripetal|"),
    ("clamped", "clamped --start 0,150 --end 0,150|"),
    ("not_a_knot", "not_a_knot|"),
    ("periodic", "periodic --knots centripetal|0,20 30,0 60,30 45,60 10,50"),
    ("hermite", "hermite --derivatives 0,80:30,0:30,0:0,60:30,-40:30,40|"),
    ("monotone_x", "monotone_x|"),
    ("monotone_y", "monotone_y|0,0 60,10 20,25 50,45 70,70"),
    ("pchip", "pchip|"),
    ("fritsch_carlson", "fritsch_carlson|"),
    ("akima", "akima|0,0 15,2 30,0 45,40 60,42 75,40 90,41"),
    ("makima", "makima|0,0 15,2 30,0 45,40 60,42 75,40 90,41"),
    ("basis", "basis|"),
    ("basis-closed", "basis --ends closed|0,20 30,0 60,30 45,60 10,50"),
    ("bundle", "bundle --beta 0.6|"),
];

fn circlet(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.arg("curve").args(arguments);
    let pipe = || Stdio::piped();
    let mut child = command.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
    // Who refuses the words does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(arguments: &[&str], input: &str) -> String {
    let output = circlet(arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn value(arguments: &[&str], input: &str) -> Value {
    serde_json::from_str(&text(arguments, input)).unwrap()
}

/// Asserts that something is refused in one line with code 2, and returns what is said.
fn refused(arguments: &[&str], input: &str) -> String {
    let output = circlet(arguments, input);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed something");
    error
}

#[test]
fn points_of_lines_and_of_json_make_the_same_curve() {
    let lines = text(&["natural", "-n", "5"], POINTS);
    assert_eq!(lines.lines().count(), 5);
    assert!(lines.starts_with("0,0\n") && lines.ends_with("\n90,10\n"), "{lines}");
    let json = "[[0,0],[10,40],[30,35],[45,5],[60,20],[90,10]]";
    assert_eq!(text(&["natural", "-n", "5"], json), lines);
    assert_eq!(text(&["natural", "-n", "5"], &format!("{{\"points\": {json}}}")), lines);
    assert_eq!(text(&["natural", "-n", "5"], &POINTS.replace(',', " ; ").replace("x ; y", "# x y")), lines);
}

#[test]
fn a_file_is_read_as_standard_input_is() {
    let folder = common::scratch("curve-file");
    let file = folder.join("points.csv");
    fs::write(&file, POINTS).unwrap();
    assert_eq!(
        text(&["basis", file.to_str().unwrap(), "--path"], ""),
        text(&["basis", "-", "--path"], POINTS)
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn each_output_says_what_was_asked_for() {
    assert_eq!(value(&["monotone_x", "--at", "10,45", "--json"], POINTS), json!([[10.0, 40.0], [45.0, 5.0]]));
    assert_eq!(text(&["linear", "--path"], POINTS), "M0 0L10 40L30 35L45 5L60 20L90 10\n");
    assert_eq!(text(&["linear", "--flatten", "0.1"], "0,0\n3,4"), "0,0\n3,4\n");
    let info = value(&["linear", "--info", "--json"], "0,0\n3,4");
    assert_eq!((&info["length"], &info["segments"]), (&json!(5.0), &json!(1)));
    assert!(text(&["linear", "--info"], "0,0\n3,4").contains("length    5.0"));
    let circle = "M1 0A1 1 0 0 1 -1 0A1 1 0 0 1 1 0";
    let length = value(&["path", "--info", "--json"], circle)["length"].as_f64().unwrap();
    assert!((length / std::f64::consts::TAU - 1.0).abs() < 1e-3, "{length}");
}

#[test]
fn points_in_space_make_a_curve_in_space() {
    assert_eq!(text(&["natural", "-n", "3"], "0 0 0\n1 1 1\n2 0 2"), "0,0,0\n1,1,1\n2,0,2\n");
    assert!(refused(&["natural", "--path"], "0 0 0\n1 1 1").contains("two coordinates"));
}

#[test]
fn wrong_input_is_told_with_what_was_given_and_what_is_allowed() {
    assert!(refused(&["spiral"], POINTS).contains("catmull_rom"));
    assert!(refused(&["linear", "--at", "0.5,nan"], POINTS).contains("--at has a NaN"));
    assert!(refused(&["hermite"], POINTS).contains("missing field `derivatives`"));
    assert!(refused(&["hermite", "--derivatives", "1,x"], POINTS).contains("dx,dy:dx,dy"));
    assert!(refused(&["bezier", "--flatten", "1e-19"], POINTS).contains("use a larger one"));
    assert!(refused(&["cardinal", "--alpha", "0.5"], POINTS).contains("expected `tension` or `ends`"));
    assert!(
        refused(&["catmull_rom", "--alpha", "-1"], POINTS).contains("alpha is -1.0; it must be from 0 to 1")
    );
    assert!(refused(&["catmull_rom", "--alpha", "nan"], POINTS).contains("alpha is NaN"));
    assert!(refused(&["natural", "--knots", "0,2,1"], "0,0\n1,1\n2,2").contains("knot 2 is 1.0"));
    assert!(refused(&["natural", "--knots", "even"], POINTS).contains("--knots is \"even\""));
    assert!(refused(&["linear"], "1,2\n3,x").contains("line 2 is \"3,x\""));
    assert!(refused(&["linear"], "1,2\n3,nan").contains("coordinate 1 of point 1 is NaN"));
    assert!(refused(&["linear"], "1,2\n3").contains("point 1 has 1 coordinates"));
    assert!(refused(&["linear"], "1\n2").contains("2 or 3 are needed"));
    assert!(refused(&["linear"], "[[1,2],[3,").contains("no JSON"));
    assert!(refused(&["linear"], "").contains("at least 2 points, not 0"));
    for count in ["0", "100000001", "18446744073709551616", "-1"] {
        assert!(refused(&["linear", "-n", count], POINTS).contains(count), "{count}");
    }
    assert!(refused(&["linear", "/nowhere"], "").contains("/nowhere cannot be read"));
    assert!(refused(&["linear", "--flatten", "0"], POINTS).contains("tolerance is 0.0"));
    assert!(refused(&["linear", "--svg", "/nowhere/a.svg"], POINTS).contains("folder that exists"));
    assert!(refused(&["pchip"], "1,2\n1,3").contains("knot 1 is 1.0; knots must ascend"));
    assert!(refused(&["path"], "M0 0 L1").contains("number"));
}

#[test]
fn a_wrong_job_gets_an_answer_and_the_next_one_its_own() {
    let jobs = [
        r#"{"id": 1, "family": "linear", "points": [[0,0],[1,"NaN"]]}"#,
        "nothing",
        r#"{"id": "b", "family": "nosuch", "points": []}"#,
        r#"{"id": 3, "family": "linear", "points": [[0,0],[3,4]], "want": ["length", "knots"], "eval": [0.5]}"#,
    ];
    let answers = text(&["--jobs"], &jobs.join("\n"));
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(answers[0]["error"].as_str().unwrap().contains("point 1 is NaN") && answers[0]["id"] == 1);
    assert!(answers[1]["error"].as_str().unwrap().contains("no JSON"));
    assert!(answers[2]["error"].as_str().unwrap().contains("`makima`") && answers[2]["id"] == "b");
    assert_eq!(answers[3]["length"], 5.0);
    assert_eq!(answers[3]["knots"], json!([0.0, 1.0]));
    assert_eq!(answers[3]["eval"][0]["p"], json!([1.5, 2.0]));
}

#[test]
fn a_picture_replaces_the_last_one_whole_and_prints_nothing() {
    let folder = common::scratch("curve-picture");
    let place = folder.join("curve.svg");
    fs::write(&place, "before").unwrap();
    assert_eq!(text(&["akima", "--up", "--svg", place.to_str().unwrap()], POINTS), "");
    let svg = fs::read_to_string(&place).unwrap();
    assert_eq!(svg.matches(r#"class="point""#).count(), 6, "{svg}");
    assert_eq!(svg.matches(r#"class="control" cx"#).count(), 10);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    refused(&["akima", "--svg", place.to_str().unwrap()], "1,2\n1,2");
    assert_eq!(fs::read_to_string(&place).unwrap(), svg);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_gallery_is_what_the_program_draws() {
    let folder = common::scratch("curve-gallery");
    let docs = common::root().join("docs/curves");
    let page = fs::read_to_string(common::root().join("docs/curves.md")).unwrap();
    for (name, what) in GALLERY {
        let (words, points) = what.split_once('|').unwrap();
        let points = if points.is_empty() { POINTS.to_owned() } else { points.replace(' ', "\n") };
        let place = folder.join("one.svg");
        let mut arguments: Vec<&str> = words.split(' ').collect();
        arguments.extend(["--up", "--svg", place.to_str().unwrap()]);
        text(&arguments, &points);
        common::blessed(&docs.join(name).with_extension("svg"), &fs::read_to_string(&place).unwrap());
        assert!(page.contains(&format!("curves/{name}.svg")), "docs/curves.md has no {name}");
        assert!(
            page.contains(&format!("circlet curve {words}")),
            "docs/curves.md does not say how {name} is made"
        );
    }
    let drawn = fs::read_dir(&docs).unwrap().filter(|entry| is_svg(&entry.as_ref().unwrap().path())).count();
    assert_eq!(drawn, GALLERY.len(), "docs/curves has a picture that nothing draws");
    fs::remove_dir_all(folder).unwrap();
}

fn is_svg(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "svg")
}
