//! Completions of a pool: one by one, many at once, and by a descriptor.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::Duration;

use circlet::pool::{self, Error, Failure, Job, JobId, Pool};

const LONG: Duration = Duration::from_secs(60);

fn pool(workers: usize) -> Pool {
    Pool::builder().workers(workers).build().unwrap()
}

fn number(n: u32) -> Job<u32> {
    Job::new("number", move |_| Ok(n))
}

#[test]
fn many_are_received_at_once_and_none_twice() {
    let pool = pool(2);
    let (completer, completions) = pool::completions();
    let mut ids = Vec::new();
    pool.submit_batch_to((0..1000).map(number), &completer, &mut ids).unwrap();
    drop(completer);
    let (mut received, mut numbers) = (Vec::new(), Vec::new());
    while numbers.len() < 1000 {
        let count = completions.recv_many(&mut received, 64, LONG).unwrap();
        assert!((1..=64).contains(&count) && count == received.len());
        numbers.extend(received.drain(..).map(|completion| (completion.id, completion.result.unwrap())));
    }
    // A batch is numbered in its order.
    numbers.sort_unstable();
    assert!(numbers.iter().zip(0..).all(|((id, number), n)| *id == ids[n as usize] && *number == n));
    pool.close().unwrap();
    assert!(matches!(completions.recv_many(&mut received, 64, LONG), Err(Error::Finished)));
    assert!(matches!(completions.try_recv(), Err(Error::Finished)));
}

#[test]
fn nothing_is_received_where_nothing_waits() {
    let (_completer, completions) = pool::completions::<u32>();
    assert!(matches!(completions.try_recv(), Ok(None)));
    let mut received = Vec::new();
    assert!(matches!(completions.recv_many(&mut received, 1, Duration::ZERO), Err(Error::TimedOut)));
    assert!(matches!(completions.recv_many(&mut received, 0, LONG), Ok(0)));
    assert!(received.is_empty());
}

#[test]
fn a_batch_that_a_full_queue_refuses_says_which_jobs_were_taken_in() {
    let pool = Pool::builder().workers(1).queue(3).overflow(pool::Overflow::Reject).build().unwrap();
    let (completer, completions) = pool::completions();
    let ((begins, begun), (let_go, may_end)) = (mpsc::channel(), mpsc::channel::<()>());
    let held = Job::new("held", move |_| {
        begins.send(()).unwrap();
        let _ = may_end.recv();
        Ok(99)
    });
    let held = pool.submit_to(held, &completer).unwrap();
    begun.recv_timeout(LONG).unwrap();
    let mut ids = Vec::new();
    let refused = pool.submit_batch_to((0..5).map(number), &completer, &mut ids);
    assert!(matches!(refused, Err(Error::Full { capacity: 3 })));
    assert_eq!(ids.len(), 3);
    drop(let_go);
    drop(completer);
    let ended: HashSet<_> = completions.map(|completion| completion.id).collect();
    assert_eq!(ended, ids.into_iter().chain([held]).collect());
}

#[test]
fn a_job_is_withdrawn_only_while_it_waits() {
    let pool = pool(1);
    let (completer, completions) = pool::completions();
    let (begins, begun) = mpsc::channel();
    let endless = Job::new("endless", move |context| {
        begins.send(context.id()).unwrap();
        while !context.aborted() {}
        context.check()?;
        Ok(0)
    });
    let running = pool.submit_to(endless, &completer).unwrap();
    assert_eq!(begun.recv_timeout(LONG).unwrap(), running);
    let waiting = pool.submit_to(number(1), &completer).unwrap();
    assert!(!pool.withdraw(running) && !pool.withdraw(JobId::from(77)));
    assert!(pool.withdraw(waiting) && !pool.withdraw(waiting) && !pool.abort(waiting));
    assert!(pool.abort(running));
    drop(completer);
    pool.close().unwrap();
    let failures: Vec<_> = completions.map(|completion| (completion.id, completion.result)).collect();
    let aborted = |(id, result): &(JobId, _)| (*id, matches!(result, Err(Failure::Aborted)));
    assert_eq!(failures.iter().map(aborted).collect::<Vec<_>>(), [(waiting, true), (running, true)]);
}

#[cfg(unix)]
mod descriptor {
    use std::fs::File;
    use std::io::{ErrorKind, Read};

    use super::*;

    /// Waits until the descriptor is readable, without reading from it.
    #[allow(unsafe_code, reason = "the standard library cannot wait for a descriptor")]
    fn wait(notice: &File) {
        use std::os::fd::AsRawFd;
        let mut watched = libc::pollfd { fd: notice.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, which outlives the call.
        assert_eq!(unsafe { libc::poll(&raw mut watched, 1, 60_000) }, 1);
    }

    fn is_quiet(mut notice: &File) -> bool {
        notice.read(&mut [0; 8]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    #[test]
    fn whoever_arms_and_sleeps_misses_no_completion() {
        const JOBS: u32 = 20_000;
        let pool = pool(2);
        let (completer, completions) = pool::completions();
        let notice = File::from(completions.fd().unwrap().try_clone_to_owned().unwrap());
        let reader = std::thread::spawn(move || {
            let (mut received, mut sum, mut slept) = (Vec::new(), 0_u64, 0);
            loop {
                match completions.recv_many(&mut received, 100, Duration::ZERO) {
                    Ok(_) => sum += received.drain(..).map(|one| u64::from(one.result.unwrap())).sum::<u64>(),
                    Err(Error::Finished) => return (sum, slept),
                    Err(_) if completions.arm() => {}
                    Err(_) => {
                        wait(&notice);
                        slept += 1;
                    }
                }
            }
        });
        for n in 0..JOBS {
            pool.submit_to(number(n), &completer).unwrap();
        }
        drop(completer);
        let (sum, slept) = reader.join().unwrap();
        assert_eq!(sum, u64::from(JOBS) * u64::from(JOBS - 1) / 2);
        assert!(slept <= JOBS, "a notice is given once");
    }

    #[test]
    fn what_came_between_arming_and_making_the_descriptor_is_told() {
        let pool = pool(1);
        let (completer, completions) = pool::completions();
        assert!(!completions.arm());
        pool.submit_to(number(1), &completer).unwrap();
        pool.drain(LONG).unwrap();
        let notice = File::from(completions.fd().unwrap().try_clone_to_owned().unwrap());
        wait(&notice);
        assert!(completions.arm());
        assert!(is_quiet(&notice), "once");
    }

    #[test]
    fn nobody_is_told_who_has_not_asked() {
        let (completer, completions) = pool::completions();
        let notice = File::from(completions.fd().unwrap().try_clone_to_owned().unwrap());
        let first = pool(1);
        first.submit_to(number(1), &completer).unwrap();
        assert_eq!(completions.recv_timeout(LONG).unwrap().result.unwrap(), 1);
        // A worker tells of a completion a moment after it can be received.
        first.close().unwrap();
        assert!(is_quiet(&notice));
        assert!(!completions.arm());
        let second = pool(1);
        second.submit_to(number(2), &completer).unwrap();
        wait(&notice);
        second.close().unwrap();
        assert!(completions.arm(), "a completion waits");
        assert_eq!(completions.recv_timeout(LONG).unwrap().result.unwrap(), 2);
        assert!(is_quiet(&notice), "arming takes back the notice before");
    }

    #[test]
    fn the_end_of_a_line_is_told_too() {
        let (completer, completions) = pool::completions::<u32>();
        let notice = File::from(completions.fd().unwrap().try_clone_to_owned().unwrap());
        let other = completer.clone();
        assert!(!completions.arm());
        drop(completer);
        assert!(is_quiet(&notice));
        drop(other);
        wait(&notice);
        assert!(completions.arm());
        assert!(matches!(completions.try_recv(), Err(Error::Finished)));
    }
}
