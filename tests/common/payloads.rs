//! Payloads that have every field of the schema, with values that are as odd as their types let them be.
#![allow(dead_code, unreachable_pub, reason = "each test program has it as a module and uses a part of it")]

use serde_json::{Map, Value, json};

/// What texts and keys are like that somebody wants to break something with.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "plain",
    "a\"b\\c\nd\re\tf",
    "# HELP x y",
    "x{le=\"1\"} 1",
    "},{",
    "*/ \"\"\" ''' ${x}",
    "\u{0}\u{1b}[31m",
    "\u{2028}\u{85}\u{202e}",
    "ünï \u{1f600}",
    "~0/~1.a.*|b",
    "__proto__",
    "NaN",
];
const INTEGERS: &[u64] =
    &[0, 1, 999, (1 << 53) + 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX, 1_763_820_676_123];

/// A stream of numbers that is the same at each run (Steele, Lea and Flood 2014, splitmix64).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// What a payload is made of: the schema, and how many fields of ten are there.
pub struct Payloads<'a> {
    pub schema: &'a Value,
    pub tenths: usize,
    pub numbers: Numbers,
}

impl Payloads<'_> {
    /// Makes the payload of a number; the first has every field.
    pub fn make(schema: &Value, number: usize) -> Value {
        let tenths = if number == 0 { 10 } else { 4 + number % 6 };
        Payloads { schema, tenths, numbers: Numbers::new(number as u64) }.value(schema)
    }

    fn value(&mut self, schema: &Value) -> Value {
        let schema = resolved(self.schema, schema);
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(words) = schema["anyOf"].as_array() {
            let word = self.numbers.below(words.len());
            return self.value(&words[word]);
        }
        match &schema["type"] {
            Value::Array(types) => {
                let name = self.numbers.one_of(&[0, types.len() - 1]);
                self.of_type(&types[name], schema)
            }
            name => self.of_type(name, schema),
        }
    }

    fn of_type(&mut self, name: &Value, schema: &Value) -> Value {
        match name.as_str() {
            Some("boolean") => json!(self.numbers.below(2) == 0),
            Some("integer") => json!(self.integer()),
            Some("string") => json!(self.numbers.one_of(HOSTILE)),
            Some("array") => (0..self.numbers.below(4)).map(|_| self.value(&schema["items"])).collect(),
            Some("object") => match schema["properties"].as_object() {
                Some(fields) => self.section(fields),
                None => self.map(&schema["additionalProperties"]),
            },
            Some("null") => Value::Null,
            _ => json!([1.5, {"any": "thing"}, null]),
        }
    }

    fn integer(&mut self) -> u64 {
        match self.numbers.below(3) {
            0 => self.numbers.one_of(INTEGERS),
            1 => self.numbers.next() >> 20,
            _ => self.numbers.next() >> 40,
        }
    }

    fn section(&mut self, fields: &Map<String, Value>) -> Value {
        let mut members = Map::new();
        for (name, schema) in fields {
            if name == "schema" || self.numbers.below(10) < self.tenths {
                members.insert(name.clone(), self.value(schema));
            }
        }
        if self.numbers.below(20) == 0 {
            let text = self.numbers.one_of(HOSTILE);
            members.insert(format!("x-{text}"), json!({ "of": ["a", "later", "version", null, -1.5] }));
        }
        Value::Object(members)
    }

    fn map(&mut self, schema: &Value) -> Value {
        let keys: Vec<_> = (0..1 + self.numbers.below(4)).map(|_| self.numbers.one_of(HOSTILE)).collect();
        keys.iter().map(|key| ((*key).to_owned(), self.value(schema))).collect()
    }
}

/// Follows a reference to where it leads.
pub fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => root.pointer(place.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// Finds the JSON pointers of the fields of a payload that the schema has, each with its schema.
pub fn known_fields<'a>(
    root: &'a Value,
    schema: &'a Value,
    value: &Value,
    at: &str,
) -> Vec<(String, &'a Value)> {
    let schema = resolved(root, schema);
    let members: Vec<_> = match value {
        Value::Object(members) => members
            .iter()
            .filter_map(|(key, value)| {
                let schema = schema["properties"].get(key).or(Some(&schema["additionalProperties"]))?;
                (schema.is_object()).then(|| (key.replace('~', "~0").replace('/', "~1"), value, schema))
            })
            .collect(),
        Value::Array(items) if schema["items"].is_object() => items
            .iter()
            .enumerate()
            .map(|(index, item)| (index.to_string(), item, &schema["items"]))
            .collect(),
        _ => Vec::new(),
    };
    members
        .into_iter()
        .flat_map(|(key, value, schema)| {
            let at = format!("{at}/{key}");
            let below = known_fields(root, schema, value, &at);
            std::iter::once((at, resolved(root, schema))).chain(below)
        })
        .collect()
}

/// A value that a field of a schema does not take.
pub fn misfit(schema: &Value, numbers: &mut Numbers) -> Value {
    let name = schema["type"].as_str().unwrap_or("string");
    let wrong = match name {
        "boolean" => vec![json!("true"), json!(1), json!([])],
        "integer" => vec![json!("1"), json!(-1), json!(1.5), json!(true), json!({})],
        "array" => vec![json!({}), json!("a"), json!(1)],
        "object" => vec![json!([]), json!("a"), json!(false)],
        _ => vec![json!(1), json!(["a"]), json!({}), json!(false)],
    };
    wrong[numbers.below(wrong.len())].clone()
}
