//! A hub from start to stop.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::change::{Change, Event};
#[cfg(feature = "redis")]
use super::cluster::{Cluster, Sharing};
use super::core::{Core, ITSELF};
use super::error::HubError;
use super::options::HubOptions;
use super::source::{self, Sources};
use super::stats::HubStats;
use super::ticker::{self, Tell};
use super::viewer::Close;
use super::websocket::CloseCode;
use super::{State, listener};

/// How often it is looked who has not answered, and which rooms are idle.
const SWEEP: Duration = Duration::from_millis(250);

#[cfg(not(feature = "redis"))]
type Sharing = std::convert::Infallible;

/// A live hub: rooms that viewers watch over Socket.IO.
///
/// It has threads of its own, and may be used from any. Dropping it stops it, as [`stop`](Self::stop) does with a second of patience. A
/// child that is forked has none of its threads: there it does nothing, and dropping it leaves the parent's as it is.
#[derive(Debug)]
pub struct Hub {
    core: Arc<Core>,
    addr: SocketAddr,
    /// The process that started it.
    pid: u32,
    listener: Arc<TcpListener>,
    runtime: Option<Runtime>,
    ticker: Option<JoinHandle<()>>,
    /// Those that share rooms with other hubs.
    sharing: Option<Sharing>,
    sources: Mutex<Sources>,
}

impl Hub {
    /// The room that says of the hub itself what it does: its own `stats`, `rooms` and `troubles`, and what its program has for those who look at
    /// the hub as such.
    pub const ROOM: &'static str = ITSELF;

    /// Starts a hub.
    ///
    /// # Errors
    /// An option has a value that it cannot have, or the address cannot be listened at.
    pub fn start(options: HubOptions) -> Result<Self, HubError> {
        options.check()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads)
            .thread_name("circlet-hub")
            .enable_all()
            .build()
            .map_err(HubError::Thread)?;
        let addr = options.addr;
        let listener = runtime
            .block_on(TcpListener::bind(addr))
            .map_err(|cause| HubError::Listen { addr: addr.to_string(), cause })?;
        let addr = listener.local_addr().map_err(HubError::Thread)?;
        let (ticks, told) = mpsc::channel();
        let mut core = Core::new(options, runtime.handle().clone(), ticks);
        #[cfg(feature = "redis")]
        let cluster = Cluster::reach(&mut core)?;
        core.record()?;
        let core = Arc::new(core);
        #[cfg(feature = "redis")]
        let sharing = cluster.map(|cluster| cluster.start(&core)).transpose()?;
        #[cfg(not(feature = "redis"))]
        let sharing = None;
        let ticker = std::thread::Builder::new()
            .name("circlet-hub-tick".to_owned())
            .spawn({
                let core = core.clone();
                move || ticker::run(&core, &told)
            })
            .map_err(HubError::Thread)?;
        let listener = Arc::new(listener);
        runtime.spawn(listener::listen(core.clone(), listener.clone(), addr.port()));
        runtime.spawn(sweep(core.clone()));
        let (pid, sources) = (std::process::id(), Mutex::default());
        Ok(Self { core, addr, pid, listener, runtime: Some(runtime), ticker: Some(ticker), sharing, sources })
    }

    /// Returns where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Sets the value of a key of a room, which is made where there is none. Viewers are told the newest value with the next tick.
    ///
    /// # Errors
    /// A name is too long, there is no room for more, or this process was forked from the hub's.
    pub fn set(&self, room: &str, key: &str, value: impl Into<State>) -> Result<(), HubError> {
        self.update(room, [(key, value.into())], [])
    }

    /// Sets and removes keys of a room at once: viewers are told of all of it together.
    ///
    /// # Errors
    /// As for [`set`](Self::set); nothing is changed then.
    pub fn update<'a>(
        &self,
        room: &str,
        set: impl IntoIterator<Item = (&'a str, State)>,
        removed: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), HubError> {
        let mut change = Change::to(room);
        change.set = set.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        change.removed = removed.into_iter().map(str::to_owned).collect();
        self.publish(change).map(drop)
    }

    /// Removes a key of a room, and tells whether it was there.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn remove(&self, room: &str, key: &str) -> Result<bool, HubError> {
        let was_there = self.own()?.rooms.get(room).is_some_and(|place| place.room().has(key));
        self.update(room, [], [key]).map(|()| was_there)
    }

    /// Tells the viewers of a room of an event, which is not merged with others. Returns its number; `None` where rooms are shared with
    /// other hubs, as it has none before all of them are told.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn emit(&self, room: &str, event: &str, data: impl Into<State>) -> Result<Option<u64>, HubError> {
        let mut change = Change::to(room);
        change.events.push(Event { name: event.to_owned(), data: data.into() });
        self.publish(change)
    }

    /// Does all that a change says, as one read of a recording; returns the number of its last event as [`emit`](Self::emit) does.
    ///
    /// # Errors
    /// As for [`set`](Self::set); nothing is changed then.
    pub fn publish(&self, change: Change) -> Result<Option<u64>, HubError> {
        self.own()?.publish(change)
    }

    /// Shows the ring of a name in a room for as long as the hub is there: it may come later, and come again. What its messages say is
    /// in `docs/hub.md`; the room `rings` says how full it is.
    ///
    /// # Errors
    /// As for [`check_source`](Self::check_source); it is shown there already, no thread can be started, or this process was forked from
    /// the hub's.
    pub fn follow_ring(&self, name: &str, room: &str) -> Result<(), HubError> {
        let core = self.own()?;
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).ring(core, name, room)
    }

    /// Shows the page of a session in a room, as [`follow_ring`](Self::follow_ring) does: the payload's sections are its keys.
    ///
    /// # Errors
    /// As for [`follow_ring`](Self::follow_ring).
    pub fn follow_session(&self, page: &str, room: &str) -> Result<(), HubError> {
        let core = self.own()?;
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).session(core, page, room)
    }

    /// Checks that the ring or the session page of a name could be shown in a room, before any hub is there.
    ///
    /// # Errors
    /// Nothing in shared memory can have the name, or the room is none that can be given.
    pub fn check_source(name: &str, room: &str) -> Result<(), HubError> {
        source::check(name, room)
    }

    /// Tells what does not work at the moment, though the hub goes on: that a recording cannot be written, or Redis does not answer.
    /// Nothing, in a process that was forked from the hub's.
    pub fn troubles(&self) -> Vec<String> {
        self.own().map_or_else(|_| Vec::new(), |core| core.troubles.all())
    }

    /// Tells what it does and has done; all of it is 0 in a process that was forked from the hub's.
    pub fn stats(&self) -> HubStats {
        self.own().map_or_else(|_| HubStats::default(), |core| HubStats::of(core))
    }

    /// Returns what looks at it from elsewhere: nothing, once it has stopped.
    pub(crate) fn watcher(&self) -> impl Fn() -> Option<HubStats> + Send + Sync + 'static {
        let core = Arc::downgrade(&self.core);
        move || core.upgrade().map(|core| HubStats::of(&core))
    }

    /// Returns what is shared, to the process that it is of: in another, locks may be held by threads that are not there.
    fn own(&self) -> Result<&Arc<Core>, HubError> {
        if self.pid == std::process::id() { Ok(&self.core) } else { Err(HubError::Forked) }
    }

    /// Stops it: tells what was published, asks viewers to come back later, and closes all connections. What takes longer than
    /// `patience` is ended.
    pub fn stop(mut self, patience: Duration) {
        self.end(patience);
    }

    fn end(&mut self, patience: Duration) {
        let Some(runtime) = self.runtime.take() else { return };
        if self.own().is_err() {
            // The threads are another process's, and what they poll is shared with it: it would be taken away from them.
            let threads =
                (self.ticker.take(), std::mem::take(&mut self.sharing), std::mem::take(&mut self.sources));
            std::mem::forget((runtime, threads, self.core.clone(), self.listener.clone()));
            return;
        }
        // Also for children that were forked, which have a descriptor of it: its port is free after that.
        let _ = socket2::SockRef::from(&*self.listener).shutdown(std::net::Shutdown::Both);
        self.sources.get_mut().unwrap_or_else(PoisonError::into_inner).end();
        let begin = Instant::now();
        #[cfg(feature = "redis")]
        if let Some(sharing) = &mut self.sharing {
            sharing.end(patience);
        }
        self.core.tell(Tell::Stop);
        if let Some(ticker) = self.ticker.take() {
            // It has no work that could fail.
            let _ = ticker.join();
        }
        if let Some(recorder) = &self.core.recorder {
            recorder.end();
        }
        let viewers: Vec<_> = self.core.sessions().values().cloned().collect();
        // What was told last is on its way to those who read.
        while begin.elapsed() < patience && viewers.iter().any(|viewer| !viewer.line().is_settled()) {
            std::thread::sleep(Duration::from_millis(2));
        }
        for viewer in &viewers {
            viewer.close(&self.core, Close::Because(CloseCode::Again, "the hub restarts: come back later"));
        }
        let left = patience.saturating_sub(begin.elapsed());
        if !viewers.is_empty() {
            // Polls are answered, and connections closed, by tasks.
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
        runtime.shutdown_timeout(left);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.end(Duration::from_secs(1));
    }
}

/// Looks who has not answered, and which rooms are idle.
async fn sweep(core: Arc<Core>) {
    let mut interval = tokio::time::interval(SWEEP);
    let mut sweeps = 0_u32;
    loop {
        interval.tick().await;
        sweeps += 1;
        if sweeps.is_multiple_of(4) {
            say_of_itself(&core);
        }
        let viewers: Vec<_> = core.sessions().values().cloned().collect();
        for viewer in viewers {
            let due = viewer.line().beat(&viewer, &core);
            if let Some(why) = due {
                core.stats.closed.fetch_add(1, Ordering::Relaxed);
                viewer.close(&core, why);
            }
        }
        // Rooms that are shared go from all hubs at once, but for those that somebody merely made up.
        let idle = match &core.shared {
            None => core.options.idle_room.as_millis() as u64,
            Some(_) => u64::MAX,
        };
        core.rooms.evict(core.now_ms(), idle, |place| core.evicted(place));
    }
}

/// Shows its statistics and its rooms to those who watch for them.
fn say_of_itself(core: &Core) {
    if core.rooms.get(ITSELF).is_none_or(|place| place.viewers.load(Ordering::Relaxed) == 0) {
        return;
    }
    let mut rooms: Vec<_> = core.rooms.all();
    rooms.sort_by(|a, b| a.name.cmp(&b.name));
    let rooms: serde_json::Map<_, _> = rooms
        .iter()
        .map(|place| {
            let (keys, bytes) = place.room().size();
            let viewers = place.viewers.load(Ordering::Relaxed);
            (place.name.to_string(), json!({ "viewers": viewers, "keys": keys, "bytes": bytes }))
        })
        .collect();
    let mut all = Change::to(ITSELF);
    all.set.insert("stats".to_owned(), json!(HubStats::of(core)).into());
    all.set.insert("rooms".to_owned(), Value::Object(rooms).into());
    all.set.insert("troubles".to_owned(), json!(core.troubles.all()).into());
    // Its room has place for it, unless somebody fills it, whose affair that is.
    let _ = core.publish(all);
}
