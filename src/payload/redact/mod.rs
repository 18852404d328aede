//! What of a payload is nobody else's business, taken out: home folders, user names, passwords, keys and tokens.

mod marks;
mod names;
mod places;
mod text;
mod tokens;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub(super) use self::marks::Marks;
use self::marks::Step;
use self::names::{Secrecy, is_plural, secrecy};
use super::section::join;

/// Takes out of text what should not leave this machine with a payload. Pure; `Send` and `Sync`.
///
/// What is taken out leaves a word in brackets, such as `[token]`. It is taken out where its form says what it is: keys and tokens by
/// the beginnings that their issuers gave them ([GitHub](https://github.blog/engineering/behind-githubs-new-authentication-token-formats/),
/// [AWS](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html) and others), addresses of webhooks, passwords and
/// users of URLs (RFC 3986, 3.2.1), what follows a name such as `password=` or `--token`, private keys in PEM (RFC 7468), JSON Web
/// Tokens (RFC 7519), and the names of users in the paths of their homes.
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

/// Names of accounts that many machines have, so that they tell nobody, and are words of other things.
const COMMON_USERS: &[&str] = &[
    "admin", "app", "bun", "debian", "default", "dev", "git", "guest", "home", "main", "node", "nobody",
    "public", "python", "root", "runner", "test", "ubuntu", "user", "users", "vscode", "worker", "www-data",
];

/// What was found in a text: how long it is, how much of that is kept in front, and what it is.
type Found = (usize, usize, &'static str);

impl Redactor {
    /// Makes one that knows a home folder and a user's name, as they are in paths. One of fewer than three characters is no name that
    /// could be told from a word.
    pub fn new(home: Option<&str>, user: Option<&str>) -> Self {
        let known = |text: Option<&str>| text.filter(|text| text.len() > 2).map(str::to_owned);
        Self { home: known(home.map(|home| home.trim_end_matches('/'))), user: known(user) }
    }

    /// Makes one for this process: its home folder, and the user by `USER`, `LOGNAME` or the name of that folder.
    pub fn here() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        // As the password database has it, where no variable does.
        let home = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok());
        let user = variable("USER").or_else(|| variable("LOGNAME"));
        let user = user.as_deref().or_else(|| places::user_of(home.as_deref()?));
        Self::new(home.as_deref(), user.filter(|user| !COMMON_USERS.contains(user)))
    }

    /// Returns text without what should not leave.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut kinds = Vec::new();
        self.redacted(text, &mut kinds)
    }

    /// Takes out of all strings of a document, its keys among them, what should not leave, and says where that was. A value is a secret
    /// whose key is the name of one; so is what follows such an option in a list of arguments, the second of a pair of such a name in a
    /// list of pairs, and the `value` beside such a `name` or `key`. Numbers right under such a key are secrets too, but for what is
    /// counted, as tokens; what is true or false is none.
    pub fn value(&self, value: &mut Value) -> Vec<Redaction> {
        self.marked(value).redactions()
    }

    /// As [`Redactor::value`], with the places as a tree.
    pub(super) fn marked(&self, value: &mut Value) -> Marks {
        self.walk(value, Inside { secrecy: Secrecy::None, path: None, is_listed: false })
    }

    /// As [`Redactor::marked`], of a payload or a patch of one: a worker or a ring may be called what it wants.
    pub(super) fn payload(&self, value: &mut Value) -> Marks {
        self.walk(value, Inside { secrecy: Secrecy::None, path: Some(String::new()), is_listed: false })
    }

    fn walk(&self, value: &mut Value, inside: Inside) -> Marks {
        let mut marks = Marks::default();
        match value {
            Value::String(text) if inside.secrecy > Secrecy::None && !text.is_empty() => {
                *text = shown("secret").to_owned();
                marks.note(["secret"]);
            }
            Value::String(text) => {
                let mut kinds = Vec::new();
                if let Cow::Owned(redacted) = self.redacted(text, &mut kinds) {
                    *text = redacted;
                }
                marks.note(kinds);
            }
            Value::Number(_) if inside.secrecy == Secrecy::All => {
                *value = shown("secret").into();
                marks.note(["secret"]);
            }
            Value::Array(values) => self.walk_list(values, &inside, &mut marks),
            Value::Object(members) => self.walk_members(members, &inside, &mut marks),
            _ => {}
        }
        marks
    }

    fn walk_list(&self, values: &mut [Value], inside: &Inside, marks: &mut Marks) {
        let is_pair = inside.is_listed && values.len() == 2;
        let mut next = Next::Anything;
        let places = values.iter_mut().enumerate().map(|(at, value)| {
            let follows = value.as_str().map_or(Next::Anything, |word| Next::after(word, is_pair && at == 0));
            let own = match (std::mem::replace(&mut next, follows), &mut *value) {
                (Next::Login, Value::String(word)) if text::is_login(word) => {
                    *word = shown("login").to_owned();
                    let mut marks = Marks::default();
                    marks.note(["login"]);
                    marks
                }
                (Next::Secret(secrecy), value) => self.walk(
                    value,
                    Inside { secrecy: secrecy.max(inside.secrecy), path: None, is_listed: true },
                ),
                (_, value) => {
                    self.walk(value, Inside { secrecy: inside.secrecy, path: None, is_listed: true })
                }
            };
            (Step::At(at), own)
        });
        marks.put_all(places);
    }

    fn walk_members(&self, members: &mut Map<String, Value>, inside: &Inside, marks: &mut Marks) {
        let named = members.get("name").or_else(|| members.get("key")).and_then(Value::as_str);
        let beside = named.map_or(Secrecy::None, secrecy);
        let is_plain = inside.path.as_deref().is_some_and(|path| NAMED_BY_USERS.contains(&path));
        let mut all = Vec::new();
        for (key, mut value) in std::mem::take(members) {
            let is_count = value.is_number() || value.as_str().is_some_and(text::is_count);
            let own = if is_plain || (is_plural(&key) && is_count) { Secrecy::None } else { secrecy(&key) };
            let beside = if key == "value" { beside } else { Secrecy::None };
            let mut kinds = Vec::new();
            let name = self.redacted(&key, &mut kinds).into_owned();
            let mut unique = name.clone();
            let mut count = 1;
            while members.contains_key(&unique) {
                count += 1;
                unique = format!("{name} ({count})");
            }
            // Paths are told apart for as long as they may be one of those alone.
            let path = inside.path.as_deref().map(|path| join(path, &unique));
            let path =
                path.filter(|path| NAMED_BY_USERS.iter().any(|named| named.starts_with(path.as_str())));
            let secrecy = inside.secrecy.max(own).max(beside);
            let mut place = Marks::default();
            place.note(kinds);
            place.add(self.walk(&mut value, Inside { secrecy, path, is_listed: false }));
            all.push((Step::Name(unique.clone()), place));
            members.insert(unique, value);
        }
        marks.put_all(all);
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

    /// Finds what begins at a place.
    fn found(&self, text: &str, at: usize) -> Option<Found> {
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        let begins_word = !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        text::pem(rest).map(|length| (length, 0, "key")).or_else(|| text::login(rest)).or_else(|| {
            if !begins_word {
                return None;
            }
            let is_url = text[..at].ends_with("://");
            let token = tokens::token(rest).map(|length| (length, 0, "token"));
            let named = || if before == Some('.') { None } else { text::assigned(text, at, before) };
            token
                .or_else(|| tokens::webhook(rest).map(|(length, kept)| (length, kept, "token")))
                .or_else(|| text::scheme(rest))
                .or_else(|| text::user_of_a_program(rest))
                .or_else(named)
                .or_else(|| self.place(rest, before, is_url))
                .or_else(|| places::home_of_another(rest, before, is_url))
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

/// Where in a document something is.
struct Inside {
    /// What is above it.
    secrecy: Secrecy,
    /// Its path, where that may lead to what users name.
    path: Option<String>,
    /// It is an item of a list.
    is_listed: bool,
}

/// What the next item of a list is, by the one before it.
enum Next {
    Anything,
    Secret(Secrecy),
    Login,
}

impl Next {
    fn after(word: &str, is_first_of_pair: bool) -> Self {
        if matches!(word, "-u" | "-U" | "--user" | "--proxy-user") {
            return Self::Login;
        }
        let option = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
        let lower = word.to_ascii_lowercase();
        // As the raw headers of a request are.
        let is_header = word.contains('-') || matches!(lower.as_str(), "authorization" | "cookie");
        let name = option.or_else(|| Some(word).filter(|_| is_first_of_pair || is_header));
        match name.filter(|name| !name.contains(['=', ' '])).map_or(Secrecy::None, secrecy) {
            Secrecy::None => Self::Anything,
            secrecy => Self::Secret(secrecy),
        }
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
        tokens::TOKENS.iter().map(|(begin, least)| many(begin, *least)).collect()
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
            ("/home/adam/x", "/home/[user]/x"),
            ("/srv/home/ada/x", "/srv/home/[user]/x"),
            ("C:/Users/ada/x", "C:/Users/[user]/x"),
            ("ada and adam, a Canada", "[user] and adam, a Canada"),
            ("feature/ada-fix", "feature/ada-fix"),
        ] {
            assert_eq!(redactor().text(text), wanted);
        }
        assert_eq!(Redactor::default().text("/home/ada ada"), "/home/[user] ada");
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
        fn no_planted_token_survives_whatever_stands_around_it(before in "[ -~]{0,20}", at in 0..tokens::TOKENS.len(), after in "[ -~]{0,20}") {
            let token = &planted()[at];
            let text = format!("{before} {token} {after}");
            prop_assert!(!redactor().text(&text).contains(token.as_str()), "{}", redactor().text(&text));
        }
    }
}
