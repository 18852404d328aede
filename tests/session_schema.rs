//! The schema of session payloads, and the types made of it, against who reads them: Python's `jsonschema`, mypy and tsc.
#![cfg(feature = "cli")]

mod common;
#[path = "common/payloads.rs"]
mod payloads;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use circlet::payload::{SessionPayload, json_schema};
use common::{blessed, root, run, scratch};
use payloads::{Numbers, Payloads, known_fields, misfit};
use serde_json::{Value, json};

const SEED: &str = include_str!("data/payload/seed.json");
const PAYLOADS: usize = 200;

/// Says of each of a list of values whether the schema takes it.
const VALIDATE: &str = "
import json, sys, jsonschema
schema, values = [json.load(open(name)) for name in sys.argv[1:]]
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
print(json.dumps([validator.is_valid(value) for value in values]))
";

fn seed() -> Value {
    SessionPayload::from_json(SEED).unwrap().to_value()
}

fn printed(flags: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    run(command.args(["session", "schema"]).args(flags))
}

/// Tells of each value whether the printed schema takes it.
fn valid(values: &[Value], name: &str) -> Vec<bool> {
    let folder = scratch(name);
    let files = [folder.join("schema.json"), folder.join("values.json")];
    fs::write(&files[0], printed(&[])).unwrap();
    fs::write(&files[1], json!(values).to_string()).unwrap();
    let said = run(Command::new(common::python()).args(["-c", VALIDATE]).args(&files));
    serde_json::from_str(&said).unwrap()
}

#[test]
fn the_committed_schema_and_types_are_those_of_the_code() {
    for (file, flags) in [
        ("docs/session.schema.json", &[][..]),
        ("bun/src/session_payload.ts", &["--typescript"]),
        ("python/circlet/session_payload.py", &["--python"]),
    ] {
        blessed(&root().join(file), &printed(flags));
    }
}

#[test]
fn payloads_with_any_values_are_valid_as_they_are_written() {
    let schema = json_schema();
    let mut values = vec![seed(), SessionPayload::default().to_value()];
    for number in 0..PAYLOADS {
        let value = Payloads::make(&schema, number);
        let payload = SessionPayload::from_value(&value).unwrap();
        assert_eq!(payload.to_value(), value);
        let unknown: Vec<_> = payload.unknown_fields();
        assert!(
            unknown.iter().all(|path| path.contains("x-")),
            "the schema has more than the types: {unknown:?}"
        );
        values.push(value);
    }
    let found = valid(&values, "schema-valid");
    assert_eq!(found.len(), PAYLOADS + 2);
    for (value, is_valid) in values.iter().zip(found) {
        assert!(is_valid, "{value}");
    }
}

#[test]
fn a_field_of_another_type_is_valid_neither_for_the_schema_nor_for_the_reader() {
    let schema = json_schema();
    let mut numbers = Numbers::new(7);
    let mut values = vec![json!({}), json!({"schema": 2}), json!({"schema": 1, "git": null}), json!([])];
    for number in 0..PAYLOADS {
        let mut value = Payloads::make(&schema, number);
        let mut fields = known_fields(&schema, &schema, &value, "");
        fields.retain(|(pointer, _)| pointer != "/schema");
        let (pointer, field) = &fields[numbers.below(fields.len())];
        *value.pointer_mut(pointer).unwrap() = misfit(field, &mut numbers);
        assert!(SessionPayload::from_value(&value).is_err(), "{pointer}: {value}");
        values.push(value);
    }
    let found = valid(&values, "schema-invalid");
    assert_eq!(found.len(), PAYLOADS + 4);
    for (value, is_valid) in values.iter().zip(found) {
        assert!(!is_valid, "{value}");
    }
}

/// The seed with a worker's count of errors as a text.
fn wrong_seed() -> Value {
    let mut wrong = seed();
    wrong["worker_threads"]["registry"]["w_9b1c"]["errors"] = json!("one");
    wrong
}

/// Writes a program of Python that has a payload.
fn python_program(folder: &Path, name: &str, value: &Value) {
    let literal = "import json, sys; print(repr(json.loads(sys.argv[1])))";
    let literal = run(Command::new(common::python()).args(["-c", literal, &value.to_string()]));
    let text =
        format!("from circlet.session_payload import SessionPayload\n\npayload: SessionPayload = {literal}");
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn mypy_takes_the_seed_for_a_payload_and_no_other_types() {
    let folder = scratch("mypy");
    python_program(&folder, "seed.py", &seed());
    python_program(&folder, "wrong.py", &wrong_seed());
    let mut command = Command::new(common::python());
    command
        .args(["-m", "mypy", "--strict", "--no-warn-return-any", "--cache-dir"])
        .arg(common::target().join("mypy"));
    let output =
        command.args(["seed.py", "wrong.py"]).current_dir(&folder).env("MYPYPATH", root().join("python"));
    let output = output.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let wanted = r#"(expression has type "str", TypedDict item "errors" has type "int")"#;
    assert!(said.lines().any(|line| line.starts_with("wrong.py") && line.contains(wanted)), "{said}");
    assert!(said.contains("Found 1 error in 1 file"), "{said}");
}

/// Runs tsc over a program that has a payload.
fn tsc(value: &Value, name: &str) -> Output {
    let package = common::bun_package();
    let folder = scratch(name);
    let entry = package.join("src/index.ts");
    let text = format!(
        "import type {{ Session, SessionPayload }} from {entry:?};\n\
         const payload = {value:#} satisfies SessionPayload;\n\
         export const workers: Record<string, Session.Worker> = payload.worker_threads.registry;\n"
    );
    fs::write(folder.join("program.ts"), text).unwrap();
    let options = json!({ "extends": package.join("tsconfig.json"), "include": ["program.ts"], "exclude": [] ,
        "compilerOptions": { "typeRoots": [package.join("node_modules/@types")] } });
    fs::write(folder.join("tsconfig.json"), options.to_string()).unwrap();
    let mut command = Command::new(common::bun());
    command.args(["x", "--no-install", "tsc", "--noEmit", "-p"]).arg(folder).current_dir(&package);
    command.output().unwrap()
}

#[test]
fn tsc_takes_the_seed_for_a_payload_and_no_other_types() {
    let output = tsc(&seed(), "tsc-seed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let output = tsc(&wrong_seed(), "tsc-wrong");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        !output.status.success() && said.contains("Type 'string' is not assignable to type 'number'"),
        "{said}"
    );
}
