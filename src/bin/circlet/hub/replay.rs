//! `circlet replay`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use circlet::hub::{Change, Hub, Moment, Recording};
use indicatif::{FormattedDuration, ProgressBar, ProgressStyle};
use serde_json::json;

use super::listen::{LOOK_EVERY, Listen, PATIENCE};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{harmless, note, print_line};
use crate::time::parse_length;

/// Show a recording of `circlet serve --record` to viewers, as it was
///
/// It is a hub as that of `circlet serve`, whose rooms do what they did then, at the same pace. At the end it goes on
/// showing what was there last, until Ctrl-C.
///
/// Examples:
///   circlet replay app.jsonl
///   circlet replay app.jsonl --from 10m --speed 4
///   circlet replay app.jsonl --repeat --max-pause 2s
///   circlet replay app.jsonl --once --speed 1000 --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The recording
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// How many times as fast as it was
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Where to begin, as in 90s, 10m or 2h; what was before is there at once
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_length)]
    from: Duration,
    /// How long nothing happens at most: longer pauses are shortened
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    max_pause: Option<Duration>,
    /// Begin again at the end, on and on
    #[arg(long, conflicts_with = "once")]
    repeat: bool,
    /// End at the end
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    listen: Listen,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.01..=10_000.0).contains(speed));
    speed.ok_or_else(|| "give 0.01 to 10000, as in 2".to_owned())
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let interrupt = Interrupt::watch()?;
    // Before the hub, so that nobody comes for nothing.
    let mut recording = Recording::open(&arguments.file).map_err(Failure::input)?;
    let (hub, said) = arguments.listen.start(arguments.listen.options()?)?;
    let bar = bar(&recording);
    let mut player = Player::new(&hub, arguments);
    let mut done = if said { Ok(()) } else { Err(Failure::Interrupted) };
    while done.is_ok() {
        done = player.play(recording, &interrupt, &bar);
        if !arguments.repeat || done.is_err() {
            break;
        }
        recording = Recording::open(&arguments.file).map_err(Failure::input)?;
    }
    bar.finish_and_clear();
    if done.is_ok() && !arguments.once {
        note("this is the end; what was there last is shown until Ctrl-C");
        while interrupt.check().is_ok() {
            std::thread::sleep(LOOK_EVERY);
        }
    }
    hub.stop(PATIENCE);
    match done {
        Err(Failure::Interrupted) => Ok(()),
        done => done,
    }
}

fn bar(recording: &Recording) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {msg}");
    ProgressBar::new(recording.progress().1)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

struct Player<'a> {
    hub: &'a Hub,
    arguments: &'a Arguments,
    /// What was set by it, so that it can be taken away.
    keys: BTreeMap<String, BTreeSet<String>>,
    /// When what comes next is due, from the start of the recording on.
    now: Duration,
    /// When the last thing was done.
    due: Instant,
    said: Instant,
}

impl<'a> Player<'a> {
    fn new(hub: &'a Hub, arguments: &'a Arguments) -> Self {
        let now = Instant::now();
        Self { hub, arguments, keys: BTreeMap::new(), now: Duration::ZERO, due: now, said: now }
    }

    fn play(
        &mut self,
        mut recording: Recording,
        interrupt: &Interrupt,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        (self.now, self.due) = (Duration::ZERO, Instant::now());
        // Where the run began that is shown now, on the clock of the first one.
        let (mut first, mut run) = (None, Duration::ZERO);
        let mut is_broken = None;
        while let Some(moment) = recording.next() {
            let moment = match moment {
                Ok(moment) => moment,
                Err(error) => {
                    is_broken = Some(error);
                    break;
                }
            };
            match moment {
                Moment::Started { at } => {
                    // A clock may have been set back.
                    run = at.saturating_sub(*first.get_or_insert(at)).max(self.now);
                    self.wait_until(run, interrupt, bar)?;
                    self.clear();
                }
                Moment::Changed { at, change } => {
                    self.wait_until(run + at, interrupt, bar)?;
                    self.publish(change);
                }
                Moment::Lost { events } => note(format_args!("{events} events or updates are missing here")),
                _ => {}
            }
            bar.set_position(recording.progress().0);
            bar.set_message(FormattedDuration(self.now).to_string());
            self.say(&recording)?;
        }
        is_broken.map_or(Ok(()), |error| Err(Failure::run(error)))
    }

    /// Waits until something is due, which was at a time of the recording.
    fn wait_until(&mut self, at: Duration, interrupt: &Interrupt, bar: &ProgressBar) -> Result<(), Failure> {
        if self.now <= self.arguments.from {
            // What comes before took no time.
            self.due = Instant::now();
        }
        let pause = at.saturating_sub(self.now.max(self.arguments.from));
        self.now = self.now.max(at);
        let pause = self.arguments.max_pause.map_or(pause, |most| pause.min(most));
        self.due += pause.div_f64(self.arguments.speed);
        loop {
            interrupt.check()?;
            let left = self.due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            bar.tick();
            std::thread::sleep(left.min(LOOK_EVERY));
        }
    }

    fn publish(&mut self, change: Change) {
        let keys = self.keys.entry(change.room.clone()).or_default();
        keys.retain(|key| !change.removed.contains(key));
        keys.extend(change.set.keys().cloned());
        self.tell(change);
    }

    /// Takes away what was there.
    fn clear(&mut self) {
        for (room, keys) in std::mem::take(&mut self.keys) {
            let mut change = Change::to(&room);
            change.removed = keys;
            self.tell(change);
        }
    }

    fn tell(&self, change: Change) {
        if let Err(error) = self.hub.publish(change) {
            note(harmless(&error.to_string()));
        }
    }

    /// Says where it is, each second, to programs.
    fn say(&mut self, recording: &Recording) -> Result<(), Failure> {
        if !self.arguments.listen.json || self.said.elapsed() < Duration::from_secs(1) {
            return Ok(());
        }
        self.said = Instant::now();
        let (read, bytes) = recording.progress();
        let at_ms = self.now.as_millis() as u64;
        let said = json!({ "at_ms": at_ms, "read": read, "bytes": bytes, "stats": self.hub.stats() });
        if print_line(said)? { Ok(()) } else { Err(Failure::Interrupted) }
    }
}
