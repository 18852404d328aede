//! Policies as one text gives them, whichever language it comes from.

use std::fmt;
use std::path::Path;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::Given;
use super::parse::without_mark;
use super::{Policy, PolicyError};

/// One of several policies.
enum One {
    Document(Box<Policy>),
    Text(String),
}

impl Policy {
    /// Reads what a text gives, all of which is to hold:
    ///
    /// * a policy, where it begins with `{`: JSON;
    /// * several, where it begins with `[`: a JSON array of policies, and of strings as those below;
    /// * a [template](Self::template), where it is the name of one;
    /// * else the policy in the file at this path.
    ///
    /// # Errors
    ///
    /// Those of [`Policy::from_json`] and [`Policy::read`], with the place in an array; that an array is empty, which is more
    /// likely a mistake than a wish for no policy; and [`PolicyError::Neither`] for what is no template and no file.
    ///
    /// ```
    /// use circlet::exec::policy::Policy;
    ///
    /// let both = Policy::given(r#"["no-network", {"version": 1, "limits": {"wall_ms": 1000}}]"#)?;
    /// assert_eq!(both[0], Policy::template("no-network")?);
    /// assert_eq!(both[1].limits.wall_ms, Some(1000));
    /// # Ok::<(), circlet::exec::policy::PolicyError>(())
    /// ```
    pub fn given(text: &str) -> Result<Vec<Self>, PolicyError> {
        let text = without_mark(text);
        if !text.trim_start().starts_with('[') {
            return Ok(vec![one(text)?]);
        }
        versions(text)?;
        let all: Vec<One> = super::parse::read(text)?;
        if all.is_empty() {
            let allowed = "give at least one policy".to_owned();
            return Err(PolicyError::Value { place: "[]".to_owned(), given: Given::Nothing, allowed });
        }
        let policies = all.into_iter().enumerate().map(|(at, given)| {
            let policy = match given {
                One::Document(policy) => policy.check().map(|()| *policy),
                One::Text(text) => one(&text),
            };
            policy.map_err(|error| error.at(at))
        });
        policies.collect()
    }
}

/// Reads a document, a template or a file.
fn one(text: &str) -> Result<Policy, PolicyError> {
    if without_mark(text).trim_start().starts_with('{') {
        return Policy::from_json(text);
    }
    let names = Policy::template_names();
    if names.contains(&text) {
        return Policy::template(text);
    }
    let file = Path::new(text);
    // What looks like a path is told of as one.
    if !file.exists() && !text.contains('/') && file.extension().is_none_or(|extension| extension != "json") {
        return Err(PolicyError::Neither { given: text.to_owned(), names });
    }
    Policy::read(file)
}

/// Refuses documents of other versions before their form is looked at.
fn versions(text: &str) -> Result<(), PolicyError> {
    // What is no JSON is told of by who reads it next.
    let all: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    for (at, one) in all.iter().enumerate() {
        if let Some(version) = one.get("version")
            && *version != Policy::VERSION
        {
            return Err(PolicyError::Version { given: version.to_string() }.at(at));
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneVisitor)
    }
}

struct OneVisitor;

impl<'de> Visitor<'de> for OneVisitor {
    type Value = One;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a policy, or the name of a template or of a file")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<One, E> {
        if text.trim_start().starts_with('[') {
            return Err(E::custom("there is an array within the array: give all policies in one"));
        }
        Ok(One::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<One, A::Error> {
        Policy::deserialize(MapAccessDeserializer::new(map)).map(|policy| One::Document(Box::new(policy)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Policy::given(text).unwrap_err().to_string()
    }

    #[test]
    fn a_text_is_a_document_an_array_a_template_or_a_file() {
        let folder = std::env::temp_dir().join(format!("circlet-given-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("own.json");
        std::fs::write(&file, r#"{"version": 1, "name": "own"}"#).unwrap();
        let named = |policies: Vec<Policy>| -> Vec<_> {
            policies.into_iter().map(|policy| policy.name.unwrap_or_default()).collect()
        };
        let file = file.to_str().unwrap();
        assert_eq!(named(Policy::given(" {\"version\": 1, \"name\": \"a\"}").unwrap()), ["a"]);
        assert_eq!(named(Policy::given("strict").unwrap()), ["strict"]);
        assert_eq!(named(Policy::given(file).unwrap()), ["own"]);
        let several = serde_json::json!([{"version": 1, "name": "b"}, "strict", file, "{\"version\": 1}"]);
        assert_eq!(named(Policy::given(&format!("\n{several}")).unwrap()), ["b", "strict", "own", ""]);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        assert!(
            refused("strikt").starts_with("`strikt` is no file and no template: the templates are strict,")
        );
        assert!(refused("").contains("is no file and no template"));
        assert!(refused("none.json").starts_with("none.json cannot be read: "));
        assert!(refused("./strict").starts_with("./strict cannot be read: "));
        assert!(refused("{").starts_with("EOF"), "{}", refused("{"));
        let form = refused(r#"["strict", {"version": 1, "fs": {"default": "permit"}}]"#);
        assert!(form.starts_with("[1].fs.default: unknown variant `permit`"), "{form}");
        let value = refused(r#"[{"version": 1, "limits": {"wall_ms": 0}}]"#);
        assert!(value.starts_with("[0]: limits.wall_ms: 0: give a number above 0"), "{value}");
        assert!(refused(r#"["strict", {"version": 2, "more": 1}]"#).starts_with("[1]: version: 2 "));
        assert!(refused(r#"["strict", "strikt"]"#).starts_with("[1]: `strikt` is no file"));
        assert!(refused("[]").starts_with("[]: it is empty: give at least one"));
        assert!(refused("[7]").starts_with("[0]: invalid type: integer `7`, expected a policy"));
        assert!(refused(r#"["[]"]"#).contains("array within the array"));
        let twice = refused(r#"[{"version": 1, "fs": {}, "fs": {"default": "allow"}}]"#);
        assert!(twice.contains("duplicate field `fs`"), "{twice}");
    }
}
