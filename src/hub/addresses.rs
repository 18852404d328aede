//! What each address has of a hub: its connections, what it may still post, and the wrong tokens that it has tried. No clock is in it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::options::{ClientLimits, HubOptions};
use super::quota::Quota;

/// Of how many addresses that have no connection it is known at least what they did; of all there are twice as many at most.
const REMEMBERED: usize = 10_000;

/// How many connections an address may have that is not given a limit.
const CONNECTIONS: usize = 1_000;

/// How many wrong tokens an address may try within a minute. The same one again is no other.
const WRONG_TOKENS: usize = 10;

const MINUTE_MS: u64 = 60_000;

/// The addresses that there are.
#[derive(Debug)]
pub(super) struct Addresses {
    connections: usize,
    connections_of_one: Option<usize>,
    posts: ClientLimits,
    hasher: RandomState,
    all: Mutex<All>,
}

#[derive(Debug)]
struct All {
    sessions: usize,
    /// How many addresses there are when those are forgotten that have no connection.
    forget_at: usize,
    by_address: HashMap<IpAddr, Known>,
}

/// What is known of an address.
#[derive(Debug, Default)]
struct Known {
    sessions: usize,
    /// Its connections that ask over HTTP.
    asking: usize,
    posted: Option<Quota>,
    /// The wrong tokens since a moment, as hashes.
    wrong_tokens: Vec<u64>,
    wrong_since_ms: u64,
}

/// Why a session or a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMany {
    #[error(
        "there are {limit} viewers, as many as there may be: come back later, or start the hub with a larger `max_connections`"
    )]
    Sessions { limit: usize },
    #[error(
        "{address} has {limit} connections, as many as an address may have: close some, or start the hub with a larger \
         `max_connections_per_address`"
    )]
    OfAddress { address: IpAddr, limit: usize },
    #[error(
        "this process may open no more: come back later, or start it with a higher limit of open files (`ulimit -n`), \
         one for each viewer and some more"
    )]
    Descriptors,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Right,
    Wrong,
    /// So many wrong ones came from its address that none is looked at for a while.
    Unread,
}

impl Addresses {
    pub(super) fn new(options: &HubOptions) -> Self {
        Self {
            connections: options.max_connections,
            connections_of_one: options.max_connections_per_address,
            posts: options.emitter_limits,
            hasher: RandomState::new(),
            all: Mutex::new(All { sessions: 0, forget_at: REMEMBERED, by_address: HashMap::new() }),
        }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many connections an address may have.
    fn limit(&self, address: IpAddr) -> usize {
        // A proxy on this machine has those of everybody.
        let default = if address.is_loopback() { usize::MAX } else { CONNECTIONS };
        self.connections_of_one.unwrap_or(default)
    }

    /// Has place for a session of an address, until that is dropped.
    ///
    /// # Errors
    /// There is no place for it.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Admitted, TooMany> {
        let address = of(peer);
        let mut all = self.all();
        if all.sessions >= self.connections {
            return Err(TooMany::Sessions { limit: self.connections });
        }
        let limit = self.limit(address);
        let known = all.known(address);
        if known.sessions >= limit {
            return Err(TooMany::OfAddress { address, limit });
        }
        known.sessions += 1;
        all.sessions += 1;
        Ok(Admitted { addresses: self.clone(), address, is_session: true })
    }

    /// Has place for a connection that asks over HTTP, until that is dropped.
    ///
    /// # Errors
    /// There is no place for it.
    pub(super) fn connect(self: &Arc<Self>, peer: IpAddr) -> Result<Admitted, TooMany> {
        let address = of(peer);
        // Each session that polls has one that waits and one that posts; a page asks for its files by six.
        let limit = self.limit(address).saturating_mul(2).saturating_add(6);
        let mut all = self.all();
        let known = all.known(address);
        if known.asking >= limit {
            return Err(TooMany::OfAddress { address, limit });
        }
        known.asking += 1;
        Ok(Admitted { addresses: self.clone(), address, is_session: false })
    }

    /// Takes what a message costs that is posted.
    ///
    /// # Errors
    /// There is not so much left: what is too much.
    pub(super) fn post(&self, peer: IpAddr, bytes: usize, now_ms: u64) -> Result<(), String> {
        let mut all = self.all();
        let posted = &mut all.known(of(peer)).posted;
        posted.get_or_insert_with(|| Quota::new(self.posts, now_ms)).take(bytes, now_ms)
    }

    /// Looks at a token.
    pub(super) fn token(
        &self,
        peer: IpAddr,
        token: &str,
        is_right: impl FnOnce(&str) -> bool,
        now_ms: u64,
    ) -> Token {
        let mut all = self.all();
        let known = all.known(of(peer));
        if now_ms.saturating_sub(known.wrong_since_ms) >= MINUTE_MS {
            known.wrong_tokens = Vec::new();
        }
        // Behind a proxy on this machine one who guesses would lock everybody out.
        if known.wrong_tokens.len() >= WRONG_TOKENS && !peer.to_canonical().is_loopback() {
            return Token::Unread;
        }
        if is_right(token) {
            return Token::Right;
        }
        let hash = self.hasher.hash_one(token);
        // A program that was given a wrong one tries that again and again, and guesses nothing.
        if !known.wrong_tokens.contains(&hash) && known.wrong_tokens.len() < WRONG_TOKENS {
            if known.wrong_tokens.is_empty() {
                known.wrong_since_ms = now_ms;
            }
            known.wrong_tokens.push(hash);
        }
        Token::Wrong
    }
}

impl All {
    fn known(&mut self, address: IpAddr) -> &mut Known {
        if self.by_address.len() >= self.forget_at && !self.by_address.contains_key(&address) {
            self.by_address.retain(|_, known| known.is_connected());
            // Where most are connected, not each that comes has all of them looked at.
            self.forget_at = (self.by_address.len() * 2).max(REMEMBERED);
        }
        self.by_address.entry(address).or_default()
    }
}

impl Known {
    fn is_connected(&self) -> bool {
        self.sessions > 0 || self.asking > 0
    }
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    addresses: Arc<Addresses>,
    pub(super) address: IpAddr,
    is_session: bool,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut all = self.addresses.all();
        all.sessions -= usize::from(self.is_session);
        let known = all.known(self.address);
        known.sessions -= usize::from(self.is_session);
        known.asking -= usize::from(!self.is_session);
        let is_blank = known.posted.is_none() && known.wrong_tokens.is_empty();
        if is_blank && !known.is_connected() {
            all.by_address.remove(&self.address);
        }
    }
}

/// Returns whose address it is: of IPv6, each customer has a network of 64 bits.
fn of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(change: impl FnOnce(&mut HubOptions)) -> Arc<Addresses> {
        let mut options = HubOptions::default();
        change(&mut options);
        Arc::new(Addresses::new(&options))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_limit_and_a_network_of_ipv6_is_one() {
        let addresses = addresses(|options| options.max_connections_per_address = Some(2));
        let mut taken: Vec<_> =
            ["10.0.0.1", "10.0.0.1", "10.0.0.2"].map(|peer| addresses.admit(ip(peer)).unwrap()).into();
        assert_eq!(
            addresses.admit(ip("::ffff:10.0.0.1")).unwrap_err(),
            TooMany::OfAddress { address: ip("10.0.0.1"), limit: 2 }
        );
        taken.remove(0);
        taken.push(addresses.admit(ip("10.0.0.1")).unwrap());
        taken.extend(["2001:db8::1", "2001:db8::2"].map(|peer| addresses.admit(ip(peer)).unwrap()));
        assert!(addresses.admit(ip("2001:db8::ffff:3")).is_err());
        taken.push(addresses.admit(ip("2001:db8:0:1::3")).unwrap());
        drop(taken);
        assert!(addresses.all().by_address.is_empty() && addresses.all().sessions == 0);
    }

    #[test]
    fn this_machine_has_as_many_as_there_may_be_and_others_a_thousand() {
        let addresses = addresses(|_| {});
        let of =
            |peer: &str, count| (0..count).map(|_| addresses.admit(ip(peer))).collect::<Result<Vec<_>, _>>();
        assert!(of("10.0.0.1", 1_000).is_ok() && of("10.0.0.1", 1_001).is_err());
        let own = of("127.0.0.1", 10_000).unwrap();
        let too_many = of("::1", 10_001).unwrap_err();
        assert_eq!((own.len(), too_many), (10_000, TooMany::Sessions { limit: 20_000 }));
    }

    #[test]
    fn ten_wrong_tokens_of_another_machine_within_a_minute_are_looked_at_and_the_same_one_again_is_no_other()
    {
        let addresses = addresses(|_| {});
        let token =
            |token: &str, now_ms| addresses.token(ip("10.0.0.1"), token, |token| token == "right", now_ms);
        for n in 0..100 {
            assert_eq!(token("old", n), Token::Wrong);
        }
        assert_eq!(token("right", 100), Token::Right);
        for n in 1..10 {
            assert_eq!(token(&n.to_string(), 200), Token::Wrong);
        }
        assert_eq!((token("right", 300), token("old", 59_999)), (Token::Unread, Token::Unread));
        assert_eq!(addresses.token(ip("10.0.0.2"), "x", |_| true, 300), Token::Right);
        for n in 0..100 {
            assert_eq!(addresses.token(ip("127.0.0.1"), &n.to_string(), |_| false, 300), Token::Wrong);
        }
        assert_eq!(addresses.token(ip("127.0.0.1"), "right", |_| true, 300), Token::Right);
        assert_eq!((token("right", 60_000), token("other", 60_000)), (Token::Right, Token::Wrong));
    }

    #[test]
    fn addresses_that_are_gone_are_forgotten_before_there_are_too_many() {
        let addresses = addresses(|_| {});
        let stays = addresses.admit(ip("10.0.0.1")).unwrap();
        for n in 0..30_000_u32 {
            addresses.post(Ipv6Addr::from(u128::from(n) << 64).into(), 1, 0).unwrap();
        }
        assert!(addresses.all().by_address.len() <= REMEMBERED);
        drop(stays);
        assert_eq!(addresses.all().sessions, 0);
    }
}
