//! Strings of others, made safe to stand in a paragraph.

/// The characters that the paragraph spends on free text, such as a goal, and on a name.
const TEXT_CHARS: usize = 160;
const NAME_CHARS: usize = 60;

/// Writes free text in quotes, so that a reader sees where it ends; `None` for empty text.
pub(super) fn quoted(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| format!("\"{}\"", escaped(text, TEXT_CHARS)))
}

/// Writes a name; in quotes when it holds what could be taken for the sentence around it. `None` for an empty name.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = |c: char| c.is_alphanumeric() || " -_./:@+#()".contains(c);
    let name = escaped(text, NAME_CHARS);
    if text.is_empty() {
        None
    } else if text.chars().all(is_plain) && !text.contains(". ") && !text.ends_with('.') {
        Some(name)
    } else {
        Some(format!("\"{name}\""))
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

/// Says whether a character ends a line, moves the text around it, or is there and not seen.
fn breaks_text(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
        assert_eq!(quoted(r#"a". Now "b\"#).unwrap(), r#""a\". Now \"b\\""#);
        assert_eq!(quoted(" \n"), None);
    }

    #[test]
    fn a_name_is_quoted_only_when_it_could_be_mistaken() {
        assert_eq!(name("Apple M2 Max").unwrap(), "Apple M2 Max");
        assert_eq!(name("circlet/0.1.0 (Linux x86_64)").unwrap(), "circlet/0.1.0 (Linux x86_64)");
        assert_eq!(name("w_1. All is well").unwrap(), "\"w_1. All is well\"");
        assert_eq!(name("w_1, idle").unwrap(), "\"w_1, idle\"");
        assert_eq!(name("w\u{7}").unwrap(), "\"w\\u{7}\"");
        assert_eq!(name(""), None);
    }
}
