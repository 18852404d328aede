//! What no server can be faster than here, as long as each frame of each viewer is a `send` of its own: sockets that have joined, in a
//! list, and threads that send the same bytes to each. It knows no rooms, no states, no pings and no viewers that are slow.

use std::io::{BufRead, stdin};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use socket2::SockRef;
use tungstenite::Message;

use crate::Outcome;
use crate::frames::{Frame, Order};

const FLAGS: i32 = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;

type Joined = Arc<Mutex<Vec<TcpStream>>>;

/// Serves until the standard input ends. Each line of it is an order, answered with `done` and the number of frames.
pub(crate) fn serve(threads: usize) -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let joined = Joined::default();
    let all = joined.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let all = all.clone();
            thread::spawn(move || take_in(stream, &all));
        }
    });
    // The calling thread sends too.
    let helpers = rayon::ThreadPoolBuilder::new().num_threads(threads.saturating_sub(1).max(1)).build()?;
    for line in stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let begin = Instant::now();
        for frame in 0..order.count() {
            thread::sleep((begin + order.due(frame)).saturating_duration_since(Instant::now()));
            let bytes = websocket_text(&serde_json::to_vec(&("state", Frame::next(order.bytes)))?);
            let viewers = joined.lock().unwrap_or_else(PoisonError::into_inner);
            let next = AtomicUsize::new(0);
            let send = || {
                while let Some(viewer) = viewers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // One that takes no more is none of those that are timed.
                    let _ = SockRef::from(viewer).send_with_flags(&bytes, FLAGS);
                }
            };
            helpers.in_place_scope(|scope| {
                if threads > 1 {
                    (1..threads).for_each(|_| scope.spawn(|_| send()));
                }
                send();
            });
        }
        println!("done {}", order.count());
    }
    Ok(())
}

/// Takes a viewer in that asks to join, and waits until it leaves.
fn take_in(stream: TcpStream, joined: &Joined) {
    let _ = stream.set_nodelay(true);
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    while let Ok(message) = socket.read() {
        if message == Message::text("join")
            && let Ok(stream) = socket.get_ref().try_clone()
        {
            joined.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
            let _ = socket.send(Message::text("joined"));
        }
    }
}

/// Puts a text into a frame of a websocket (RFC 6455, section 5.2) of 126 to 65,535 bytes, or less.
fn websocket_text(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(length @ 126..) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        _ => frame.push(text.len() as u8),
    }
    frame.extend(text);
    frame
}
