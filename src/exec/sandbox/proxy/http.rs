//! The head of an HTTP request to a proxy (RFC 9110, RFC 9112): what it asks for, and what of it goes on.

use httparse::{EMPTY_HEADER, Error, Header, Status};

use super::authority::Authority;
use super::body::Body;
use super::refusal::Refusal;

/// The longest head.
pub(super) const HEAD_BYTES: usize = 16 << 10;
/// How many fields a head has at the most.
const FIELDS: usize = 100;

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// `CONNECT`: bytes go to and fro.
    Tunnel(Authority),
    /// Any other method, with a URL of http: the head goes on as it is here, and a body after it.
    Forward(Authority, Vec<u8>, Body),
}

/// Fields that do not go on as they are, beside those that `Connection` names: for the proxy alone, or written anew.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Reads a request: so many bytes of these are its head. `None` where there is more to come.
///
/// # Errors
/// [`Refusal::Malformed`], [`Refusal::TooLong`].
pub(super) fn read(bytes: &[u8]) -> Result<Option<(usize, Request)>, Refusal> {
    let mut fields = [EMPTY_HEADER; FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(bytes) {
        Ok(Status::Complete(length)) if length <= HEAD_BYTES => length,
        Ok(Status::Partial) if bytes.len() < HEAD_BYTES => return Ok(None),
        Ok(_) | Err(Error::TooManyHeaders) => return Err(Refusal::TooLong),
        Err(_) => return Err(Refusal::Malformed),
    };
    let (Some(method), Some(target), Some(version)) = (head.method, head.path, head.version) else {
        return Err(Refusal::Malformed);
    };
    if method == "CONNECT" {
        // Whatever the fields say.
        let to = Authority::parse(target, None).ok_or(Refusal::Malformed)?;
        return Ok(Some((length, Request::Tunnel(to))));
    }
    let (to, path) = url(target).ok_or(Refusal::Malformed)?;
    let framing = framing(version, head.headers)?;
    let head = rewritten(&format!("{method} {path} HTTP/1.{version}"), &to, framing, head.headers);
    Ok(Some((length, Request::Forward(to, head, framing.body()))))
}

/// Splits a URL of http into its host and all that comes after it.
fn url(target: &str) -> Option<(Authority, String)> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") || !target.is_ascii() {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let path = match path.chars().next() {
        Some('/') => path.to_owned(),
        Some('?') | None => format!("/{path}"),
        Some(_) => return None,
    };
    Some((Authority::parse(host, Some(80))?, path))
}

fn is_named(field: &Header<'_>, name: &str) -> bool {
    field.name.eq_ignore_ascii_case(name)
}

fn values<'a>(fields: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a str> {
    let values = fields.iter().filter(move |field| is_named(field, name));
    // What is no text has none of the words that are looked for, and blanks are these two alone: others are part of a word.
    values
        .flat_map(|field| std::str::from_utf8(field.value).unwrap_or("?").split(','))
        .map(|value| value.trim_matches([' ', '\t']))
}

/// How a request says how long its body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// Not at all: there is none.
    None,
    Length(u64),
    Chunked,
}

impl Framing {
    fn body(self) -> Body {
        match self {
            Self::None => Body::length(0),
            Self::Length(bytes) => Body::length(bytes),
            Self::Chunked => Body::chunked(),
        }
    }

    /// The field that says it to the host.
    fn field(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Length(bytes) => format!("Content-Length: {bytes}\r\n"),
            Self::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
        }
    }
}

/// Tells how long the body is; not two things at once, nor chunks where there were none yet (HTTP/1.0), which others would read in
/// another way.
fn framing(version: u8, fields: &[Header<'_>]) -> Result<Framing, Refusal> {
    let codings: Vec<_> = values(fields, "transfer-encoding").collect();
    let lengths: Vec<_> = values(fields, "content-length").collect();
    match (&codings[..], &lengths[..]) {
        ([], []) => Ok(Framing::None),
        ([coding], []) if version > 0 && coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            length.parse().map(Framing::Length).map_err(|_| Refusal::Malformed)
        }
        _ => Err(Refusal::Malformed),
    }
}

/// Returns the head that goes on: to the host that was decided on, whatever `Host` said, with a body as it was understood, and for one
/// request.
fn rewritten(first: &str, to: &Authority, framing: Framing, fields: &[Header<'_>]) -> Vec<u8> {
    let is_dropped = |field: &Header<'_>| {
        HOP_BY_HOP.iter().any(|name| is_named(field, name))
            || values(fields, "connection").any(|name| is_named(field, name))
    };
    let host = to.to_string();
    let host = host.strip_suffix(":80").unwrap_or(&host);
    let mut head = format!("{first}\r\nHost: {host}\r\n").into_bytes();
    for field in fields.iter().filter(|field| !is_dropped(field)) {
        head.extend([field.name.as_bytes(), b": ", field.value, b"\r\n"].concat());
    }
    head.extend([framing.field().as_bytes(), b"Connection: close\r\n\r\n"].concat());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(head: &str) -> Result<String, Refusal> {
        match read(head.as_bytes())? {
            Some((_, Request::Tunnel(to))) => Ok(to.to_string()),
            other => panic!("{other:?}"),
        }
    }

    fn forward(head: &str) -> Result<(String, String, Body), Refusal> {
        match read(head.as_bytes())? {
            Some((_, Request::Forward(to, head, body))) => {
                Ok((to.to_string(), String::from_utf8(head).unwrap(), body))
            }
            other => panic!("{other:?}"),
        }
    }

    /// Tries requests that have these in the place of `{}`.
    fn all_malformed(request: &str, parts: &[&str]) {
        for part in parts {
            let read = read(request.replace("{}", part).as_bytes());
            assert_eq!(read, Err(Refusal::Malformed), "{part:?}");
        }
    }

    #[test]
    fn connect_names_who_is_connected_to_and_no_field_does() {
        let head = "CONNECT evil.example:443 HTTP/1.1\r\nHost: good.example:443\r\nX-Forwarded-Host: good.example\r\n\r\n";
        assert_eq!(tunnel(head).unwrap(), "evil.example:443");
        all_malformed(
            "CONNECT {} HTTP/1.1\r\n\r\n",
            &[
                "good.example:80@evil.example:80",
                "http://evil.example/",
                "evil.example",
                "/",
                "*",
                "evil.example:80:80",
                "evil.example:80#good.example:80",
                "good.example%00.evil.example:80",
                "[::1]",
                "evil.example:0x50",
            ],
        );
    }

    #[test]
    fn a_request_goes_on_for_its_url_and_without_what_is_for_the_proxy() {
        let (to, head, body) = forward(
            "POST http://Good.example/a?b=c HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: Basic eDp5\r\nConnection: keep-alive, X-Own\r\n\
             X-Own: 1\r\nAccept: */*\r\nContent-Length: 3\r\n\r\nabc",
        )
        .unwrap();
        assert_eq!((to.as_str(), body), ("good.example:80", Body::length(3)));
        let wanted = "POST /a?b=c HTTP/1.1\r\nHost: good.example\r\nAccept: */*\r\nContent-Length: 3\r\nConnection: close\r\n\r\n";
        assert_eq!(head, wanted);
        let (to, head, _) = forward("GET http://[::1]:81?x HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!(to, "[::1]:81");
        assert_eq!(head, "GET /?x HTTP/1.0\r\nHost: [::1]:81\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn a_url_with_a_user_or_another_scheme_is_none() {
        all_malformed(
            "GET {} HTTP/1.1\r\n\r\n",
            &[
                "/",
                "*",
                "https://a.example/",
                "ftp://a.example/",
                "http://user@a.example/",
                "http://a.example:80@b.example/",
                "http:///",
                "http://a.example#b",
                "//a.example/",
                "http://a.example\\@b.example/",
            ],
        );
    }

    #[test]
    fn a_body_has_one_length() {
        let with =
            |fields: &str| forward(&format!("PUT http://a/ HTTP/1.1\r\n{fields}\r\n")).map(|read| read.2);
        assert_eq!(with("Transfer-Encoding: chunked\r\n"), Ok(Body::chunked()));
        // A client cannot have it dropped by calling it its connection's own.
        assert_eq!(with("Connection: content-length\r\nContent-Length: 5\r\n"), Ok(Body::length(5)));
        all_malformed(
            "PUT http://a/ HTTP/1.1\r\n{}\r\n",
            &[
                "Content-Length: 1\r\nContent-Length: 2\r\n",
                "Content-Length: 1, 1\r\n",
                "Content-Length: +1\r\n",
                "Content-Length: -1\r\n",
                "Content-Length: \r\n",
                "Content-Length: 99999999999999999999\r\n",
                "Transfer-Encoding: gzip, chunked\r\n",
                "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
                "Transfer-Encoding: \u{a0}chunked\r\n",
                "Transfer-Encoding: chunked\u{85}\r\n",
                "Transfer-Encoding: \u{a0}\r\n",
                "Content-Length: \u{2003}1\r\n",
            ],
        );
        // What came before chunks has none, and those who know them all the same read them in their own ways.
        all_malformed("PUT http://a/ HTTP/1.0\r\n{}\r\n", &["Transfer-Encoding: chunked\r\n"]);
    }

    #[test]
    fn a_host_is_told_of_a_body_as_it_was_understood() {
        for (fields, told) in [
            ("Transfer-Encoding: \t Chunked \r\n", "Transfer-Encoding: chunked\r\n"),
            ("Content-Length: 007\t\r\n", "Content-Length: 7\r\n"),
            ("Content-Length: 0\r\n", "Content-Length: 0\r\n"),
            ("Connection: \u{a0}x, \tX\r\nX: 1\r\n", ""),
            ("", ""),
        ] {
            let (_, head, _) = forward(&format!("PUT http://a/ HTTP/1.1\r\n{fields}\r\n")).unwrap();
            assert_eq!(head, format!("PUT / HTTP/1.1\r\nHost: a\r\n{told}Connection: close\r\n\r\n"));
        }
    }

    #[test]
    fn a_head_without_an_end_is_waited_for_and_then_refused() {
        let start = "CONNECT a.example:80 HTTP/1.1\r\n";
        assert_eq!(read(start.as_bytes()), Ok(None));
        let endless = format!("{start}X: {}", "x".repeat(HEAD_BYTES));
        assert_eq!(read(endless.as_bytes()), Err(Refusal::TooLong));
        let many = format!("{start}{}", "X: 1\r\n".repeat(FIELDS + 1));
        assert_eq!(read(many.as_bytes()), Err(Refusal::TooLong));
        assert_eq!(read(&vec![b'\n'; HEAD_BYTES]), Err(Refusal::TooLong));
        for bytes in [
            &b"\x16\x03\x01\x02\x00"[..],
            b"CONNECT a.example:80\r\n\r\n",
            b"\0\0\0\0\r\n\r\n",
            b"GET  http://a/ HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(read(bytes), Err(Refusal::Malformed), "{bytes:?}");
        }
    }
}
