//! Viewers that read slowly or not at all.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use tungstenite::Message;

use crate::hub_protocol::{SOON, Viewer, WEBSOCKET, hub, until};

#[test]
fn a_viewer_that_stops_reading_costs_one_state_and_is_current_when_it_reads_again() {
    let hub = hub(|options| options.stalled_after = Duration::from_secs(600));
    let mut slow = Viewer::connected(hub.addr());
    let mut quick = Viewer::connected(hub.addr());
    slow.join("g");
    quick.join("g");
    let pad = "x".repeat(64 << 10);
    let frames = 400;
    for n in 1..=frames {
        hub.set("g", "state", json!({"n": n, "pad": pad})).unwrap();
        // The quick one has each before the next is set.
        until("the quick one has it", || quick.packet().1[1]["state"]["n"] == n);
    }
    let stats = hub.stats();
    assert!(stats.behind > 100, "{stats:?}");
    let mut read = 0;
    until("the slow one has the newest", || {
        read += 1;
        slow.packet().1[1]["state"]["n"] == frames
    });
    assert!(read < 200, "it was told {read} of {frames}: what it could not take was passed over");
}

#[test]
fn a_viewer_that_takes_nothing_for_too_long_is_closed_though_its_machine_acknowledges() {
    let hub = hub(|options| options.stalled_after = Duration::from_millis(300));
    let mut slow = Viewer::connected(hub.addr());
    slow.join("g");
    let pad = "x".repeat(256 << 10);
    let mut n = 0;
    until("it is closed", || {
        n += 1;
        hub.set("g", "state", json!({"n": n, "pad": pad})).unwrap();
        hub.stats().viewers == 0
    });
    assert_eq!(hub.stats().closed, 1);
}

#[test]
fn a_viewer_that_takes_a_byte_now_and_then_is_closed_and_one_that_is_only_slow_is_not() {
    let hub = hub(|options| options.stalled_after = Duration::from_secs(4));
    hub.set("g", "large", json!("x".repeat(2 << 20))).unwrap();
    let reads = |bytes: usize, pause: Duration| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        // As little as there can be, so that the hub sees each read.
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&hub.addr().into()).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(SOON)).unwrap();
        let request = format!(
            "GET {WEBSOCKET} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            hub.addr()
        );
        stream.write_all(request.as_bytes()).unwrap();
        for text in ["40", r#"420["join-game","g"]"#] {
            let frame = [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat();
            stream.write_all(&frame).unwrap();
        }
        let (begin, mut buffer) = (Instant::now(), vec![0; bytes]);
        while begin.elapsed() < Duration::from_secs(12) {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return false,
                Ok(_) => std::thread::sleep(pause),
            }
        }
        true
    };
    std::thread::scope(|scope| {
        let crawls = scope.spawn(|| reads(64, Duration::from_millis(20)));
        let walks = scope.spawn(|| reads(2048, Duration::from_millis(20)));
        assert!(!crawls.join().unwrap(), "some 3 KiB a second are taken");
        assert!(walks.join().unwrap(), "some 100 KiB a second are taken");
    });
    assert_eq!(hub.stats().closed, 1);
}

#[test]
fn whoever_asks_and_reads_no_answers_is_closed() {
    let hub = hub(|options| options.viewer_limits.messages_per_s = 1_000_000);
    let mut viewer = Viewer::connected(hub.addr());
    viewer.0.get_ref().set_write_timeout(Some(SOON)).unwrap();
    let ask = format!("421[{}]", json!("no-such-event-".repeat(20)));
    for _ in 0..1_000_000 {
        if viewer.0.send(Message::text(&ask)).is_err() {
            break;
        }
    }
    until("it is closed", || hub.stats().viewers == 0);
}
