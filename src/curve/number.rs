//! Numbers as JSON carries them, and the three that it does not have, by their names.

use serde::{Deserialize, Deserializer};

/// A number in JSON, or the name of one that JSON does not have: "NaN", "Infinity" or "-Infinity", as Python's `json` and many
/// others call them. So whoever takes the number can refuse it by name, instead of a null.
///
/// # Examples
///
/// ```
/// use circlet::curve::JsonNumber;
///
/// let numbers: Vec<JsonNumber> = serde_json::from_str(r#"[1.5, "-Infinity"]"#)?;
/// assert_eq!(numbers.iter().map(|number| number.0).collect::<Vec<_>>(), [1.5, f64::NEG_INFINITY]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(from = "Form")]
pub struct JsonNumber(pub f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Finite(f64),
    Named(Name),
}

#[derive(Deserialize)]
enum Name {
    NaN,
    Infinity,
    #[serde(rename = "-Infinity")]
    NegativeInfinity,
}

impl From<Form> for JsonNumber {
    fn from(form: Form) -> Self {
        Self(match form {
            Form::Finite(value) => value,
            Form::Named(Name::NaN) => f64::NAN,
            Form::Named(Name::Infinity) => f64::INFINITY,
            Form::Named(Name::NegativeInfinity) => f64::NEG_INFINITY,
        })
    }
}

pub(super) fn number<'de, De: Deserializer<'de>>(given: De) -> Result<f64, De::Error> {
    JsonNumber::deserialize(given).map(|number| number.0)
}

pub(super) fn numbers<'de, De: Deserializer<'de>>(given: De) -> Result<Vec<f64>, De::Error> {
    Vec::<JsonNumber>::deserialize(given).map(|all| all.into_iter().map(|number| number.0).collect())
}

pub(super) fn rows<'de, De: Deserializer<'de>>(given: De) -> Result<Vec<Vec<f64>>, De::Error> {
    let rows = Vec::<Vec<JsonNumber>>::deserialize(given)?;
    Ok(rows.into_iter().map(|row| row.into_iter().map(|number| number.0).collect()).collect())
}
