//! Threads that take boxed closures out of a crossbeam-channel.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::work::{BATCH, BURST, BURST_WORKERS, Burst, Countdown, Work};

/// Tasks that may wait for each worker in the bounded channel.
const QUEUE: usize = 1024;

type Task = Box<dyn FnOnce() + Send>;

/// Threads that run what comes out of a channel, until they are dropped.
struct Threads<T> {
    sender: Option<Sender<T>>,
    threads: Vec<JoinHandle<()>>,
}

impl<T: Send + 'static> Threads<T> {
    fn start(workers: usize, (sender, receiver): (Sender<T>, Receiver<T>), run: fn(T)) -> Self {
        let worker = |_| {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.into_iter().for_each(run))
        };
        Self { sender: Some(sender), threads: (0..workers).map(worker).collect() }
    }

    fn send(&self, what: T) {
        let sender = self.sender.as_ref().expect("it is taken in the drop alone");
        sender.send(what).expect("the threads live");
    }
}

impl<T> Drop for Threads<T> {
    fn drop(&mut self) {
        drop(self.sender.take());
        self.threads.drain(..).for_each(|thread| thread.join().expect("no task panics"));
    }
}

fn singly(threads: Threads<Task>) -> Work {
    let countdown = Countdown::leak();
    Box::new(move |tasks| {
        countdown.start(tasks);
        for _ in 0..tasks {
            threads.send(Box::new(|| countdown.end()));
        }
        countdown.wait();
    })
}

pub(crate) fn in_unbounded(workers: usize) -> Work {
    singly(Threads::start(workers, unbounded(), |task| task()))
}

pub(crate) fn in_bounded(workers: usize) -> Work {
    singly(Threads::start(workers, bounded(workers * QUEUE), |task| task()))
}

/// A batch is a `Vec` of boxed closures, which one of the threads takes and runs.
pub(crate) fn batches(workers: usize) -> Work {
    let threads = Threads::start(workers, unbounded(), |batch: Vec<Task>| {
        batch.into_iter().for_each(|task| task());
    });
    let countdown = Countdown::leak();
    Box::new(move |tasks| {
        countdown.start(tasks);
        for begin in (0..tasks).step_by(BATCH) {
            let batch = (begin..tasks.min(begin + BATCH)).map(|_| Box::new(|| countdown.end()) as Task);
            threads.send(batch.collect());
        }
        countdown.wait();
    })
}

pub(crate) fn burst(burst: &'static Burst) -> Duration {
    let threads = Threads::start(BURST_WORKERS, unbounded(), |task: Task| task());
    let countdown = Countdown::leak();
    countdown.start(BURST);
    for _ in 0..BURST {
        threads.send(Box::new(|| {
            burst.task();
            countdown.end();
        }));
    }
    countdown.wait();
    burst.elapsed()
}
