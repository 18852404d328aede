//! Strings of others, made safe to stand in a line.

/// The characters that a line spends on a name.
const NAME_CHARS: usize = 60;

/// Writes free text in quotes, so that a reader sees where it ends, and clipped to so many characters; `None` for empty text.
pub(super) fn quoted(text: &str, chars: usize) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| format!("\"{}\"", escaped(text, chars)))
}

/// Writes a name; in quotes when it holds what could be taken for the words around it. `None` for an empty name.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@+#".contains(&byte);
    if text.is_empty() {
        None
    } else if text.len() <= NAME_CHARS && text.bytes().all(is_plain) && !text.ends_with(':') {
        Some(text.to_owned())
    } else {
        quoted(text, NAME_CHARS)
    }
}

/// Escapes text and clips it to `limit` characters, the ellipsis among them. No escape is cut in two.
fn escaped(text: &str, limit: usize) -> String {
    let mut written = String::new();
    let mut chars = 0;
    let mut room_for_ellipsis = 0;
    for c in text.chars() {
        let before = written.len();
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            c if breaks_text(c) => written.extend(c.escape_default()),
            c => written.push(c),
        }
        chars += written[before..].chars().count();
        if chars > limit {
            written.truncate(room_for_ellipsis);
            written.push('…');
            return written;
        }
        if chars < limit {
            room_for_ellipsis = written.len();
        }
    }
    written
}

/// Says whether a character ends a line, moves the text around it, or is there and not seen (Unicode's `Default_Ignorable_Code_Point`).
fn breaks_text(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{escaped, name, quoted};

    #[test]
    fn text_is_clipped_at_a_character_and_never_inside_an_escape() {
        assert_eq!(escaped("abcde", 5), "abcde");
        assert_eq!(escaped("abcdef", 5), "abcd…");
        assert_eq!(escaped("äöüßäö", 5), "äöüß…");
        assert_eq!(escaped("\n\n\n", 6), "\\n\\n\\n");
        assert_eq!(escaped("\n\n\n", 5), "\\n\\n…");
        assert_eq!(escaped("\u{202e}\u{202e}", 9), "\\u{202e}…");
        assert_eq!(escaped("🦀🦀🦀", 2), "🦀…");
    }

    #[test]
    fn text_cannot_leave_its_quotes() {
        assert_eq!(quoted(r#"a". Now "b\"#, 80).unwrap(), r#""a\". Now \"b\\""#);
        assert_eq!(quoted(" \n", 80), None);
    }

    #[test]
    fn what_is_not_seen_is_escaped() {
        assert_eq!(
            escaped("a\u{e0101}b\u{fe0f}c\u{2028}\u{85}", 80),
            "a\\u{e0101}b\\u{fe0f}c\\u{2028}\\u{85}"
        );
    }

    #[test]
    fn a_name_is_quoted_only_when_it_could_be_mistaken() {
        for plain in ["main", "w_9b1c", "node:vm", "feature/x#1", "src/a.rs:1-150", "bun@1.3.2"] {
            assert_eq!(name(plain).unwrap(), plain);
        }
        assert_eq!(name("Apple M2 Max").unwrap(), "\"Apple M2 Max\"");
        assert_eq!(name("main, clean").unwrap(), "\"main, clean\"");
        assert_eq!(name("Git:").unwrap(), "\"Git:\"");
        assert_eq!(name("w\u{7}").unwrap(), "\"w\\u{7}\"");
        assert_eq!(name("für").unwrap(), "\"für\"");
        assert_eq!(name(&"x".repeat(61)).unwrap(), format!("\"{}…\"", "x".repeat(59)));
        assert_eq!(name(""), None);
    }
}
