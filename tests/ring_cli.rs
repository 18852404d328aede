//! `circlet ring` on real rings, whose users are threads and other processes.
#![cfg(all(feature = "cli", feature = "capi", target_os = "linux"))]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use circlet::page;
use circlet::ring::{self, Error, Mode, Options, Overflow};
use serde_json::{Value, json};

/// A name that nobody else has.
fn name(of: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("circlet-cli-{of}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn circlet(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.arg("ring").args(arguments);
    command
}

fn output(arguments: &[&str]) -> Output {
    circlet(arguments).output().unwrap()
}

fn text(arguments: &[&str]) -> String {
    common::run(&mut circlet(arguments))
}

fn value(arguments: &[&str]) -> Value {
    let text = text(arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn error_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|ring| ring["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {list}"))
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn file(name: &str) -> PathBuf {
    Path::new("/dev/shm").join(name)
}

/// Another process, which is killed if the test ends before it does.
struct Process(Child);

impl Process {
    /// One that creates a ring of this name and sends frames into it.
    fn sender(name: &str, frames: &str) -> Self {
        let mut command = Command::new(common::rust_example("ring"));
        let process = Self(command.args(["send", name, frames]).spawn().unwrap());
        wait_for("the other process sends", || {
            ring::open(name).is_ok_and(|ring| ring.stats().frames_sent > 2)
        });
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_mode_is_listed_and_told_of_whatever_its_schema() {
    let names = ["spsc", "mpsc", "broadcast", "page"].map(name);
    let [spsc, mpsc, broadcast, page] = &names;
    let _spsc = ring::create(spsc, &Options::new().capacity(4096)).unwrap();
    let options = Options::new().mode(Mode::Mpsc).capacity(1 << 16).max_message(1 << 20);
    let several = ring::create(mpsc, &options.schema("samples v1").overflow(Overflow::DropNewest)).unwrap();
    let _producers = (several.sender().unwrap(), several.sender().unwrap());
    let options = Options::new().mode(Mode::Broadcast).capacity(1 << 16).schema("prices");
    let all = ring::create(broadcast, &options).unwrap();
    all.sender().unwrap().send(b"hello").unwrap();
    let latest = page::create(page, &page::Options::new().max_bytes(100).schema("latest")).unwrap();
    let mut writer = latest.writer().unwrap();
    writer.write(b"one").unwrap();
    writer.write(b"two!").unwrap();

    let list = value(&["list", "--json"]);
    let wanted = json!({
        "name": mpsc, "mode": "mpsc", "schema": "samples v1", "overflow": "drop newest",
        "max_frame_bytes": 32764, "max_message_bytes": 1 << 20, "capacity_bytes": 1 << 16, "used_bytes": 0,
        "high_water_bytes": 0, "frames_sent": 0, "frames_received": 0, "payload_bytes_sent": 0,
        "full_events": 0, "dropped": 0, "producer_waits": 0, "consumer_waits": 0, "producers": 2,
        "producer": "alive", "consumer": "never",
    });
    assert_eq!(named(&list, mpsc), &wanted);
    let (one, all) = (named(&list, spsc), named(&list, broadcast));
    assert_eq!((&one["mode"], &one["schema"]), (&json!("spsc"), &Value::Null));
    assert_eq!(
        (&all["frames_sent"], &all["producer"], &all["schema"]),
        (&json!(1), &json!("closed"), &json!("prices"))
    );
    assert_eq!((&all["used_bytes"], &all["consumer"]), (&Value::Null, &Value::Null), "nobody releases there");
    let wanted = json!({
        "name": page, "mode": "page", "schema": "latest", "capacity_bytes": 4096, "max_value_bytes": 100,
        "version": 2, "value_bytes": 4, "producer": "alive",
    });
    assert_eq!(named(&list, page), &wanted);

    let table = text(&["list"]);
    for name in &names {
        assert_eq!(&value(&["stat", name, "--json"]), named(&list, name));
        assert!(table.contains(name.as_str()), "{table}");
    }
    let said = |name: &str, words: &[&str]| {
        let text = text(&["stat", name]);
        for word in words {
            assert!(text.contains(word), "{word:?} is not in: {text}");
        }
    };
    said(mpsc, &["64.00 KiB (65,536 bytes)", "samples v1", "in fragments", "2 alive", "drop newest", "0 %"]);
    said(broadcast, &["broadcast", "1 frame, 5 bytes of payload", "closed", "no seat"]);
    said(page, &["a page", "version     2", "4 bytes", "alive"]);
}

#[test]
fn stat_tells_what_was_dropped_who_waited_and_how_full_it_was() {
    let name = name("counters");
    let ring = ring::create(&name, &Options::new().capacity(4096).overflow(Overflow::DropNewest)).unwrap();
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    assert!(matches!(receiver.recv_timeout(Duration::from_millis(5)), Err(Error::TimedOut { .. })));
    for _ in 0..10 {
        sender.send(&[0; 996]).unwrap();
    }
    let stat = value(&["stat", &name, "--json"]);
    assert_eq!(
        (&stat["frames_sent"], &stat["dropped"], &stat["used_bytes"]),
        (&json!(4), &json!(6), &json!(4000))
    );
    assert!(stat["consumer_waits"].as_u64().unwrap() > 0 && stat["high_water_bytes"] == 4000, "{stat}");
    let text = text(&["stat", &name]);
    assert!(text.contains("[#############################-]  97 %  3.91 KiB (4,000 bytes)"), "{text}");
    assert!(text.contains("6 frames dropped") && text.contains("consumer    alive"), "{text}");
}

#[test]
fn what_cannot_be_looked_at_is_said_with_what_to_do_and_code_2() {
    let missing = name("missing");
    for command in ["stat", "dump", "prune"] {
        let output = output(&[command, &missing]);
        let error = error_of(&output);
        assert_eq!(output.status.code(), Some(2), "{command}: {error}");
        assert!(error.contains(&missing) && error.contains("circlet ring list"), "{command}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let wrong: [&[&str]; 8] = [
        &["stat", "a/b"],
        &["stat", ""],
        &["dump", "x", "--limit", "0"],
        &["dump", "x", "--from", "middle"],
        &["dump", "x", "--raw", "--json"],
        &["top", "--interval", "1x"],
        &["top", "--interval", "0"],
        &["top", "--count", "0"],
    ];
    for arguments in wrong {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", error_of(&output));
    }
    // Of a later version: listed with its reason, beside the others.
    let later = name("later");
    let ring = ring::create(&later, &Options::new().capacity(4096)).unwrap();
    let mut bytes = fs::read(file(&later)).unwrap();
    drop(ring);
    bytes[8] = 9;
    fs::write(file(&later), bytes).unwrap();
    let (list, table, stat) = (value(&["list", "--json"]), text(&["list"]), output(&["stat", &later]));
    fs::remove_file(file(&later)).unwrap();
    assert!(named(&list, &later)["error"].as_str().unwrap().contains("layout version 9.0"), "{list}");
    assert!(table.contains("layout version 9.0"), "{table}");
    assert_eq!(stat.status.code(), Some(2));
}

#[test]
fn names_and_schemas_cannot_command_the_terminal() {
    let name = name("\u{1b}[31m");
    let _ring = ring::create(&name, &Options::new().capacity(4096).schema("\u{1b}[2J")).unwrap();
    for arguments in [&["list"][..], &["stat", &name], &["dump", &name], &["top", "--interval", "10ms"]] {
        let text = text(arguments);
        assert!(text.contains("u{1b}") && !text.contains('\u{1b}'), "{arguments:?}: {text:?}");
    }
}

#[test]
fn a_dump_shows_what_another_process_sent_and_takes_nothing_of_it() {
    let name = name("dump");
    let mut sender = Process::sender(&name, "2000");
    // The payload of each example's frame number: see examples/rust/ring.rs.
    let payload = |number: u32| (0..number * 37 % 1500).map(move |at| (number * 31 + at * 7) as u8);
    let hex = |number: u32, bytes: usize| {
        payload(number).take(bytes).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let frames = value(&["dump", &name, "--json", "--limit", "3", "--bytes", "100"]);
    for (number, frame) in frames.as_array().unwrap().iter().enumerate() {
        let number = number as u32;
        assert_eq!((&frame["state"], &frame["payload_bytes"]), (&json!("committed"), &json!(number * 37)));
        assert_eq!(frame["hex"], hex(number, 100));
    }
    assert_eq!(frames.as_array().unwrap().len(), 3);
    let text = text(&["dump", &name, "--limit", "2", "--bytes", "20"]);
    assert!(text.contains("1f 26 2d 34"), "{text}");
    let raw = output(&["dump", &name, "--limit", "3", "--raw"]);
    let wanted: Vec<u8> = (1..4).flat_map(payload).collect();
    assert_eq!(raw.stdout, wanted, "a payload of no bytes is none");
    let received = common::run(Command::new(common::rust_example("ring")).args(["recv", &name]));
    assert_eq!(received.trim(), "2000 frames received");
    assert!(sender.0.wait().unwrap().success());
}

#[test]
fn a_dump_shows_the_newest_the_fragments_the_claims_and_the_padding() {
    let name = name("kinds");
    let ring =
        ring::create(&name, &Options::new().mode(Mode::Mpsc).capacity(4096).max_message(10_000)).unwrap();
    assert!(text(&["dump", &name]).contains("no frame waits"));
    let (mut sender, mut other) = (ring.sender().unwrap(), ring.sender().unwrap());
    let message: Vec<_> = (0..2500_u32).map(|at| (at % 251) as u8).collect();
    sender.send(&message).unwrap();
    assert_eq!(output(&["dump", &name, "--raw"]).stdout, message, "without the fragments' headers");
    let mut claim = other.claim(40).unwrap();
    claim.fill(1);
    sender.send(b"newest").unwrap();
    let frames = value(&["dump", &name, "--json"]);
    assert_eq!((&frames[0]["state"], &frames[0]["message_bytes"]), (&json!("fragment"), &json!(2500)));
    let newest = value(&["dump", &name, "--json", "--from", "newest", "--limit", "2"]);
    assert_eq!((&newest[0]["state"], &newest[0]["slot"]), (&json!("claimed"), &json!(1)));
    assert_eq!((&newest[1]["hex"], newest.as_array().unwrap().len()), (&json!("6e6577657374"), 2));
    let table = text(&["dump", &name]);
    assert!(table.contains("by the producer in slot 1") && table.contains("of a message of 2500"), "{table}");
    claim.commit();
    assert!(!text(&["dump", &name]).contains("claimed"));
}

#[test]
fn a_dump_of_a_page_is_its_value() {
    let name = name("value");
    let page = page::create(&name, &page::Options::new().schema("anything")).unwrap();
    assert_eq!(value(&["dump", &name, "--json"]), json!([]));
    assert!(text(&["dump", &name]).contains("nothing was written"));
    page.writer().unwrap().write(b"the latest").unwrap();
    let wanted = json!([{ "version": 1, "payload_bytes": 10, "hex": "746865" }]);
    assert_eq!(value(&["dump", &name, "--json", "--bytes", "3"]), wanted);
    assert_eq!(output(&["dump", &name, "--raw"]).stdout, b"the latest");
    assert!(text(&["dump", &name]).contains("|the latest|"));
}

#[test]
fn a_dump_of_a_ring_that_goes_on_shows_whole_frames_in_order() {
    for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
        let name = name("moving");
        let ring = ring::create(&name, &Options::new().mode(mode).capacity(1 << 14)).unwrap();
        let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
        let (over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0_usize;
                while !over.load(Ordering::Relaxed) {
                    let payload = vec![number as u8; 1 + number % 500];
                    sender.send_timeout(&payload, Duration::from_secs(30)).unwrap();
                    number += 1;
                    sent.store(number as u64, Ordering::Relaxed);
                }
                drop(sender);
            });
            let (over, sent) = (&over, &sent);
            scope.spawn(move || {
                for received in 0.. {
                    // The receiver stays some frames behind, for a dump to find them.
                    while sent.load(Ordering::Relaxed) < received + 8 && !over.load(Ordering::Relaxed) {
                        std::thread::yield_now();
                    }
                    if let Err(Error::Closed | Error::TimedOut { .. }) =
                        receiver.recv_timeout(Duration::from_secs(30))
                    {
                        break;
                    }
                }
            });
            let dumps = std::panic::catch_unwind(|| {
                let (mut shown, mut dumps, begin) = (0, 0, Instant::now());
                while dumps < 10 || shown == 0 {
                    assert!(begin.elapsed() < Duration::from_secs(60), "{mode}: nothing shown");
                    dumps += 1;
                    let frames = value(&["dump", &name, "--json", "--bytes", "500"]);
                    let mut end = 0;
                    for frame in
                        frames.as_array().unwrap().iter().filter(|frame| frame["state"] == "committed")
                    {
                        let hex = frame["hex"].as_str().unwrap();
                        assert_eq!(hex.len() as u64, 2 * frame["payload_bytes"].as_u64().unwrap());
                        assert!(
                            hex.as_bytes().chunks(2).all(|byte| *byte == hex.as_bytes()[..2]),
                            "torn: {hex}"
                        );
                        assert!(frame["position"].as_u64().unwrap() >= end, "{frames}");
                        end = frame["position"].as_u64().unwrap() + frame["ring_bytes"].as_u64().unwrap();
                        shown += 1;
                    }
                }
            });
            over.store(true, Ordering::Relaxed);
            dumps.unwrap();
        });
    }
}

#[test]
fn a_dump_of_a_poisoned_ring_shows_what_comes_before_and_says_what_is_wrong() {
    let name = name("poisoned");
    let ring = ring::create(&name, &Options::new().capacity(4096)).unwrap();
    ring.sender().unwrap().send(b"sound").unwrap();
    use std::os::unix::fs::FileExt;
    let behind = circlet::shm::layout::DATA as u64 + 16;
    fs::File::options().write(true).open(file(&name)).unwrap().write_all_at(&[0xff; 4], behind).unwrap();
    let output = output(&["dump", &name, "--json"]);
    let error = error_of(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("poisoned") && error.contains("at 16") && error.contains(&name), "{error}");
    let frames: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((frames.as_array().unwrap().len(), &frames[0]["hex"]), (1, &json!("736f756e64")));
}

/// Keeps a ring in use while something looks at it.
fn while_frames_go_through<T>(name: &str, work: impl FnOnce() -> T + std::panic::UnwindSafe) -> T {
    let ring = ring::create(name, &Options::new().capacity(4096)).unwrap();
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                sender.send(&[7; 1000]).unwrap();
                drop(receiver.recv().unwrap());
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        let done = std::panic::catch_unwind(work);
        over.store(true, Ordering::Relaxed);
        done.unwrap()
    })
}

#[test]
fn top_without_a_terminal_prints_one_table_after_one_interval() {
    let name = name("top");
    let begin = Instant::now();
    let table = while_frames_go_through(&name, || text(&["top", "--interval", "200ms"]));
    assert!(begin.elapsed() >= Duration::from_millis(200));
    let row = table.lines().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("{table}"));
    assert!(table.contains("FRAMES/S") && row.contains("spsc") && row.contains("alive"), "{table}");
    assert!(!table.contains('\u{1b}'), "{table:?}");
}

#[test]
fn top_prints_a_line_of_json_for_each_interval_with_the_rates() {
    let name = name("top-json");
    let lines =
        while_frames_go_through(&name, || text(&["top", "--json", "--interval", "0.1", "--count", "3"]));
    assert_eq!(lines.lines().count(), 3, "{lines}");
    for line in lines.lines() {
        let report: Value = serde_json::from_str(line).unwrap();
        assert!(report["interval_s"].as_f64().unwrap() >= 0.1, "{report}");
        let ring = named(&report["rings"], &name);
        let rate = |field: &str| ring[field].as_f64().unwrap_or_else(|| panic!("{field}: {ring}"));
        assert!(rate("frames_per_s") > 0.0, "{ring}");
        let bytes = rate("payload_bytes_per_s") / rate("frames_per_s");
        assert!((bytes / 1000.0 - 1.0).abs() < 1.0, "{bytes} bytes in a frame");
        assert!((0.0..=1.0).contains(&rate("fill")) && ring["dropped_per_s"] == 0.0, "{ring}");
    }
}

#[test]
fn top_ends_when_nobody_reads_it_and_when_it_is_interrupted() {
    let start = |arguments: &[&str]| {
        let mut child =
            Process(circlet(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let out = BufReader::new(child.0.stdout.take().unwrap());
        (child, out)
    };
    let (mut child, mut out) = start(&["top", "--json", "--interval", "10ms"]);
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    assert!(child.0.wait().unwrap().success());
    // Without a count an interrupt is how one ends it; with one it ends too early.
    for (count, code) in [(&[][..], 0), (&["--count", "1000000"], 130)] {
        let (mut child, mut out) = start(&[&["top", "--json", "--interval", "10ms"], count].concat());
        out.read_line(&mut String::new()).unwrap();
        common::run(Command::new("kill").args(["-INT", &child.0.id().to_string()]));
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        assert_eq!(child.0.wait().unwrap().code(), Some(code));
    }
}

/// Runs a program on a terminal of its own, does something once the screen shows a text, and tells how it ended and
/// whether it left the terminal as it was.
const ON_A_TERMINAL: &str = r#"
import fcntl, os, pty, select, signal, struct, sys, termios, time
shows, then, program = sys.argv[1].encode(), sys.argv[2], sys.argv[3:]
main, terminal = pty.openpty()
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 100, 0, 0))
before = termios.tcgetattr(terminal)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(terminal, fd)
    os.execv(program[0], program)
seen, done, deadline = b"", False, time.monotonic() + 60
while time.monotonic() < deadline:
    if select.select([main], [], [], 0.02)[0]:
        seen += os.read(main, 65536)
    elif done and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        break
    if not done and shows in seen:
        done = True
        time.sleep(0.1)
        if then.startswith("SIG"):
            os.kill(child, getattr(signal, then))
        else:
            os.write(main, then.encode().decode("unicode_escape").encode())
else:
    os.kill(child, signal.SIGKILL)
    sys.exit(f"it goes on; seen: {seen!r}")
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
same = termios.tcgetattr(terminal) == before
left = seen.rfind(b"\x1b[?1049l") > seen.rfind(b"\x1b[?1049h") >= 0
shown = seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l") >= 0
longest = max(len(line) for line in seen.replace(b"\x1b", b"\r\n").split(b"\r\n"))
print(f"code {code}, as it was: {same}, screen left: {left}, cursor shown: {shown}, fits: {longest < 110}")
"#;

#[test]
fn top_on_a_terminal_refreshes_and_leaves_it_as_it_was() {
    let name = name("screen");
    let _ring = ring::create(&name, &Options::new().capacity(4096)).unwrap();
    for then in ["q", r"\x03", "SIGTERM", "SIGHUP"] {
        let mut command = Command::new("python3");
        command.args(["-c", ON_A_TERMINAL, &name, then, env!("CARGO_BIN_EXE_circlet")]);
        let ended = common::run(command.args(["ring", "top", "--interval", "50ms"]));
        let wanted = "code 0, as it was: True, screen left: True, cursor shown: True, fits: True\n";
        assert_eq!(ended, wanted, "{then}");
    }
}

#[test]
fn raw_payloads_are_not_sent_to_a_terminal() {
    let name = name("raw");
    let ring = ring::create(&name, &Options::new().capacity(4096)).unwrap();
    ring.sender().unwrap().send(b"\x1b[2J").unwrap();
    let mut command = Command::new("python3");
    command.args(["-c", ON_A_TERMINAL, "circlet: --raw", "", env!("CARGO_BIN_EXE_circlet")]);
    let ended = common::run(command.args(["ring", "dump", &name, "--raw"]));
    assert!(ended.starts_with("code 2, as it was: True"), "{ended}");
}

#[test]
fn only_what_nobody_has_open_is_pruned_and_a_dry_run_prunes_nothing() {
    let (left, open) = (name("left"), name("open"));
    drop(Process::sender(&left, "10"));
    let _ring = ring::create(&open, &Options::new().capacity(4096)).unwrap();
    let both = [left.as_str(), open.as_str()];
    let prune = |more: &[&'static str]| [&["prune"], &both[..], more].concat();

    let dry = text(&prune(&["--dry-run"]));
    assert_eq!(dry, format!("would remove {left}\n"));
    let wanted = json!({ "dry_run": true, "removed": [left], "kept": [open], "failed": [] });
    assert_eq!(value(&prune(&["--dry-run", "--json"])), wanted);
    assert!(file(&left).exists());
    // All of them: what the tests of others do meanwhile is theirs.
    let all = value(&["prune", "--dry-run", "--json"]);
    assert!(all["removed"].as_array().unwrap().contains(&json!(left)), "{all}");
    assert!(all["kept"].as_array().unwrap().contains(&json!(open)), "{all}");

    let wanted = json!({ "dry_run": false, "removed": [left], "kept": [open], "failed": [] });
    assert_eq!(value(&prune(&["--json"])), wanted);
    assert!(!file(&left).exists() && file(&open).exists());
    assert_eq!(text(&["prune", &open]), "nothing to remove: what was named is open somewhere\n");
}

#[test]
fn help_shows_examples_of_every_command_and_completion_knows_them() {
    for command in ["list", "stat", "top", "dump", "prune"] {
        let help = text(&[command, "--help"]);
        assert!(help.contains(&format!("  circlet ring {command}")), "{help}");
    }
    let completions = common::run(Command::new(env!("CARGO_BIN_EXE_circlet")).args(["completions", "bash"]));
    for word in ["--dry-run", "--interval", "--raw", "newest"] {
        assert!(completions.contains(word), "{word}");
    }
}
