//! What the tests of the pool share: jobs that are held, and sums that hold.
#![allow(dead_code, unreachable_pub, reason = "each test program has it as a module and uses a part of it")]

use std::fs;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use circlet::pool::{Handle, Job, JobContext, Pool, Snapshot, WorkerId, WorkerState};

/// Longer than anything takes that comes at all.
pub const SOON: Duration = Duration::from_secs(60);

/// A pool of a fixed size.
pub fn pool(workers: usize, queue: usize) -> Pool {
    Pool::builder().workers(workers).queue(queue).build().expect("a small pool")
}

/// Holds a job at its start until it is opened or dropped.
pub struct Gate {
    pub started: Receiver<()>,
    _open_when_dropped: Sender<()>,
}

impl Gate {
    pub fn job() -> (Job<WorkerId>, Self) {
        let (start, started) = mpsc::channel();
        let (open, opened) = mpsc::channel::<()>();
        let job = Job::new("gate", move |context: &JobContext| {
            let _ = start.send(());
            let _ = opened.recv();
            Ok(context.worker())
        });
        (job, Self { started, _open_when_dropped: open })
    }

    /// Submits a job, and returns once it is running.
    pub fn hold(pool: &Pool) -> (Handle<WorkerId>, Self) {
        let (job, gate) = Self::job();
        (pool.submit(job).expect("the pool is open"), gate.started())
    }

    /// Returns once the job is running.
    pub fn started(self) -> Self {
        self.started.recv_timeout(SOON).expect("the job starts");
        self
    }

    pub fn open(self) {}
}

/// A job that is over at once.
pub fn quick() -> Job<u32> {
    Job::new("quick", |_| Ok(7))
}

/// A job that writes a number down.
pub fn note<N: Copy + Send + 'static>(number: N, order: &Arc<Mutex<Vec<N>>>) -> Job<()> {
    let order = order.clone();
    Job::new("note", move |_| {
        order.lock().unwrap().push(number);
        Ok(())
    })
}

pub fn assert_sums_hold(snapshot: &Snapshot) {
    let (counts, statistics) = (snapshot.pool, snapshot.statistics);
    assert_eq!(counts.active + counts.idle + counts.booting + counts.draining, counts.size, "{snapshot:?}");
    let remembered = counts.terminated - snapshot.forgotten.workers;
    assert_eq!(counts.size as u64 + remembered, snapshot.registry.len() as u64, "{snapshot:?}");
    let processed: u64 = snapshot.registry.values().map(|entry| entry.messages_processed).sum();
    let errors: u64 = snapshot.registry.values().map(|entry| entry.errors).sum();
    let (processed, errors) =
        (processed + snapshot.forgotten.messages_processed, errors + snapshot.forgotten.errors);
    assert_eq!((processed, errors), (statistics.received, statistics.errors), "{snapshot:?}");
    assert!(statistics.errors <= statistics.received, "{snapshot:?}");
    let running = snapshot.registry.values().filter(|entry| entry.current_job.is_some()).count() as u64;
    let accounted = statistics.received + statistics.withdrawn + statistics.queued + running;
    assert_eq!(statistics.sent, accounted, "{snapshot:?}");
    for entry in snapshot.registry.values() {
        if entry.current_job.is_some() {
            assert!(matches!(entry.state, WorkerState::Processing | WorkerState::Draining), "{entry:?}");
        }
        assert_eq!(entry.last_error.is_some(), entry.errors > 0, "{entry:?}");
    }
}

/// A worker's thread, as the kernel sees it.
#[derive(Debug)]
pub struct Thread {
    pub sleeps: bool,
    /// How long it has run, in clock ticks.
    pub ticks: u64,
}

/// The threads of the workers of a pool, by the name that only it has, and no more than 12 bytes of it.
#[cfg(target_os = "linux")]
pub fn threads(name: &str) -> Vec<Thread> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { panic!("/proc is not there") };
    let stats = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
    stats
        .filter_map(|stat| {
            let (comm, rest) = stat.split_once(" (")?.1.rsplit_once(") ")?;
            comm.strip_prefix(name)?.strip_prefix("-w")?;
            let mut fields = rest.split(' ');
            let sleeps = fields.next()? == "S";
            let ticks = fields.skip(10).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
            Some(Thread { sleeps, ticks })
        })
        .collect()
}

/// How often a thread of this name, of which there is one, has gone to sleep.
#[cfg(target_os = "linux")]
pub fn switches(name: &str) -> Option<u64> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let mut statuses = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    let status = statuses.find(|status| status.lines().next() == Some(&format!("Name:\t{name}")))?;
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// The kernel wakes whoever joins a thread shortly before it takes the thread off the list.
#[cfg(target_os = "linux")]
pub fn assert_no_thread_is_left(name: &str) {
    let start = Instant::now();
    while !threads(name).is_empty() {
        assert!(start.elapsed() < SOON, "{} threads of {name} are left", threads(name).len());
        thread::yield_now();
    }
}
