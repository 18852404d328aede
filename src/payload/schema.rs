//! The JSON Schema of the canonical form, made of the sections, the words and their comments.

use schemars::generate::SchemaSettings;
use schemars::{Schema, json_schema as schema};
use serde_json::{Map, Value, json};

use super::SessionPayload;
use super::session::{SCHEMA, SCHEMA_KEY};

/// Returns the JSON Schema (draft 2020-12) of the canonical form, as [`SessionPayload::to_value`] writes it.
///
/// It has each field with its type and what it says, and lets in fields that it does not have, as the payload itself does. What is absent
/// is left out there, so `null` is a value of [`Worker::last_error`](super::Worker::last_error) alone; who reads a payload takes more.
///
/// ```
/// let schema = circlet::payload::json_schema();
/// assert_eq!(schema["required"], serde_json::json!(["schema"]));
/// assert_eq!(schema["$defs"]["Git"]["properties"]["branch"]["type"], "string");
/// ```
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = generator.into_root_schema_for::<SessionPayload>();
    // A name, and no address: there is no host to fetch it from.
    root.insert("$id".to_owned(), json!(format!("urn:circlet:session-payload:{SCHEMA}")));
    root.insert("required".to_owned(), json!([SCHEMA_KEY]));
    if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
        let version = json!({ "description": "Gives the version of the canonical form.", "const": SCHEMA });
        properties.insert(SCHEMA_KEY.to_owned(), version);
    }
    root.to_value()
}

/// Describes a section: every field is optional, and others may be there.
pub(super) fn section<const N: usize>(doc: &str, fields: [(&str, Schema); N]) -> Schema {
    let fields = fields.into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value()));
    schema!({
        "type": "object",
        "description": description(doc),
        "properties": fields.collect::<Map<_, _>>(),
        "additionalProperties": true,
    })
}

/// Says of a field what its comment says.
pub(super) fn field(mut schema: Schema, doc: &str) -> Schema {
    schema.insert("description".to_owned(), json!(description(doc)));
    schema
}

/// Describes an open set of words.
pub(super) fn words(doc: &str, known: &[(&str, &str)]) -> Schema {
    let known = known.iter().map(|(word, doc)| json!({ "const": word, "description": description(doc) }));
    let other = json!({ "type": "string", "description": "A word that this version does not know." });
    schema!({ "description": description(doc), "anyOf": known.chain([other]).collect::<Vec<_>>() })
}

/// Makes plain text of a documentation comment: a line for each paragraph, without programs and without links.
fn description(doc: &str) -> String {
    let prose: String = doc.split("```").step_by(2).collect();
    let paragraphs = prose.split("\n\n").filter_map(|paragraph| {
        let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        (!words.is_empty()).then(|| unlinked(&words))
    });
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// Leaves of each link ``[`name`](place)`` its name.
fn unlinked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        plain += &format!("{before}`{name}`");
        rest = match after.strip_prefix('(').and_then(|place| place.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::description;

    #[test]
    fn a_description_has_neither_links_nor_programs() {
        let doc = " Says a\n thing ([`Worker::end`](super::Worker::end), [`Pool`]).\n\n More `of`\n it.\n\n ```\n let x;\n ```\n";
        assert_eq!(description(doc), "Says a thing (`Worker::end`, `Pool`).\nMore `of` it.");
    }
}
