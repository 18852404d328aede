//! Bytes to and fro between a client and the host that it asked for.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::body::Body;
use super::end::{End, READ, WRITE};
use crate::shm::Deadline;

/// How much is kept of what one side has sent and the other has not taken.
const BUFFER_BYTES: usize = 16 << 10;
/// A connection over which nothing goes for so long is ended.
const IDLE: Duration = Duration::from_secs(600);

/// What is to go one way.
#[derive(Debug)]
pub(super) struct Way {
    /// What has come, and how much of it has gone.
    kept: Vec<u8>,
    gone: usize,
    /// How far it goes, where that is known: bytes beyond end the connection.
    body: Option<Body>,
    /// No more comes.
    is_read: bool,
    /// And the other side has been told.
    is_over: bool,
}

impl Way {
    /// A way that begins with these bytes.
    pub(super) fn new(first: Vec<u8>) -> Self {
        Self { kept: first, gone: 0, body: None, is_read: false, is_over: false }
    }

    /// Has a body go this way, and nothing after it; these are the bytes of it that have come.
    ///
    /// # Errors
    /// They are not the body's.
    pub(super) fn then(mut self, body: Body, come: &[u8]) -> io::Result<Self> {
        self.body = Some(body);
        self.keep(come)?;
        Ok(self)
    }

    fn keep(&mut self, come: &[u8]) -> io::Result<()> {
        let is_too_much = |body: &mut Body| body.take(come) != Ok(come.len());
        if self.body.as_mut().is_some_and(is_too_much) {
            return Err(ErrorKind::InvalidData.into());
        }
        self.kept.extend(come);
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.gone == self.kept.len()
    }

    /// What is wanted of the side that bytes come from, and of the one that they go to.
    fn wants(&self) -> (libc::c_short, libc::c_short) {
        let reads = self.is_empty() && !self.is_read;
        (if reads { READ } else { 0 }, if self.is_empty() { 0 } else { WRITE })
    }

    fn read(&mut self, mut from: &TcpStream, buffer: &mut [u8]) -> io::Result<()> {
        match from.read(buffer) {
            Ok(0) => self.is_read = true,
            Ok(length) => {
                self.kept.clear();
                self.gone = 0;
                self.keep(&buffer[..length])?;
            }
            Err(error) => later(error)?,
        }
        Ok(())
    }

    fn write(&mut self, mut to: &TcpStream) -> io::Result<()> {
        match to.write(&self.kept[self.gone..]) {
            Ok(length) => self.gone += length,
            Err(error) => later(error)?,
        }
        Ok(())
    }

    /// Tells the other side once that no more comes.
    fn close(&mut self, to: &TcpStream) {
        if self.is_read && self.is_empty() && !self.is_over {
            self.is_over = true;
            // One that has gone needs not be told, and what it has sent before may still be under way.
            let _ = to.shutdown(Shutdown::Write);
        }
    }
}

/// What is not there yet is no error.
fn later(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        _ => Err(error),
    }
}

/// Has bytes go both ways, `up` from the client to the host and `down` back, until neither has more or one is lost. Neither side
/// waits for the other, and of neither is more kept than [`BUFFER_BYTES`].
///
/// # Errors
/// One is lost, nothing went for long, or the end was given.
pub(super) fn relay(
    end: &End,
    client: &TcpStream,
    host: &TcpStream,
    [mut up, mut down]: [Way; 2],
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    while !(up.is_over && down.is_over) {
        let ((up_reads, up_writes), (down_reads, down_writes)) = (up.wants(), down.wants());
        // Something is wanted always: a way that is not over reads or writes.
        let [is_client_ready, is_host_ready] = end.wait(
            [(client, up_reads | down_writes), (host, down_reads | up_writes)],
            Deadline::after(IDLE),
        )?;
        if is_client_ready && up_reads != 0 {
            up.read(client, &mut buffer)?;
        }
        if is_host_ready && down_reads != 0 {
            down.read(host, &mut buffer)?;
        }
        if is_host_ready && !up.is_empty() {
            up.write(host)?;
        }
        if is_client_ready && !down.is_empty() {
            down.write(client)?;
        }
        up.close(host);
        down.close(client);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread::{self, JoinHandle};

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    /// Starts a relay; returns the client's end, the host's, and what the relay comes to.
    fn relayed(end: &Arc<End>, ways: [Way; 2]) -> (TcpStream, TcpStream, JoinHandle<io::Result<()>>) {
        let ((client, near), (host, far)) = (pair(), pair());
        for socket in [&near, &far] {
            socket.set_nonblocking(true).unwrap();
        }
        let end = end.clone();
        (client, host, thread::spawn(move || relay(&end, &near, &far, ways)))
    }

    fn ways() -> [Way; 2] {
        [Way::new(Vec::new()), Way::new(b"first ".to_vec())]
    }

    #[test]
    fn bytes_go_both_ways_until_both_sides_have_ended() {
        let end = Arc::new(End::new().unwrap());
        let (mut client, mut host, relay) = relayed(&end, ways());
        let sent = vec![7; 1 << 20];
        let other = sent.clone();
        let mut sends = client.try_clone().unwrap();
        let sender = thread::spawn(move || {
            sends.write_all(&other).unwrap();
            sends.shutdown(Shutdown::Write).unwrap();
        });
        let mut got = Vec::new();
        host.read_to_end(&mut got).unwrap();
        assert!(got == sent);
        host.write_all(b"answer").unwrap();
        drop(host);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "first answer");
        sender.join().unwrap();
        relay.join().unwrap().unwrap();
    }

    #[test]
    fn a_client_that_never_reads_is_no_way_to_use_memory_and_ends_with_the_session() {
        let end = Arc::new(End::new().unwrap());
        let (client, mut host, relay) = relayed(&end, ways());
        host.set_nonblocking(true).unwrap();
        let until = std::time::Instant::now() + Duration::from_millis(300);
        let mut written = 0;
        while std::time::Instant::now() < until {
            written += host.write(&[0; 1 << 16]).unwrap_or(0);
        }
        // What the kernel keeps for four sockets, and the buffer.
        assert!(written < 64 << 20, "{written}");
        end.give();
        assert_eq!(relay.join().unwrap().unwrap_err().kind(), ErrorKind::Interrupted);
        drop(client);
    }

    #[test]
    fn what_comes_after_a_body_ends_the_connection_and_goes_nowhere() {
        let end = Arc::new(End::new().unwrap());
        let up = Way::new(b"head\r\n".to_vec()).then(Body::length(3), b"ab").unwrap();
        let (mut client, mut host, relay) = relayed(&end, [up, Way::new(Vec::new())]);
        client.write_all(b"c").unwrap();
        let mut got = [0; 9];
        host.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"head\r\nabc");
        client.write_all(b"GET http://other.example/ HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(relay.join().unwrap().unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(host.read(&mut got).unwrap_or(0), 0);
        assert!(Way::new(Vec::new()).then(Body::length(1), b"ab").is_err());
    }
}
