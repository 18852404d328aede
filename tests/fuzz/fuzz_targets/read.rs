//! Reads and writes a ring whose words and frames the fuzzer wrote.
//!
//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz read`
#![no_main]

#[path = "../../hostile/mod.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::read(bytes));
