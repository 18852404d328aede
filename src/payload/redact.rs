//! What of a payload is nobody else's business, taken out: home folders, user names, passwords, keys and tokens.

use std::borrow::Cow;

use serde_json::Value;

use super::section::join;

/// Takes out of text what should not leave this machine with a payload. Pure; `Send` and `Sync`.
///
/// What is taken out leaves a word in brackets, such as `[token]`. It is taken out where its form says what it is: keys and tokens by
/// the beginnings that their issuers gave them ([GitHub](https://github.blog/engineering/behind-githubs-new-authentication-token-formats/),
/// [AWS](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html) and others), passwords and users of URLs
/// (RFC 3986, 3.2.1), what follows a name such as `password=` or `--token`, private keys in PEM (RFC 7468), and JSON Web Tokens (RFC 7519).
///
/// ```
/// use circlet::payload::Redactor;
///
/// let redactor = Redactor::new(Some("/home/ada"), Some("ada"));
/// assert_eq!(redactor.text("/home/ada/src at https://ada:pw@example.org/x.git"), "~/src at https://[login]@example.org/x.git");
/// assert_eq!(redactor.text("curl --token=abc http://h/?api_key=k1&page=2"), "curl --token=[secret] http://h/?api_key=[secret]&page=2");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    home: Option<String>,
    user: Option<String>,
}

/// Something that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Redaction {
    /// Where in the payload it was, such as `git.remotes[0]`.
    pub path: String,
    /// What it was: `home`, `user`, `login`, `secret`, `token` or `key`.
    pub kind: &'static str,
}

/// How tokens begin that say by it what they are, and how many more characters of theirs follow at least.
const TOKENS: [(&str, usize); 31] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxa-", 10),
    ("xoxs-", 10),
    ("sk-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("sk_test_", 16),
    ("rk_test_", 16),
    ("whsec_", 20),
    ("xapp-", 10),
    ("hvs.", 20),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 35),
    ("ya29.", 20),
    ("npm_", 36),
    ("pypi-", 40),
    ("hf_", 30),
    ("dop_v1_", 60),
    ("SG.", 40),
    ("shpat_", 32),
    ("eyJ", 30),
    ("AGE-SECRET-KEY-1", 50),
];

/// Names of what is secret: the end of a variable's, an option's or a parameter's name, in lower case and without `-` and `_`.
const SECRETS: [&str; 15] = [
    "cookie",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "credential",
    "credentials",
    "signature",
    "authorization",
];

/// Names of parameters of URLs that are secret there.
const PARAMETERS: [&str; 4] = ["key", "sig", "auth", "code"];
/// The shortest value of a scheme of HTTP.
const SCHEME_BYTES: usize = 12;

/// Names of what is secret that say so as the last of several words.
const SHORT_SECRETS: [&str; 3] = ["pass", "pat", "sig"];

/// Objects of a payload whose members are named by those who use it.
const NAMED_BY_USERS: [&str; 9] = [
    "worker_threads.registry",
    "rings",
    "executors",
    "policies",
    "node_compat.overrides",
    "bun.flags",
    "python.features",
    "node.features",
    "native.features",
];

/// The longest name of a secret.
const NAME_BYTES: usize = 64;

/// How a private key begins and ends in PEM.
const PEM: (&str, &str) = ("-----BEGIN ", "-----END ");

impl Redactor {
    /// Makes one that knows a home folder and a user's name, as they are in paths. One of fewer than three characters is no name that
    /// could be told from a word.
    pub fn new(home: Option<&str>, user: Option<&str>) -> Self {
        let known = |text: Option<&str>| text.filter(|text| text.len() > 2).map(str::to_owned);
        Self { home: known(home.map(|home| home.trim_end_matches('/'))), user: known(user) }
    }

    /// Makes one for this process: `HOME`, and `USER` or `LOGNAME`.
    pub fn here() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let home = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok());
        let user = variable("USER").or_else(|| variable("LOGNAME"));
        Self::new(home.as_deref(), user.as_deref().filter(|user| *user != "root"))
    }

    /// Returns text without what should not leave.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut kinds = Vec::new();
        self.redacted(text, &mut kinds)
    }

    /// Takes out of all strings of a document, its keys among them, what should not leave, and says where that was. A value is a secret
    /// whose key is the name of one; so is what follows such an option in a list of arguments, and the `value` beside such a `name` or
    /// `key`. A number right under such a key is one, but for a `token`, which is often counted.
    pub fn value(&self, value: &mut Value) -> Vec<Redaction> {
        let mut all = Vec::new();
        self.walk(value, "", false, &[], &mut all);
        all
    }

    /// As [`Redactor::value`], of a payload or a patch of one: a worker or a ring may be called what it wants.
    pub(super) fn payload(&self, value: &mut Value) -> Vec<Redaction> {
        let mut all = Vec::new();
        self.walk(value, "", false, &NAMED_BY_USERS, &mut all);
        all
    }

    fn walk(
        &self,
        value: &mut Value,
        path: &str,
        is_secret: bool,
        named_by_users: &[&str],
        all: &mut Vec<Redaction>,
    ) {
        match value {
            Value::String(text) => {
                let mut kinds = Vec::new();
                let redacted = if is_secret && !text.is_empty() {
                    kinds.push("secret");
                    "[secret]".to_owned()
                } else {
                    match self.redacted(text, &mut kinds) {
                        Cow::Owned(redacted) => redacted,
                        Cow::Borrowed(_) => return,
                    }
                };
                *text = redacted;
                kinds.dedup();
                all.extend(kinds.into_iter().map(|kind| Redaction { path: path.to_owned(), kind }));
            }
            Value::Array(values) => {
                let mut follows = false;
                for (at, value) in values.iter_mut().enumerate() {
                    let is_option = value.as_str().is_some_and(|word| {
                        word.strip_prefix("--")
                            .is_some_and(|name| !name.contains('=') && is_secret_name(name))
                    });
                    self.walk(value, &format!("{path}[{at}]"), is_secret || follows, named_by_users, all);
                    follows = is_option;
                }
            }
            Value::Object(members) => {
                let named = members.get("name").or_else(|| members.get("key")).and_then(Value::as_str);
                let has_secret_name = named.is_some_and(is_secret_name);
                let is_plain = named_by_users.contains(&path);
                for (key, mut value) in std::mem::take(members) {
                    let is_named =
                        !is_plain && is_secret_name(&key) && !(value.is_number() && is_counted(&key));
                    let is_beside = has_secret_name && key == "value";
                    let mut kinds = Vec::new();
                    let name = self.redacted(&key, &mut kinds).into_owned();
                    all.extend(kinds.into_iter().map(|kind| Redaction { path: join(path, &name), kind }));
                    let mut own = name.clone();
                    let mut count = 1;
                    while members.contains_key(&own) {
                        count += 1;
                        own = format!("{name} ({count})");
                    }
                    self.walk(
                        &mut value,
                        &join(path, &own),
                        is_secret || is_named || is_beside,
                        named_by_users,
                        all,
                    );
                    members.insert(own, value);
                }
            }
            Value::Number(_) | Value::Bool(_) if is_secret => {
                *value = "[secret]".into();
                all.push(Redaction { path: path.to_owned(), kind: "secret" });
            }
            _ => {}
        }
    }

    fn redacted<'a>(&self, text: &'a str, kinds: &mut Vec<&'static str>) -> Cow<'a, str> {
        let mut out = String::new();
        let mut done = 0;
        let mut at = 0;
        while at < text.len() {
            let Some((length, kept, word)) = self.found(text, at) else {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            out.push_str(&text[done..at + kept]);
            out.push_str(if word == "home" { "~" } else { shown(word) });
            kinds.push(word);
            at += length;
            done = at;
        }
        if kinds.is_empty() {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }

    /// Finds what begins at a place: how long it is, how much of that is kept in front, and what it is.
    fn found(&self, text: &str, at: usize) -> Option<(usize, usize, &'static str)> {
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        let begins_word = !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        pem(rest).map(|length| (length, 0, "key")).or_else(|| login(rest)).or_else(|| {
            if !begins_word {
                return None;
            }
            let token = token(rest).map(|length| (length, 0, "token"));
            let named = || if before == Some('.') { None } else { assigned(rest, before) };
            token
                .or_else(|| scheme(rest))
                .or_else(|| user_of_a_program(rest))
                .or_else(named)
                .or_else(|| self.place(rest, before, text[..at].ends_with("://")))
        })
    }

    /// Finds the home folder, as the beginning of a path, or the user's name, as a component of one or a word.
    fn place(&self, rest: &str, before: Option<char>, is_url: bool) -> Option<(usize, usize, &'static str)> {
        let is_word = |name: &String| {
            rest.strip_prefix(name.as_str()).is_some_and(|after| {
                !after.starts_with(|c: char| c.is_ascii_alphanumeric() || "_-.".contains(c))
            })
        };
        let home = self
            .home
            .as_ref()
            .filter(|home| is_word(home) && (is_url || !before.is_some_and(|c| c == '.' || c == '/')));
        let user = self.user.as_ref().filter(|user| is_word(user));
        home.map(|home| (home.len(), 0, "home")).or_else(|| user.map(|user| (user.len(), 0, "user")))
    }
}

fn shown(word: &str) -> &'static str {
    match word {
        "user" => "[user]",
        "login" => "[login]",
        "token" => "[token]",
        "key" => "[key]",
        _ => "[secret]",
    }
}

fn token(rest: &str) -> Option<usize> {
    let (begin, least) = TOKENS.iter().find(|(begin, _)| rest.starts_with(begin))?;
    let more = rest[begin.len()..].bytes();
    let more = more.take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte)).count();
    (more >= *least).then_some(begin.len() + more)
}

/// What a scheme of HTTP wants, wherever it stands: `Bearer x`, `Basic x`.
fn scheme(rest: &str) -> Option<(usize, usize, &'static str)> {
    let name = ["Bearer ", "bearer ", "Basic ", "basic "].into_iter().find(|name| rest.starts_with(name))?;
    let value = rest[name.len()..].bytes();
    let length = value.take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.~+/=".contains(byte)).count();
    // A word of a sentence is no such value.
    (length >= SCHEME_BYTES).then_some((name.len() + length, name.len(), "secret"))
}

/// The user and the password that a program is given: `curl -u a:b`.
fn user_of_a_program(rest: &str) -> Option<(usize, usize, &'static str)> {
    let option = ["-u ", "--user ", "--user="].into_iter().find(|option| rest.starts_with(option))?;
    let value = &rest[option.len()..];
    let end = value.find([' ', '\t', '\n', '"', '\'']).unwrap_or(value.len());
    value[..end].contains(':').then_some((option.len() + end, option.len(), "login"))
}

/// The user and the password of a URL that begins here: what stands between `//` and `@`.
fn login(rest: &str) -> Option<(usize, usize, &'static str)> {
    if let Some(after) = rest.strip_prefix("//") {
        // Without a scheme, where there is a password.
        let end = after.find(['/', '?', '#', ' ', '"', '\'', '\n']).unwrap_or(after.len());
        let at = after[..end].rfind('@').filter(|at| after[..*at].contains(':'))?;
        return Some((2 + at, 2, "login"));
    }
    let after = rest.strip_prefix("://")?;
    let end = after.find(['/', '?', '#', ' ', '"', '\'', '<', '>', '\n']).unwrap_or(after.len());
    let at = after[..end].rfind('@')?;
    // `git@host` of a repository's address is everybody's.
    (at > 0 && &after[..at] != "git").then_some((3 + at, 3, "login"))
}

/// The value after the name of a secret: `TOKEN=x`, `"password": "x"`, `--api-key x`, `Authorization: Bearer x`, `?sig=x`; in JSON within a
/// string too.
fn assigned(rest: &str, before: Option<char>) -> Option<(usize, usize, &'static str)> {
    let name = rest
        .bytes()
        .take(NAME_BYTES)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
    let name = name.count();
    let is_parameter = matches!(before, Some('?' | '&')) && PARAMETERS.contains(&&rest[..name]);
    if !is_parameter && !is_secret_name(&rest[..name]) {
        return None;
    }
    let is_option = rest.starts_with("--");
    let after = &rest[name..];
    let quote = match after.as_bytes() {
        [b'\\', b'"', ..] => 2,
        [b'"' | b'\'', ..] => 1,
        _ => 0,
    };
    let sign = after[quote..].trim_start_matches(' ');
    let blanks = after[quote..].len() - sign.len();
    let mut skipped = quote + blanks;
    if sign.starts_with([':', '=']) {
        skipped += 1;
    } else if !is_option || blanks == 0 {
        return None;
    }
    let value = after[skipped..].trim_start_matches(' ');
    skipped += after[skipped..].len() - value.len();
    // A scheme and what it wants, whatever the scheme is.
    let lower = rest[..name].to_ascii_lowercase();
    let is_header = lower.ends_with("authorization") || lower.ends_with("cookie");
    let (open, end) = match value.chars().next()? {
        '\\' if value[1..].starts_with('"') => {
            (2, value[2..].find("\\\"").map_or(value.len(), |end| end + 2))
        }
        quote @ ('"' | '\'') => (1, closing(value, quote)),
        _ if is_header => (0, value.find(['\n', '"', '\'']).unwrap_or(value.len())),
        _ => (0, value.find([' ', '\t', '\n', '&', ';', ',', '"', '\'', ')', '}']).unwrap_or(value.len())),
    };
    (end > open).then_some((name + skipped + end, name + skipped + open, "secret"))
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

fn is_secret_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| !matches!(c, '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect();
    // Where somebody is, in each environment.
    if matches!(plain.as_str(), "pwd" | "oldpwd") {
        return false;
    }
    // `STRIPE_KEY` is one, and `cache_key` is none.
    let is_key = name.ends_with("_KEY")
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or(name);
    let is_short =
        last.len() < name.len() && SHORT_SECRETS.iter().any(|short| last.eq_ignore_ascii_case(short));
    is_key || is_short || plain.contains("secretkey") || SECRETS.iter().any(|secret| plain.ends_with(secret))
}

/// Tells whether the name of a secret is also one of what is counted.
fn is_counted(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("token")
}

fn pem(rest: &str) -> Option<usize> {
    let (begin, end) = PEM;
    let label = rest.strip_prefix(begin)?;
    let label = &label[..label.find("-----")?];
    if !label.ends_with("PRIVATE KEY") {
        return None;
    }
    let close = format!("{end}{label}-----");
    Some(rest.find(&close).map_or(rest.len(), |at| at + close.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(Some("/home/ada"), Some("ada"))
    }

    /// Secrets of each kind, none of them anybody's.
    fn planted() -> Vec<String> {
        let many = |begin: &str, length: usize| format!("{begin}{}", "Ab1".repeat(length / 3 + 1));
        TOKENS.iter().map(|(begin, least)| many(begin, *least)).collect()
    }

    #[test]
    fn tokens_are_known_by_how_they_begin() {
        for token in planted() {
            for text in [format!("x {token} y"), format!("x={token}&y"), format!("[{token}]"), token.clone()]
            {
                let redacted = redactor().text(&text).into_owned();
                assert!(!redacted.contains(&token) && redacted.contains("[token]"), "{text}: {redacted}");
            }
        }
        for word in ["sk-ip", "AKIRA", "task-1234567890123456789012", "eyJ", "desk-abcdefghijklmnopqrstuvw"] {
            assert_eq!(redactor().text(word), word);
        }
    }

    #[test]
    fn what_a_name_says_is_secret_goes_and_its_name_stays() {
        for (text, wanted) in [
            ("GITHUB_TOKEN=abc", "GITHUB_TOKEN=[secret]"),
            ("--db-password hunter2 --verbose", "--db-password [secret] --verbose"),
            ("--password=hunter2", "--password=[secret]"),
            (r#"{"api_key": "k 1", "n": 1}"#, r#"{"api_key": "[secret]", "n": 1}"#),
            ("Authorization: Bearer abc.def", "Authorization: [secret]"),
            ("-H 'Authorization: Token abc' x", "-H 'Authorization: [secret]' x"),
            ("http://h/p?access_token=t&a=b", "http://h/p?access_token=[secret]&a=b"),
            ("PGPASSWORD='a b' psql", "PGPASSWORD='[secret]' psql"),
            (r#"password="a\"b" x"#, r#"password="[secret]" x"#),
            (r#"{\"password\":\"hunter2\",\"a\":1}"#, r#"{\"password\":\"[secret]\",\"a\":1}"#),
            ("send Bearer abcdefghijklmnop now", "send Bearer [secret] now"),
            ("Bearer of news", "Bearer of news"),
            ("Cookie: sid=abc; b=c", "Cookie: [secret]"),
            ("http://h/p?sig=abc&key=d&a=b", "http://h/p?sig=[secret]&key=[secret]&a=b"),
            ("curl -u ada2:hunter2 http://h", "curl -u [login] http://h"),
            ("sudo -u postgres psql", "sudo -u postgres psql"),
            ("the token of a password is a word", "the token of a password is a word"),
            ("tokens: 12, secretary: Ada", "tokens: 12, secretary: Ada"),
        ] {
            assert_eq!(redactor().text(text), wanted);
        }
    }

    #[test]
    fn urls_keep_their_hosts_and_lose_their_logins() {
        for (text, wanted) in [
            ("https://ada:pw@example.org/x.git", "https://[login]@example.org/x.git"),
            ("https://x-access-token:ghs@example.org", "https://[login]@example.org"),
            ("//ada2:pw@example.org/x", "//[login]@example.org/x"),
            ("// see a@b.c", "// see a@b.c"),
            ("ssh://git@example.org/x", "ssh://git@example.org/x"),
            ("redis://:p@ss@h:1/0", "redis://[login]@h:1/0"),
            ("https://example.org/@scope/x", "https://example.org/@scope/x"),
            ("mail a@b.c", "mail a@b.c"),
        ] {
            assert_eq!(redactor().text(text), wanted);
        }
    }

    #[test]
    fn home_and_user_go_as_whole_components_alone() {
        for (text, wanted) in [
            ("/home/ada", "~"),
            ("cd /home/ada/src", "cd ~/src"),
            ("/home/adam/x", "/home/adam/x"),
            ("/srv/home/ada/x", "/srv/home/[user]/x"),
            ("C:/Users/ada/x", "C:/Users/[user]/x"),
            ("ada and adam, a Canada", "[user] and adam, a Canada"),
            ("feature/ada-fix", "feature/ada-fix"),
        ] {
            assert_eq!(redactor().text(text), wanted);
        }
        assert_eq!(Redactor::default().text("/home/ada"), "/home/ada");
        assert_eq!(Redactor::new(Some("/"), Some("a")).text("/a a"), "/a a");
    }

    #[test]
    fn long_text_takes_a_time_that_grows_with_its_length_alone() {
        for text in
            [".".repeat(1 << 20), "a.".repeat(1 << 19), "a_".repeat(1 << 19), "token ".repeat(1 << 17)]
        {
            assert_eq!(redactor().text(&text).len(), text.len());
        }
    }

    #[test]
    fn a_private_key_goes_whole_and_a_public_one_stays() {
        let pem = "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b";
        assert_eq!(redactor().text(pem), "a [key] b");
        assert_eq!(redactor().text("-----BEGIN PRIVATE KEY-----\nMIIE"), "[key]");
        let public = "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----";
        assert_eq!(redactor().text(public), public);
    }

    #[test]
    fn a_document_says_where_something_was() {
        let mut value = json!({
            "credentials": {"pin": 1234}, "cwd": "/home/ada/x", "env": {"API_TOKEN": "abc", "LANG": "C"}, "remotes": ["https://a:b@h/x"], "n": 1, "token_count": 3,
        });
        let all = redactor().value(&mut value);
        assert_eq!(
            value,
            json!({
                "credentials": {"pin": "[secret]"}, "cwd": "~/x", "env": {"API_TOKEN": "[secret]", "LANG": "C"}, "remotes": ["https://[login]@h/x"], "n": 1, "token_count": 3,
            })
        );
        let said: Vec<_> = all.iter().map(|one| (one.path.as_str(), one.kind)).collect();
        assert_eq!(
            said,
            [
                ("credentials.pin", "secret"),
                ("cwd", "home"),
                ("env.API_TOKEN", "secret"),
                ("remotes[0]", "login")
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,80}|[a-z:/@=&\"' -]{0,60}") {
            let _ = redactor().text(&text);
        }

        #[test]
        fn no_planted_token_survives_whatever_stands_around_it(before in "[ -~]{0,20}", at in 0_usize..31, after in "[ -~]{0,20}") {
            let token = &planted()[at];
            let text = format!("{before} {token} {after}");
            prop_assert!(!redactor().text(&text).contains(token.as_str()), "{}", redactor().text(&text));
        }
    }
}
