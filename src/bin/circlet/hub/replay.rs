//! `circlet replay`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use circlet::hub::{Change, Hub, HubOptions, Moment, Outline, Recording};
use indicatif::{FormattedDuration, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

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

/// For how long rooms stay that nobody looks at: the longest that there is.
const ROOMS_STAY: Duration = Duration::from_hours(365 * 24);

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.01..=10_000.0).contains(speed));
    speed.ok_or_else(|| "give 0.01 to 10000, as in 2".to_owned())
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let interrupt = Interrupt::watch()?;
    // Before the hub, so that nobody comes for nothing.
    let file = &arguments.file;
    // What can be read but once, as a pipe, has a length that nobody knows.
    let outline = match file.is_file().then(|| outline(file, &interrupt)).transpose() {
        // Whoever asks it to end has what was asked for, here as later.
        Err(Failure::Interrupted) => return Ok(()),
        outline => outline?,
    };
    let mut recording = Recording::open(file).map_err(Failure::input)?;
    let mut usual = HubOptions::default();
    // Nothing comes twice: whoever looks at the end, however late, is to see what was there last.
    (usual.idle_room, usual.max_rooms) = (ROOMS_STAY, usize::MAX);
    let options = arguments.listen.options(usual)?;
    let show = Show::new(arguments, outline.as_ref().map(|outline| outline.length));
    note(harmless(&show.introduction()));
    if let Some(broken) = outline.and_then(|outline| outline.broken) {
        note(format_args!("it breaks off after that: {}", harmless(&broken.to_string())));
    }
    let (hub, said) = arguments.listen.start(options)?;
    let mut player = Player::new(&hub, arguments, show);
    let mut done = if said { Ok(()) } else { Err(Failure::Interrupted) };
    while done.is_ok() {
        done = player.play(recording, &interrupt);
        if !arguments.repeat || done.is_err() {
            break;
        }
        recording = Recording::open(file).map_err(Failure::input)?;
    }
    player.end();
    if !arguments.once && !matches!(done, Err(Failure::Interrupted)) {
        if let Err(broken) = done {
            note(harmless(&broken.to_string()));
            done = Err(Failure::Code(1));
        }
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

/// Reads through a recording, and shows how far that is where it takes a while.
fn outline(file: &Path, interrupt: &Interrupt) -> Result<Outline, Failure> {
    let bar = ProgressBar::new(0).with_message("reading it through");
    let style = ProgressStyle::with_template("{wide_bar} {msg} {percent} %");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let outline = Recording::outline(file, |read, length| {
        bar.set_length(length);
        bar.set_position(read);
        interrupt.check().is_ok()
    });
    bar.finish_and_clear();
    outline.map_err(Failure::input)?.ok_or(Failure::Interrupted)
}

/// How far it is, as it is told to whoever started it and to viewers.
struct Show {
    name: String,
    /// Where it is known.
    length: Option<Duration>,
    speed: f64,
    /// How often it began.
    round: u64,
    bar: ProgressBar,
}

impl Show {
    fn new(arguments: &Arguments, length: Option<Duration>) -> Self {
        let name = arguments.file.file_name().unwrap_or(arguments.file.as_os_str());
        let name = name.to_string_lossy().into_owned();
        // A bar draws nothing but at a terminal.
        let bar = ProgressBar::new(length.unwrap_or_default().as_millis() as u64);
        let style = ProgressStyle::with_template(if length.is_some() { "{wide_bar} {msg}" } else { "{msg}" });
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { name, length, speed: arguments.speed, round: 0, bar }
    }

    fn introduction(&self) -> String {
        format!("{}{}, {}", self.name, self.of_length(), self.pace())
    }

    fn of_length(&self) -> String {
        self.length.map_or_else(String::new, |length| format!(" of {}", FormattedDuration(length)))
    }

    fn length_ms(&self) -> Option<u64> {
        self.length.map(|length| length.as_millis() as u64)
    }

    fn pace(&self) -> String {
        if (self.speed - 1.0).abs() < f64::EPSILON {
            "as fast as it was".to_owned()
        } else {
            format!("{} times as fast as it was", self.speed)
        }
    }

    /// Shows it at the terminal.
    fn draw(&self, position: Duration) {
        self.bar.set_position(position.as_millis() as u64);
        let round = if self.round > 1 { format!(", round {}", self.round) } else { String::new() };
        let (position, of_length) = (FormattedDuration(position), self.of_length());
        self.bar.set_message(format!("{position}{of_length}, {}{round}", self.pace()));
    }

    fn to_json(&self, position: Duration, is_over: bool) -> Value {
        json!({
            "file": self.name, "position_ms": position.as_millis() as u64, "length_ms": self.length_ms(),
            "speed": self.speed, "round": self.round, "is_over": is_over,
        })
    }
}

/// How often viewers and the terminal are told how far it is, and programs by `--json`.
const TOLD_EVERY: Duration = Duration::from_millis(500);
const SAID_EVERY: Duration = Duration::from_secs(1);

/// How long a pause is at most: clocks have no place for any time that a file may say.
const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);

struct Player<'a> {
    hub: &'a Hub,
    arguments: &'a Arguments,
    show: Show,
    /// What was set by it, so that it can be taken away.
    keys: BTreeMap<String, BTreeSet<String>>,
    /// When what comes next happened, from the start of the recording on.
    next: Duration,
    /// When what comes next is due.
    due: Instant,
    told: Option<Instant>,
    said: Instant,
}

impl<'a> Player<'a> {
    fn new(hub: &'a Hub, arguments: &'a Arguments, show: Show) -> Self {
        let now = Instant::now();
        Self {
            hub,
            arguments,
            show,
            keys: BTreeMap::new(),
            next: Duration::ZERO,
            due: now,
            told: None,
            said: now,
        }
    }

    /// Plays it from its start to its end.
    fn play(&mut self, mut recording: Recording, interrupt: &Interrupt) -> Result<(), Failure> {
        (self.next, self.due) = (Duration::ZERO, Instant::now());
        self.show.round += 1;
        while let Some(moment) = recording.next() {
            let moment = moment.map_err(Failure::run)?;
            self.wait_until(recording.position(), &recording, interrupt)?;
            match moment {
                Moment::Started { .. } => self.clear(),
                // What a hub says of itself, this one does too.
                Moment::Changed { change, .. } if change.room != Hub::ROOM => self.publish(change),
                Moment::Lost { events } => {
                    self.show
                        .bar
                        .suspend(|| note(format_args!("{events} events or updates are missing here")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits until something is due, which was at a time of the recording.
    fn wait_until(
        &mut self,
        at: Duration,
        recording: &Recording,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        if self.next <= self.arguments.from {
            // What comes before took no time.
            self.due = Instant::now();
        }
        let pause = at.saturating_sub(self.next.max(self.arguments.from));
        self.next = self.next.max(at);
        let pause = self.arguments.max_pause.map_or(pause, |most| pause.min(most));
        let speed = self.arguments.speed;
        self.due += pause.div_f64(speed).min(CENTURY);
        loop {
            interrupt.check()?;
            let left = self.due.saturating_duration_since(Instant::now());
            self.say(self.next.saturating_sub(left.mul_f64(speed)), recording)?;
            if left.is_zero() {
                return Ok(());
            }
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
            self.show.bar.suspend(|| note(harmless(&error.to_string())));
        }
    }

    /// Says how far it is: to the terminal, to viewers, and to programs.
    fn say(&mut self, position: Duration, recording: &Recording) -> Result<(), Failure> {
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told = Some(Instant::now());
            self.show.draw(position);
            self.tell_how_far(position, false);
        }
        if !self.arguments.listen.json || self.said.elapsed() < SAID_EVERY {
            return Ok(());
        }
        self.said = Instant::now();
        let (read, bytes) = recording.progress();
        let at_ms = position.as_millis() as u64;
        let said = json!({
            "at_ms": at_ms, "length_ms": self.show.length_ms(), "speed": self.show.speed, "round": self.show.round,
            "read": read, "bytes": bytes, "stats": self.hub.stats(),
        });
        if print_line(said)? { Ok(()) } else { Err(Failure::Interrupted) }
    }

    fn tell_how_far(&self, position: Duration, is_over: bool) {
        let mut change = Change::to(Hub::ROOM);
        change.set.insert("replay".to_owned(), self.show.to_json(position, is_over).into());
        self.tell(change);
    }

    /// It plays no more.
    fn end(&self) {
        self.show.bar.finish_and_clear();
        self.tell_how_far(self.next, true);
    }
}
