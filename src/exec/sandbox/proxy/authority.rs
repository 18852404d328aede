//! What a client names: a host and a port.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The longest name of a domain.
const NAME_BYTES: usize = 253;

/// A host and a port, as a URL has them, or SOCKS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: u16,
}

/// A host: nothing that could be taken for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    /// In lower case, without a dot at its end. Whether it is a domain's name is for the policy to say.
    Name(String),
}

impl Authority {
    /// Reads `HOST:PORT`, as `CONNECT` has it, or `HOST` alone where a port is given. `None` for all else: a user, a path, blanks.
    pub(super) fn parse(text: &str, port: Option<u16>) -> Option<Self> {
        let (host, after) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']')?;
                (Host::Address(IpAddr::V6(address.parse().ok()?)), after)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                (Host::parse(&text[..end])?, &text[end..])
            }
        };
        let port = match after.strip_prefix(':') {
            // A sign would be read as part of a number.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
            None if after.is_empty() => port?,
            _ => return None,
        };
        Some(Self { host, port })
    }
}

impl Host {
    /// Reads a name, or an address of IPv4.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_name = (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain);
        is_name.then(|| Self::Name(name.to_ascii_lowercase()))
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(address) => SocketAddr::new(*address, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_name_and_never_both() {
        for (text, read) in [
            ("example.org:443", "example.org:443"),
            ("Example.ORG.:443", "example.org:443"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80"),
            ("example.org", "example.org:8"),
            ("0x7f000001:1", "0x7f000001:1"),
        ] {
            assert_eq!(Authority::parse(text, Some(8)).unwrap().to_string(), read);
        }
        for text in [
            "",
            ":80",
            "a b:80",
            "user@example.org:80",
            "example.org:80@evil.example:80",
            "example.org:",
            "example.org:x",
            "example.org:+80",
            "example.org:65536",
            "example.org:80/",
            "::1:80",
            "[::1]80",
            "[::1",
            "[127.0.0.1]:80",
            "[fe80::1%lo]:80",
            "[::1]x:80",
            "ü.example:80",
            "a%2eb:80",
            "a\0b:80",
            "a\r\nb:80",
            ".:1",
            "*:80",
        ] {
            assert_eq!(Authority::parse(text, Some(8)), None, "{text}");
        }
        assert_eq!(Authority::parse("example.org", None), None);
        assert_eq!(Authority::parse(&format!("{}:1", "a".repeat(254)), None), None);
    }
}
