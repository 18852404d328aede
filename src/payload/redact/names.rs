//! Names of variables, options, parameters and members whose values are secrets.

/// What the values of a name are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secrecy {
    /// Nobody's secret.
    #[default]
    None,
    /// Texts are secrets, and numbers are counts: tokens, or tests that passed.
    Texts,
    /// Texts and numbers are secrets.
    All,
}

/// Words that say so wherever in a name they stand, as its own words or as the end of one: `TOKEN_GITHUB`, `PGPASSWORD`.
const ANYWHERE: &[&str] =
    &["password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "credential"];
/// Words that say so at the end of a name.
const LAST: &[&str] = &["cookie", "signature", "authorization"];
/// Short ones that are the whole of the last word, and those of them that are so alone.
const SHORT: &[&str] = &["pass", "auth", "oauth", "pat", "sig"];
const SHORT_ALONE: &[&str] = &["pass", "auth", "oauth"];
/// What is before a `key` that is a secret.
const KEYS: &[&str] = &[
    "access",
    "account",
    "api",
    "auth",
    "cipher",
    "crypto",
    "decryption",
    "deploy",
    "encryption",
    "license",
    "master",
    "private",
    "secret",
    "service",
    "session",
    "shared",
    "signing",
    "ssh",
    "subscription",
    "webhook",
];
/// What is before a `KEY` of an environment variable that is none.
const OPEN_KEYS: &[&str] = &["public", "cache", "primary", "foreign", "partition", "sort", "idempotency"];
/// Words after a secret's that say that it is told about and not told: `token_count`, `PASSWORD_FILE`.
const ABOUT: &[&str] = &[
    "address",
    "age",
    "algorithm",
    "at",
    "attempt",
    "bucket",
    "budget",
    "bytes",
    "changed",
    "class",
    "count",
    "created",
    "dir",
    "enabled",
    "endpoint",
    "error",
    "expired",
    "expires",
    "expiration",
    "expiry",
    "field",
    "file",
    "format",
    "id",
    "in",
    "index",
    "kind",
    "len",
    "length",
    "lifetime",
    "limit",
    "manager",
    "max",
    "min",
    "mode",
    "name",
    "path",
    "per",
    "policy",
    "position",
    "prefix",
    "provider",
    "rate",
    "required",
    "reset",
    "ring",
    "rule",
    "scope",
    "size",
    "source",
    "state",
    "status",
    "store",
    "stream",
    "total",
    "ttl",
    "type",
    "uri",
    "url",
    "usage",
    "used",
    "valid",
    "validity",
    "version",
    "window",
];

/// Says what the values of a name are. Of a name with dots, the last part says it.
pub(super) fn secrecy(name: &str) -> Secrecy {
    let name = name.rsplit('.').next().unwrap_or(name);
    let words = words(name);
    let singular: Vec<&str> = words.iter().map(|word| singular(word)).collect();
    // Where somebody is, in each environment.
    if matches!(singular.as_slice(), ["pwd" | "oldpwd"] | ["old", "pwd"]) {
        return Secrecy::None;
    }
    let Some((last, before)) = singular.split_last() else { return Secrecy::None };
    let is_key = |at: usize| {
        let kind = |kinds: &[&str], text: &str| kinds.iter().any(|kind| text.ends_with(kind));
        match singular[at].strip_suffix("key") {
            Some("") => {
                let before = at.checked_sub(1).map(|before| singular[before]);
                // `STRIPE_KEY` is one, and `cache_key` is none.
                before.is_some_and(|before| {
                    kind(KEYS, before)
                        || (is_variable(name) && at + 1 == words.len() && !OPEN_KEYS.contains(&before))
                })
            }
            Some(before) => kind(KEYS, before),
            None => false,
        }
    };
    let ends_in = |word: &str, secrets: &[&str]| secrets.iter().any(|secret| word.ends_with(secret));
    let found = (0..singular.len()).rev().find(|&at| ends_in(singular[at], ANYWHERE) || is_key(at));
    let is_plural = words.last().is_some_and(|word| word.ends_with('s'));
    if let Some(at) = found {
        let is_told_about = (at + 1..words.len())
            .any(|at| ABOUT.contains(&singular[at]) || ABOUT.contains(&words[at].as_str()));
        // Tokens are counted: `max_tokens`, `tokens_in`.
        let is_counted = singular[at].ends_with("token");
        if is_told_about || (is_counted && words[at].ends_with('s') && at + 1 < words.len()) {
            return Secrecy::None;
        }
        return if is_counted { Secrecy::Texts } else { Secrecy::All };
    }
    if ends_in(last, LAST) {
        return if is_plural { Secrecy::Texts } else { Secrecy::All };
    }
    let is_short = SHORT.contains(last) && (!before.is_empty() || SHORT_ALONE.contains(last));
    if is_short { Secrecy::Texts } else { Secrecy::None }
}

/// Tells whether a name may as well be a word of a sentence: `auth: failed`, `first pass: done`.
pub(super) fn is_common_word(name: &str) -> bool {
    SHORT_ALONE.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Tells whether a name is of several: `tokens`, `secrets`.
pub(super) fn is_plural(name: &str) -> bool {
    name.ends_with(['s', 'S']) && !is_common_word(name)
}

fn is_variable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn singular(word: &str) -> &str {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    // `pass` is no plural.
    word.strip_suffix('s').filter(|one| !one.ends_with('s')).unwrap_or(word)
}

/// Cuts a name into its words, in lower case: at what is no letter and no digit, and where a capital begins one.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &c) in chars.iter().enumerate() {
        let is_lower = |at: usize| chars.get(at).is_some_and(|c| c.is_ascii_lowercase());
        let begins = c.is_ascii_uppercase()
            && at > 0
            && (!chars[at - 1].is_ascii_uppercase() || is_lower(at + 1))
            // The plural of an abbreviation: `IDs`.
            && !(is_lower(at + 1) && chars.get(at + 1) == Some(&'s') && at + 2 == chars.len());
        if begins || !c.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_into_its_words() {
        for (name, wanted) in [
            ("maxTokens", &["max", "tokens"][..]),
            ("APIKey", &["api", "key"]),
            ("X-Api-Key", &["x", "api", "key"]),
            ("PGPASSWORD", &["pgpassword"]),
            ("_auth", &["auth"]),
            ("", &[]),
        ] {
            assert_eq!(words(name), wanted, "{name}");
        }
    }

    #[test]
    fn names_say_what_their_values_are() {
        for name in [
            "password",
            "PASSWORD",
            "db_password",
            "DB_PASSWORD_PROD",
            "dbPasswordProd",
            "PGPASSWORD",
            "passwords",
            "password1",
            "secrets",
            "client_secret",
            "AWS_SECRET_ACCESS_KEY",
            "aws-secret-access-key",
            "SECRET_KEY_BASE",
            "encryption_key",
            "signing-key",
            "signingKey",
            "AccountKey",
            "SharedAccessKey",
            "apikey",
            "APIKEY",
            "apiKeys",
            "STRIPE_KEY",
            "credentials",
            "Authorization",
            "Set-Cookie",
            "X-Amz-Signature",
            "ssh_key",
            "spring.datasource.password",
        ] {
            assert_eq!(secrecy(name), Secrecy::All, "{name}");
        }
        for name in [
            "token",
            "tokens",
            "TOKEN_GITHUB",
            "github_token",
            "accessToken",
            "x-access-token",
            "max_tokens",
            "pass",
            "DB_PASS",
            "_auth",
            "auth",
            "GITHUB_PAT",
            "cookies",
        ] {
            assert_eq!(secrecy(name), Secrecy::Texts, "{name}");
        }
        for name in [
            "",
            ".",
            "passed",
            "passes",
            "test.passed",
            "compass",
            "keyboard",
            "key",
            "author",
            "authority",
            "authors",
            "GIT_AUTHOR_NAME",
            "git.tag",
            "PWD",
            "OLDPWD",
            "token_count",
            "tokenCount",
            "tokens_in",
            "tokens_per_second",
            "TOKEN_EXPIRES_IN",
            "tokenizer",
            "password_file",
            "PASSWORD_RESET_URL",
            "secretary",
            "cache_key",
            "public_key",
            "PUBLIC_KEY",
            "primary_key",
            "key_id",
            "secret_name",
            "cookie_policy",
            "signature_algorithm",
            "pattern",
            "sign",
            "path",
            "pat",
            "monkey",
            "token.rs",
            "password.ts",
            "total_tokens_used",
            "tokenLimits",
        ] {
            assert_eq!(secrecy(name), Secrecy::None, "{name}");
        }
    }
}
