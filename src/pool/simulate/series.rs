//! What a simulation looks like over time, in so many columns.

/// Columns of every series.
pub const COLUMNS: usize = 600;

/// What was the case in one of [`COLUMNS`] equal parts of a trace, on average over its time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Column {
    /// Jobs that waited.
    pub queued: f64,
    /// Workers that booted.
    pub booting: f64,
    /// Workers that ran a job.
    pub running: f64,
    /// Workers that had nothing to do.
    pub idle: f64,
    /// The longest wait in seconds of a job that came in this part.
    pub wait_max: f64,
}

/// Columns while they are added up: times, in nanoseconds, a level each.
pub(super) struct Series {
    end: u64,
    sums: Vec<[u128; 4]>,
    waits: Vec<u64>,
}

impl Series {
    pub(super) fn new(end: u64) -> Self {
        Self { end: end.max(COLUMNS as u64), sums: vec![[0; 4]; COLUMNS], waits: vec![0; COLUMNS] }
    }

    fn edge(&self, column: usize) -> u64 {
        (u128::from(self.end) * column as u128 / COLUMNS as u128) as u64
    }

    fn column(&self, at: u64) -> usize {
        let column = (u128::from(at) * COLUMNS as u128 / u128::from(self.end)) as usize;
        // The edges are rounded down.
        if column < COLUMNS && at >= self.edge(column + 1) { column + 1 } else { column }
    }

    /// Adds levels that held from one moment to another. What comes after the end of the trace is not drawn.
    pub(super) fn add(&mut self, from: u64, to: u64, levels: [usize; 4]) {
        let to = to.min(self.end);
        let mut from = from;
        while from < to {
            let column = self.column(from);
            let until = self.edge(column + 1).min(to);
            for (sum, level) in self.sums[column].iter_mut().zip(levels) {
                *sum += u128::from(until - from) * level as u128;
            }
            from = until;
        }
    }

    pub(super) fn wait(&mut self, arrival: u64, wait: u64) {
        let column = self.column(arrival).min(COLUMNS - 1);
        self.waits[column] = self.waits[column].max(wait);
    }

    pub(super) fn columns(&self) -> Vec<Column> {
        let column = |index: usize| {
            let length = (self.edge(index + 1) - self.edge(index)) as f64;
            let [queued, booting, running, idle] = self.sums[index].map(|sum| sum as f64 / length);
            Column { queued, booting, running, idle, wait_max: self.waits[index] as f64 / 1e9 }
        };
        (0..COLUMNS).map(column).collect()
    }
}
