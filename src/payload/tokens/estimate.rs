//! An upper bound of the count, without the vocabulary.
//!
//! The tokenizer cuts text into pieces (a word, up to three digits, a run of punctuation), then merges neighbours in each
//! piece for as long as two of them together are in its vocabulary. So a piece of n bytes is n tokens at the most, and fewer where facts of the
//! vocabulary say so:
//!
//! * Digits up to three are one token.
//! * The words of `words.txt`, alone and after a space, and the punctuation of [`PUNCTUATION`] are one token.
//! * Two small letters that are next to each other never stay two tokens, but for the pairs of [`APART`]; nor does a space before a letter.
//!
//! Where a piece of ASCII is next to other characters, or a contraction such as `'s` may belong to it, only its bytes are counted: where
//! the tokenizer cuts is then a matter of tables of Unicode that are not here.

use std::sync::LazyLock;

/// Pairs of small letters that the vocabulary does not have. It has all others.
const APART: &[u8] = b"bqgkgqjvjzkqkzlqnqqfqgqjqkqvqzrjtqwqwzxgxjxkxqxvxwyqzjzqzv";
/// Pieces of more than one character of punctuation that are one token.
const PUNCTUATION: &[&str] = &[" \"", "\",", "\"\n", " (", "),", ")\n", "%,", "%\n", "\"),", " +"];

/// Words that are one token, alone and after a space, sorted by their bytes.
static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("words.txt").lines().collect());

/// Counts as many tokens as a text has at the most.
pub(in crate::payload) fn count(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let (mut tokens, mut at) = (0, 0);
    let mut is_after_apostrophe = false;
    while at < bytes.len() {
        let end = piece_end(bytes, at);
        let is_beside_other = !bytes[at].is_ascii()
            || (at > 0 && !bytes[at - 1].is_ascii() && bytes[at] != b' ')
            || bytes.get(end).is_some_and(|next| !next.is_ascii());
        // `'re` and `'rE` belong to the word before; what is left of a word after `'rE` has another beginning than it looks.
        let has_apostrophe = bytes[at] == b'\'';
        let may_be_contracted = has_apostrophe || is_after_apostrophe || bytes.get(end) == Some(&b'\'');
        tokens += if is_beside_other || may_be_contracted { end - at } else { of_piece(&text[at..end]) };
        (at, is_after_apostrophe) = (end, has_apostrophe && bytes[end - 1].is_ascii_alphabetic());
    }
    tokens as u64
}

/// Finds the end of the piece that begins at a place. A character that is not ASCII is a piece of its own.
fn piece_end(bytes: &[u8], at: usize) -> usize {
    let run = |from: usize, is_in: fn(&u8) -> bool| {
        from + bytes[from..].iter().take_while(|byte| is_in(byte)).count()
    };
    let word = |from: usize| run(run(from, u8::is_ascii_uppercase), u8::is_ascii_lowercase);
    let first = bytes[at];
    if !first.is_ascii() {
        // To the next character: the bytes of this one that follow its first begin with the bits 10.
        return run(at + 1, |byte| byte & 0xc0 == 0x80);
    }
    if first.is_ascii_digit() {
        return run(at, u8::is_ascii_digit).min(at + 3);
    }
    if first.is_ascii_alphabetic() {
        return word(at);
    }
    // One character that is no letter and no digit belongs to the word after it.
    if first != b'\n' && first != b'\r' && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) {
        return word(at + 1);
    }
    let marks = if first == b' ' { at + 1 } else { at };
    let end = run(marks, u8::is_ascii_punctuation);
    if end > marks { run(end, |byte| matches!(byte, b'\n' | b'\r')) } else { at + 1 }
}

/// Counts as many tokens as a piece has at the most.
fn of_piece(piece: &str) -> usize {
    let word = piece.strip_prefix(' ').unwrap_or(piece);
    let is_one = piece.len() == 1
        || word.bytes().all(|byte| byte.is_ascii_digit()) && word.len() == piece.len()
        || PUNCTUATION.contains(&piece)
        || WORDS.binary_search(&word).is_ok();
    if is_one { 1 } else { merged(piece.as_bytes()) }
}

/// Counts the parts of one and two bytes that a piece can be cut into at the most, where no two parts of one byte that are next to each
/// other are a pair of the vocabulary. Longer parts would be fewer.
fn merged(piece: &[u8]) -> usize {
    // The most parts of what is before the last byte, and of all so far where the last part is of one byte and where it is of two.
    let (mut before, mut single, mut pair) = (0, 1, 0);
    for at in 1..piece.len() {
        let after_single = if is_pair(piece[at - 1], piece[at]) { 0 } else { single };
        let most = single.max(pair);
        (single, pair) = (after_single.max(pair) + 1, before + 1);
        before = most;
    }
    single.max(pair)
}

fn is_pair(one: u8, other: u8) -> bool {
    match (one, other) {
        (b' ', b'A'..=b'Z' | b'a'..=b'z') => true,
        (b'a'..=b'z', b'a'..=b'z') => !APART.chunks_exact(2).any(|pair| pair == [one, other]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_sorted_and_each_is_a_piece() {
        assert!(WORDS.is_sorted());
        for word in &*WORDS {
            assert_eq!(piece_end(word.as_bytes(), 0), word.len(), "{word}");
        }
    }

    #[test]
    fn text_is_at_most_a_token_a_byte() {
        for (text, most) in [
            ("", 0),
            ("Workers", 1),
            ("Workers: 2 active\n", 6),
            ("123456", 2),
            // Two letters, and one that no other can be merged with.
            ("ekx", 2),
            ("gkgk", 3),
            ("gqgq", 4),
            ("worker's", 8),
            ("activeé active", 9),
            ("…\n", 4),
        ] {
            assert_eq!(count(text), most, "{text:?}");
        }
    }

    #[cfg(feature = "tokens")]
    mod exactly {
        use proptest::prelude::*;

        use super::super::super::exact;
        use super::*;

        #[test]
        fn the_facts_of_the_vocabulary_hold() {
            let is_one = |text: &str| assert_eq!(exact::count(text), 1, "{text:?}");
            for word in &*WORDS {
                is_one(word);
                is_one(&format!(" {word}"));
            }
            PUNCTUATION.iter().for_each(|marks| is_one(marks));
            for number in 0..1_000 {
                is_one(&format!("{number}"));
                is_one(&format!("{number:02}"));
                is_one(&format!("{number:03}"));
            }
            for one in b'a'..=b'z' {
                is_one(&format!(" {}", char::from(one)));
                is_one(&format!(" {}", char::from(one.to_ascii_uppercase())));
                for other in b'a'..=b'z' {
                    let pair = [one, other].map(char::from);
                    let tokens = if is_pair(one, other) { 1 } else { 2 };
                    assert_eq!(exact::count(&String::from_iter(pair)), tokens, "{pair:?}");
                }
            }
        }

        #[test]
        fn where_words_are_cut_otherwise_than_they_look_bytes_are_counted() {
            for text in [
                "it'rError",
                "it'vEvent",
                "it'lLast",
                "it'RError",
                "''s",
                "x'ſt",
                "²1234",
                "日ABcd",
                "…\"memory",
                "é\",\n",
            ] {
                assert!(count(text) >= exact::count(text), "{text}: {} {}", count(text), exact::count(text));
            }
        }

        /// Text like that of a summary, and text that is made to be cut otherwise than it looks.
        fn text() -> impl Strategy<Value = String> {
            let part = prop_oneof![
                "[a-z]{1,12}",
                "[A-Za-z]{1,6}",
                "[0-9]{1,8}",
                "[ -~]{1,6}",
                "[\"'_./:,%()+# -]{1,4}",
                prop::sample::select(vec![
                    "'s", "'re", "'rE", "'v", "'lL", "'ll", "'ſ", " ", "\n", "\"\n", "…", "²", "½", "é", "ß",
                    "\u{301}", "漢", "🦀", "\u{a0}", "\u{3000}", "→"
                ])
                .prop_map(str::to_owned),
                prop::sample::select(WORDS.to_vec()).prop_map(|word| format!(" {word}")),
                any::<String>(),
            ];
            prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2_000))]

            #[test]
            fn the_estimate_is_never_below_the_count(text in text()) {
                prop_assert!(count(&text) >= exact::count(&text), "{} {}", count(&text), exact::count(&text));
            }

            #[test]
            fn lines_cost_what_they_cost_alone(lines in prop::collection::vec(text(), 0..8)) {
                let lines: Vec<String> = lines.iter().map(|line| format!("Label: {}\n", line.replace(['\r', '\n'], ""))).collect();
                prop_assert_eq!(exact::count(&lines.concat()), lines.iter().map(|line| exact::count(line)).sum::<u64>());
                prop_assert_eq!(count(&lines.concat()), lines.iter().map(|line| count(line)).sum::<u64>());
            }
        }
    }
}
