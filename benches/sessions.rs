//! How fast a session is, beside a bare interpreter in the same run: its start, a warm run, what it prints, an array to and fro.
//!
//! `cargo bench --features exec --bench sessions -- [LIBRARY] [--python=PROGRAM]`. Without the library it is looked for as
//! always; a shim in the place of Python, such as pyenv's, takes longer to start than Python. Medians of five rounds, the peers in
//! turns; p50 and p99 are of all warm runs of a round. Linux, two cores that nothing else uses.

#[cfg(not(all(feature = "exec", target_os = "linux")))]
fn main() {}

#[cfg(all(feature = "exec", target_os = "linux"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    rows::print()
}

#[cfg(all(feature = "exec", target_os = "linux"))]
mod rows {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    use std::{env, fs};

    use circlet::exec::{Builder, Event, Executor, RunOptions};
    use circlet::ring::Wait;
    use circlet::shm::Deadline;

    type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

    const ROUNDS: usize = 5;
    const RUNS: usize = 5_000;
    const STARTS: usize = 10;
    const PRINTED: usize = 256 << 20;
    const BLOCKS: &str =
        "import sys\nblock = 'x' * 65535 + '\\n'\nfor _ in range(4096): sys.stdout.write(block)\n";
    const LINES: &str = "line = 'x' * 79\nfor _ in range(1 << 20): print(line)\n";
    const LINES_BYTES: usize = 80 << 20;
    const ARRAY: usize = 64 << 20;

    struct Setting {
        library: Option<String>,
        python: String,
    }

    impl Setting {
        fn start(&self) -> Outcome<Executor> {
            Ok(self.builder().start()?)
        }

        fn builder(&self) -> Builder {
            let builder = Executor::builder().python(&self.python).output_max(1 << 30);
            self.library.iter().fold(builder, |builder, library| builder.library(library))
        }

        fn bare(&self, arguments: &[&str]) -> Command {
            let mut command = Command::new(&self.python);
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
            command
        }
    }

    pub(super) fn print() -> Outcome<()> {
        let setting = Setting {
            library: env::args().skip(1).find(|argument| argument.ends_with(".so")),
            python: env::args()
                .find_map(|argument| Some(argument.strip_prefix("--python=")?.to_owned()))
                .unwrap_or_else(|| "python3".to_owned()),
        };
        println!("| row | who | median | range |\n|---|---|---|---|");
        starts(&setting)?;
        warm(&setting)?;
        output(&setting)?;
        array(&setting)?;
        memory(&setting)
    }

    /// Prints the median of a few figures, and what they lie between.
    fn report(row: &str, who: &str, unit: &str, mut figures: Vec<f64>) {
        figures.sort_by(f64::total_cmp);
        let (first, last) = (figures[0], figures[figures.len() - 1]);
        println!("| {row}, {unit} | {who} | {:.1} | {first:.1} to {last:.1} |", figures[figures.len() / 2]);
    }

    fn ms(time: Duration) -> f64 {
        time.as_secs_f64() * 1e3
    }

    fn starts(setting: &Setting) -> Outcome<()> {
        let mut figures = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..STARTS {
            for (at, flags) in [(0, &["-I", "-S", "-c", "print(1+1)"][..]), (1, &["-c", "print(1+1)"][..])] {
                let begin = Instant::now();
                setting.bare(flags).output()?;
                figures[at].push(ms(begin.elapsed()));
            }
            let begin = Instant::now();
            let mut session = setting.start()?;
            session.run("1+1")?;
            figures[2].push(ms(begin.elapsed()));
            session.stop()?;
        }
        for (who, figures) in ["python3 -I -S -c", "python3 -c", "circlet, cold"].into_iter().zip(figures) {
            report("start to the result of 1+1", who, "ms", figures);
        }
        Ok(())
    }

    fn percentiles(mut times: Vec<Duration>) -> [f64; 2] {
        times.sort_unstable();
        [50, 99].map(|percent| times[times.len() * percent / 100].as_secs_f64() * 1e6)
    }

    fn warm(setting: &Setting) -> Outcome<()> {
        let mut sessions = [setting.builder().wait(Wait::SLEEP).start()?, setting.start()?];
        let mut command = Command::new(&setting.python);
        command.args(["-u", "-i", "-q"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut bare = command.spawn()?;
        let (mut input, mut output) =
            (bare.stdin.take().ok_or("stdin")?, BufReader::new(bare.stdout.take().ok_or("stdout")?));
        let mut figures = [const { Vec::new() }; 6];
        let mut note = |who: usize, times: Vec<Duration>| {
            let [p50, p99] = percentiles(times);
            figures[2 * who].push(p50);
            figures[2 * who + 1].push(p99);
        };
        for _ in 0..ROUNDS {
            for (who, session) in sessions.iter_mut().enumerate() {
                let mut times = Vec::with_capacity(RUNS);
                for _ in 0..RUNS {
                    let begin = Instant::now();
                    session.run("1+1")?;
                    times.push(begin.elapsed());
                }
                note(who, times);
            }
            let (mut times, mut line) = (Vec::with_capacity(RUNS), String::new());
            for _ in 0..RUNS {
                let begin = Instant::now();
                input.write_all(b"1+1\n")?;
                line.clear();
                output.read_line(&mut line)?;
                times.push(begin.elapsed());
            }
            note(sessions.len(), times);
        }
        drop(input);
        bare.wait()?;
        let who = ["circlet, which sleeps at once", "circlet", "a pipe to python3 -i"];
        for (at, figures) in figures.into_iter().enumerate() {
            let percent = ["p50", "p99"][at % 2];
            report(&format!("warm run of 1+1, {percent}"), who[at / 2], "us", figures);
        }
        Ok(())
    }

    fn output(setting: &Setting) -> Outcome<()> {
        let mut session = setting.start()?;
        for (row, code, bytes) in
            [("stdout in 64 KiB", BLOCKS, PRINTED), ("stdout in lines", LINES, LINES_BYTES)]
        {
            let mut figures = [Vec::new(), Vec::new()];
            for _ in 0..ROUNDS {
                let begin = Instant::now();
                let session = session.session()?;
                session.begin(code, RunOptions::new())?;
                let mut count = 0;
                loop {
                    match session.next(Deadline::NEVER)? {
                        Some(Event::Output(_, bytes)) => count += bytes.len(),
                        Some(Event::End(_)) => break,
                        _ => {}
                    }
                }
                figures[0].push(bytes as f64 / 1e6 / begin.elapsed().as_secs_f64());
                assert_eq!(count, bytes);

                let begin = Instant::now();
                let mut bare = setting.bare(&["-c", code]).spawn()?;
                let mut pipe = bare.stdout.take().ok_or("stdout")?;
                let (mut buffer, mut count) = (vec![0; 1 << 16], 0);
                loop {
                    match pipe.read(&mut buffer)? {
                        0 => break,
                        more => count += more,
                    }
                }
                figures[1].push(bytes as f64 / 1e6 / begin.elapsed().as_secs_f64());
                assert_eq!(count, bytes);
                bare.wait()?;
            }
            let [ours, bare] = figures;
            report(row, "circlet", "MB/s", ours);
            report(row, "python3 -c to a pipe", "MB/s", bare);
        }
        Ok(())
    }

    fn array(setting: &Setting) -> Outcome<()> {
        let mut session = setting.start()?;
        let array = vec![7_u8; ARRAY];
        session.run("from circlet.session import receive")?;
        let mut figures = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let session = session.session()?;
            session.begin("array = receive()", RunOptions::new())?;
            session.send(&array)?;
            while !matches!(session.next(Deadline::NEVER)?, Some(Event::End(_))) {}
            let there = begin.elapsed();
            let outcome = session.run("array", RunOptions::new())?;
            assert_eq!(outcome.bytes.ok_or("bytes")?.content.len(), ARRAY);
            let rate = |time: Duration| ARRAY as f64 / 1e9 / time.as_secs_f64();
            figures[0].push(rate(there));
            figures[1].push(rate(begin.elapsed() - there));
        }
        let [there, back] = figures;
        report("64 MiB to the session", "circlet", "GB/s", there);
        report("64 MiB back", "circlet", "GB/s", back);
        Ok(())
    }

    fn memory(setting: &Setting) -> Outcome<()> {
        let mut session = setting.start()?;
        session.run("1+1")?;
        let pid = session.process_id().ok_or("a process")?;
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB"));
        report(
            "memory of an idle session, PSS",
            "circlet",
            "MB",
            vec![pss.ok_or("Pss")?.trim().parse::<f64>()? / 1e3],
        );
        Ok(())
    }
}
