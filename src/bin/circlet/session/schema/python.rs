//! The schema as types of Python.

use super::model::{Definition, Field, Shape, Type, wrapped};

const HEAD: &str = "\
\"\"\"Session payloads in their canonical form, as circlet writes it.

This file is what `circlet session schema --python` prints. What is absent is unknown, and never 0. Numbers are integers
in the unit that their name ends with. A payload may have more fields than these, which are those of this version.
\"\"\"

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

__all__ = [
";

pub(super) fn module(definitions: &[Definition]) -> String {
    let mut names: Vec<_> = definitions.iter().map(|definition| definition.name.as_str()).collect();
    names.sort_unstable();
    let exported: String = names.iter().map(|name| format!("    \"{name}\",\n")).collect();
    definitions.iter().fold(format!("{HEAD}{exported}]\n"), |text, one| text + &definition(one))
}

fn definition(definition: &Definition) -> String {
    let (name, doc) = (&definition.name, &definition.doc);
    match &definition.shape {
        Shape::Section(all) => {
            let (required, optional): (Vec<_>, Vec<_>) = all.iter().partition(|field| field.is_required);
            if required.is_empty() {
                return class(name, "TypedDict, total=False", doc, &optional);
            }
            // Until Python 3.11 a class has either no required field or no other.
            let base = format!("_{name}Required");
            class(&base, "TypedDict", "Has the fields that are always there.", &required)
                + &class(name, &format!("{base}, total=False"), doc, &optional)
        }
        Shape::Words(words) => {
            let known: Vec<_> = words.iter().map(|word| format!("{:?}", word.word)).collect();
            let said: String =
                words.iter().map(|word| item(&format!("* `{}`: {}", word.word, word.doc))).collect();
            let known = known.join(", ");
            format!("\n\n{name}: TypeAlias = Literal[{known}] | str\n\"\"\"{doc}\n\n{said}\"\"\"\n")
        }
    }
}

/// Writes an item of a list.
fn item(text: &str) -> String {
    wrapped(text, "  ".len()).join("\n  ") + "\n"
}

fn class(name: &str, bases: &str, doc: &str, fields: &[&Field]) -> String {
    let fields: String = fields.iter().map(|field| self::field(field)).collect();
    format!("\n\nclass {name}({bases}):\n{}\n{fields}", docstring(doc))
}

fn field(field: &Field) -> String {
    format!("    {}: {}\n{}", field.name, written(&field.holds), docstring(&field.doc))
}

fn written(holds: &Type) -> String {
    match holds {
        Type::Boolean => "bool".to_owned(),
        Type::Integer => "int".to_owned(),
        Type::Number => "float".to_owned(),
        Type::Text => "str".to_owned(),
        Type::Anything => "object".to_owned(),
        Type::Constant(text) => format!("Literal[{text}]"),
        Type::Named(name) => name.clone(),
        Type::Nullable(inner) => format!("{} | None", written(inner)),
        Type::List(items) => format!("list[{}]", written(items)),
        Type::Map(values) => format!("dict[str, {}]", written(values)),
    }
}

/// Writes what a class or a field says: on one line where it fits, else its first sentence on one.
fn docstring(doc: &str) -> String {
    const INDENT: &str = "    ";
    if let [line] = &wrapped(doc, INDENT.len() + "\"\"\"\"\"\"".len())[..] {
        return format!("{INDENT}\"\"\"{line}\"\"\"\n");
    }
    let end = [". ", ".\n"].iter().filter_map(|end| doc.find(end)).min().map_or(doc.len(), |dot| dot + 1);
    let (first, rest) = doc.split_at(end);
    let rest = wrapped(rest.trim_start(), INDENT.len());
    let rest: String = rest.iter().map(|line| format!("{INDENT}{line}\n")).collect();
    let first = wrapped(first, INDENT.len() + "\"\"\"".len()).join(&format!("\n{INDENT}"));
    let rest = if rest.is_empty() { rest } else { format!("\n{rest}") };
    format!("{INDENT}\"\"\"{first}\n{rest}{INDENT}\"\"\"\n")
}
