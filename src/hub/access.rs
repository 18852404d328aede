//! Who may connect: by address, by the name that the hub was reached by, and by the page that asks.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

use super::options::HubOptions;

/// Tells why an address may not connect.
pub(super) fn address(options: &HubOptions, peer: IpAddr) -> Option<String> {
    // An IPv4 address of a socket that takes both is meant by an IPv4 network.
    let peer = peer.to_canonical();
    let is_in = |networks: &[ipnet::IpNet]| networks.iter().any(|network| network.contains(&peer));
    let is_refused = is_in(&options.deny) || !(options.allow.is_empty() || is_in(&options.allow));
    is_refused.then(|| format!("the address {peer} may not connect"))
}

/// Tells why a request may not come: by its `Host` and its `Origin`. A program that is no browser sends no origin.
pub(super) fn page(options: &HubOptions, port: u16, headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(HOST).into_iter();
    let Some(host) = hosts.next() else { return Some("no Host is named".to_owned()) };
    if hosts.next().is_some() {
        // A proxy may have looked at the other one.
        return Some("there are two hosts".to_owned());
    }
    let host = host.to_str().unwrap_or("?");
    if !is_own_host(options, port, host) {
        return Some(format!(
            "the host {} is not this hub's; name it with `--host` (`hosts`) if it is",
            host.escape_debug()
        ));
    }
    let mut origins = headers.get_all(ORIGIN).into_iter();
    let origin = origins.next()?.to_str().unwrap_or("?");
    if origins.next().is_some() {
        return Some("there are two origins".to_owned());
    }
    let is_own = origin.split_once("://").is_some_and(|(_, of)| of.eq_ignore_ascii_case(host));
    let is_allowed = is_own || options.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
    (!is_allowed).then(|| {
        format!(
            "pages of {} may not connect; name the origin with `--origin` (`origins`) if they may",
            origin.escape_debug()
        )
    })
}

/// Tells whether a `Host` names this hub: by an address, by `localhost`, or by a name that was given.
fn is_own_host(options: &HubOptions, port: u16, host: &str) -> bool {
    let (name, named_port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    // A given name may be that of a proxy, at another port.
    if options.hosts.iter().any(|own| own.eq_ignore_ascii_case(name) || own.eq_ignore_ascii_case(host)) {
        return true;
    }
    if named_port.is_some_and(|named| named.parse() != Ok(port)) {
        return false;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    // Whoever names an address has no name that could lead elsewhere by another day.
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn refused(options: &HubOptions, host: &str, origin: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        page(options, 3010, &headers)
    }

    #[test]
    fn a_page_of_another_origin_is_refused_unless_it_is_named() {
        let mut options = HubOptions::default();
        assert_eq!(refused(&options, "localhost:3010", None), None);
        assert_eq!(refused(&options, "localhost:3010", Some("http://localhost:3010")), None);
        for origin in [
            "http://localhost:3011",
            "http://localhost",
            "null",
            "https://evil.example",
            "http://localhost:3010.evil.example",
        ] {
            assert!(
                refused(&options, "localhost:3010", Some(origin)).unwrap().contains("may not connect"),
                "{origin}"
            );
        }
        options.origins = vec!["https://app.example".to_owned()];
        assert_eq!(refused(&options, "localhost:3010", Some("https://app.example")), None);
        assert!(refused(&options, "localhost:3010", Some("http://app.example")).is_some());
    }

    #[test]
    fn a_name_that_leads_here_is_refused_unless_it_is_named() {
        let mut options = HubOptions::default();
        for own in ["localhost:3010", "LOCALHOST:3010", "127.0.0.1:3010", "[::1]:3010"] {
            assert_eq!(refused(&options, own, None), None, "{own}");
        }
        for other in [
            "evil.example",
            "evil.example:3010",
            "localhost.evil.example:3010",
            "127.0.0.1.evil.example",
            "localhost:80",
            "",
        ] {
            assert!(refused(&options, other, None).is_some(), "{other}");
        }
        options.hosts = vec!["hub.example".to_owned()];
        assert_eq!(refused(&options, "hub.example", None), None);
        assert_eq!(refused(&options, "hub.example:443", Some("https://hub.example:443")), None);
    }

    #[test]
    fn addresses_are_denied_before_they_are_allowed() {
        let mut options = HubOptions::default();
        let from = |options: &HubOptions, peer: &str| address(options, peer.parse().unwrap());
        assert_eq!(from(&options, "203.0.113.9"), None);
        options.allow = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        options.deny = vec!["10.1.0.0/16".parse().unwrap()];
        for (peer, is_allowed) in [
            ("10.2.3.4", true),
            ("::ffff:10.2.3.4", true),
            ("10.1.3.4", false),
            ("::1", true),
            ("127.0.0.1", false),
        ] {
            assert_eq!(from(&options, peer).is_none(), is_allowed, "{peer}");
        }
    }
}
