//! Opens whatever the fuzzer wrote as a segment, and uses what opens.
//!
//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz attach`
#![no_main]

#[path = "../../hostile/mod.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::attach(bytes));
