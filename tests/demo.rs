//! The program as a person uses it: the demo with a real Python, wrong input, and ends of every kind.
#![cfg(all(feature = "cli", feature = "capi", target_os = "linux"))]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use circlet::ring;
use serde_json::Value;

/// A folder to run in, and what of this test could stay behind.
struct Place {
    folder: PathBuf,
    ring: String,
}

impl Place {
    fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let ring = format!("circlet-demo-test-{}-{number}", std::process::id());
        Self { folder: common::scratch(&format!("demo-{name}-{number}")), ring }
    }

    fn circlet(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
        command.current_dir(&self.folder).env("CIRCLET_LIBRARY", common::library());
        command
    }

    fn demo(&self, arguments: &[&str]) -> Output {
        self.circlet().arg("demo").args(arguments).output().unwrap()
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.folder.join(name), text).unwrap();
        name.to_owned()
    }

    /// A drawing that keeps the worker busy for long.
    fn long_drawing(&self) -> String {
        let path = r#"<path d="M0 0C900 10 -800 990 100 1000"/>"#;
        self.file(
            "long.svg",
            format!(r#"<svg xmlns="http://www.w3.org/2000/svg">{}</svg>"#, path.repeat(20_000)),
        )
    }

    /// Starts the demo on a long drawing and waits until the worker reads.
    fn start_long(&self) -> (Child, u32) {
        let file = self.long_drawing();
        let words = ["demo", &file, "--tolerance", "1e-4", "--ring", &self.ring];
        let child = self.circlet().args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for("the worker reads", || {
            ring::open(&self.ring).is_ok_and(|ring| ring.stats().frames_received > 0)
        });
        let worker = *children(child.id()).iter().next().unwrap();
        (child, worker)
    }

    /// Nothing but what was there before: no segment, no picture, no part of one.
    fn assert_nothing_stays(&self) {
        let mut files: Vec<_> =
            fs::read_dir(&self.folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.retain(|name| !name.to_string_lossy().ends_with("svg") || name == "circlet-demo.svg");
        assert!(files.is_empty(), "{files:?}");
        assert!(!Path::new("/dev/shm").join(&self.ring).exists(), "the segment stays");
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The processes whose parent is this one.
fn children(parent: u32) -> BTreeSet<u32> {
    let of = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit(") ").next()?.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(|pid| of(*pid) == Some(parent)).collect()
}

/// Gone, or a zombie that init has not fetched yet.
fn ended(pid: u32) -> bool {
    !fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn signal(pid: u32, name: &str) {
    common::run(Command::new("kill").args([format!("-{name}"), pid.to_string()]));
}

fn error_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_demo_measures_the_flowchart_in_python_and_draws_it() {
    let place = Place::new("whole");
    let output = place.demo(&[]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    assert!(
        text.contains("all 96") && text.contains("its lengths agree") && text.contains("2 pool size"),
        "{text}"
    );
    let picture = fs::read_to_string(place.folder.join("circlet-demo.svg")).unwrap();
    let document = circlet::curve::svg::read_document(&picture).unwrap();
    assert!(document.paths.len() > 96, "curves and dots");
}

#[test]
fn the_json_holds_every_path_and_the_session() {
    let place = Place::new("json");
    let output = place.demo(&["--json", "--tolerance", "0.5", "--box", "800x600", "--fit", "stretch"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", error_of(&output)));
    let paths = report["paths"].as_array().unwrap();
    assert_eq!(paths.len(), 96);
    let mut total = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for path in paths {
        let (length, python) = (path["length"].as_f64().unwrap(), path["python_length"].as_f64().unwrap());
        assert!(
            python <= length + 1e-6 && python >= length * 0.9 - 1.0,
            "{path}: chords are never longer than their arc"
        );
        for (side, value) in path["python_box"].as_array().unwrap().iter().enumerate() {
            let value = value.as_f64().unwrap();
            total[side] = if side < 2 { total[side].min(value) } else { total[side].max(value) };
        }
    }
    // The flattened points lie within the tolerance of the exact bounds, which fill the box.
    for (found, wanted) in total.iter().zip([0.0, 0.0, 800.0, 600.0]) {
        assert!((found - wanted).abs() <= 0.5, "{total:?}");
    }
    let session = circlet::payload::SessionPayload::from_json(&report["session"].to_string()).unwrap();
    assert_eq!(session.unknown_fields(), Vec::<String>::new());
    assert_eq!(report["session"]["worker_threads"]["statistics"]["total_messages_received"], 96);
}

#[test]
fn numpy_and_plain_python_find_the_same() {
    let place = Place::new("numpy");
    let venv = common::python().to_string_lossy().into_owned();
    let run = |python: &str| -> Value {
        let output = place.demo(&["--json", "--tolerance", "0.001", "--python", python]);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", error_of(&output)))
    };
    let (with, without) = (run(&venv), run("python3"));
    for (one, other) in with["paths"].as_array().unwrap().iter().zip(without["paths"].as_array().unwrap()) {
        assert_eq!((&one["points"], &one["python_box"]), (&other["points"], &other["python_box"]));
    }
}

#[test]
fn wrong_input_is_one_clear_line_and_code_2_and_nothing_stays() {
    let place = Place::new("wrong");
    let svg = |inside: &str| format!(r#"<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>"#);
    let no_path = place.file("no-path.svg", svg("<rect width='9' height='9'/>"));
    let malformed = place.file("malformed.svg", svg("<path id='edge' d='M0 0 L 1'/>"));
    let infinite = place.file("infinite.svg", svg("<path d='M0 0 L 1e999 1'/>"));
    let nan = place.file("nan.svg", svg("<path d='M0 0 L NaN 1'/>"));
    let not_xml = place.file("not-xml.svg", "hello");
    let zipped = place.file("zipped.svg", [0x1f, 0x8b, 8, 0]);
    let not_text = place.file("not-text.svg", [0xff, 0xfe, 0x00]);
    let large = place.file("large.svg", svg("<path id='huge' d='M0 0C900 10 -800 990 100 1000'/>"));
    let cases: &[(&[&str], &[&str])] = &[
        (&["missing.svg"], &["missing.svg", "No such file"]),
        (&["."], &["cannot be read"]),
        (&[&no_path], &["no-path.svg", "no <path>"]),
        (&[&malformed], &["malformed.svg", "edge", "byte"]),
        (&[&infinite], &["infinite.svg"]),
        (&[&nan], &["nan.svg", "byte"]),
        (&[&not_xml], &["not-xml.svg", "line 1"]),
        (&[&not_text], &["not-text.svg", "UTF-8"]),
        (&["--box", "0x100"], &["box", "100"]),
        (&["--box", "100x-1"], &["-1"]),
        (&["--box", "NaNx100"], &["NaN"]),
        (&["--tolerance", "0"], &["tolerance is 0", "above 0"]),
        (&["--tolerance", "NaN"], &["tolerance is NaN"]),
        (&["--tolerance", "-1"], &["tolerance is -1"]),
        (&["--workers", "0"], &["0 workers", "1 to 1024"]),
        (&["--capacity", "100"], &["100", "4096"]),
        (&[&large, "--capacity", "4096", "--tolerance", "1e-6"], &["huge", "2044", "--capacity"]),
        (&["--ring", "a/b"], &["a/b"]),
        (&["--output", "/nowhere/at/all.svg"], &["/nowhere/at/all.svg"]),
        (&["--output", "."], &["cannot be written"]),
        (&[&large, "--output", &large], &["is the drawing itself"]),
        (&[&zipped], &["compressed"]),
    ];
    for (arguments, words) in cases {
        let output = place.demo(arguments);
        let error = error_of(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{arguments:?}: {error}");
        for word in *words {
            assert!(error.contains(word), "{arguments:?}: {word:?} is not in: {error}");
        }
        assert!(output.stdout.is_empty(), "{arguments:?}");
        place.assert_nothing_stays();
    }
    // clap's own: what is allowed stands on lines of its own.
    for arguments in [&["--box", "100"][..], &["--tolerance", "much"], &["--fit", "squeeze"], &["--colour"]] {
        assert_eq!(place.demo(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_taken_name_and_a_segment_of_another_version_are_refused() {
    let place = Place::new("names");
    let ring = ring::create(&place.ring, &ring::Options::new()).unwrap();
    let output = place.demo(&["--ring", &place.ring]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error_of(&output).contains("taken") && error_of(&output).contains(&place.ring),
        "{}",
        error_of(&output)
    );

    let stat = |name: &str| place.circlet().args(["ring", "stat", name, "--json"]).output().unwrap();
    let counters: Value = serde_json::from_slice(&stat(&place.ring).stdout).unwrap();
    assert_eq!(
        (&counters["capacity_bytes"], &counters["producer"]),
        (&Value::from(1 << 20), &Value::from("never"))
    );
    let path = Path::new("/dev/shm").join(&place.ring);
    let mut later = fs::read(&path).unwrap();
    drop(ring);
    later[8] = 9;
    fs::write(&path, later).unwrap();
    let output = stat(&place.ring);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error_of(&output).contains("layout version 9.0; this library reads version 1"),
        "{}",
        error_of(&output)
    );
    fs::remove_file(&path).unwrap();
    assert_eq!(stat(&place.ring).status.code(), Some(2));
    place.assert_nothing_stays();
}

#[test]
fn a_missing_python_is_named() {
    let place = Place::new("python");
    let output = place.demo(&["--python", "/nowhere/python9", "--ring", &place.ring]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("/nowhere/python9"), "{}", error_of(&output));
    place.assert_nothing_stays();
}

#[test]
fn a_killed_worker_is_told_and_nothing_stays() {
    let place = Place::new("worker");
    let (child, worker) = place.start_long();
    signal(worker, "KILL");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("killed by signal 9"), "{}", error_of(&output));
    assert!(ended(worker));
    place.assert_nothing_stays();
}

#[test]
fn ctrl_c_ends_everything() {
    for name in ["INT", "TERM", "HUP"] {
        let place = Place::new("interrupt");
        let (child, worker) = place.start_long();
        signal(child.id(), name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{name}: {}", error_of(&output));
        assert!(ended(worker), "{name}");
        place.assert_nothing_stays();
    }
}

#[test]
fn ctrl_c_ends_everything_also_while_the_worker_hangs() {
    let place = Place::new("hang");
    let (child, worker) = place.start_long();
    signal(worker, "STOP");
    signal(child.id(), "INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(ended(worker));
    place.assert_nothing_stays();
}

#[test]
fn what_a_killed_program_leaves_the_next_start_cleans_up() {
    let place = Place::new("kill");
    let (mut child, worker) = place.start_long();
    signal(child.id(), "KILL");
    child.wait().unwrap();
    wait_for("the worker ends with its supervisor", || ended(worker));
    assert!(Path::new("/dev/shm").join(&place.ring).exists(), "the name is what a kill leaves");
    let output = place.demo(&["--ring", &place.ring, "--json"]);
    assert!(output.status.success(), "{}", error_of(&output));
    fs::remove_file(place.folder.join("circlet-demo.svg")).unwrap();
    place.assert_nothing_stays();
}

#[test]
fn rings_are_listed_and_only_abandoned_ones_are_pruned() {
    let place = Place::new("prune");
    let (mut child, worker) = place.start_long();
    signal(child.id(), "KILL");
    child.wait().unwrap();
    wait_for("the worker ends with its supervisor", || ended(worker));
    let open = format!("{}-open", place.ring);
    let _ring = ring::create(&open, &ring::Options::new()).unwrap();
    let names = || {
        let list: Value =
            serde_json::from_str(&common::run(place.circlet().args(["ring", "list", "--json"]))).unwrap();
        let names = list.as_array().unwrap().iter().map(|ring| ring["name"].as_str().unwrap().to_owned());
        names.filter(|name| name.starts_with(&place.ring)).collect::<Vec<_>>()
    };
    assert_eq!(names(), [place.ring.clone(), open.clone()]);
    assert!(common::run(place.circlet().args(["ring", "list"])).contains(&place.ring));
    assert!(
        common::run(place.circlet().args(["ring", "prune"])).contains(&format!("removed {}\n", place.ring))
    );
    assert_eq!(names(), [open]);
}

#[test]
fn a_worker_that_hangs_is_ended_after_the_patience() {
    let place = Place::new("patience");
    let file = place.long_drawing();
    let mute = place.folder.join("mute");
    // It gets ready, and then serves nobody.
    let hang = r#"#!/bin/sh
shift
shell=$(printf %s "$1" | sed 's/^    serve()$/    __import__("time").sleep(600)/')
shift
exec python3 -c "$shell" "$@"
"#;
    fs::write(&mute, hang).unwrap();
    fs::set_permissions(&mute, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = place.demo(&[&file, "--python", "./mute", "--patience", "0.3", "--ring", &place.ring]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("--patience"), "{}", error_of(&output));
    fs::remove_file(mute).unwrap();
    place.assert_nothing_stays();
}

#[test]
fn ctrl_c_is_heard_while_the_worker_starts() {
    let place = Place::new("slow-start");
    let slow = place.folder.join("slow");
    fs::write(&slow, "#!/bin/sh\necho $$ > started.svg\nexec sleep 600\n").unwrap();
    fs::set_permissions(&slow, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let words = ["demo", "--python", "./slow", "--ring", &place.ring];
    let child = place.circlet().args(words).stderr(Stdio::piped()).spawn().unwrap();
    let started = place.folder.join("started.svg");
    wait_for("the worker starts", || fs::read_to_string(&started).is_ok_and(|pid| pid.ends_with('\n')));
    signal(child.id(), "INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let worker = fs::read_to_string(&started).unwrap().trim().parse().unwrap();
    wait_for("the worker ends with the program", || ended(worker));
    fs::remove_file(slow).unwrap();
    place.assert_nothing_stays();
}

#[test]
fn many_paths_are_measured_whole() {
    let place = Place::new("many");
    let path = r#"<path d="M0 0C1 10 -8 9 10 10"/>"#;
    let file = place.file(
        "many.svg",
        format!(r#"<svg xmlns="http://www.w3.org/2000/svg">{}</svg>"#, path.repeat(20_000)),
    );
    let output = place.demo(&[&file, "--json", "--tolerance", "1000"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", error_of(&output)));
    assert_eq!(report["paths"].as_array().unwrap().len(), 20_000);
}

#[test]
fn a_reader_of_standard_output_that_goes_is_no_error_and_a_full_one_is() {
    let place = Place::new("stdout");
    let mut child = place.circlet().args(["demo", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output =
        place.circlet().args(["demo", "--json"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("standard output cannot be written"), "{}", error_of(&output));
}

#[test]
fn a_device_is_written_to_and_a_symlink_followed() {
    let place = Place::new("device");
    assert!(place.demo(&["--output", "/dev/null"]).status.success());
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    place.file("real.svg", "before");
    std::os::unix::fs::symlink("real.svg", place.folder.join("link.svg")).unwrap();
    assert!(place.demo(&["--output", "link.svg"]).status.success());
    assert!(fs::symlink_metadata(place.folder.join("link.svg")).unwrap().is_symlink());
    assert!(fs::read_to_string(place.folder.join("real.svg")).unwrap().starts_with("<svg"));
    place.assert_nothing_stays();
}

#[test]
fn what_a_file_says_cannot_command_the_terminal() {
    let place = Place::new("terminal");
    let file = place.file(
        "ids.svg",
        "<svg xmlns='http://www.w3.org/2000/svg'><path id='a&#x9b;31m&#x202e;b' d='M0 0L1 1'/></svg>",
    );
    let text = String::from_utf8(place.demo(&[&file]).stdout).unwrap();
    assert!(text.contains("u{9b}") && !text.contains('\u{9b}') && !text.contains('\u{202e}'), "{text}");
}

#[test]
fn help_shows_examples_and_completion_is_there() {
    let place = Place::new("help");
    let text = |arguments: &[&str]| common::run(place.circlet().args(arguments));
    assert!(text(&["demo", "--help"]).contains("circlet demo drawing.svg --tolerance"));
    assert!(text(&["ring", "stat", "--help"]).contains("circlet ring stat frames --json"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&["completions", shell]).contains("tolerance"), "{shell}");
    }
}
