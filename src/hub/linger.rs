//! How a connection ends so that what was told last arrives: bytes that nobody read would reset it, and that would be lost with it.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// For how long one that is told why it is closed may take that, and end its side.
const LINGER: Duration = Duration::from_secs(1);

/// Ends a connection, and with it whoever reads it.
pub(super) fn end(stream: &TcpStream) {
    shut_down(stream, Shutdown::Both);
}

/// Says that nothing more comes.
pub(super) fn end_writing(stream: &TcpStream) {
    shut_down(stream, Shutdown::Write);
}

/// Ends a connection whose other side was told why, after a moment to take that.
pub(super) fn end_soon(runtime: &Handle, stream: Arc<TcpStream>) {
    end_writing(&stream);
    runtime.spawn(async move {
        tokio::time::sleep(LINGER).await;
        end(&stream);
    });
}

/// Reads what still comes of one that is closed, until the other side ends or the connection does. However fast it comes, others have
/// their turn.
pub(super) async fn read_to_end(stream: &TcpStream) {
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut [0; 4 << 10]) {
            Ok(1..) => tokio::task::consume_budget().await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
        }
    }
}

fn shut_down(stream: &TcpStream, how: Shutdown) {
    // What cannot be shut down has gone.
    let _ = socket2::SockRef::from(stream).shutdown(how);
}
