//! Datagrams of confined sessions: they reach whom a policy names, and nobody else. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::policy::Policy;
use circlet::exec::{Builder, Executor, Outcome};
use serde_json::{Value, json};
use sessions::{builder, full_listener, wait_for};

/// What scripts have: attempts that say the name of their error, and a datagram sent in each way that names a receiver.
const BEGIN: &str = "
import array, ctypes, errno, os, select, socket, struct, threading
def tried(what):
    try: return what()
    except OSError as error: return errno.errorcode[error.errno]
def datagrams(family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(5)
    return s
library = ctypes.CDLL(None, use_errno=True)
def header(address, data):
    vector = ctypes.create_string_buffer(struct.pack('=QQ', ctypes.addressof(data), len(data)))
    return vector, struct.pack('=QI4xQQQQI4xI4x', ctypes.addressof(address), 16, ctypes.addressof(vector), 1, 0, 0, 0, 0)
def named(host, port):
    return ctypes.create_string_buffer(struct.pack('=H', 2) + struct.pack('>H', port) + socket.inet_aton(host) + bytes(8), 16)
def sendmmsg(s, receivers, data=b'question'):
    kept = [(named(*receiver), ctypes.create_string_buffer(data, len(data))) for receiver in receivers]
    parts = [header(*each) for each in kept]
    headers = ctypes.create_string_buffer(b''.join(part for _, part in parts), 64 * len(parts))
    sent = library.sendmmsg(s.fileno(), headers, len(parts), 0)
    if sent < 0: raise OSError(ctypes.get_errno(), 'sendmmsg')
    return [struct.unpack_from('=I', headers, 64 * at + 56)[0] for at in range(sent)]
def connected(s, host, port):
    s.connect((host, port))
    return s.send(b'question')
ways = [
    lambda s, *to: s.sendto(b'question', to),
    lambda s, *to: s.sendmsg([b'ques', b'', b'tion'], [], 0, to),
    lambda s, *to: sendmmsg(s, [to])[0],
    connected,
]
def ask(way, host, port, family=socket.AF_INET):
    with datagrams(family) as s:
        def once():
            sent = way(s, host, port)
            return [sent, s.recv(100).decode()]
        return tried(once)
";

fn with_net(net: &Value) -> Builder {
    let json = json!({"version": 1, "fs": {"private_tmp": true}, "net": net});
    builder().policy(Policy::from_json(&json.to_string()).unwrap())
}

/// A session that may send datagrams to one port, and connect by TCP to loopback.
fn asking(port: u16) -> Executor {
    let rules = json!({"rules": [
        {"action": "allow", "protocol": "udp", "addresses": ["127.0.0.1"], "ports": [port]},
        {"action": "allow", "protocol": "tcp", "addresses": ["127.0.0.1"]},
    ]});
    with_net(&rules).start().unwrap()
}

fn value(python: &mut Executor, code: &str) -> Value {
    let Outcome { value, error, .. } = python.run(&format!("{BEGIN}{code}")).unwrap();
    assert_eq!(error, None, "{code}");
    value.unwrap()
}

/// Answers each datagram, on an address of loopback.
fn responder() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok((length, sender)) = socket.recv_from(&mut bytes) {
            let _ = socket.send_to(format!("{length} bytes").as_bytes(), sender);
        }
    });
    port
}

/// Takes datagrams that are not to come.
fn outsider() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[test]
fn a_name_server_is_asked_in_every_way_that_names_it() {
    let mut python = asking(responder_port());
    let port = responder_port();
    let code = format!("[ask(way, '127.0.0.1', {port}) for way in ways]");
    assert_eq!(
        value(&mut python, &code),
        json!([[8, "8 bytes"], [8, "8 bytes"], [8, "8 bytes"], [8, "8 bytes"]])
    );
    let code = format!(
        "[ask(way, '::ffff:127.0.0.1', {port}, socket.AF_INET6) for way in (ways[0], ways[1], connected)]"
    );
    assert_eq!(value(&mut python, &code), json!([[8, "8 bytes"], [8, "8 bytes"], [8, "8 bytes"]]));
}

/// One responder for all tests of this program.
fn responder_port() -> u16 {
    static PORT: std::sync::OnceLock<u16> = std::sync::OnceLock::new();
    *PORT.get_or_init(responder)
}

#[test]
fn nobody_else_is_reached_in_any_way() {
    let mut python = asking(responder_port());
    let (outside, port) = outsider();
    let code = format!(
        "[[ask(way, '127.0.0.1', {port}) for way in ways],
 [ask(way, '::ffff:127.0.0.1', {port}, socket.AF_INET6) for way in (ways[0], ways[1], connected)],
 [ask(way, '::1', {port}, socket.AF_INET6) for way in (ways[0], connected)],
 [ask(way, '0.0.0.0', {port}) for way in ways],
 tried(lambda: datagrams().bind(('127.0.0.1', 0))),
 tried(lambda: datagrams().listen())]"
    );
    let denied = |count: usize| vec!["EACCES"; count];
    let wanted = json!([denied(4), denied(3), denied(2), denied(4), "EACCES", "EACCES"]);
    assert_eq!(value(&mut python, &code), wanted);
    let code = format!(
        "target = ctypes.create_string_buffer(bytes(2) + named('127.0.0.1', {port}).raw[2:], 16)
def unspecified():
    s = datagrams()
    if library.sendto(s.fileno(), b'x', 1, 0, target, 16) < 0: raise OSError(ctypes.get_errno(), '')
def as_ipv4():
    s = datagrams(socket.AF_INET6)
    if library.sendto(s.fileno(), b'x', 1, 0, named('127.0.0.1', {port}), 16) < 0: raise OSError(ctypes.get_errno(), '')
def dissolved():
    s = datagrams()
    s.connect(('127.0.0.1', {}))
    library.connect(s.fileno(), bytes(16), 16)
    s.send(b'x')
[tried(unspecified), tried(as_ipv4), tried(dissolved), tried(lambda: datagrams().send(b'x'))]",
        responder_port()
    );
    let wanted = json!(["EAFNOSUPPORT", "EAFNOSUPPORT", "EDESTADDRREQ", "EDESTADDRREQ"]);
    assert_eq!(value(&mut python, &code), wanted);
    assert!(outside.recv(&mut [0; 16]).is_err(), "nothing came");
}

#[test]
fn options_and_control_messages_that_lead_elsewhere_are_refused() {
    let mut python = asking(responder_port());
    let port = responder_port();
    let code = format!(
        "to = ('127.0.0.1', {port})
def option(level, name, content, family=socket.AF_INET):
    return tried(lambda: datagrams(family).setsockopt(level, name, content))
def control(level, name, content):
    return tried(lambda: datagrams().sendmsg([b'x'], [(level, name, content)], 0, to))
route = bytes([131, 7, 4, 127, 0, 0, 2, 0])
[option(socket.SOL_SOCKET, socket.SO_BROADCAST, 1),
 option(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 9)),
 option(socket.IPPROTO_IP, 4, route),
 option(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('224.0.0.251') + socket.inet_aton('127.0.0.1')),
 option(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, bytes(24), socket.AF_INET6),
 option(socket.IPPROTO_IPV6, 33, 1, socket.AF_INET6),
 tried(lambda: socket.socket().setsockopt(socket.IPPROTO_IP, 4, route)),
 control(socket.IPPROTO_IP, 7, route),
 control(socket.IPPROTO_IP, 8, bytes(12)),
 control(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('i', 0)),
 tried(lambda: datagrams().sendto(b'x', 0x4000000, to)),
 tried(lambda: datagrams().sendto(b'x', 0x20000000, to)),
 option(socket.IPPROTO_IP, 11, 1), option(socket.IPPROTO_IP, socket.IP_TTL, 9), option(17, 103, 1000),
 control(socket.IPPROTO_IP, socket.IP_TOS, struct.pack('i', 2))]"
    );
    // Data without a copy is refused by the supervisor, and data with a connection to come by the filter.
    let mut wanted = vec![json!("EPERM"); 10];
    wanted.extend([json!("ENOTSUP"), json!("EPERM"), Value::Null, Value::Null, Value::Null, json!(1)]);
    assert_eq!(value(&mut python, &code), Value::from(wanted));
}

#[test]
fn several_messages_are_sent_up_to_the_first_that_is_denied() {
    let mut python = asking(responder_port());
    let (outside, denied) = outsider();
    let port = responder_port();
    let code = format!(
        "yes, no = ('127.0.0.1', {port}), ('127.0.0.1', {denied})
s = datagrams()
[sendmmsg(s, [yes, yes, no, yes]), tried(lambda: sendmmsg(s, [no, yes])), len(sendmmsg(s, [yes] * 100)),
 tried(lambda: s.sendto(bytes(65508), yes)), tried(lambda: s.sendto(bytes(1 << 20), yes)), s.sendto(bytes(60000), yes),
 s.sendto(b'', yes)]"
    );
    assert_eq!(value(&mut python, &code), json!([[8, 8], "EACCES", 64, "EMSGSIZE", "EMSGSIZE", 60000, 0]));
    assert!(outside.recv(&mut [0; 16]).is_err(), "nothing came");
}

#[test]
fn what_changes_while_a_datagram_is_decided_on_sends_it_nowhere_else() {
    let mut python = asking(responder_port());
    let (outside, denied) = outsider();
    let port = responder_port();
    let code = format!(
        "target = named('127.0.0.1', {port})
data = ctypes.create_string_buffer(b'x', 1)
vector, plain = header(target, data)
plain = ctypes.create_string_buffer(plain, 64)
ports = [struct.pack('>H', {port}), struct.pack('>H', {denied})]
over, sent, refused = False, 0, 0
one, other = socket.socketpair()
udp = datagrams()
number = os.dup(udp.fileno())
def change():
    while not over:
        for port in ports: target[2:4] = port
def swap():
    while not over:
        os.dup2(one.fileno(), number)
        os.dup2(udp.fileno(), number)
threads = [threading.Thread(target=change), threading.Thread(target=swap)]
for thread in threads: thread.start()
for at in range(600):
    fd = udp.fileno() if at % 2 else number
    calls = [lambda: library.sendto(fd, data, 1, 0x40, target, 16), lambda: library.sendmsg(fd, plain, 0x40), lambda: library.sendmmsg(fd, plain, 1, 0x40)]
    if calls[at % 3]() < 0: refused += 1
    else: sent += 1
over = True
for thread in threads: thread.join()
[sent > 0, refused > 0]"
    );
    assert_eq!(value(&mut python, &code), json!([true, true]));
    assert!(outside.recv(&mut [0; 16]).is_err(), "nothing came");
}

#[test]
fn streams_and_pairs_send_messages_as_before_where_datagrams_are_allowed() {
    let mut python = asking(responder_port());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reader = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // It begins late, so that who sends waits.
        thread::sleep(Duration::from_millis(300));
        std::io::copy(&mut stream, &mut std::io::sink()).unwrap()
    });
    let code = format!(
        "def all_of(s, content):
    sent = 0
    while sent < len(content): sent += s.sendmsg([content[sent:sent + 1000], content[sent + 1000:]])
    return sent
stream = socket.create_connection(('127.0.0.1', {port}))
stream.settimeout(None)
sent = all_of(stream, bytes(20 << 20))
stream.close()
ours, theirs = socket.socketpair()
passed = os.pipe()
socket.send_fds(ours, [b'two'], list(passed))
message, descriptors, _, _ = socket.recv_fds(theirs, 100, 9)
os.write(descriptors[1], b'through')
full = 0
ours.setblocking(False)
try:
    while True: full += ours.sendmsg([bytes(5000)])
except BlockingIOError: pass
named = tried(lambda: ours.sendmsg([b'x'], [], 0, '/nowhere'))
many = tried(lambda: socket.send_fds(theirs, [b'many'], [0] * 65))
theirs.close()
[sent, message.decode(), os.read(passed[0], 100).decode(), full > 5000, named, many, tried(lambda: ours.sendmsg([b'x']))]"
    );
    let said = value(&mut python, &code);
    let sent = 20 << 20;
    assert_eq!(reader.join().unwrap(), sent);
    assert_eq!(said, json!([sent, "two", "through", true, "EISCONN", "ETOOMANYREFS", "EPIPE"]));
}

#[test]
fn one_who_waits_keeps_no_other_waiting_and_no_session_from_its_end() {
    let mut python = asking(responder_port());
    let port = responder_port();
    // A listener that accepts nobody leaves those waiting who come after the first.
    let code = format!(
        "import asyncio, time
ours, theirs = socket.socketpair()
def fill(): ours.sendmsg([bytes(1 << 18)]); ours.sendmsg([bytes(1 << 18)]); ours.sendmsg([bytes(1 << 20)])
threads = [threading.Thread(target=fill, daemon=True) for _ in range(3)]
for thread in threads: thread.start()
time.sleep(0.2)
[all(thread.is_alive() for thread in threads), ask(ways[0], '127.0.0.1', {port})]"
    );
    assert_eq!(value(&mut python, &code), json!([true, [8, "8 bytes"]]));
    let begun = Instant::now();
    python.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_connection_that_nobody_takes_waits_as_long_as_its_socket_says() {
    let mut python = asking(responder_port());
    let (_outside, port, _kept) = full_listener();
    let code = format!(
        "import time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 0, 200_000))
begun = time.monotonic()
[tried(lambda: s.connect(('127.0.0.1', {port}))), time.monotonic() - begun < 5]"
    );
    assert_eq!(value(&mut python, &code), json!(["EINPROGRESS", true]));
}

#[test]
fn a_connection_that_nobody_takes_ends_with_its_session_whatever_is_done_to_its_flags() {
    let mut python = asking(responder_port());
    let (_outside, port, _kept) = full_listener();
    let code = format!(
        "import fcntl, time
s = socket.socket()
def change():
    while True: fcntl.fcntl(s, fcntl.F_SETFL, 0)
def connect(s): s.connect(('127.0.0.1', {port}))
for thread in [threading.Thread(target=connect, args=(s,), daemon=True), threading.Thread(target=change, daemon=True)]: thread.start()
connect(socket.socket())"
    );
    // Who has the supervisor wait after all keeps itself waiting, and nobody else.
    let begun = Instant::now();
    let _ = python.run_timeout(&format!("{BEGIN}{code}"), Duration::from_secs(1));
    let _ = python.stop();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// How many threads of this process wait for a call of a session's: those of other tests too, which end with their sessions.
fn waiting_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.map(|task| fs::read_to_string(task.path().join("comm")).unwrap_or_default());
    names.filter(|name| name.starts_with("circlet-wait")).count()
}

#[test]
fn nothing_waits_for_a_session_that_has_ended_whatever_is_done_to_its_flags() {
    let mut python = asking(responder_port());
    let (_outside, port, _kept) = full_listener();
    // Once they wait beside, each attempt is made to wait after all where the flags change at the right moment.
    let code = format!(
        "import fcntl, time
all = [socket.socket() for _ in range(3)]
for s in all: threading.Thread(target=lambda s=s: tried(lambda: s.connect(('127.0.0.1', {port}))), daemon=True).start()
time.sleep(0.5)
until = time.monotonic() + 4
while time.monotonic() < until:
    for s in all: fcntl.fcntl(s, fcntl.F_SETFL, 0)
True"
    );
    assert_eq!(value(&mut python, &code), json!(true));
    assert!(waiting_threads() >= 3);
    python.stop().unwrap();
    wait_for("no threads that wait", || waiting_threads() == 0);
}

#[test]
fn the_template_for_networks_starts_and_reaches_no_private_address_but_for_its_dns() {
    let mut python = builder().policy(Policy::template("networked").unwrap()).start().unwrap();
    let (outside, port) = outsider();
    let code = format!(
        "[[ask(way, '127.0.0.1', {port}) for way in ways], tried(lambda: datagrams().connect(('127.0.0.1', 53))),
 tried(lambda: socket.create_connection(('127.0.0.1', 80), 5))]"
    );
    assert_eq!(value(&mut python, &code), json!([vec!["EACCES"; 4], null, "EACCES"]));
    assert!(outside.recv(&mut [0; 16]).is_err(), "nothing came");
}

#[test]
fn who_may_take_a_port_for_datagrams_takes_that_one_and_answers() {
    let (socket, port) = outsider();
    drop(socket);
    let (client, to) = outsider();
    client.set_nonblocking(false).unwrap();
    let rules = json!({"rules": [
        {"action": "allow", "protocol": "udp", "direction": "listen", "addresses": ["127.0.0.1"], "ports": [port]},
        {"action": "allow", "protocol": "udp", "addresses": ["127.0.0.1"], "ports": [to]},
    ]});
    let mut python = with_net(&rules).start().unwrap();
    let code = format!(
        "s = datagrams()
[tried(lambda: s.bind(('127.0.0.1', {port}))), tried(lambda: datagrams().bind(('0.0.0.0', {port}))),
 tried(lambda: datagrams().bind(('127.0.0.1', 0))), tried(lambda: socket.socket().fileno() > 0), s.sendto(b'here', ('127.0.0.1', {to}))]"
    );
    assert_eq!(value(&mut python, &code), json!([null, "EACCES", "EACCES", "EACCES", 4]));
    let mut bytes = [0; 16];
    let (length, sender) = client.recv_from(&mut bytes).unwrap();
    assert_eq!((&bytes[..length], sender.port()), (&b"here"[..], port));
}

#[test]
fn no_more_calls_wait_than_the_supervisor_has_room_for() {
    let mut python = asking(responder_port());
    let code = "import time
ours, theirs = socket.socketpair()
ended = []
def fill():
    try:
        while True: ours.sendmsg([bytes(1 << 18)])
    except OSError as error: ended.append(errno.errorcode[error.errno])
threads = [threading.Thread(target=fill, daemon=True) for _ in range(80)]
for thread in threads: thread.start()
until = time.monotonic() + 20
while len(ended) < 16 and time.monotonic() < until: time.sleep(0.01)
time.sleep(0.3)
[len(ended), set(ended) == {'EAGAIN'}]";
    assert_eq!(value(&mut python, code), json!([16, true]));
    python.stop().unwrap();
}

#[test]
fn no_more_descriptors_are_on_their_way_than_a_session_may_have() {
    let json = json!({"version": 1, "fs": {"private_tmp": true}, "limits": {"descriptors": 100}, "net": {"rules": [
        {"action": "allow", "protocol": "udp", "addresses": ["127.0.0.1"], "ports": [9]},
    ]}});
    let mut python = builder().policy(Policy::from_json(&json.to_string()).unwrap()).start().unwrap();
    // Those that nobody could take any more count as well: a message has its own pair in it.
    let code = "import time
some, _ = os.pipe()
def passing(own):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sent = []
    for _ in range(4):
        sent.append(tried(lambda: socket.send_fds(ours, [b'x'], [some] * 9 + [theirs.fileno() if own else some])))
    return ours, theirs, sent
kept = [passing(at % 2) for at in range(6)]
sent = sum((sent for _, _, sent in kept), [])
for _ in range(4):
    for fd in socket.recv_fds(kept[0][1], 10, 20)[1]: os.close(fd)
said = [sent.count(1), sent.count('ETOOMANYREFS')]
kept.append(passing(False))
said.append(kept[-1][2])
for ours, theirs, _ in kept: ours.close(); theirs.close()
until = time.monotonic() + 10
ours, theirs = socket.socketpair()
while (last := tried(lambda: socket.send_fds(ours, [b'last'], [some] * 60))) != 4 and time.monotonic() < until: time.sleep(0.01)
ours.close()
begun = time.monotonic()
received, end = socket.recv_fds(theirs, 10, 60), theirs.recv(1)
said + [last, len(received[1]), end == b'', time.monotonic() - begun < 5]";
    assert_eq!(value(&mut python, code), json!([10, 14, [1, 1, 1, 1], 4, 60, true, true]));
}

#[test]
fn several_messages_have_the_descriptors_of_one() {
    let mut python = asking(responder_port());
    let code = "rights = struct.pack('=Qii', 16 + 4 * 40, socket.SOL_SOCKET, socket.SCM_RIGHTS) + struct.pack('=i', os.pipe()[0]) * 40
rights = ctypes.create_string_buffer(rights, len(rights))
data = ctypes.create_string_buffer(b'x', 1)
vector = ctypes.create_string_buffer(struct.pack('=QQ', ctypes.addressof(data), 1))
part = struct.pack('=QI4xQQQQI4xI4x', 0, 0, ctypes.addressof(vector), 1, ctypes.addressof(rights), len(rights), 0, 0)
headers = ctypes.create_string_buffer(part * 20, 64 * 20)
ours, theirs = socket.socketpair()
library.sendmmsg(ours.fileno(), headers, 20, 0)";
    assert_eq!(value(&mut python, code), json!(1));
}

#[test]
fn a_file_is_passed_to_nobody_and_is_no_socket() {
    let mut python = asking(responder_port());
    let code = "ours, theirs = socket.socketpair()
file, memory, (reads, writes) = os.open(os.__file__, os.O_RDONLY), os.memfd_create('x'), os.pipe()
def passed(fd): return tried(lambda: socket.send_fds(ours, [b'x'], [fd]))
[passed(file), passed(os.open('/dev/null', os.O_RDWR)), passed(memory), passed(reads), passed(ours.fileno()), passed(999), library.sendto(file, b'x', 1, 0, None, 0),
 tried(lambda: socket.socket(fileno=os.dup(file), family=2, type=2, proto=0).sendto(b'x', ('127.0.0.1', 9))),
 tried(lambda: socket.socket(fileno=os.dup(file), family=2, type=2, proto=0).connect(('127.0.0.1', 9)))]";
    assert_eq!(
        value(&mut python, code),
        json!(["EPERM", "EPERM", 1, 1, 1, "EBADF", -1, "ENOTSOCK", "ENOTSOCK"])
    );
}
