//! Where connections come in, and what becomes of those that there is no place for.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::addresses::TooMany;
use super::core::Core;
use super::http;
use super::linger;
use super::options::HubOptions;

/// How many bytes may wait unsent in the system for one viewer. What is newer is told instead of what would come after them.
const UNSENT_BYTES: u32 = 16 << 10;

/// For how long a connection that is not taken may say what it asks for.
const ASKING: Duration = Duration::from_millis(250);

/// For how long one may take that comes when no descriptor is left: others wait behind it.
const BRIEFLY: Duration = Duration::from_millis(100);

/// For how long no connection may be refused for want of descriptors before that is over.
const CALM: Duration = Duration::from_secs(1);

/// What does not work where the system opens no more.
const TROUBLE: &str = "connections";

/// Takes connections.
pub(super) async fn listen(core: Arc<Core>, listener: Arc<TcpListener>, port: u16) {
    // As many as there may be sessions, and some that are not yet any.
    let places = Arc::new(Semaphore::new(
        core.options.max_connections.saturating_add(1_000).min(Semaphore::MAX_PERMITS),
    ));
    let mut spare = Spare::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Some(accepted) = spare.accept(&core, &listener).await else { continue };
        let (stream, peer) = match accepted {
            Accepted::Taken(stream, peer) => (stream, peer),
            Accepted::Beyond(stream) => {
                core.stats.refused.fetch_add(1, Ordering::Relaxed);
                // It has the descriptor that is kept for it until it is answered.
                let refused = refuse(stream, http::refusal(&TooMany::Descriptors), place);
                let _ = tokio::time::timeout(BRIEFLY, refused).await;
                continue;
            }
        };
        prepare(&stream, &core.options);
        let connected = match core.addresses.connect(peer.ip()) {
            Ok(connected) => connected,
            Err(too_many) => {
                core.stats.refused.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(refuse(stream, http::refusal(&too_many), place));
                continue;
            }
        };
        let core = core.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| http::answer(core.clone(), peer.ip(), port, request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(http::REQUEST)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service);
            // What goes wrong with a connection is its client's affair.
            let _ = connection.with_upgrades().await;
            drop((place, connected));
        });
    }
}

enum Accepted {
    Taken(TcpStream, std::net::SocketAddr),
    /// One more than the system opens.
    Beyond(TcpStream),
}

/// A descriptor that is kept for telling those who come when no other is left: else they would wait without a word, as libev's
/// documentation says of `accept` (<http://pod.tst.eu/http://cvs.schmorp.de/libev/ev.pod>, "The special problem of accept()ing when you
/// can't").
struct Spare {
    kept: Option<File>,
    /// When there was none left last, as long as that is told.
    since: Option<Instant>,
}

impl Spare {
    fn new() -> Self {
        Self { kept: File::open("/dev/null").ok(), since: None }
    }

    async fn accept(&mut self, core: &Core, listener: &TcpListener) -> Option<Accepted> {
        if self.since.is_some_and(|since| since.elapsed() > CALM) {
            self.since = None;
            core.troubles.clear(TROUBLE);
        }
        if self.kept.is_none() {
            self.kept = File::open("/dev/null").ok();
        }
        let accepted = if self.since.is_some() {
            tokio::time::timeout(CALM, listener.accept()).await.ok()?
        } else {
            listener.accept().await
        };
        let error = match accepted {
            Ok((stream, peer)) => return Some(Accepted::Taken(stream, peer)),
            Err(error) => error,
        };
        if is_exhausted(&error) {
            let is_kept = self.kept.take().is_some();
            let beyond = match is_kept {
                // The last that was taken is no trouble before another comes.
                true => tokio::time::timeout(ASKING, listener.accept()).await.ok()?.ok(),
                false => None,
            };
            self.since = Some(Instant::now());
            core.troubles.set(TROUBLE, format!("{error}: {}", TooMany::Descriptors));
            if let Some((stream, _)) = beyond {
                return Some(Accepted::Beyond(stream));
            }
        }
        // Some connection closes by and by.
        tokio::time::sleep(Duration::from_millis(50)).await;
        None
    }
}

/// Tells whether the process, or the machine, may open no more.
fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Answers a connection that is not taken.
async fn refuse(stream: TcpStream, answer: Vec<u8>, place: OwnedSemaphorePermit) {
    // What it asks comes first, and all of it.
    let _ = tokio::time::timeout(ASKING, stream.readable()).await;
    // Whoever does not take it now has no use for it.
    let _ = stream.try_write(&answer);
    linger::end_writing(&stream);
    let _ = tokio::time::timeout(ASKING, linger::read_to_end(&stream)).await;
    drop(place);
}

/// Has small frames sent at once, little wait in the system, and answers that nobody reads dropped.
fn prepare(stream: &TcpStream, options: &HubOptions) {
    // Without any of it it is slower or larger, and no less right.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    {
        let socket = socket2::SockRef::from(stream);
        let _ = socket.set_tcp_notsent_lowat(UNSENT_BYTES);
        // Websockets are looked after by the sweep, which is to come first.
        let _ = socket.set_tcp_user_timeout(Some(2 * options.stalled_after));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = options;
}
