//! One drawing of values over time: a frame, numbers with units at its sides, and what is laid into it.

use std::fmt::{self, Write};

use circlet::pool::simulate::COLUMNS;

/// Where the columns begin and how wide each is, in the picture's own units.
pub(super) const LEFT: f64 = 64.0;
const COLUMN: f64 = 1.2;
pub(super) const WIDTH: f64 = COLUMNS as f64 * COLUMN;

/// A rectangle with a scale from 0 upwards, and the time from left to right.
pub(super) struct Panel {
    pub(super) top: f64,
    pub(super) height: f64,
    /// The value at its upper side.
    pub(super) most: f64,
}

impl Panel {
    /// Makes a panel whose scale ends at a round number above a value, in steps of 1, 2 or 5.
    pub(super) fn new(top: f64, height: f64, most: f64) -> Self {
        let step = round_step(most.max(1e-9), 4.0);
        Self { top, height, most: (most / step).ceil().max(1.0) * step }
    }

    fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - (value / self.most).clamp(0.0, 1.0))
    }

    /// Draws the frame, its lines and numbers, and its name with a unit above it.
    pub(super) fn frame(&self, svg: &mut String, name: &str, seconds: f64) -> fmt::Result {
        let right = LEFT + WIDTH;
        let step = round_step(self.most, 4.0);
        for tick in 0..=(self.most / step).round() as u32 {
            let value = f64::from(tick) * step;
            let y = self.y(value);
            writeln!(svg, r#"<path class="grid" d="M{LEFT} {y:.1}H{right}"/>"#)?;
            writeln!(
                svg,
                r#"<text class="left" x="{:.1}" y="{:.1}">{}</text>"#,
                LEFT - 6.0,
                y + 4.0,
                number(value)
            )?;
        }
        let step = round_step(seconds, 8.0);
        let bottom = self.top + self.height;
        for tick in 0..=(seconds / step).floor() as u32 {
            let value = f64::from(tick) * step;
            let x = LEFT + WIDTH * value / seconds;
            writeln!(svg, r#"<path class="grid" d="M{x:.1} {:.1}V{bottom:.1}"/>"#, self.top)?;
            let unit = if tick == 0 { " s" } else { "" };
            writeln!(
                svg,
                r#"<text class="under" x="{x:.1}" y="{:.1}">{}{unit}</text>"#,
                bottom + 16.0,
                number(value)
            )?;
        }
        writeln!(svg, r#"<text class="name" x="{LEFT}" y="{:.1}">{name}</text>"#, self.top - 8.0)
    }

    /// Fills what lies between two series.
    pub(super) fn area(&self, svg: &mut String, class: &str, lower: &[f64], upper: &[f64]) -> fmt::Result {
        let mut path = self.steps(upper, false);
        path.push_str(&self.steps(lower, true));
        writeln!(svg, r#"<path class="{class}" d="M{path}Z"/>"#)
    }

    /// Draws a series as a line.
    pub(super) fn line(&self, svg: &mut String, class: &str, values: &[f64]) -> fmt::Result {
        writeln!(svg, r#"<path class="{class}" d="M{}"/>"#, self.steps(values, false))
    }

    /// Writes a point for each column in which the value is another one, a tenth of a unit exact.
    fn steps(&self, values: &[f64], backwards: bool) -> String {
        let mut ends = Vec::new();
        let mut from = 0;
        for index in 1..=values.len() {
            if index == values.len()
                || format!("{:.1}", self.y(values[index])) != format!("{:.1}", self.y(values[from]))
            {
                ends.push((from, index, self.y(values[from])));
                from = index;
            }
        }
        let point = |column: usize, y: f64| format!("{:.1} {y:.1}", LEFT + COLUMN * column as f64);
        let mut points: Vec<String> =
            ends.iter().flat_map(|&(from, to, y)| [point(from, y), point(to, y)]).collect();
        if backwards {
            points.reverse();
            return format!("L{}", points.join(" "));
        }
        points.join(" ")
    }
}

/// Returns 1, 2 or 5 times a power of ten, of which about so many make the whole.
fn round_step(whole: f64, parts: f64) -> f64 {
    let power = 10_f64.powi((whole / parts).log10().floor() as i32);
    let digit = whole / parts / power;
    power
        * if digit <= 1.0 {
            1.0
        } else if digit <= 2.0 {
            2.0
        } else if digit <= 5.0 {
            5.0
        } else {
            10.0
        }
}

fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
