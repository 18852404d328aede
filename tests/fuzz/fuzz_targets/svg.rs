//! Reads whatever the fuzzer wrote as path data and as an SVG document.
//!
//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz svg tests/fuzz/corpus/svg tests/fuzz/seeds/svg -- -dict=tests/fuzz/seeds/svg.dict`
#![no_main]

#[path = "../../hostile/svg.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|text: &str| hostile::read(text));
