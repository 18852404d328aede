//! SOCKS5 (RFC 1928), as far as it is needed: connections, to names and addresses, without a password.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::authority::{Authority, Host};

/// The version, which is the first byte of all that a client says.
pub(super) const VERSION: u8 = 5;
const NO_PASSWORD: u8 = 0;
const NO_WAY: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// What was read: so many bytes, and what they say.
pub(super) type Read<T> = Option<(usize, T)>;

/// Why a request is refused, as a reply says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    Malformed = 1,
    Command = 7,
    AddressType = 8,
}

/// Reads how a client can say who it is; whether without a password. `None` where there is more to come.
pub(super) fn greeting(bytes: &[u8]) -> Read<bool> {
    let [_, count, rest @ ..] = bytes else { return None };
    let methods = rest.get(..usize::from(*count))?;
    Some((2 + methods.len(), methods.contains(&NO_PASSWORD)))
}

/// Returns what is answered to a greeting.
pub(super) fn method(is_open: bool) -> [u8; 2] {
    [VERSION, if is_open { NO_PASSWORD } else { NO_WAY }]
}

/// Reads a request. `None` where there is more to come.
pub(super) fn request(bytes: &[u8]) -> Read<Result<Authority, Unusable>> {
    let [version, command, _, kind, rest @ ..] = bytes else { return None };
    if *version != VERSION {
        return Some((bytes.len(), Err(Unusable::Malformed)));
    }
    let (length, host) = match *kind {
        IPV4 => (4, rest.first_chunk::<4>().map(|bytes| Some(Host::Address(Ipv4Addr::from(*bytes).into())))?),
        IPV6 => {
            (16, rest.first_chunk::<16>().map(|bytes| Some(Host::Address(Ipv6Addr::from(*bytes).into())))?)
        }
        NAME => {
            let (length, rest) = rest.split_first()?;
            let name = rest.get(..usize::from(*length))?;
            (1 + name.len(), std::str::from_utf8(name).ok().and_then(named))
        }
        _ => return Some((bytes.len(), Err(Unusable::AddressType))),
    };
    let port = u16::from_be_bytes(*rest.get(length..)?.first_chunk()?);
    let asked = match host {
        _ if *command != CONNECT => Err(Unusable::Command),
        Some(host) => Ok(Authority { host, port }),
        None => Err(Unusable::Malformed),
    };
    Some((4 + length + 2, asked))
}

/// Reads a name; clients send addresses as names too.
fn named(name: &str) -> Option<Host> {
    name.parse().map(|address: Ipv6Addr| Host::Address(address.into())).ok().or_else(|| Host::parse(name))
}

/// Returns what is answered to a request. The address that it has is nobody's.
pub(super) fn reply(code: u8) -> [u8; 10] {
    [VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(bytes: &[u8]) -> String {
        let (length, asked) = request(bytes).unwrap();
        assert_eq!(length, bytes.len());
        asked.unwrap().to_string()
    }

    #[test]
    fn a_request_names_an_address_or_a_name() {
        assert_eq!(greeting(&[5, 2, 2, 0, 9]), Some((4, true)));
        assert_eq!(greeting(&[5, 1, 2]), Some((3, false)));
        assert_eq!(asked(&[5, 1, 0, 1, 10, 0, 0, 1, 1, 187]), "10.0.0.1:443");
        assert_eq!(asked(b"\x05\x01\0\x03\x03a.b\0\x50"), "a.b:80");
        assert_eq!(asked(b"\x05\x01\0\x03\x03::1\0\x50"), "[::1]:80");
        assert_eq!(asked(&[&[5, 1, 0, 4][..], &[0; 15], &[1, 0, 80]].concat()), "[::1]:80");
    }

    #[test]
    fn what_is_cut_off_is_waited_for() {
        for whole in [&b"\x05\x01\0\x03\x03a.b\0\x50"[..], &[5, 1, 0, 1, 10, 0, 0, 1, 1, 187]] {
            for length in 0..whole.len() {
                assert_eq!(request(&whole[..length]), None);
            }
        }
        assert_eq!(greeting(&[5]), None);
        assert_eq!(greeting(&[5, 3, 0, 1]), None);
    }

    #[test]
    fn what_is_no_connection_or_no_name_is_refused() {
        let refused = |bytes: &[u8]| request(bytes).unwrap().1.unwrap_err();
        assert_eq!(refused(&[5, 2, 0, 1, 10, 0, 0, 1, 1, 187]), Unusable::Command);
        assert_eq!(refused(&[5, 1, 0, 9, 0]), Unusable::AddressType);
        assert_eq!(refused(&[4, 1, 0, 1]), Unusable::Malformed);
        assert_eq!(refused(b"\x05\x01\0\x03\x03a\0b\0\x50"), Unusable::Malformed);
        assert_eq!(refused(b"\x05\x01\0\x03\x00\0\x50"), Unusable::Malformed);
    }
}
