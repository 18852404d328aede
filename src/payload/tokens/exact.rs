//! The count of the tokenizer itself.

/// Counts the tokens of `o200k_base`. The first call loads its vocabulary, which is part of the program.
pub(in crate::payload) fn count(text: &str) -> u64 {
    tiktoken_rs::o200k_base_singleton().count_ordinary(text) as u64
}
