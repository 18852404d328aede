//! A measured number that is written back the way it was read.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// Holds a measured number, in the unit that its field's name says.
///
/// JSON writers do not agree on how to write a round number: JavaScript writes `5`, Python and Rust `5.0`. A `Measure` keeps the
/// form, so that a payload read and written again has the same numbers, but compares by value: `5` equals `5.0`. It is always
/// finite, because JSON has nothing else.
///
/// ```
/// use circlet::payload::Measure;
///
/// assert_eq!(Measure::new(0.8).map(f64::from), Some(0.8));
/// assert_eq!(Measure::new(f64::NAN), None);
/// ```
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
pub struct Measure(Form);

/// The forms that a JSON number has.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Form {
    Unsigned(u64),
    Signed(i64),
    Real(f64),
}

impl Measure {
    /// Makes a measure that is written with a fraction, or `None` when the value is not finite.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(Form::Real(value)))
    }

    /// Makes a measure of at most two decimals, or `None` when the value is not finite.
    pub fn rounded(value: f64) -> Option<Self> {
        let rounded = (value * 100.0).round() / 100.0;
        Self::new(if rounded.is_finite() { rounded } else { value })
    }

    /// Returns the value. Integers above 2^53 lose their last digits.
    pub fn get(self) -> f64 {
        match self.0 {
            Form::Unsigned(value) => value as f64,
            Form::Signed(value) => value as f64,
            Form::Real(value) => value,
        }
    }
}

impl From<u64> for Measure {
    fn from(value: u64) -> Self {
        Self(Form::Unsigned(value))
    }
}

impl From<Measure> for f64 {
    fn from(measure: Measure) -> Self {
        measure.get()
    }
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl PartialOrd for Measure {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.get().partial_cmp(&other.get())
    }
}

impl fmt::Debug for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Unsigned(value) => fmt::Debug::fmt(&value, formatter),
            Form::Signed(value) => fmt::Debug::fmt(&value, formatter),
            Form::Real(value) => fmt::Debug::fmt(&value, formatter),
        }
    }
}

/// Writes the value with at most two decimals, and in powers of ten where it would be longer than a person reads.
impl fmt::Display for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.get();
        let magnitude = value.abs();
        if magnitude >= 1e12 || (magnitude > 0.0 && magnitude < 0.005) {
            return write!(formatter, "{value:.1e}");
        }
        let text = format!("{value:.2}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        formatter.write_str(if text == "-0" { "0" } else { text })
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MeasureVisitor)
    }
}

struct MeasureVisitor;

impl Visitor<'_> for MeasureVisitor {
    type Value = Measure;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Measure, E> {
        Ok(Measure(Form::Unsigned(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Measure, E> {
        Ok(Measure(Form::Signed(value)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Measure, E> {
        Measure::new(value).ok_or_else(|| E::invalid_value(de::Unexpected::Float(value), &"a finite number"))
    }
}

impl super::section::Unknown for Measure {}

#[cfg(test)]
mod tests {
    use super::Measure;

    fn shown(value: f64) -> String {
        Measure::new(value).unwrap().to_string()
    }

    #[test]
    fn a_number_keeps_the_form_it_was_read_in() {
        for text in ["5", "5.0", "-5", "-5.0", "0.0043", "0", "18446744073709551615", "1e300"] {
            let measure: Measure = serde_json::from_str(text).unwrap();
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_value(measure).unwrap(), value);
        }
    }

    #[test]
    fn the_same_value_in_another_form_is_equal() {
        assert_eq!(Measure::new(5.0), Some(Measure::from(5)));
        assert!(Measure::new(5.1) > Some(Measure::from(5)));
    }

    #[test]
    fn what_is_not_finite_is_no_measure() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Measure::new(value), None);
            assert_eq!(Measure::rounded(value), None);
        }
    }

    #[test]
    fn rounding_keeps_two_decimals_and_never_overflows() {
        assert_eq!(Measure::rounded(124.304_9), Measure::new(124.3));
        assert_eq!(Measure::rounded(f64::MAX), Measure::new(f64::MAX));
    }

    #[test]
    fn a_shown_number_is_short_whatever_its_size() {
        assert_eq!(Measure::from(89).to_string(), "89");
        assert_eq!(shown(67.3), "67.3");
        assert_eq!(shown(0.1 + 0.2), "0.3");
        assert_eq!(shown(100.0), "100");
        assert_eq!(shown(0.0), "0");
        assert_eq!(shown(-0.0), "0");
        assert_eq!(shown(0.000_4), "4.0e-4");
        assert_eq!(shown(f64::MAX), "1.8e308");
        assert_eq!(shown(f64::MIN), "-1.8e308");
    }
}
