//! The hub's page in a real browser, by `tests/hub_page/cases.mjs`. Screenshots of all views are left in `target/scratch`.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod common;
#[path = "common/programs.rs"]
mod programs;

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use circlet::hub::{Column, Hub, HubOptions};
use circlet::ring::{self, Mode, Options};

use common::{bun_package, root, run, scratch};
use programs::program;

/// Runs a case of the script, where there is a browser.
fn passes(case: &str, variables: &[(&str, &str)]) {
    let (Some(chromium), Some(node)) = (program("chromium"), program("node")) else { return };
    let mut command = Command::new(node);
    command.arg(root().join("tests/hub_page/cases.mjs")).arg(case).envs(variables.iter().copied());
    command.env("CIRCLET_PROGRAM", env!("CARGO_BIN_EXE_circlet")).env("CIRCLET_CHROMIUM", chromium);
    command.env("CIRCLET_NPM", bun_package()).env("CIRCLET_ROOT", root());
    command.env("CIRCLET_SCRATCH", scratch(&format!("hub-page-{case}")));
    println!("{}", run(&mut command));
}

/// Does something over and over beside something else.
fn beside(again: impl FnMut(u64) + Send, every: Duration, act: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut again = again;
        let is_over = &is_over;
        scope.spawn(move || {
            for number in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                again(number);
                std::thread::sleep(every);
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

fn wave(number: u64, points: u16) -> (Vec<f64>, Vec<f64>) {
    let phase = number as f64 / 20.0;
    (0..points).map(|i| f64::from(i) / 10.0).map(|x| (x, (x + phase).sin())).unzip()
}

#[test]
fn each_view_shows_what_is_published_in_both_themes_and_asks_nobody_else() {
    let name = format!("circlet-test-hub-page-{}", std::process::id());
    let options = Options::new().mode(Mode::Mpsc).capacity(1 << 16);
    let ring = ring::create(&name, &options).unwrap();
    let mut sender = ring.sender().unwrap();
    let send = |number| {
        let (x, y) = wave(number, 50);
        // A ring that is full drops it.
        let _ =
            sender.try_send(serde_json::json!({ "x": x, "y": y, "number": number }).to_string().as_bytes());
    };
    beside(send, Duration::from_millis(10), || passes("views", &[("CIRCLET_RING", &name)]));
}

#[test]
fn columns_of_bytes_are_drawn_as_they_change() {
    let mut options = HubOptions::default();
    options.addr = "127.0.0.1:0".parse().unwrap();
    let hub = Hub::start(options).unwrap();
    let publish = |number| {
        let (x, y) = wave(number, 300);
        let narrow = |column: &[f64]| column.iter().map(|value| *value as f32).collect::<Vec<_>>();
        let f32 = vec![Column::f32("x", narrow(&x)), Column::f32("y", narrow(&y))];
        hub.set("columns", "f32", f32).unwrap();
        let half = y.iter().map(|value| value / 2.0);
        hub.set("columns", "f64", vec![Column::f64("x", x.clone()), Column::f64("y", half)]).unwrap();
    };
    let address = format!("http://{}", hub.addr());
    beside(publish, Duration::from_millis(20), || passes("columns", &[("CIRCLET_HUB", &address)]));
}

#[test]
fn the_client_in_the_page_is_the_published_one_with_its_licence() {
    let (ours, theirs) =
        (root().join("src/hub/page/vendor"), bun_package().join("node_modules/socket.io-client"));
    for (file, original) in [("socket.io.esm.min.js", "dist/socket.io.esm.min.js"), ("LICENSE", "LICENSE")] {
        let [ours, theirs] =
            [ours.join(file), theirs.join(original)].map(|path| std::fs::read(path).unwrap());
        assert!(ours == theirs, "{file} is not what npm has");
    }
}

#[test]
fn each_file_comes_with_its_policy_and_once() {
    passes("files", &[]);
}

#[test]
fn a_page_goes_on_after_its_hub_was_killed_and_started_again() {
    passes("again", &[]);
}

#[test]
fn a_session_whose_tracker_has_ended_is_said_to_have_and_grows_old() {
    passes("ended", &[]);
}

#[test]
fn a_ring_whose_producers_are_gone_is_said_to_be_so_without_a_flicker() {
    let name = format!("circlet-test-hub-page-gone-{}", std::process::id());
    let ring = ring::create(&name, &Options::new().mode(Mode::Mpsc)).unwrap();
    ring.sender().unwrap().send(br#"{"last": "word"}"#).unwrap();
    passes("closed", &[("CIRCLET_RING", &name)]);
}

#[test]
fn a_recording_says_that_it_is_one_and_how_far_it_is() {
    passes("replay", &[]);
}

#[test]
fn what_does_not_work_is_said_and_numbers_that_mean_nothing_are_not() {
    let name = format!("circlet-test-hub-page-said-{}", std::process::id());
    let options = Options::new().mode(Mode::Broadcast).capacity(1 << 16);
    let ring = ring::create(&name, &options).unwrap();
    let mut sender = ring.sender().unwrap();
    let send = |number: u64| {
        let _ = sender.try_send(serde_json::json!({ "number": number }).to_string().as_bytes());
    };
    beside(send, Duration::from_millis(10), || passes("said", &[("CIRCLET_RING", &name)]));
}

#[test]
fn a_view_that_has_nothing_to_show_says_which_command_shows_something() {
    passes("nothing", &[]);
}

#[test]
fn a_thousand_rooms_are_listed_without_being_drawn_with_each_tick_and_found_by_name() {
    passes("many", &[]);
}

#[test]
fn a_page_without_websockets_polls() {
    passes("polling", &[]);
}

#[test]
fn a_hidden_page_leaves_its_rooms_and_goes_on_where_it_was() {
    passes("hidden", &[]);
}

#[test]
fn keys_alone_reach_everything() {
    passes("keys", &[]);
}

#[test]
fn a_page_that_is_told_thirty_times_a_second_does_not_grow() {
    passes("heap", &[]);
}

#[test]
fn a_token_is_asked_for_and_kept_for_the_tab_alone() {
    passes("token", &[]);
}

#[test]
fn what_comes_is_never_taken_for_html() {
    passes("hostile", &[]);
}

#[test]
fn a_phone_shows_each_view_without_scrolling_sideways() {
    passes("phone", &[]);
}
