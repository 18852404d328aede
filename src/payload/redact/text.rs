//! What in a text is a secret by what stands before it: names, schemes, options, the beginnings of URLs and of private keys.

use serde_json::Value;

use super::Found;
use super::names::{Secrecy, is_common_word, is_plural, secrecy};

/// Names of parameters of URLs that are secret there.
const PARAMETERS: [&str; 4] = ["key", "sig", "auth", "code"];
/// The longest name of a secret, and the longest login.
const NAME_BYTES: usize = 64;
const LOGIN_BYTES: usize = 512;
/// The shortest value of a scheme of HTTP.
const SCHEME_BYTES: usize = 12;
/// How a private key begins and ends in PEM, and how what it holds ends.
const PEM: (&str, &str) = ("-----BEGIN ", "-----END ");
const PRIVATE: [&str; 2] = ["PRIVATE KEY", "PRIVATE KEY BLOCK"];
/// An equals sign in a URL within another.
const ENCODED: &str = "%3D";
/// Values that are no secrets: whether there is one.
const CONSTANTS: &[&str] =
    &["true", "false", "null", "none", "None", "nil", "undefined", "yes", "no", "True", "False"];
/// Words that go on with a sentence, or name a type, behind a name and a colon.
const PROSE: &[&str] = &[
    "is",
    "was",
    "are",
    "were",
    "has",
    "have",
    "had",
    "must",
    "may",
    "can",
    "cannot",
    "should",
    "will",
    "not",
    "expected",
    "invalid",
    "missing",
    "expired",
    "required",
    "rejected",
    "denied",
    "refused",
    "wrong",
    "failed",
    "failure",
    "error",
    "empty",
    "unknown",
    "incorrect",
    "malformed",
    "revoked",
    "ok",
    "string",
    "String",
    "str",
    "bytes",
];

/// What a scheme of HTTP wants, wherever it stands: `Bearer x`, `Basic x`.
pub(super) fn scheme(rest: &str) -> Option<Found> {
    let name = ["Bearer ", "bearer ", "Basic ", "basic "].into_iter().find(|name| rest.starts_with(name))?;
    let value = rest[name.len()..].bytes();
    let length = value.take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.~+/=".contains(byte)).count();
    // A word of a sentence is no such value.
    (length >= SCHEME_BYTES).then_some((name.len() + length, name.len(), "secret"))
}

/// The user and the password that a program is given: `curl -u a:b`.
pub(super) fn user_of_a_program(rest: &str) -> Option<Found> {
    let options = ["-u ", "-U ", "--user ", "--user=", "--proxy-user ", "--proxy-user="];
    let option = options.into_iter().find(|option| rest.starts_with(option))?.len();
    let kept = option + usize::from(rest[option..].starts_with(['"', '\'']));
    let value = &rest[kept..];
    let end = value.find([' ', '\t', '\n', '"', '\'']).unwrap_or(value.len());
    is_login(&value[..end]).then_some((kept + end, kept, "login"))
}

/// Tells whether a word is a user and a password, and not the numbers of a user and a group.
pub(super) fn is_login(word: &str) -> bool {
    let is_id = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    word.split_once(':').is_some_and(|(user, password)| !(is_id(user) && is_id(password)))
}

/// Tells whether a text is a number, as what is counted is.
pub(super) fn is_count(text: &str) -> bool {
    let digits = text.trim_end_matches(['k', 'K', 'M', '%', '.']);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || b"._,".contains(&byte))
}

/// The user and the password of a URL that begins here: what stands between `//` and `@`.
pub(super) fn login(rest: &str) -> Option<Found> {
    let is_encoded = rest.get(..9).is_some_and(|begin| begin.eq_ignore_ascii_case("%3A%2F%2F"));
    let begin = match rest {
        _ if is_encoded => 9,
        _ if rest.starts_with("://") => 3,
        _ if rest.starts_with("//") => 2,
        _ => return None,
    };
    let after = &rest[begin..];
    let reach = (0..=LOGIN_BYTES.min(after.len())).rev().find(|&end| after.is_char_boundary(end))?;
    let word = after[..reach].split(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).next()?;
    let at = if is_encoded { encoded_login_end(word) } else { login_end(word, begin == 3) }?;
    // `git@host` of a repository's address is everybody's.
    (at > 0 && &after[..at] != "git").then_some((begin + at, begin, "login"))
}

fn login_end(word: &str, has_scheme: bool) -> Option<usize> {
    let end = word.find(['/', '?', '#']).unwrap_or(word.len());
    let authority = &word[..end];
    if let Some(at) = authority.rfind('@') {
        // Without a scheme, where there is a password.
        return (has_scheme || authority[..at].contains(':') || authority[..at].contains("%3")).then_some(at);
    }
    // A password may have a slash, where it is no port.
    let (_, port) = authority.split_once(':').filter(|_| has_scheme && !authority.starts_with('['))?;
    let at = word.rfind('@').filter(|_| !port.bytes().all(|byte| byte.is_ascii_digit()))?;
    word[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[').then_some(at)
}

fn encoded_login_end(word: &str) -> Option<usize> {
    let lower = word.to_ascii_lowercase();
    let end = ["%2f", "%3f", "%23", "&"].into_iter().filter_map(|end| lower.find(end)).min();
    let authority = &lower[..end.unwrap_or(lower.len())];
    authority.rfind("%40").or_else(|| authority.rfind('@'))
}

/// How a name and its value are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Colon,
    Equals,
    /// An option, and the next word.
    Blank,
}

/// The value after the name of a secret: `TOKEN=x`, `"password": "x"`, `--api-key x`, `Authorization: Bearer x`, `?sig=x`, and the lines
/// below `password:`; in JSON within a string too.
pub(super) fn assigned(text: &str, at: usize, before: Option<char>) -> Option<Found> {
    let rest = &text[at..];
    let bytes = rest.bytes().take(NAME_BYTES);
    let length = bytes.take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte)).count();
    let (name, after) = rest.split_at(length);
    let quote = match after.as_bytes() {
        [b'\\', b'"', ..] => 2,
        [b'"' | b'\'', ..] => 1,
        _ => 0,
    };
    let blanks = |text: &str| text.len() - text.trim_start_matches([' ', '\t']).len();
    let gap = blanks(&after[quote..]);
    let is_option = quote == 0 && gap > 0 && (name.starts_with('-') || follows_login(text, at, name));
    let is_element = before == Some('<') && after.starts_with('>');
    let (sign, sign_bytes) =
        if is_element { (Sign::Equals, 1) } else { sign(&after[quote + gap..], is_option)? };
    let is_parameter = matches!(before, Some('?' | '&')) && PARAMETERS.contains(&name);
    let secrecy = if is_parameter { Secrecy::All } else { secrecy(name) };
    if secrecy == Secrecy::None {
        return None;
    }
    let skipped = quote + gap + sign_bytes;
    let skipped = skipped + blanks(&after[skipped..]);
    let value = &after[skipped..];
    let is_attached = !after[..skipped].ends_with([' ', '\t']);
    if quote == 0 && !is_told(text, at, name, sign, value, is_attached) {
        return None;
    }
    let kept = length + skipped;
    if sign == Sign::Colon && begins_block(value) {
        return block(text, at, at + kept, secrecy).map(|(begin, end)| (end - at, begin - at, "secret"));
    }
    // A scheme and what it wants, whatever the scheme is.
    let lower = name.to_ascii_lowercase();
    let is_header = lower.ends_with("authorization") || lower.ends_with("cookie");
    let (open, end) = match value.chars().next()? {
        '\\' if value[1..].starts_with('"') => {
            (2, value[2..].find("\\\"").map_or(value.len(), |end| end + 2))
        }
        quote @ ('"' | '\'') => (1, closing(value, quote)),
        _ if is_header => (0, value.find(['\n', '"', '\'']).unwrap_or(value.len())),
        '{' | '[' => (0, closing_bracket(value)),
        _ if is_element => (0, value.find('<').unwrap_or(value.len())),
        _ => {
            let ends = [' ', '\t', '\n', '\r', '&', ';', ',', '"', '\'', ')', '}'];
            let end = value.find(ends).unwrap_or(value.len());
            // The next parameter, where all of them are encoded.
            (0, value[..end].find("%26").filter(|_| sign_bytes == ENCODED.len()).unwrap_or(end))
        }
    };
    let inner = &value[open..end.max(open)];
    let is_counted =
        is_plural(name) && is_count(inner) || secrecy == Secrecy::Texts && has_numbers_alone(inner);
    (end > open && !is_counted).then_some((kept + end, kept + open, "secret"))
}

fn sign(after: &str, is_option: bool) -> Option<(Sign, usize)> {
    match after.as_bytes() {
        // A comparison, and a path of names.
        [b'=', b'=', ..] | [b':', b':', ..] => None,
        [b'=', b'>', ..] | [b':', b'=', ..] => Some((Sign::Equals, 2)),
        [b'=', ..] => Some((Sign::Equals, 1)),
        [b'%', b'3', b'D' | b'd', ..] => Some((Sign::Equals, ENCODED.len())),
        [b':', ..] => Some((Sign::Colon, 1)),
        [b'-', b'-', ..] => None,
        [_, ..] if is_option => Some((Sign::Blank, 0)),
        _ => None,
    }
}

/// Tells whether a name is that of a password behind a login, as in a file for netrc.
fn follows_login(text: &str, at: usize, name: &str) -> bool {
    let begin =
        (at.saturating_sub(LOGIN_BYTES)..=at).find(|&begin| text.is_char_boundary(begin)).unwrap_or(at);
    name == "password" && text[begin..at].split_whitespace().rev().nth(1) == Some("login")
}

/// Tells whether a name tells its value, and no sentence goes on behind it.
fn is_told(text: &str, at: usize, name: &str, sign: Sign, value: &str, is_attached: bool) -> bool {
    let end = value.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(value.len());
    let (word, after) = value.split_at(end);
    let is_word = !after.starts_with(|c: char| "-_+/=@:$".contains(c));
    if is_word && CONSTANTS.contains(&word) {
        return false;
    }
    if sign != Sign::Colon {
        return !(is_common_word(name) && is_count(word) && is_word);
    }
    let before = text[..at].trim_end_matches([' ', '\t']);
    let is_first = before.is_empty() || before.ends_with(['\n', '{', ',', '(', ';', '-', '|']);
    let is_parsed = before.ends_with("nexpected");
    let is_number = is_common_word(name) && is_count(word);
    !(is_parsed
        || is_number
        || !is_attached && is_word && PROSE.contains(&word)
        || !is_attached && is_common_word(name) && !is_first)
}

/// Tells whether a value is on the lines below: behind nothing, or behind how YAML folds them.
fn begins_block(value: &str) -> bool {
    let folded =
        value.strip_prefix(['|', '>']).map_or(value, |more| more.trim_start_matches(['+', '-', ' ']));
    folded.trim_start_matches('\r').starts_with('\n')
}

/// Finds the lines below a name that belong to it, by how far they are indented: where they begin and end.
fn block(text: &str, name: usize, value: usize, secrecy: Secrecy) -> Option<(usize, usize)> {
    let line = text[..name].rfind('\n').map_or(0, |end| end + 1);
    let is_blank = |c: char| matches!(c, ' ' | '\t');
    let column = text[line..name].find(|c: char| !is_blank(c) && c != '-').unwrap_or(name - line);
    let first = value + text[value..].find('\n')? + 1;
    let (mut begin, mut end, mut next) = (None, first, first);
    let mut is_counted = true;
    for line in text[first..].split_inclusive('\n') {
        let words = line.trim();
        let indent = line.len() - line.trim_start_matches(is_blank).len();
        if !words.is_empty() {
            if indent < column || indent == column && !words.starts_with("- ") {
                break;
            }
            begin.get_or_insert(next + indent);
            end = next + line.trim_end().len();
            is_counted &= is_count(words.rsplit([' ', ':']).next().unwrap_or(words));
        }
        next += line.len();
    }
    let begin = begin.filter(|_| !(secrecy == Secrecy::Texts && is_counted))?;
    Some((begin, end))
}

/// Returns where a quoted value ends: at the next quote that no backslash stands before.
fn closing(value: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in value.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at,
            _ => {}
        }
    }
    value.len()
}

/// Returns where a value in brackets ends, with the bracket that closes it.
fn closing_bracket(value: &str) -> usize {
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_quoted,
            b'"' => is_quoted = !is_quoted,
            b'{' | b'[' if !is_quoted => depth += 1,
            b'}' | b']' if !is_quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    value.len()
}

/// Tells whether what is in brackets is JSON without a text in it.
fn has_numbers_alone(value: &str) -> bool {
    fn is_number(value: &Value) -> bool {
        match value {
            Value::String(_) => false,
            Value::Array(values) => values.iter().all(is_number),
            Value::Object(members) => members.values().all(is_number),
            _ => true,
        }
    }
    value.starts_with(['{', '[']) && serde_json::from_str(value).is_ok_and(|value| is_number(&value))
}

/// Returns the length of a private key in PEM that begins here.
pub(super) fn pem(rest: &str) -> Option<usize> {
    let (begin, end) = PEM;
    let label = rest.strip_prefix(begin)?;
    let label = &label[..label.find("-----")?];
    if !PRIVATE.iter().any(|private| label.ends_with(private)) {
        return None;
    }
    let close = format!("{end}{label}-----");
    Some(rest.find(&close).map_or(rest.len(), |at| at + close.len()))
}
