//! A proxy as a whole, with names that lead where the tests have them lead.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::end::{self, End};
use super::serve::{Serving, Terms};
use super::{Proxy, VARIABLES};
use crate::exec::policy::{Policy, Surroundings};
use crate::exec::sandbox::audit::{Audit, Callback};
use crate::shm::Deadline;

const LONG: Duration = Duration::from_secs(20);

/// A proxy under a policy that allows `*.example` and 127.0.0.1, and warns of `warned.example`.
struct Tried {
    proxy: Arc<Proxy>,
    serving: Option<Serving>,
    told: Arc<Mutex<Vec<String>>>,
    lookups: Arc<AtomicUsize>,
}

impl Tried {
    fn new(names: &[(&'static str, &[&str])]) -> Self {
        let policy = Policy::from_json(
            r#"{"version": 1, "net": {"rules": [
                {"action": "allow", "protocol": "tcp", "domains": ["*.example"], "addresses": ["127.0.0.1"]},
                {"action": "deny", "domains": ["denied.example"]},
                {"action": "deny", "addresses": ["203.0.114.0/24"]},
                {"action": "warn", "domains": ["warned.example"]}
            ]}}"#,
        );
        let [cwd, home, tmp] = ["/srv", "/home/ada", "/tmp"].map(Into::into);
        let policy = policy.unwrap().resolve(&Surroundings { cwd, home, tmp, runtime: Vec::new() });
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = told.clone();
        let callback = Callback(Arc::new(move |record| {
            tell.lock().unwrap().push(format!("{:?} {}: {}", record.action, record.request, record.rule));
        }));
        let audit = Arc::new(Audit::new([], Some(callback)).unwrap());
        let names: HashMap<String, Vec<IpAddr>> = names
            .iter()
            .map(|(name, to)| (name.to_string(), to.iter().map(|to| to.parse().unwrap()).collect()))
            .collect();
        let lookups = Arc::new(AtomicUsize::new(0));
        let counted = lookups.clone();
        let resolve = Arc::new(move |name: &str| {
            counted.fetch_add(1, SeqCst);
            names.get(name).cloned().ok_or_else(|| ErrorKind::NotFound.into())
        });
        let proxy = Arc::new(Proxy::new().unwrap());
        let terms = Terms { policy: Arc::new(policy), audit, session: 1 };
        let serving = Some(Serving::start(proxy.clone(), terms, resolve).unwrap());
        Self { proxy, serving, told, lookups }
    }

    /// Connects as a supervisor does for its session.
    fn enter(&self) -> TcpStream {
        let socket = end::socket(self.proxy.address).unwrap();
        self.proxy.expect(&socket.try_clone().unwrap().into(), 7).unwrap().keep();
        End::new().unwrap().connect(&socket, self.proxy.address, Deadline::after(LONG)).unwrap();
        socket.set_nonblocking(false).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        socket
    }

    /// Says something, and returns all that comes back.
    fn said(&self, words: &[u8]) -> Vec<u8> {
        let mut socket = self.enter();
        socket.write_all(words).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut all = Vec::new();
        socket.read_to_end(&mut all).unwrap();
        all
    }

    fn status(&self, words: &str) -> String {
        let said = String::from_utf8(self.said(words.as_bytes())).unwrap();
        said.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

/// A host that tells everybody what it was told, after "heard ".
fn host() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).unwrap_or(0);
                let _ = stream.write_all(&[b"heard ", &buffer[..length]].concat());
            });
        }
    });
    port
}

#[test]
fn a_name_that_is_allowed_is_reached_by_all_three_protocols() {
    let tried = Tried::new(&[("here.example", &["127.0.0.1"])]);
    let port = host();
    let tunnel = tried.said(format!("CONNECT here.example:{port} HTTP/1.1\r\n\r\nhello").as_bytes());
    assert_eq!(tunnel, b"HTTP/1.1 200 Connection established\r\n\r\nheard hello");
    let got = tried
        .said(format!("GET http://here.example:{port}/x HTTP/1.1\r\nHost: other.example\r\n\r\n").as_bytes());
    let wanted = format!("heard GET /x HTTP/1.1\r\nHost: here.example:{port}\r\nConnection: close\r\n\r\n");
    assert_eq!(String::from_utf8(got).unwrap(), wanted);
    let socks = [&[5, 1, 0, 5, 1, 0, 3, 12][..], b"here.example", &port.to_be_bytes(), b"hello"].concat();
    assert_eq!(tried.said(&socks), b"\x05\0\x05\0\0\x01\0\0\0\0\0\0heard hello");
    let socks = [&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1][..], &port.to_be_bytes(), b"hello"].concat();
    assert_eq!(tried.said(&socks), b"\x05\0\x05\0\0\x01\0\0\0\0\0\0heard hello");
    assert_eq!(tried.told(), [""; 0]);
    assert_eq!(tried.lookups.load(SeqCst), 3, "each name once, and no address");
}

#[test]
fn a_name_that_leads_near_or_to_a_denied_address_is_refused() {
    let names: [(&str, &[&str]); 8] = [
        ("a.example", &["127.0.0.2"]),
        ("b.example", &["169.254.169.254"]),
        ("c.example", &["::ffff:127.0.0.2"]),
        ("d.example", &["::1", "10.0.0.1"]),
        ("e.example", &["203.0.114.7"]),
        ("f.example", &["0.0.0.0", "::"]),
        ("g.example", &["64:ff9b::7f00:1", "2002:7f00:1::1"]),
        ("denied.example", &["127.0.0.1"]),
    ];
    let tried = Tried::new(&names);
    let port = host();
    for (name, _) in names {
        assert_eq!(tried.status(&format!("CONNECT {name}:{port} HTTP/1.1\r\n\r\n")), "403", "{name}");
        assert_eq!(tried.status(&format!("GET http://{name}:{port}/ HTTP/1.1\r\n\r\n")), "403", "{name}");
        let socks =
            [&[5, 1, 0, 5, 1, 0, 3, name.len() as u8][..], name.as_bytes(), &port.to_be_bytes()].concat();
        assert_eq!(tried.said(&socks), b"\x05\0\x05\x02\0\x01\0\0\0\0\0\0", "{name}");
        let rule = match name {
            "denied.example" => "net.rules[1]",
            "e.example" => "net.rules[2]",
            _ => "net.default",
        };
        assert_eq!(tried.told(), vec![format!("Deny connect {name}:{port} tcp: {rule}"); 3]);
    }
}

#[test]
fn of_a_names_addresses_those_are_tried_that_are_allowed_and_it_is_looked_up_once() {
    let tried = Tried::new(&[
        ("mixed.example", &["169.254.169.254", "::1", "127.0.0.2", "::ffff:127.0.0.1"]),
        ("warned.example", &["127.0.0.1"]),
    ]);
    let port = host();
    assert_eq!(tried.status(&format!("CONNECT mixed.example:{port} HTTP/1.1\r\n\r\n")), "200");
    assert_eq!(tried.lookups.load(SeqCst), 1);
    let denied = ["169.254.169.254".to_owned(), "[::1]".to_owned(), "127.0.0.2".to_owned()];
    let denied = denied.map(|address| format!("Deny connect {address}:{port} tcp: net.default"));
    assert_eq!(tried.told(), denied, "what else the name leads to is told");
    assert_eq!(tried.status(&format!("CONNECT warned.example:{port} HTTP/1.1\r\n\r\n")), "200");
    assert_eq!(tried.told(), [format!("Warn connect warned.example:{port} tcp: net.rules[3]")]);
}

#[test]
fn what_is_denied_by_its_name_is_never_looked_up() {
    let tried = Tried::new(&[]);
    for host in [
        "secret.elsewhere",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.2",
        "[::1]",
        "[::ffff:127.0.0.2]",
        "127.0.0.2.",
        "a..example",
        "-",
    ] {
        assert_eq!(tried.status(&format!("CONNECT {host}:80 HTTP/1.1\r\n\r\n")), "403", "{host}");
        assert_eq!(tried.told().len(), 1, "{host}");
    }
    assert_eq!(tried.lookups.load(SeqCst), 0);
    assert_eq!(tried.status("CONNECT nowhere.example:80 HTTP/1.1\r\n\r\n"), "502");
    assert_eq!(tried.lookups.load(SeqCst), 1);
}

#[test]
fn what_is_no_request_gets_an_answer_and_no_connection() {
    let tried = Tried::new(&[("here.example", &["127.0.0.1"])]);
    for (words, status) in [
        ("GET / HTTP/1.1\r\nHost: here.example\r\n\r\n", "400"),
        ("CONNECT here.example:80@127.0.0.2:80 HTTP/1.1\r\n\r\n", "400"),
        ("CONNECT here.example HTTP/1.1\r\n\r\n", "400"),
        ("CONNECT here.example:80", "408"),
        ("\x04\x01\0\x50\x7f\0\0\x01\0", "400"),
    ] {
        assert_eq!(tried.status(words), status, "{words:?}");
    }
    assert_eq!(
        tried.status(&format!("CONNECT here.example:80 HTTP/1.1\r\nX: {}", "x".repeat(1 << 18))),
        "431"
    );
    assert_eq!(tried.said(b"\x05\x01\x02"), b"\x05\xff");
    assert_eq!(
        tried.said(b"\x05\x01\0\x05\x02\0\x01\x7f\0\0\x01\0\x50"),
        b"\x05\0\x05\x07\0\x01\0\0\0\0\0\0"
    );
    assert_eq!(tried.lookups.load(SeqCst), 0);
}

#[test]
fn nobody_but_the_session_comes_in() {
    let tried = Tried::new(&[("here.example", &["127.0.0.1"])]);
    let mut stranger = TcpStream::connect(tried.proxy.address).unwrap();
    let _ = stranger.write_all(b"CONNECT here.example:80 HTTP/1.1\r\n\r\n");
    assert_eq!(stranger.read(&mut [0; 100]).unwrap_or(0), 0);
    assert_eq!(tried.lookups.load(SeqCst), 0);
}

#[test]
fn a_name_that_leads_to_the_proxy_itself_reaches_nobody() {
    let tried = Tried::new(&[("self.example", &["127.0.0.1"])]);
    let port = tried.proxy.address.port();
    let got = tried.said(
        format!("CONNECT self.example:{port} HTTP/1.1\r\n\r\nCONNECT a.example:80 HTTP/1.1\r\n\r\n")
            .as_bytes(),
    );
    assert_eq!(got, b"HTTP/1.1 200 Connection established\r\n\r\n");
}

#[test]
fn all_connections_and_threads_end_with_the_proxy() {
    let mut tried = Tried::new(&[("here.example", &["127.0.0.1"])]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // One that says nothing, one in the middle of its head, and one through which nothing goes.
    let mut all = [tried.enter(), tried.enter(), tried.enter()];
    all[1].write_all(b"CONNECT here").unwrap();
    write!(all[2], "CONNECT here.example:{port} HTTP/1.1\r\n\r\n").unwrap();
    let (mut far, _) = listener.accept().unwrap();
    let server = Arc::downgrade(&Arc::clone(&tried.proxy));
    let begin = Instant::now();
    drop(tried.serving.take());
    assert!(begin.elapsed() < Duration::from_secs(5));
    for socket in &mut all {
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
    }
    assert_eq!(far.read(&mut [0; 8]).unwrap_or(0), 0);
    // Each thread had the proxy.
    assert_eq!(server.strong_count(), 1);
    let address = tried.proxy.address;
    drop(tried);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn all_variables_name_the_proxy() {
    let proxy = Proxy::new().unwrap();
    let all: Vec<_> = proxy.variables().collect();
    assert_eq!(all.len(), VARIABLES.len());
    assert!(all.iter().all(|(_, url)| *url == format!("http://127.0.0.1:{}", proxy.address.port())));
}
