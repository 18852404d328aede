//! What the schema says, as the generators of types take it.

use serde_json::{Map, Value};

/// The widest line that is written.
const WIDTH: usize = 120;

/// What a field holds.
pub(super) enum Type {
    Boolean,
    Integer,
    Number,
    Text,
    Anything,
    Constant(String),
    Nullable(Box<Type>),
    List(Box<Type>),
    /// An object with any keys.
    Map(Box<Type>),
    /// One that has a definition.
    Named(String),
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) holds: Type,
    pub(super) is_required: bool,
}

/// A word of an open set, and what it says.
pub(super) struct Word {
    pub(super) word: String,
    pub(super) doc: String,
}

pub(super) enum Shape {
    Section(Vec<Field>),
    Words(Vec<Word>),
}

pub(super) struct Definition {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) shape: Shape,
}

/// Returns what the schema defines by name, the payload as a whole first.
pub(super) fn definitions(schema: &Value) -> Vec<Definition> {
    let root = definition(&text(&schema["title"]), schema);
    let parts = members(&schema["$defs"]).map(|(name, schema)| definition(name, schema));
    std::iter::once(root).chain(parts).collect()
}

fn definition(name: &str, schema: &Value) -> Definition {
    let shape = match schema["anyOf"].as_array() {
        Some(words) => Shape::Words(words.iter().filter_map(word).collect()),
        None => Shape::Section(fields(schema)),
    };
    Definition { name: name.to_owned(), doc: text(&schema["description"]), shape }
}

/// Reads one of a set; `None` for that which stands for all others.
fn word(schema: &Value) -> Option<Word> {
    Some(Word { word: schema["const"].as_str()?.to_owned(), doc: text(&schema["description"]) })
}

fn fields(section: &Value) -> Vec<Field> {
    let required = section["required"].as_array().map_or(&[][..], Vec::as_slice);
    let field = |(name, schema): (&String, &Value)| Field {
        name: name.clone(),
        doc: text(&schema["description"]),
        holds: holds(schema),
        is_required: required.iter().any(|required| required == name),
    };
    members(&section["properties"]).map(field).collect()
}

fn holds(schema: &Value) -> Type {
    if let Some(name) = schema["$ref"].as_str().and_then(|place| place.strip_prefix("#/$defs/")) {
        return Type::Named(name.to_owned());
    }
    if let Some(constant) = schema.get("const") {
        return Type::Constant(constant.to_string());
    }
    match &schema["type"] {
        Value::String(name) => simple(name, schema),
        Value::Array(names) => match &names[..] {
            [Value::String(name), Value::String(null)] if null == "null" => {
                Type::Nullable(Box::new(simple(name, schema)))
            }
            _ => Type::Anything,
        },
        _ => Type::Anything,
    }
}

fn simple(name: &str, schema: &Value) -> Type {
    match name {
        "boolean" => Type::Boolean,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "string" => Type::Text,
        "array" => Type::List(Box::new(holds(&schema["items"]))),
        "object" => Type::Map(Box::new(holds(&schema["additionalProperties"]))),
        _ => Type::Anything,
    }
}

fn members(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Breaks a text into lines that are not too wide where `taken` columns are taken already.
pub(super) fn wrapped(text: &str, taken: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        lines.push(String::new());
        for word in paragraph.split(' ') {
            match lines.last_mut() {
                Some(line) if line.is_empty() => *line = word.to_owned(),
                Some(line) if taken + line.len() + 1 + word.len() <= WIDTH => *line += &format!(" {word}"),
                _ => lines.push(word.to_owned()),
            }
        }
    }
    lines
}
