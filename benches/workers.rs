//! How fast a pool of worker processes is: empty calls a second, and how long a burst from no worker at all takes.
//!
//! `cargo bench --features exec --bench workers -- [LIBRARY] [--python=PROGRAM]`. Without the library it is looked for as
//! always; a shim in the place of Python, such as pyenv's, takes longer to start than Python.

#[cfg(not(all(feature = "exec", target_os = "linux")))]
fn main() {}

#[cfg(all(feature = "exec", target_os = "linux"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    rows::print()
}

#[cfg(all(feature = "exec", target_os = "linux"))]
mod rows {
    use std::time::{Duration, Instant};
    use std::{env, fs};

    use circlet::exec::{Call, Workers, WorkersBuilder};
    use serde_json::{Value, json};

    type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

    const MODULE: &str = "import time\ndef nothing(): pass\ndef work(seconds):\n    end = time.perf_counter() + seconds\n    while time.perf_counter() < end: pass\n";
    const CALLS: usize = 100_000;
    const IN_FLIGHT: usize = 1_000;
    const BURSTS: usize = 20;

    pub(super) fn print() -> Outcome<()> {
        let folder = env::temp_dir().join(format!("circlet-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("bench_jobs.py"), MODULE)?;
        let library = env::args().skip(1).find(|argument| argument.ends_with(".so"));
        let program = env::args().find_map(|argument| Some(argument.strip_prefix("--python=")?.to_owned()));
        let builder = || {
            let builder = Workers::python().module_path(&folder);
            let builder = program.iter().fold(builder, |builder, program| builder.program(program));
            library.iter().fold(builder, |builder, library| builder.library(library))
        };
        let done =
            batches(builder()).and_then(|()| many_in_flight(builder())).and_then(|()| one_by_one(builder()));
        let done = done.and_then(|()| bursts(&builder));
        fs::remove_dir_all(&folder)?;
        done
    }

    fn call(name: &str, arguments: &Value) -> Call<Value> {
        Call::new(&format!("bench_jobs:{name}"), arguments)
    }

    fn report(row: &str, calls: usize, elapsed: Duration) {
        println!("{row:<44} {:>10.0} calls/s", calls as f64 / elapsed.as_secs_f64());
    }

    fn batches(builder: WorkersBuilder) -> Outcome<()> {
        let pool = builder.workers(2).queue(CALLS).build()?;
        for round in 0..3 {
            let begin = Instant::now();
            let calls: Vec<_> = (0..CALLS).map(|_| call("nothing", &json!([]))).collect();
            for handle in pool.submit_batch(calls)? {
                handle.wait()?;
            }
            report(&format!("empty calls in one batch, 2 workers, round {round}"), CALLS, begin.elapsed());
        }
        Ok(())
    }

    fn many_in_flight(builder: WorkersBuilder) -> Outcome<()> {
        let pool = builder.workers(2).build()?;
        pool.submit(call("nothing", &json!([])))?.wait()?;
        let begin = Instant::now();
        let mut handles = std::collections::VecDeque::new();
        for _ in 0..CALLS {
            if handles.len() == IN_FLIGHT {
                handles.pop_front().map(circlet::pool::Handle::wait).transpose()?;
            }
            handles.push_back(pool.submit(call("nothing", &json!([])))?);
        }
        for handle in handles {
            handle.wait()?;
        }
        report("empty calls, 1000 in flight, 2 workers", CALLS, begin.elapsed());
        Ok(())
    }

    fn one_by_one(builder: WorkersBuilder) -> Outcome<()> {
        let pool = builder.workers(1).build()?;
        pool.submit(call("nothing", &json!([])))?.wait()?;
        let begin = Instant::now();
        for _ in 0..CALLS / 10 {
            pool.submit(call("nothing", &json!([])))?.wait()?;
        }
        report("empty calls one after the other, 1 worker", CALLS / 10, begin.elapsed());
        Ok(())
    }

    fn bursts(builder: &impl Fn() -> WorkersBuilder) -> Outcome<()> {
        let mut firsts = Vec::new();
        let mut lasts = Vec::new();
        for _ in 0..BURSTS {
            let pool = builder().min(0).max(2).build()?;
            let begin = Instant::now();
            let calls: Vec<_> = (0..8).map(|_| call("work", &json!([0.005]))).collect();
            let (completer, mut completions) = circlet::pool::completions();
            for call in calls {
                pool.submit_to(call, &completer)?;
            }
            drop(completer);
            completions.next().ok_or("no completion")?.result?;
            firsts.push(begin.elapsed());
            completions.by_ref().count();
            lasts.push(begin.elapsed());
        }
        for (row, mut times) in [("first", firsts), ("last", lasts)] {
            times.sort_unstable();
            println!(
                "burst of 8 jobs of 5 ms from 0 workers: {row:<5} {:>6.1} ms (median of {BURSTS}), {:.1} to {:.1}",
                times[BURSTS / 2].as_secs_f64() * 1e3,
                times[0].as_secs_f64() * 1e3,
                times[BURSTS - 1].as_secs_f64() * 1e3,
            );
        }
        Ok(())
    }
}
