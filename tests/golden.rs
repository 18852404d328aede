//! Whole segments, byte for byte: what the core writes is what it wrote when `tests/data/ring` was committed, and it
//! reads what is there. The other languages' suites hold themselves to the same dumps.
#![cfg(all(feature = "capi", target_os = "linux"))]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use circlet::page::{self, Page};
use circlet::ring::{self, Error, Mode, Options, Ring};
use circlet::shm::Deadline;
use circlet::shm::layout::{SLOTS, consumer, header, producer};

use common::root;

fn folder() -> PathBuf {
    root().join("tests/data/ring")
}

/// What one dump is made by; its README.md says what each line means.
#[derive(Default)]
struct Recipe {
    name: String,
    mode: String,
    max_message: u32,
    steps: Vec<Step>,
    left: usize,
}

enum Step {
    Send { producer: usize, len: usize },
    Abort { producer: usize, len: usize },
    Recv { count: usize },
}

fn recipes() -> Vec<Recipe> {
    let mut recipes: Vec<Recipe> = Vec::new();
    for line in fs::read_to_string(folder().join("recipes.txt")).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<usize>().unwrap();
        if words[0] == "dump" {
            let (name, mode) = (words[1].to_owned(), words[2].to_owned());
            let max_message = number(3).try_into().unwrap();
            recipes.push(Recipe { name, mode, max_message, ..Recipe::default() });
            continue;
        }
        let recipe = recipes.last_mut().unwrap();
        match words[0] {
            "send" => recipe.steps.push(Step::Send { producer: number(1), len: number(2) }),
            "abort" => recipe.steps.push(Step::Abort { producer: number(1), len: number(2) }),
            "recv" => recipe.steps.push(Step::Recv { count: number(1) }),
            "left" => recipe.left = number(1),
            other => panic!("{other} is no step"),
        }
    }
    recipes
}

impl Recipe {
    /// The messages in the order in which they are sent.
    fn messages(&self) -> Vec<Vec<u8>> {
        let lens = self.steps.iter().filter_map(|step| match step {
            Step::Send { len, .. } => Some(*len),
            _ => None,
        });
        let bytes = |(number, len)| (0..len).map(|at| (number * 31 + at * 7) as u8).collect();
        lens.enumerate().map(bytes).collect()
    }

    /// What a reader of the dump gets.
    fn unread(&self) -> Vec<Vec<u8>> {
        let mut messages = self.messages();
        messages.split_off(messages.len() - self.left)
    }

    fn options(&self) -> Options {
        let mode = match self.mode.as_str() {
            "spsc" => Mode::Spsc,
            "mpsc" => Mode::Mpsc,
            "broadcast" => Mode::Broadcast,
            other => panic!("{other} is no mode of a ring"),
        };
        let options = Options::new().mode(mode).capacity(4096);
        if self.max_message == 0 { options } else { options.max_message(self.max_message) }
    }

    /// Writes the segment, and returns its bytes once everybody has left it.
    fn write(&self) -> Vec<u8> {
        let name = format!("circlet-test-golden-{}-{}", self.name, std::process::id());
        let open = || File::open(Path::new("/dev/shm").join(&name)).unwrap();
        let mut file;
        if self.mode == "page" {
            let page = page::create(&name, &page::Options::new().max_bytes(self.max_message)).unwrap();
            file = open();
            self.write_page(&page);
        } else {
            let ring = ring::create(&name, &self.options()).unwrap();
            file = open();
            self.write_ring(&ring);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        without_machine(bytes)
    }

    fn write_page(&self, page: &Page) {
        let mut writer = page.writer().unwrap();
        for message in self.messages() {
            writer.write(&message).unwrap();
        }
    }

    fn write_ring(&self, ring: &Ring) {
        let (mut senders, mut receiver) = (BTreeMap::new(), None);
        let taken = || ring.sender().unwrap();
        let mut messages = self.messages().into_iter();
        for step in &self.steps {
            match *step {
                Step::Send { producer, .. } => {
                    let sender = senders.entry(producer).or_insert_with(taken);
                    sender.try_send(&messages.next().unwrap()).unwrap();
                }
                Step::Abort { producer, len } => {
                    drop(senders.entry(producer).or_insert_with(taken).try_claim(len).unwrap());
                }
                Step::Recv { count } => {
                    let receiver = receiver.get_or_insert_with(|| ring.receiver().unwrap());
                    assert_eq!(receiver.recv_many(count).unwrap().into_iter().count(), count);
                }
            }
        }
    }

    /// Puts the dump where it can be opened, reads all of it, and removes it.
    fn read(&self) -> Vec<Vec<u8>> {
        let name = format!("circlet-test-dump-{}-{}", self.name, std::process::id());
        let path = Path::new("/dev/shm").join(&name);
        fs::copy(folder().join(format!("{}.bin", self.name)), &path).unwrap();
        let found = if self.mode == "page" { self.read_page(&name) } else { read_ring(&name) };
        fs::remove_file(path).unwrap();
        found
    }

    fn read_page(&self, name: &str) -> Vec<Vec<u8>> {
        let page = page::open(name, &page::Options::new()).unwrap();
        let mut reader = page.reader();
        let value = reader.wait(Deadline::NEVER).unwrap();
        assert_eq!(value.version as usize, self.messages().len());
        let found = vec![value.bytes.to_vec()];
        assert!(matches!(reader.wait(Deadline::NEVER), Err(page::Error::Closed)));
        found
    }
}

fn read_ring(name: &str) -> Vec<Vec<u8>> {
    let mut receiver = ring::open(name).unwrap().receiver_from_oldest().unwrap();
    let mut found = Vec::new();
    loop {
        match receiver.recv() {
            Ok(frame) => found.push(frame.to_vec()),
            Err(Error::Closed) => return found,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Zeroes what differs from one machine, process and moment to another.
fn without_machine(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[header::CREATOR_PID..][..4].fill(0);
    bytes[header::CREATED_MS..][..8].fill(0);
    for seat in (0..SLOTS).map(|slot| producer::SEATS + 8 * slot).chain([consumer::SEAT]) {
        bytes[seat + 4..][..4].fill(0);
    }
    bytes
}

#[test]
fn the_same_steps_write_the_committed_bytes() {
    for recipe in recipes() {
        let (path, written) = (folder().join(format!("{}.bin", recipe.name)), recipe.write());
        if std::env::var_os("CIRCLET_BLESS").is_some() {
            fs::write(&path, &written).unwrap();
        }
        let committed = fs::read(&path).unwrap();
        let differs = committed.iter().zip(&written).position(|(one, other)| one != other);
        assert_eq!((differs, committed.len()), (None, written.len()), "{}", recipe.name);
    }
}

#[test]
fn the_committed_bytes_are_read_as_what_was_written() {
    for recipe in recipes() {
        assert_eq!(recipe.read(), recipe.unread(), "{}", recipe.name);
    }
}

#[test]
fn c_writes_and_reads_the_committed_bytes() {
    common::run(&mut Command::new(common::c_program("tests/c/golden.c")));
}
