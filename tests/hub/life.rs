//! How a hub stops, and how it says that it is well.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::hub_protocol::{SOON, Viewer, get, http, hub, poll_session, until};

#[test]
fn a_hub_that_stops_tells_what_was_published_and_asks_to_come_back() {
    let hub = hub(|_| {});
    let mut viewer = Viewer::connected(hub.addr());
    viewer.join("g");
    viewer.packet();
    hub.set("g", "last", json!("word")).unwrap();
    hub.stop(SOON);
    let (said, code) = viewer.end();
    assert!(said.iter().any(|said| said.contains("word")), "{said:?}");
    assert_eq!(code, Some(1013));
}

#[test]
fn a_hub_that_stops_answers_who_polls_and_asks_nobody_to_stay_away() {
    let mut patience = Duration::ZERO;
    // Whether a poll waits already cannot be seen: it has more time for that each time.
    until("a poll that waits is told", || {
        patience += Duration::from_millis(20);
        let hub = hub(|_| {});
        let (addr, path) = (hub.addr(), poll_session(hub.addr()));
        assert_eq!(http(addr, "POST", &path, &[], "40").0, 200);
        assert!(get(addr, &path).1.starts_with("40{"));
        let mut waiting = TcpStream::connect(addr).unwrap();
        write!(waiting, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").unwrap();
        std::thread::sleep(patience);
        hub.stop(SOON);
        let mut said = String::new();
        waiting.read_to_string(&mut said).is_ok()
            && said.starts_with("HTTP/1.1 200")
            && said.ends_with("\r\n\r\n6")
    });
}

#[test]
fn its_health_and_its_metrics_are_told() {
    let hub = hub(|_| {});
    let _viewer = Viewer::connected(hub.addr());
    assert_eq!(get(hub.addr(), "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(http(hub.addr(), "HEAD", "/healthz", &[], "").0, 200);
    for (method, path) in [("GET", "/emit"), ("PUT", "/emit"), ("POST", "/healthz"), ("DELETE", "/metrics")] {
        assert_eq!(http(hub.addr(), method, path, &[], "").0, 405, "{method} {path}");
    }
    let (status, text) = get(hub.addr(), "/metrics");
    assert_eq!(status, 200);
    assert!(text.contains("# TYPE circlet_hub_viewers gauge\ncirclet_hub_viewers 1\n"), "{text}");
    assert!(text.contains("# TYPE circlet_hub_connections_total counter\ncirclet_hub_connections_total 1\n"));
}
