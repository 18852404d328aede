//! That the scripts together reach every place in the source that stores to a segment.

use std::collections::BTreeSet;

use super::{Case, FRAMES, near_the_end, options, pretend_to_wait, send};
use crate::page;
use crate::ring::{Mode, Ring};
use crate::shm::layout::{consumer, producer};

/// The files whose stores go to a segment.
const SOURCES: [(&str, &str); 10] = [
    ("src/ring/protocol/lane.rs", include_str!("../protocol/lane.rs")),
    ("src/ring/protocol/single.rs", include_str!("../protocol/single.rs")),
    ("src/ring/protocol/many.rs", include_str!("../protocol/many.rs")),
    ("src/ring/protocol/consumer.rs", include_str!("../protocol/consumer.rs")),
    ("src/ring/protocol/broadcast.rs", include_str!("../protocol/broadcast.rs")),
    ("src/ring/sender.rs", include_str!("../sender.rs")),
    ("src/ring/receiver.rs", include_str!("../receiver.rs")),
    ("src/shm/wait.rs", include_str!("../../shm/wait.rs")),
    ("src/shm/presence.rs", include_str!("../../shm/presence.rs")),
    ("src/page/writer.rs", include_str!("../../page/writer.rs")),
];

#[test]
fn the_scripts_store_from_every_place_in_the_source_that_stores() {
    let mut reached = BTreeSet::new();
    let mut run = |mode: Mode, script: &str, prepare: &dyn Fn(&Ring, &Case)| {
        let case = Case::new();
        let ring = case.ring(&options(mode));
        prepare(&ring, &case);
        assert!(!case.run(script, None).0, "{script}");
        reached.extend(case.places());
    };
    let nothing = |_: &Ring, _: &Case| {};
    let somebody_waits = |ring: &Ring, _: &Case| {
        if ring.mode() != Mode::Broadcast {
            near_the_end(ring);
        }
        pretend_to_wait(ring, consumer::WAITING);
    };
    let is_full = |ring: &Ring, _: &Case| {
        let mut sender = ring.sender().unwrap();
        while sender.try_send(&[1; 500]).is_ok() {}
    };
    let has_frames = |ring: &Ring, _: &Case| {
        let mut sender = ring.sender().unwrap();
        (0..FRAMES).for_each(|number| send(&mut sender, number));
        pretend_to_wait(ring, producer::WAITING);
    };
    for mode in [Mode::Spsc, Mode::Mpsc, Mode::Broadcast] {
        run(mode, "send", &somebody_waits);
        run(mode, "wait", &nothing);
    }
    for mode in [Mode::Spsc, Mode::Mpsc] {
        run(mode, "claim", &nothing);
        run(mode, "fragments", &nothing);
        run(mode, "overflow", &is_full);
        run(mode, "recv", &has_frames);
    }
    run(Mode::Mpsc, "locked", &nothing);
    // The producer dies in its claim, at each of its first stores in turn, and the reader or another producer settles it.
    for undertaker in ["bury", "send"] {
        for stores in 0..40 {
            run(Mode::Mpsc, undertaker, &|ring, case| {
                near_the_end(ring);
                let _other = ring.sender().unwrap();
                case.run("send", Some(stores));
            });
        }
    }
    let case = Case::new();
    let _page = page::create(&case.name, &page::Options::new()).unwrap();
    assert!(!case.run("page", None).0);
    reached.extend(case.places());

    let stores = [".store(", ".swap(", ".fetch_or(", ".fetch_and(", ".replace("];
    let mut missing = Vec::new();
    let mut places = 0;
    for (file, text) in SOURCES {
        for (index, line) in text.lines().enumerate() {
            // A flag of this process alone is no word of the segment.
            if stores.iter().any(|store| line.contains(store)) && !line.contains("seen.") {
                places += 1;
                let place = format!("{file}:{}", index + 1);
                if !reached.contains(&place) {
                    missing.push(place);
                }
            }
        }
    }
    println!("{places} places in the source store to a segment");
    assert!(missing.is_empty(), "no script stores from {missing:?}");
}
