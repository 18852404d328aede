//! The jobs of a simulation: when they come, and how long they take.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::random::{Random, sine_of_turns};
use super::{SECOND, Settings};

/// Jobs of a trace are at most so many, whatever is asked for.
const JOBS_MAX: usize = 20_000_000;

/// How arrivals go over time. Their rate is told as a load: the share of the most workers that would be busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// 0.1 for a quarter of the time, at once 0.8 for half of it, at once 0.1 again.
    Step,
    /// 0.05, evenly up to 0.95, a while of that, and evenly down again.
    Ramp,
    /// 0.1, and every eighth of the time as many jobs at once as all workers do in about a sixth of a second (500 of
    /// 5 ms for 16).
    Burst,
    /// 0.5 and up to 0.4 more or less, in four periods.
    Sine,
    /// 0.8 and nothing, in turn, two times each.
    OnOff,
    /// 0.7 all the while, of few long and many short jobs.
    Bimodal,
}

impl Shape {
    /// All of them, in the order in which tables have them.
    pub const ALL: [Self; 6] = [Self::Step, Self::Ramp, Self::Burst, Self::Sine, Self::OnOff, Self::Bimodal];

    /// Returns the name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Ramp => "ramp",
            Self::Burst => "burst",
            Self::Sine => "sine",
            Self::OnOff => "onoff",
            Self::Bimodal => "bimodal",
        }
    }

    /// Returns the load at a part of the trace, 0 to 1.
    fn load(self, part: f64) -> f64 {
        match self {
            Self::Step => {
                if (0.25..0.75).contains(&part) {
                    0.8
                } else {
                    0.1
                }
            }
            Self::Ramp => {
                let up = (part - 0.1) / 0.4;
                let down = (0.9 - part) / 0.3;
                0.05 + 0.9 * up.min(down).clamp(0.0, 1.0)
            }
            Self::Burst => 0.1,
            Self::Sine => 0.5 - 0.4 * sine_of_turns(4.0 * part + 0.25),
            Self::OnOff => {
                if ((part * 4.0) as u64).is_multiple_of(2) {
                    0.8
                } else {
                    0.0
                }
            }
            Self::Bimodal => 0.7,
        }
    }

    /// Returns the most that the load comes to.
    fn load_max(self) -> f64 {
        match self {
            Self::Step | Self::OnOff => 0.8,
            Self::Ramp => 0.95,
            Self::Burst => 0.1,
            Self::Sine => 0.9,
            Self::Bimodal => 0.7,
        }
    }

    /// Returns the part of the trace in which its highest load is constant, where there is one.
    fn top(self) -> Option<(f64, f64)> {
        match self {
            Self::Step => Some((0.25, 0.75)),
            Self::Ramp => Some((0.5, 0.6)),
            Self::Burst | Self::Sine => None,
            Self::OnOff => Some((0.5, 0.75)),
            Self::Bimodal => Some((0.0, 1.0)),
        }
    }

    fn service(self) -> Service {
        match self {
            Self::Bimodal => Service::Bimodal { short_us: 3000, long_us: 103_000, longs_per_mille: 20 },
            _ => Service::Exponential { mean_us: 5000 },
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How long jobs take.
///
/// As a text, `5` or `exp:5` is exponential with a mean of 5 ms, `fixed:5` is 5 ms for each, and `bimodal:3,103,2` is
/// 103 ms for 2 in a hundred and 3 ms for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Exponentially distributed.
    Exponential {
        /// The mean in microseconds.
        mean_us: u64,
    },
    /// The same for each.
    Fixed {
        /// The time in microseconds.
        time_us: u64,
    },
    /// Two classes.
    Bimodal {
        /// The time of most in microseconds.
        short_us: u64,
        /// The time of few in microseconds.
        long_us: u64,
        /// How many in a thousand are long.
        longs_per_mille: u64,
    },
}

impl Service {
    /// Returns the mean time in seconds.
    pub fn mean(self) -> f64 {
        let microseconds = match self {
            Self::Exponential { mean_us } => mean_us as f64,
            Self::Fixed { time_us } => time_us as f64,
            Self::Bimodal { short_us, long_us, longs_per_mille } => {
                let long = longs_per_mille.min(1000) as f64 / 1000.0;
                long * long_us as f64 + (1.0 - long) * short_us as f64
            }
        };
        microseconds.max(1.0) / 1e6
    }

    fn draw(self, random: &mut Random) -> u64 {
        let microseconds = match self {
            Self::Exponential { mean_us } => random.exponential() * mean_us as f64,
            Self::Fixed { time_us } => time_us as f64,
            Self::Bimodal { short_us, long_us, longs_per_mille } => {
                if random.unit() * 1000.0 < longs_per_mille as f64 { long_us as f64 } else { short_us as f64 }
            }
        };
        (microseconds * 1000.0) as u64
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "{text:?} is no service time: give a mean in ms such as 5, or fixed:5, or bimodal:3,103,2 (ms, ms, percent of the second)"
            )
        };
        let (kind, numbers) = text.split_once(':').unwrap_or(("exp", text));
        let numbers: Vec<f64> =
            numbers.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        // An hour is more than anybody waits for.
        let us =
            |ms: f64| if (0.001..=3.6e6).contains(&ms) { Ok((ms * 1000.0) as u64) } else { Err(wrong()) };
        match (kind, &numbers[..]) {
            ("exp", &[mean]) => Ok(Self::Exponential { mean_us: us(mean)? }),
            ("fixed", &[time]) => Ok(Self::Fixed { time_us: us(time)? }),
            ("bimodal", &[short, long, percent]) if (0.0..=100.0).contains(&percent) => {
                let longs_per_mille = (percent * 10.0) as u64;
                Ok(Self::Bimodal { short_us: us(short)?, long_us: us(long)?, longs_per_mille })
            }
            _ => Err(wrong()),
        }
    }
}

/// A job: when it comes and how long it takes, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// When it comes, from the beginning of the trace.
    pub arrival_ns: u64,
    /// How long it takes a worker.
    pub service_ns: u64,
}

/// All jobs of a simulation, in the order of their arrival.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(super) shape: Shape,
    pub(super) service: Service,
    pub(super) jobs: Vec<Job>,
    pub(super) end: u64,
    pub(super) top: Option<(u64, u64)>,
}

impl Trace {
    pub(super) fn new(settings: &Settings, shape: Shape) -> Self {
        let service = settings.service.unwrap_or(shape.service());
        let mut random = Random::new(settings.seed);
        let workers = settings.max.max(1) as f64;
        let end = settings.seconds.clamp(1, 3600) * SECOND;
        let per_load = workers / service.mean() / SECOND as f64;
        let most = shape.load_max() * per_load;
        let mut jobs = Vec::new();
        // A Poisson process of a changing rate, by thinning: Lewis and Shedler (1979).
        let mut now = 0.0;
        loop {
            now += random.exponential() / most;
            if now >= end as f64 || jobs.len() >= JOBS_MAX {
                break;
            }
            let rate = shape.load(now / end as f64) * per_load;
            if random.unit() * most < rate {
                jobs.push(Job { arrival_ns: now as u64, service_ns: service.draw(&mut random) });
            }
        }
        if shape == Shape::Burst {
            let count = (workers / service.mean() / 6.4).ceil() as usize;
            for burst in 0..8 {
                let arrival_ns = end / 16 * (2 * burst + 1);
                jobs.extend((0..count).map(|_| Job { arrival_ns, service_ns: service.draw(&mut random) }));
            }
            jobs.sort_by_key(|job| job.arrival_ns);
        }
        let at = |part: f64| (part * end as f64) as u64;
        let top = shape.top().map(|(from, to)| (at(from), at(to)));
        Self { shape, service, jobs, end, top }
    }

    /// Returns what it is like.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Returns how long its jobs take.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Returns the jobs.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// Returns how long it lasts. The last jobs may be done later.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end)
    }
}
