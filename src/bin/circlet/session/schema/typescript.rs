//! The schema as types of TypeScript.

use super::model::{Definition, Field, Shape, Type, Word, wrapped};

const HEAD: &str = "\
/**
 * Session payloads in their canonical form, as circlet writes it.
 *
 * This file is what `circlet session schema --typescript` prints. What is absent is unknown, and never 0. Numbers are
 * integers in the unit that their name ends with; those above 2 ** 53 are rounded by `JSON.parse`. A payload may have more
 * fields than these, which are those of this version.
 *
 * @module
 */
";

pub(super) fn module(definitions: &[Definition]) -> String {
    definitions.iter().fold(HEAD.to_owned(), |text, one| text + "\n" + &definition(one))
}

fn definition(definition: &Definition) -> String {
    let (doc, name) = (comment(&definition.doc, ""), &definition.name);
    match &definition.shape {
        Shape::Section(fields) => {
            let fields: String = fields.iter().map(field).collect();
            format!("{doc}export interface {name} {{\n{fields}}}\n")
        }
        Shape::Words(words) => {
            let words: String = words.iter().map(word).collect();
            // An editor offers the known words only where the rest is no plain `string`.
            format!(
                "{doc}export type {name} =\n{words}  /** A word that this version does not know. */\n  | (string & {{}});\n"
            )
        }
    }
}

fn field(field: &Field) -> String {
    let mark = if field.is_required { "" } else { "?" };
    format!("{}  {}{mark}: {};\n", comment(&field.doc, "  "), field.name, written(&field.holds))
}

fn word(word: &Word) -> String {
    format!("{}  | {:?}\n", comment(&word.doc, "  "), word.word)
}

fn written(holds: &Type) -> String {
    match holds {
        Type::Boolean => "boolean".to_owned(),
        Type::Integer | Type::Number => "number".to_owned(),
        Type::Text => "string".to_owned(),
        Type::Anything => "unknown".to_owned(),
        Type::Constant(text) | Type::Named(text) => text.clone(),
        Type::Nullable(inner) => format!("{} | null", written(inner)),
        Type::List(items) => match written(items) {
            items if items.contains(' ') => format!("({items})[]"),
            items => format!("{items}[]"),
        },
        Type::Map(values) => format!("Record<string, {}>", written(values)),
    }
}

/// Writes a comment, on one line where it fits.
fn comment(doc: &str, indent: &str) -> String {
    match &wrapped(doc, indent.len() + "/**  */".len())[..] {
        [line] => format!("{indent}/** {line} */\n"),
        _ => {
            let lines = wrapped(doc, indent.len() + " * ".len());
            let lines: String = lines.iter().map(|line| format!("{indent} * {line}\n")).collect();
            format!("{indent}/**\n{lines}{indent} */\n")
        }
    }
}
