//! How many tokens a text is for a language model.
//!
//! With the feature `tokens` the count is that of the tokenizer `o200k_base`. Without it, it is an upper bound of that count, made
//! of facts about its vocabulary. Either count of text that consists of lines is the sum of the counts of its lines, where each ends with a
//! newline and none begins with a space, a newline or a slash: the tokenizer cuts text after such a newline and before
//! it merges anything.

#[cfg(any(test, not(feature = "tokens")))]
mod estimate;
#[cfg(feature = "tokens")]
mod exact;

#[cfg(not(feature = "tokens"))]
pub(super) use estimate::count;
#[cfg(feature = "tokens")]
pub(super) use exact::count;

/// Says whether [`count`] is the tokenizer's count and not an upper bound of it.
pub(super) const IS_EXACT: bool = cfg!(feature = "tokens");
