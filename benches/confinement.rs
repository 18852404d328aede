//! What a policy costs: starts, warm runs, files, connections and programs of a confined session beside one that nothing confines.
//!
//! `cargo bench --features exec --bench confinement -- [LIBRARY] [--python=PROGRAM] [--peers=PROGRAM]`. Medians of five rounds, both
//! kinds in turns. With a Python as `--peers`, bubblewrap and sandlock are measured beside, each against the same worker unconfined, a
//! Python at the other end of two pipes: `benches/peers/python/confined.py`. Linux, two cores that nothing else uses.

#[cfg(not(all(feature = "exec", target_os = "linux")))]
fn main() {}

#[cfg(all(feature = "exec", target_os = "linux"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    rows::print()
}

#[cfg(all(feature = "exec", target_os = "linux"))]
mod rows {
    use std::collections::BTreeMap;
    use std::env;
    use std::net::TcpListener;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use circlet::exec::policy::Policy;
    use circlet::exec::{Builder, Executor, SessionPool};
    use circlet::shm::Deadline;

    type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

    const ROUNDS: usize = 5;
    const STARTS: usize = 40;
    const RUNS: usize = 5_000;

    /// Times of one kind of session, in microseconds: the median of each round.
    #[derive(Default)]
    struct Times(Vec<f64>);

    impl Times {
        fn median(&mut self) -> f64 {
            self.0.sort_by(f64::total_cmp);
            self.0[self.0.len() / 2]
        }
    }

    fn median(mut times: Vec<Duration>) -> f64 {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6
    }

    struct Kinds {
        free: Builder,
        held: Builder,
        peers: Option<Peers>,
    }

    /// Who measures the peers, and the Python that they confine.
    struct Peers {
        python: String,
        confined: String,
    }

    /// Measures both kinds in turns, and prints their medians.
    fn row(name: &str, kinds: &Kinds, measure: impl Fn(&Builder) -> Outcome<f64>) -> Outcome<()> {
        row_with_peers(name, kinds, None, measure)
    }

    /// As [`row`], with the peers' row of this name in the same rounds.
    fn row_with_peers(
        name: &str,
        kinds: &Kinds,
        of_peers: Option<&str>,
        measure: impl Fn(&Builder) -> Outcome<f64>,
    ) -> Outcome<()> {
        let mut own = [Times::default(), Times::default()];
        let mut others: BTreeMap<String, [Times; 2]> = BTreeMap::new();
        for round in 0..ROUNDS {
            own[0].0.push(measure(&kinds.free)?);
            own[1].0.push(measure(&kinds.held)?);
            let Some((peers, row)) = kinds.peers.as_ref().zip(of_peers) else { continue };
            for (who, free, held) in peers.measure(row, round == 0)? {
                let times = others.entry(who).or_default();
                times[0].0.push(free);
                times[1].0.push(held);
            }
        }
        print_row(name, own);
        others.into_iter().for_each(|(who, times)| print_row(&format!("{name}: {who}"), times));
        Ok(())
    }

    fn print_row(name: &str, times: [Times; 2]) {
        let [free, held] = times.map(|mut times| times.median());
        println!("| {name} | {free:.2} | {held:.2} | {:+.2} | {:.2} |", held - free, held / free);
    }

    impl Peers {
        /// Has them measure one round: who, without and with what confines it. Those that are not here are told of, the first time.
        fn measure(&self, row: &str, is_told: bool) -> Outcome<Vec<(String, f64, f64)>> {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/python/confined.py");
            let errors = if is_told { Stdio::inherit() } else { Stdio::null() };
            let mut command = Command::new(&self.python);
            let output = command.arg(script).args([row, &self.confined]).stderr(errors).output()?;
            if !output.status.success() {
                return Err(format!("the peers' {row}: {}", output.status).into());
            }
            Ok(String::from_utf8(output.stdout)?
                .lines()
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()?)
        }
    }

    /// Starts sessions, each to the end of its first run.
    fn starts(open: impl Fn() -> Outcome<Executor>) -> Outcome<f64> {
        let one = |_| -> Outcome<Duration> {
            let begin = Instant::now();
            let mut python = open()?;
            python.run("1+1")?;
            let time = begin.elapsed();
            drop(python);
            Ok(time)
        };
        Ok(median((0..STARTS).map(one).collect::<Outcome<_>>()?))
    }

    fn pool(builder: &Builder, ready: usize) -> Outcome<SessionPool> {
        let pool = builder.clone().ready(ready).pool()?;
        pool.wait_ready(Deadline::after(Duration::from_secs(10)))?;
        Ok(pool)
    }

    /// Has the code measure itself: `setup`, and the median of so many of `step`, in microseconds.
    fn inside(builder: &Builder, setup: &str, step: &str, count: usize) -> Outcome<f64> {
        let mut python = builder.clone().start()?;
        let code = format!(
            "import os, socket, time\n{setup}\ntimes = []\nfor _ in range({count}):\n    begin = time.perf_counter()\n    {step}\n    times.append(time.perf_counter() - begin)\nsorted(times)[{count} // 2] * 1e6"
        );
        let outcome = python.run(&code)?;
        let value = outcome.value.and_then(|value| value.as_f64());
        value.ok_or_else(|| format!("{:?}", outcome.error).into())
    }

    pub(super) fn print() -> Outcome<()> {
        let value =
            |flag: &str| env::args().find_map(|argument| Some(argument.strip_prefix(flag)?.to_owned()));
        let python = value("--python=").unwrap_or_else(|| "python3".to_owned());
        let library = env::args().skip(1).find(|argument| argument.ends_with(".so"));
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        std::thread::spawn(move || listener.incoming().for_each(drop));
        let file = env::current_exe()?;
        let folder = file.parent().ok_or("no folder")?;
        let policy = serde_json::json!({
            "version": 1,
            "fs": {"rules": [{"action": "allow", "paths": [folder], "access": ["read", "list"]}], "private_tmp": true},
            "net": {"rules": [{"action": "allow", "protocol": "tcp", "addresses": ["127.0.0.0/8"]}]},
            "exec": {"rules": [{"action": "allow", "path": "/bin/true"}]},
        });
        let free = Executor::builder().python(&python);
        let free = library.iter().fold(free, |builder, library| builder.library(library));
        let held = free.clone().policy(Policy::from_json(&policy.to_string())?);
        let peers = value("--peers=").map(|peers| Peers { python: peers, confined: python });
        let kinds = Kinds { free, held, peers };
        println!("| row, us | free | confined | more | ratio |\n|---|---|---|---|---|");
        row_with_peers("start to first result, cold", &kinds, Some("start"), |builder| {
            starts(|| Ok(builder.clone().start()?))
        })?;
        row("start to first result, forked now", &kinds, |builder| {
            let pool = pool(builder, 0)?;
            starts(|| Ok(pool.open()?))
        })?;
        row("start to first result, kept ready", &kinds, |builder| {
            let pool = pool(builder, 1)?;
            starts(|| {
                pool.wait_ready(Deadline::after(Duration::from_secs(10)))?;
                Ok(pool.open()?)
            })
        })?;
        row_with_peers("warm run of 1+1", &kinds, Some("warm"), |builder| {
            let mut python = builder.clone().start()?;
            let run = |_| -> Outcome<Duration> {
                let begin = Instant::now();
                python.run("1+1")?;
                Ok(begin.elapsed())
            };
            Ok(median((0..RUNS).map(run).collect::<Outcome<_>>()?))
        })?;
        let open = format!("os.close(os.open({:?}, os.O_RDONLY))", file.display().to_string());
        row("a file opened and closed", &kinds, |builder| inside(builder, "", &open, 20_000))?;
        let connect = format!("s = socket.socket(); s.connect(('127.0.0.1', {port})); s.close()");
        row("a connection to loopback", &kinds, |builder| inside(builder, "", &connect, 1_000))?;
        let start = "os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)";
        row("a program started to its end", &kinds, |builder| inside(builder, "", start, 300))
    }
}
