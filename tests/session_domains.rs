//! Domains that a policy allows, reached by a session's own proxy. With a real Python, and names of this machine alone.
//!
//! These look at all descriptors and threads of this process, and so take turns.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use circlet::exec::policy::Policy;
use circlet::exec::{Builder, Executor, Outcome};
use serde_json::{Value, json};
use sessions::{builder, full_listener, ready, wait_for};

/// What scripts say of an attempt: what it gave, else the error that there was.
const TRIED: &str = "
import errno, http.client, os, socket, urllib.error, urllib.request
def tried(what):
    try: return what()
    except urllib.error.HTTPError as error: return error.code
    except OSError as error: return errno.errorcode.get(error.errno, str(error))
def got(url, **options):
    return urllib.request.urlopen(url, **options).read().decode()
def proxy():
    host, _, port = os.environ['HTTP_PROXY'].removeprefix('http://').partition(':')
    return host, int(port)
";

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that answers each request of HTTP with its first line and its `Host`, until the test program ends.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(|| answer(stream));
        }
    });
    port
}

fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|length| length == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines().filter(|line| line.contains("HTTP/") || line.starts_with("Host: "));
    let said = format!("{} {}", lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let length = said.len();
    let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{said}");
    // To close what has bytes that nobody read, as those of a body, resets the connection: the answer would be lost with it.
    let _ = stream.shutdown(Shutdown::Write);
    let _ = io::copy(&mut stream, &mut io::sink());
}

/// A session that has nothing but the interpreter and these rules.
fn confined(rules: &Value) -> Builder {
    let policy = json!({"version": 1, "name": "own", "fs": {"private_tmp": true}, "net": {"rules": rules}});
    builder().policy(Policy::from_json(&policy.to_string()).unwrap())
}

/// Rules for `localhost`, and for the one address of this machine that the test's server has.
fn local() -> Value {
    json!([
        {"action": "allow", "domains": ["localhost"]},
        {"action": "allow", "protocol": "tcp", "addresses": ["127.0.0.1"]},
    ])
}

fn value(python: &mut Executor, code: &str) -> Value {
    let Outcome { value, error, .. } = python.run(&format!("{TRIED}{code}")).unwrap();
    assert_eq!(error, None, "{code}");
    value.unwrap()
}

fn reaches_what_is_allowed(python: &mut Executor, port: u16) {
    let code = format!(
        "
with_tunnel = http.client.HTTPConnection(*proxy())
with_tunnel.set_tunnel('localhost', {port})
def tunnelled():
    with_tunnel.request('GET', '/tunnel')
    return with_tunnel.getresponse().read().decode()
def socks(host):
    with socket.create_connection(proxy()) as s:
        s.sendall(b'\\x05\\x01\\0')
        assert s.recv(2) == b'\\x05\\0'
        s.sendall(b'\\x05\\x01\\0\\x03' + bytes([len(host)]) + host + ({port}).to_bytes(2, 'big'))
        code = s.recv(10)[1]
        if code: return code
        s.sendall(b'GET /socks HTTP/1.1\\r\\n\\r\\n')
        return s.makefile().read().partition('\\n\\n')[2]
[got('http://localhost:{port}/plain'), got('http://localhost:{port}/late', timeout=5, data=b'abc'), tunnelled(), socks(b'localhost'),
 tried(lambda: got('http://other.example:{port}/')), tried(lambda: got('http://127.1:{port}/')),
 tried(lambda: got('http://127.0.0.2:{port}/')), socks(b'other.example'), socks(b'0x7f000001'),
 tried(lambda: got('http://localhost.:{port}/dot'))]"
    );
    let host = format!("Host: localhost:{port}");
    let wanted = json!([
        format!("GET /plain HTTP/1.1 {host}"),
        format!("POST /late HTTP/1.1 {host}"),
        format!("GET /tunnel HTTP/1.1 {host}"),
        "GET /socks HTTP/1.1 ",
        403,
        403,
        403,
        2,
        2,
        format!("GET /dot HTTP/1.1 {host}"),
    ]);
    assert_eq!(value(python, &code), wanted);
}

#[test]
fn a_session_reaches_the_domains_of_its_rules_and_no_others() {
    let _turn = turn();
    let port = server();
    let mut python = confined(&local()).start().unwrap();
    reaches_what_is_allowed(&mut python, port);
    let around = "tried(lambda: socket.create_connection(('127.0.0.2', 9)))";
    assert_eq!(value(&mut python, around), json!("EACCES"), "past the proxy");
    python.stop().unwrap();
}

#[test]
fn a_forked_session_has_a_proxy_of_its_own() {
    let _turn = turn();
    let port = server();
    let pool = ready(confined(&local()).ready(2).pool().unwrap());
    let mut sessions = [pool.open().unwrap(), pool.open().unwrap()];
    sessions.iter_mut().for_each(|python| reaches_what_is_allowed(python, port));
    let places = sessions.each_mut().map(|python| value(python, "proxy()"));
    assert_ne!(places[0], places[1]);
    // Who may connect to the address is not let in, for it is not whose the proxy is.
    let [one, _] = &mut sessions;
    let code = format!("tried(lambda: socket.create_connection(tuple({})).recv(1))", places[1]);
    assert!([json!(""), json!("ECONNRESET")].contains(&value(one, &format!("str({code}, 'ascii') or ''"))));
}

#[test]
fn a_domain_opens_nothing_near_by_itself_and_says_so() {
    let _turn = turn();
    let port = server();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let rules = json!([{"action": "allow", "domains": ["localhost"]}]);
    let builder = confined(&rules).on_audit(move |record| {
        tell.lock().unwrap().push((record.request.clone(), record.rule.clone(), record.thread));
    });
    let mut python = builder.start().unwrap();
    let code = format!(
        "[tried(lambda: got('http://localhost:{port}/')), tried(lambda: socket.create_connection(('127.0.0.1', {port})))]"
    );
    assert_eq!(value(&mut python, &code), json!([403, "EACCES"]));
    let id = python.process_id().unwrap();
    let wanted = ["localhost", "127.0.0.1"]
        .map(|host| (format!("connect {host}:{port} tcp"), "net.default of own".to_owned(), id));
    assert_eq!(*told.lock().unwrap(), wanted);
}

#[test]
fn nobody_else_on_the_machine_comes_in() {
    let _turn = turn();
    let mut python = confined(&local()).start().unwrap();
    let place = value(&mut python, "'%s:%d' % proxy()");
    let mut stranger = TcpStream::connect(place.as_str().unwrap()).unwrap();
    let _ = stranger.write_all(b"CONNECT localhost:80 HTTP/1.1\r\n\r\n");
    assert_eq!(stranger.read(&mut [0; 64]).unwrap_or(0), 0);
}

#[test]
fn as_many_connections_as_may_are_there_at_once_and_more_when_these_have_gone() {
    let _turn = turn();
    let port = server();
    let mut python = confined(&local()).start().unwrap();
    let code = format!(
        "
import time
def connect(): return socket.create_connection(proxy())
kept = [tried(connect) for _ in range(70)]
refused = [one for one in kept if isinstance(one, str)]
for one in kept:
    if one not in refused: one.close()
until = time.monotonic() + 20
def ask(): return str(tried(lambda: got('http://localhost:{port}/')))
while 'refused' in (last := ask()).lower() and time.monotonic() < until: time.sleep(0.01)
[len(refused), set(refused) == {{'ECONNREFUSED'}}, 'GET / ' in last]"
    );
    assert_eq!(value(&mut python, &code), json!([6, true, true]));
}

#[test]
fn a_connection_that_is_on_its_way_elsewhere_takes_no_place() {
    let _turn = turn();
    let port = server();
    let (_outside, full, _kept) = full_listener();
    let mut python = confined(&local()).start().unwrap();
    let code = format!(
        "
def twice():
    s = socket.socket()
    s.setblocking(False)
    return s, s.connect_ex(('127.0.0.1', {full})), s.connect_ex(proxy())
kept = [twice() for _ in range(70)]
codes = {{tuple(errno.errorcode[code] for code in codes) for _, *codes in kept}}
[list(map(list, codes)), tried(lambda: got('http://localhost:{port}/here'))]"
    );
    let host = format!("Host: localhost:{port}");
    assert_eq!(
        value(&mut python, &code),
        json!([[["EINPROGRESS", "EALREADY"]], format!("GET /here HTTP/1.1 {host}")])
    );
}

#[test]
fn nothing_is_left_of_a_proxy_when_its_session_has_ended() {
    let _turn = turn();
    let port = server();
    let count = |of: &str| fs::read_dir(format!("/proc/self/{of}")).unwrap().count();
    let threads = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.map(|task| fs::read_to_string(task.path().join("comm")).unwrap_or_default());
        names.filter(|name| name.starts_with("circlet-")).count()
    };
    // The first has things made that stay.
    confined(&local()).start().unwrap().stop().unwrap();
    wait_for("no threads", || threads() == 0);
    let before = count("fd");
    for ends_itself in [false, true] {
        let mut python = confined(&local()).start().unwrap();
        let code = format!(
            "
def tunnel():
    s = socket.create_connection(proxy())
    s.sendall(b'CONNECT localhost:{port} HTTP/1.1\\r\\n\\r\\n')
    s.recv(12)
    return s
silent = [socket.create_connection(proxy()) for _ in range(5)]
tunnels = [tunnel() for _ in range(5)]
proxy()[1]"
        );
        let place = value(&mut python, &code);
        assert!(threads() >= 10 && count("fd") > before + 10);
        if ends_itself {
            assert!(python.run("os._exit(3)").is_err());
            wait_for("no threads of the proxy", || threads() == 0);
            drop(python);
        } else {
            python.stop().unwrap();
        }
        wait_for("no threads", || threads() == 0);
        wait_for("the port is free", || {
            TcpStream::connect(("127.0.0.1", place.as_u64().unwrap() as u16)).is_err()
        });
        wait_for("as many descriptors as before", || count("fd") == before);
    }
}

#[test]
fn buns_fetch_goes_by_the_proxy() {
    let _turn = turn();
    let port = server();
    let mut bun = confined(&local()).bun(common::bun()).start().unwrap();
    let code = format!(
        "const got = async (host) => {{ const answer = await fetch(`http://${{host}}:{port}/bun`); return [answer.status, await answer.text()]; }};
[await got('localhost'), (await got('other.example'))[0]]"
    );
    let outcome = bun.run(&code).unwrap();
    assert_eq!(outcome.error, None);
    let said = format!("GET /bun HTTP/1.1 Host: localhost:{port}");
    assert_eq!(outcome.value.unwrap(), json!([[200, said], 403]));
}
