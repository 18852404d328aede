//! Sessions of Python under a policy, as tests make them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test program has it as a module and uses a part of it"
)]

use circlet::exec::policy::Policy;
use circlet::exec::{Builder, Executor, Outcome};
use serde_json::{Value, json};

pub use crate::common::TRIED;
use crate::sessions::builder;

pub fn policy(json: &Value) -> Policy {
    Policy::from_json(&json.to_string()).unwrap()
}

/// Nothing but the interpreter itself and a folder for temporary files.
pub fn strict() -> Value {
    json!({"version": 1, "fs": {"private_tmp": true}})
}

pub fn with(section: &str, value: Value) -> Policy {
    let mut json = strict();
    json[section] = value;
    policy(&json)
}

pub fn confined(policy: Policy) -> Builder {
    builder().policy(policy)
}

pub fn value(python: &mut Executor, code: &str) -> Value {
    let Outcome { value, error, .. } = python.run(&format!("{TRIED}{code}")).unwrap();
    assert_eq!(error, None, "{code}");
    value.unwrap()
}
