//! The session's page between real processes: eight that read while one writes and is killed.
//!
//! The processes are this program again, with [`TASK`] set.
#![cfg(target_os = "linux")]

use std::env;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use circlet::page::{self, Options, Page};
use circlet::payload::{SessionPayload, SessionTracker, TrackerOptions, read_session};
use circlet::shm::{Deadline, PeerState};

/// What a process is to do: its words are the task's name, the page's name, and what else the task needs.
const TASK: &str = "CIRCLET_TEST_TASK";
/// How many reads there are in all, by all readers.
const READS: u64 = 10_000_000;
const READERS: u64 = 8;
/// As long as snapshots are.
const VALUE_BYTES: usize = 6_000;
const SOON: Duration = Duration::from_secs(60);

fn unique(name: &str) -> String {
    format!("circlet-test-{name}-{}", std::process::id())
}

/// A process that goes with the test, whatever becomes of that.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(task: &str) -> Running {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(TASK, task);
    Running(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
}

/// What the processes run. Without a task it is a test that has nothing to do.
#[test]
fn child() {
    let Ok(task) = env::var(TASK) else { return };
    match task.split(' ').collect::<Vec<_>>()[..] {
        ["write", name] => write(&open(name)),
        ["read", name, reads] => read(&open(name), reads.parse().unwrap()),
        ["track", name] => {
            let options = TrackerOptions {
                page: Some(name.to_owned()),
                interval_ms: 1,
                project: false,
                ..TrackerOptions::default()
            };
            let tracker = SessionTracker::start(options).unwrap();
            for number in 0_u64.. {
                tracker
                    .patch(serde_json::json!({"goal": number.to_string(), "last": number.to_string()}))
                    .unwrap();
            }
        }
        _ => panic!("{task:?}"),
    }
}

fn open(name: &str) -> Page {
    page::open(name, &Options::new()).unwrap()
}

/// Writes for ever, each value one word over and over, of a length that follows from it.
fn write(page: &Page) {
    let mut writer = page.writer().unwrap();
    for number in 0_u64.. {
        let mut value = number.to_le_bytes().repeat(VALUE_BYTES / 8);
        value.truncate(length(number));
        writer.write(&value).unwrap();
    }
}

fn length(number: u64) -> usize {
    VALUE_BYTES - 8 * (number % 64) as usize
}

/// Reads so often, and looks at each value that comes whether it is whole.
fn read(page: &Page, reads: u64) {
    let mut reader = page.reader();
    let (mut done, mut newest) = (0, 0);
    while done < reads {
        let value = match reader.read() {
            Ok(Some(value)) => value,
            Ok(None) | Err(page::Error::Overtaken { .. }) => continue,
            Err(error) => panic!("{error}"),
        };
        let word: [u8; 8] = value.bytes[..8].try_into().unwrap();
        assert_eq!(value.bytes.len(), length(u64::from_le_bytes(word)), "the length is another value's");
        assert!(value.bytes[8..] == value.bytes[..value.bytes.len() - 8], "two values in one");
        assert!(value.version >= newest, "an older value came after a newer");
        newest = value.version;
        done += 1;
    }
}

/// Waits for a process, and returns what it complained of.
fn ended(mut child: Running) -> Result<(), String> {
    let status = child.0.wait().unwrap();
    let mut said = String::new();
    child.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    if status.success() { Ok(()) } else { Err(said) }
}

#[test]
fn eight_readers_see_no_torn_value_in_ten_million_reads_though_writers_are_killed_in_the_middle() {
    let name = unique("torn");
    let page = page::create(&name, &Options::new()).unwrap();
    let mut writer = start(&format!("write {name}"));
    page.reader().wait(Deadline::after(SOON)).unwrap();
    let readers: Vec<_> = (0..READERS).map(|_| start(&format!("read {name} {}", READS / READERS))).collect();
    let mut own = page.reader();
    let mut killed = 0;
    let mut readers: Vec<_> = readers.into_iter().map(Some).collect();
    while readers.iter().any(Option::is_some) {
        // A while of writing, and then a kill wherever it is.
        let until = Instant::now() + Duration::from_millis(40 + killed % 7);
        while Instant::now() < until {
            own.wait(Deadline::after(SOON)).unwrap();
        }
        writer.0.kill().unwrap();
        writer.0.wait().unwrap();
        killed += 1;
        let value = own.read().unwrap().unwrap();
        assert!(
            value.bytes[8..] == value.bytes[..value.bytes.len() - 8],
            "the last whole value is not there"
        );
        for reader in &mut readers {
            if reader.as_mut().is_some_and(|reader| reader.0.try_wait().unwrap().is_some()) {
                assert_eq!(ended(reader.take().unwrap()), Ok(()));
            }
        }
        writer = start(&format!("write {name}"));
        let version = own.read().unwrap().unwrap().version;
        let until = Instant::now() + SOON;
        while own.read().unwrap().unwrap().version == version {
            assert!(Instant::now() < until, "nobody writes");
        }
    }
    assert!(killed > 3, "{killed}");
}

#[test]
fn a_killed_tracker_leaves_its_last_whole_snapshot_to_those_who_have_its_page_open() {
    let name = unique("killed");
    let mut tracked = start(&format!("track {name}"));
    let until = Instant::now() + SOON;
    let page = loop {
        match page::open(&name, &Options::new().schema(circlet::payload::PAGE_SCHEMA)) {
            Ok(page) => break page,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        std::thread::yield_now();
    };
    let mut reader = page.reader();
    for _ in 0..20 {
        let value = reader.wait(Deadline::after(SOON)).unwrap();
        let payload = SessionPayload::from_json(std::str::from_utf8(value.bytes).unwrap()).unwrap();
        // What was set together is there together.
        assert_eq!(payload.goal, payload.last);
    }
    tracked.0.kill().unwrap();
    tracked.0.wait().unwrap();
    let value = reader.read().unwrap().unwrap();
    let payload = SessionPayload::from_json(std::str::from_utf8(value.bytes).unwrap()).unwrap();
    assert_eq!(payload.metadata.unwrap().env.unwrap().process_id, Some(u64::from(tracked.0.id())));
    assert_eq!(reader.writer_state(), PeerState::Dead);
    // Its name can be used again.
    let options = TrackerOptions { page: Some(name.clone()), project: false, ..TrackerOptions::default() };
    let again = SessionTracker::start(options).unwrap();
    let until = Instant::now() + SOON;
    while read_session(&name).unwrap().is_none() {
        assert!(Instant::now() < until);
    }
    drop(again);
    assert!(read_session(&name).is_err(), "the name has gone with its tracker");
}
