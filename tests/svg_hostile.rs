//! No text makes the readers of SVG crash, give a curve that is not finite, or blame a place that is not there.
//!
//! The same calls are fuzzed with coverage by `tests/fuzz`; here they get its seeds, and random words of the grammar.
#![cfg(feature = "svg")]

#[path = "hostile/svg.rs"]
mod hostile;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[test]
fn every_seed_of_the_fuzzer_is_read_or_refused_as_promised() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds/svg");
    let mut seeds = 0;
    for entry in fs::read_dir(folder).unwrap() {
        hostile::read(&fs::read_to_string(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds > 20, "{seeds}");
}

/// Numbers as path data has them, large and small, and now and then what is none.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (-9..9_i32).prop_map(|n| n.to_string()),
        4 => any::<f64>().prop_map(|x| format!("{x:e}")),
        4 => (-1e3..1e3).prop_map(|x: f64| format!("{x}")),
        1 => prop::sample::select(vec!["1e300", "-9e299", "1e308", "5e-324", "1e", ".", "-", "NaN", "1e999", "é", "0x1"])
            .prop_map(str::to_owned),
    ]
}

/// A command with about as many numbers as it takes.
fn command() -> impl Strategy<Value = String> {
    let letter = prop::sample::select("MmZzLlHhVvCcSsQqTtAa".chars().collect::<Vec<_>>());
    let separator = prop::sample::select(vec![" ", ",", "\n", " , ", ""]);
    (letter, prop::collection::vec(number(), 7), separator, any::<[bool; 2]>(), 0..20_usize).prop_map(
        |(letter, mut numbers, separator, [large, sweep], slip)| {
            let takes = match letter.to_ascii_lowercase() {
                'z' => 0,
                'h' | 'v' => 1,
                's' | 'q' => 4,
                'c' => 6,
                'a' => 7,
                _ => 2,
            };
            (numbers[3], numbers[4]) = (u8::from(large).to_string(), u8::from(sweep).to_string());
            // One too few, once in a while.
            numbers.truncate(takes - usize::from(slip == 0 && takes > 0));
            format!("{letter}{}", numbers.join(separator))
        },
    )
}

fn path_data() -> impl Strategy<Value = String> {
    prop::collection::vec(command(), 0..12).prop_map(|commands| format!("M0 0{}", commands.concat()))
}

/// A transform or a place, of sound and of broken numbers.
fn attribute() -> impl Strategy<Value = String> {
    let transform = prop::sample::select(vec!["translate", "scale", "rotate", "skewX", "matrix", "spin"]);
    let length = prop::sample::select(vec!["x", "y", "width", "height", "viewBox"]);
    let unit = prop::sample::select(vec!["", "px", "in", "mm", "%", "em"]);
    prop_oneof![
        Just(String::new()),
        (transform, prop::collection::vec(number(), 1..7))
            .prop_map(|(name, numbers)| format!("transform='{name}({})'", numbers.join(" "))),
        (length, number(), unit).prop_map(|(name, number, unit)| format!("{name}='{number}{unit}'")),
        (prop::collection::vec(number(), 4), number())
            .prop_map(|(sides, size)| format!("viewBox='{}' width='{size}' height='3'", sides.join(" "))),
    ]
}

fn document() -> impl Strategy<Value = String> {
    let tag = prop::sample::select(vec!["g", "svg", "defs", "symbol", "a"]);
    let part = (tag, attribute(), path_data(), any::<bool>()).prop_map(|(tag, attribute, d, is_closed)| {
        let end = if is_closed { format!("</{tag}>") } else { String::new() };
        (format!("<{tag} {attribute}>\n<path d='{d}'/>{end}"), if is_closed { "" } else { tag })
    });
    prop::collection::vec(part, 0..6).prop_map(|parts| {
        let opened: String = parts.iter().map(|(text, _)| text.as_str()).collect();
        let open = parts.iter().rev().filter(|(_, tag)| !tag.is_empty());
        let closed: String = open.map(|(_, tag)| format!("</{tag}>")).collect();
        format!("<svg>{opened}{closed}</svg>")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn path_data_of_any_commands_gives_finite_curves_or_an_error_that_points_into_it(d in path_data()) {
        hostile::read_path(&d);
    }

    #[test]
    fn a_document_of_any_places_gives_finite_curves_or_an_error_with_its_line(text in document()) {
        hostile::read_file(&text);
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in any::<String>(), start in prop::sample::select(vec!["", "M0 0", "<svg>"])) {
        hostile::read(&format!("{start}{text}"));
    }
}
