//! How fast a session is, beside a bare interpreter in the same run: its start, a warm run, what it prints, an array to and fro.
//!
//! `cargo bench --features exec --bench sessions -- [LIBRARY] [--python=PROGRAM] [--peers=PROGRAM] [--rows=start,warm,...]`. Without the
//! library it is looked for as always; a shim in the place of Python, such as pyenv's, takes longer to start than Python. With a Python that has
//! `benches/peers/python/requirements.txt`, ProcessPoolExecutor and ipykernel are measured beside. Medians of five rounds, the peers in
//! turns; p50 and p99 are of all runs, or starts, of a round. Linux, two cores that nothing else uses.

#[cfg(not(all(feature = "exec", target_os = "linux")))]
fn main() {}

#[cfg(all(feature = "exec", target_os = "linux"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    rows::print()
}

#[cfg(all(feature = "exec", target_os = "linux"))]
mod rows {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    use std::{env, fs};

    use circlet::exec::{Builder, Event, Executor, RunOptions};
    use circlet::ring::Wait;
    use circlet::shm::Deadline;

    type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

    const ROUNDS: usize = 5;
    const RUNS: usize = 5_000;
    const STARTS: usize = 50;
    const PRINTED: usize = 256 << 20;
    const BLOCKS: &str =
        "import sys\nblock = 'x' * 65535 + '\\n'\nfor _ in range(4096): sys.stdout.write(block)\n";
    const LINES: &str = "line = 'x' * 79\nfor _ in range(1 << 20): print(line)\n";
    const LINES_BYTES: usize = 80 << 20;
    const ARRAY: usize = 64 << 20;

    struct Setting {
        library: Option<String>,
        python: String,
        peers: Option<String>,
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

    /// The figures of one row, in the order in which they came first.
    #[derive(Default)]
    struct Table(Vec<(String, Vec<f64>)>);

    impl Table {
        fn note(&mut self, row: &str, who: &str, unit: &str, figure: f64) {
            let name = format!("| {row}, {unit} | {who} |");
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, figures)) => figures.push(figure),
                None => self.0.push((name, vec![figure])),
            }
        }

        /// Notes p50 and p99 of a round's times.
        fn percentiles(&mut self, row: &str, who: &str, unit: (&str, f64), mut times: Vec<Duration>) {
            times.sort_unstable();
            for percent in [50, 99] {
                let time = times[times.len() * percent / 100].as_secs_f64();
                self.note(&format!("{row}, p{percent}"), who, unit.0, time * unit.1);
            }
        }

        /// Has the peers measure their part of a round.
        fn peers(&mut self, setting: &Setting, row: &str) -> Outcome<()> {
            let Some(python) = &setting.peers else { return Ok(()) };
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/python/sessions.py");
            let output = Command::new(python).arg(script).arg(row).stderr(Stdio::null()).output()?;
            for line in String::from_utf8(output.stdout)?.lines() {
                let (row, who, unit, figure): (String, String, String, f64) = serde_json::from_str(line)?;
                self.note(&row, &who, &unit, figure);
            }
            if output.status.success() {
                Ok(())
            } else {
                Err(format!("the peers' {row}: {}", output.status).into())
            }
        }

        /// Prints the median of each, and what its figures lie between.
        fn print(mut self) {
            self.0.sort_by(|one, other| one.0.split('|').nth(1).cmp(&other.0.split('|').nth(1)));
            for (name, mut figures) in self.0 {
                figures.sort_by(f64::total_cmp);
                let (first, last) = (figures[0], figures[figures.len() - 1]);
                println!("{name} {:.2} | {first:.2} to {last:.2} |", figures[figures.len() / 2]);
            }
        }
    }

    type Row = fn(&Setting, &mut Table) -> Outcome<()>;

    pub(super) fn print() -> Outcome<()> {
        let value =
            |flag: &str| env::args().find_map(|argument| Some(argument.strip_prefix(flag)?.to_owned()));
        let setting = Setting {
            library: env::args().skip(1).find(|argument| argument.ends_with(".so")),
            python: value("--python=").unwrap_or_else(|| "python3".to_owned()),
            peers: value("--peers="),
        };
        let rows: [(&str, Row); 5] =
            [("start", starts), ("warm", warm), ("output", output), ("array", array), ("memory", memory)];
        let wanted = value("--rows=").unwrap_or_else(|| rows.map(|(name, _)| name).join(","));
        println!("| row | who | median | range |\n|---|---|---|---|");
        for (name, row) in rows.iter().filter(|(name, _)| wanted.split(',').any(|word| word == *name)) {
            let mut table = Table::default();
            for _ in 0..ROUNDS {
                row(&setting, &mut table)?;
                table.peers(&setting, name)?;
            }
            table.print();
        }
        Ok(())
    }

    fn timed<T>(times: &mut Vec<Duration>, act: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let begin = Instant::now();
        let done = act()?;
        times.push(begin.elapsed());
        Ok(done)
    }

    fn starts(setting: &Setting, table: &mut Table) -> Outcome<()> {
        const ROW: &str = "start to the result of 1+1";
        let unit = ("ms", 1e3);
        for (who, flags) in [
            ("python3 -I -S -c", &["-I", "-S", "-c", "print(1+1)"][..]),
            ("python3 -c", &["-c", "print(1+1)"][..]),
        ] {
            let mut times = Vec::new();
            for _ in 0..STARTS / 5 {
                timed(&mut times, || Ok(setting.bare(flags).output()?))?;
            }
            table.percentiles(ROW, who, unit, times);
        }
        let mut times = Vec::new();
        for _ in 0..STARTS / 5 {
            let mut session = timed(&mut times, || {
                let mut session = setting.start()?;
                session.run("1+1")?;
                Ok(session)
            })?;
            session.run("2")?;
            session.stop()?;
        }
        table.percentiles(ROW, "circlet, cold", unit, times);
        for (ready, who) in [(0, "circlet, forked now"), (1, "circlet, kept ready")] {
            let pool = setting.builder().ready(ready).pool()?;
            let mut times = Vec::new();
            for _ in 0..STARTS {
                pool.wait_ready(Deadline::after(Duration::from_secs(10)))?;
                let session = timed(&mut times, || {
                    let mut session = pool.open()?;
                    session.run("1+1")?;
                    Ok(session)
                })?;
                session.stop()?;
            }
            table.percentiles(ROW, who, unit, times);
        }
        Ok(())
    }

    fn warm(setting: &Setting, table: &mut Table) -> Outcome<()> {
        const ROW: &str = "warm run of 1+1";
        let unit = ("us", 1e6);
        for (who, builder) in [
            ("circlet, which sleeps at once", setting.builder().wait(Wait::SLEEP)),
            ("circlet", setting.builder()),
        ] {
            let (mut session, mut times) = (builder.start()?, Vec::with_capacity(RUNS));
            for _ in 0..RUNS {
                timed(&mut times, || Ok(session.run("1+1")?))?;
            }
            table.percentiles(ROW, who, unit, times);
        }
        let mut command = Command::new(&setting.python);
        command.args(["-u", "-i", "-q"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut bare = command.spawn()?;
        let (mut input, mut output) =
            (bare.stdin.take().ok_or("stdin")?, BufReader::new(bare.stdout.take().ok_or("stdout")?));
        let (mut times, mut line) = (Vec::with_capacity(RUNS), String::new());
        for _ in 0..RUNS {
            timed(&mut times, || {
                input.write_all(b"1+1\n")?;
                line.clear();
                Ok(output.read_line(&mut line)?)
            })?;
        }
        drop(input);
        bare.wait()?;
        table.percentiles(ROW, "a pipe to python3 -i", unit, times);
        Ok(())
    }

    fn output(setting: &Setting, table: &mut Table) -> Outcome<()> {
        let mut executor = setting.start()?;
        for (row, code, bytes) in
            [("stdout in 64 KiB", BLOCKS, PRINTED), ("stdout in lines", LINES, LINES_BYTES)]
        {
            let rate = |begin: Instant| bytes as f64 / 1e6 / begin.elapsed().as_secs_f64();
            let begin = Instant::now();
            let session = executor.session()?;
            session.begin(code, RunOptions::new())?;
            let mut count = 0;
            loop {
                match session.next(Deadline::NEVER)? {
                    Some(Event::Output(_, bytes)) => count += bytes.len(),
                    Some(Event::End(_)) => break,
                    _ => {}
                }
            }
            table.note(row, "circlet", "MB/s", rate(begin));
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
            table.note(row, "python3 -c to a pipe", "MB/s", rate(begin));
            assert_eq!(count, bytes);
            bare.wait()?;
        }
        Ok(())
    }

    fn array(setting: &Setting, table: &mut Table) -> Outcome<()> {
        let mut executor = setting.start()?;
        let array = vec![7_u8; ARRAY];
        executor.run("from circlet.session import receive")?;
        let session = executor.session()?;
        for round in 0..2 {
            let begin = Instant::now();
            session.begin("array = receive()", RunOptions::new())?;
            session.send(&array)?;
            while !matches!(session.next(Deadline::NEVER)?, Some(Event::End(_))) {}
            let there = begin.elapsed();
            let outcome = session.run("array", RunOptions::new())?;
            assert_eq!(outcome.bytes.ok_or("bytes")?.content.len(), ARRAY);
            let rate = |time: Duration| ARRAY as f64 / 1e9 / time.as_secs_f64();
            // The first round is there for the memory, which the system has to find.
            if round == 1 {
                table.note("64 MiB to the session", "circlet", "GB/s", rate(there));
                table.note("64 MiB back", "circlet", "GB/s", rate(begin.elapsed() - there));
            }
        }
        let (mut copy, begin) = (vec![0_u8; ARRAY], Instant::now());
        copy.copy_from_slice(std::hint::black_box(&array));
        std::hint::black_box(&copy);
        table.note(
            "64 MiB copied once in this process",
            "memcpy",
            "GB/s",
            ARRAY as f64 / 1e9 / begin.elapsed().as_secs_f64(),
        );
        Ok(())
    }

    /// Returns what a process has of memory, in MB, what it shares in parts.
    fn pss(process: u32) -> Outcome<f64> {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB"));
        Ok(pss.ok_or("Pss")?.trim().parse::<f64>()? / 1e3)
    }

    fn memory(setting: &Setting, table: &mut Table) -> Outcome<()> {
        const ROW: &str = "memory of an idle session, PSS";
        let mut alone = setting.start()?;
        alone.run("1+1")?;
        table.note(ROW, "circlet, started alone", "MB", pss(alone.process_id().ok_or("a process")?)?);
        let pool = setting.builder().ready(0).pool()?;
        let mut sessions = Vec::new();
        for count in 1..=8 {
            let mut session = pool.open()?;
            session.run("1+1")?;
            sessions.push(session);
            if count == 1 || count == 8 {
                let process = sessions[0].process_id().ok_or("a process")?;
                table.note(ROW, &format!("circlet, one of {count} that are forked"), "MB", pss(process)?);
            }
        }
        let mut command = Command::new(&setting.python);
        command.args(["-u", "-i", "-q"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut bare = command.spawn()?;
        bare.stdin.as_mut().ok_or("stdin")?.write_all(b"1+1\n")?;
        BufReader::new(bare.stdout.as_mut().ok_or("stdout")?).read_line(&mut String::new())?;
        table.note(ROW, "a pipe to python3 -i", "MB", pss(bare.id())?);
        drop(bare.stdin.take());
        bare.wait()?;
        Ok(())
    }
}
