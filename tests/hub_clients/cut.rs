//! A way to a hub that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A way to a hub that can be cut.
pub(crate) struct Way {
    pub(crate) addr: SocketAddr,
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Way {
    pub(crate) fn to(hub: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let ways = open.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut ways = ways.lock().unwrap();
                // While it is cut, whoever comes is sent away.
                let Some(ways) = ways.as_mut() else { continue };
                let Ok(server) = TcpStream::connect(hub) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || pass(from, to));
                }
                ways.extend([client, server]);
            }
        });
        Self { addr, open }
    }

    /// Ends all connections at once, without a word of either side, and lets none through.
    pub(crate) fn cut(&self) {
        for end in self.open.lock().unwrap().take().unwrap_or_default() {
            let _ = socket2::SockRef::from(&end).set_linger(Some(Duration::ZERO));
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn mend(&self) {
        *self.open.lock().unwrap() = Some(Vec::new());
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
