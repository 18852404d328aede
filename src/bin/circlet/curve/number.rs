//! Numbers as JSON carries them, and the three that it does not have, by their names.

use serde::Deserialize;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "Form")]
pub(super) struct Number(pub(super) f64);

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

impl From<Form> for Number {
    fn from(form: Form) -> Self {
        Self(match form {
            Form::Finite(value) => value,
            Form::Named(Name::NaN) => f64::NAN,
            Form::Named(Name::Infinity) => f64::INFINITY,
            Form::Named(Name::NegativeInfinity) => f64::NEG_INFINITY,
        })
    }
}
