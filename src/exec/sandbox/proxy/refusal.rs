//! Why a proxy does not do what it is asked, in the terms of its protocols.

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What was sent is none of the protocols, or asks for what is none of a proxy's.
    Malformed,
    /// The head of a request is longer than it may be.
    TooLong,
    /// The client did not say in time what it wants.
    Late,
    /// The policy denies it.
    Denied,
    /// The name is not known, or could not be looked up.
    NoSuchName,
    /// Too many names are being looked up.
    Busy,
    /// Nobody is at the address.
    Unreachable,
    /// The session has ended, or the client has gone.
    Gone,
}

impl Refusal {
    /// Returns the status of HTTP, with its phrase.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Malformed => "400 Bad Request",
            Self::Denied => "403 Forbidden",
            Self::Late | Self::Gone => "408 Request Timeout",
            Self::TooLong => "431 Request Header Fields Too Large",
            Self::NoSuchName | Self::Unreachable => "502 Bad Gateway",
            Self::Busy => "503 Service Unavailable",
        }
    }

    /// Returns what people are told.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => {
                "this is no request that a proxy takes: CONNECT HOST:PORT, or http://HOST/PATH"
            }
            Self::Denied => "the policy of this session denies it",
            Self::Late | Self::Gone => "no request came in time",
            Self::TooLong => "the head of the request is too long",
            Self::NoSuchName => "the name could not be looked up",
            Self::Unreachable => "nobody could be reached there",
            Self::Busy => "too many names are being looked up",
        }
    }

    /// Returns the whole answer of HTTP.
    pub(super) fn answer(self) -> Vec<u8> {
        let (status, body) = (self.status(), self.sentence());
        let length = body.len() + 1;
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}\n"
        )
        .into_bytes()
    }

    /// Returns the reply of SOCKS5 (RFC 1928, section 6).
    pub(super) fn reply(self) -> u8 {
        match self {
            Self::Denied => 2,
            Self::NoSuchName => 4,
            Self::Unreachable => 5,
            _ => 1,
        }
    }
}
