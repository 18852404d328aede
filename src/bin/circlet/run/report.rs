//! What came of a program, for people and as JSON.

use std::time::Duration;

use circlet::exec::{Ended, Error, Outcome};
use serde_json::{Value, json};

use super::TIMED_OUT;

/// Returns the exit code of a program whose session has ended, and what is to be said of that.
pub(super) fn died(error: &Error, timeout: Option<Duration>) -> (u8, Option<String>) {
    match error {
        // By itself, as with os._exit: it has said what it had to say.
        Error::Died { how: Ended::Exited(code), .. } => (*code as u8, None),
        Error::Died { how: Ended::Killed(signal), .. } => {
            (128_u8.wrapping_add(*signal as u8), Some(error.to_string()))
        }
        Error::Stopped => match timeout {
            Some(timeout) => (
                TIMED_OUT,
                Some(format!(
                    "the program went on after it was interrupted, {timeout:?} (--timeout), and was killed"
                )),
            ),
            None => (130, Some("the program went on after it was interrupted, and was killed".to_owned())),
        },
        _ => (1, Some(error.to_string())),
    }
}

/// Makes one object of the outcome, or of what happened in its place.
pub(super) fn json(code: u8, ended: Result<Option<Box<Outcome>>, Error>, printed: [Vec<u8>; 2]) -> Value {
    let [stdout, stderr] = printed.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let mut report = json!({ "exit_code": code });
    let Some(fields) = report.as_object_mut() else { return report };
    match ended {
        Ok(Some(mut outcome)) => {
            let raised = outcome.value.take().and_then(|mut value| value.get_mut(1).map(Value::take));
            (outcome.stdout, outcome.stderr) = (stdout, stderr);
            if let Ok(Value::Object(all)) = serde_json::to_value(&outcome) {
                fields.extend(all);
            }
            if let Some(Value::Array(words)) = raised {
                let mut words = words.into_iter();
                let mut next = || words.next().unwrap_or_default();
                let error = json!({ "type": next(), "message": next(), "traceback": next() });
                fields.insert("error".to_owned(), error);
            }
        }
        Ok(None) => {}
        Err(error) => {
            let how = match &error {
                Error::Died { how: Ended::Killed(signal), .. } => json!({ "signal": signal }),
                Error::Died { how: Ended::Exited(code), .. } => json!({ "exit_code": code }),
                _ => json!({}),
            };
            fields.insert("stdout".to_owned(), stdout.into());
            fields.insert("stderr".to_owned(), stderr.into());
            fields.insert("died".to_owned(), how);
            fields.insert("message".to_owned(), error.to_string().into());
        }
    }
    report
}
