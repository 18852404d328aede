//! Changes of JSON documents, as documents: JSON Merge Patch (RFC 7396).

use serde_json::{Map, Value};

/// Applies a merge patch to a document, as RFC 7396 has it: members of objects are set one by one and removed by `null`, and
/// everything else takes the place of what was there. Lists are one value.
///
/// ```
/// use circlet::payload::merge_patch;
/// use serde_json::json;
///
/// let mut document = json!({"goal": "draw a curve", "git": {"branch": "main", "dirty": true}});
/// merge_patch(&mut document, &json!({"goal": null, "git": {"dirty": false}}));
/// assert_eq!(document, json!({"git": {"branch": "main", "dirty": false}}));
/// ```
pub fn merge_patch(document: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        document.clone_from(patch);
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let Value::Object(members) = document else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            merge_patch(members.entry(name.as_str()).or_insert(Value::Null), change);
        }
    }
}

/// Returns the merge patch that makes `to` of `from`: `{}` where they are the same.
///
/// A merge patch cannot set a member to `null`, so that a `null` that `to` has and `from` has not is lost.
///
/// ```
/// use circlet::payload::merge_diff;
/// use serde_json::json;
///
/// let (from, to) = (json!({"a": 1, "b": {"c": 2, "d": 3}}), json!({"b": {"c": 2, "d": 4}}));
/// assert_eq!(merge_diff(&from, &to), json!({"a": null, "b": {"d": 4}}));
/// ```
pub fn merge_diff(from: &Value, to: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (from, to) else { return to.clone() };
    let mut changes = Map::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        changes.insert(name.clone(), Value::Null);
    }
    for (name, value) in new {
        match old.get(name) {
            Some(before) if before == value => {}
            // One object in the place of another: what the patch makes of nothing has no members to remove.
            Some(before @ Value::Object(_)) if value.is_object() => {
                changes.insert(name.clone(), merge_diff(before, value));
            }
            _ => {
                changes.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(changes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn patched(document: &str, patch: &str) -> Value {
        let mut document = serde_json::from_str(document).unwrap();
        merge_patch(&mut document, &serde_json::from_str(patch).unwrap());
        document
    }

    #[test]
    fn the_examples_of_the_rfcs_appendix_hold() {
        for (original, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(
                patched(original, patch),
                serde_json::from_str::<Value>(result).unwrap(),
                "{original} {patch}"
            );
        }
    }

    #[test]
    fn the_rfcs_own_document_is_changed_as_it_says() {
        let document = r#"{"title": "Goodbye!", "author": {"givenName": "John", "familyName": "Doe"},
                           "tags": ["example", "sample"], "content": "This will be unchanged"}"#;
        let patch = r#"{"title": "Hello!", "phoneNumber": "+01-123-456-7890", "author": {"familyName": null}, "tags": ["example"]}"#;
        let wanted = json!({"title": "Hello!", "author": {"givenName": "John"}, "tags": ["example"],
                            "content": "This will be unchanged", "phoneNumber": "+01-123-456-7890"});
        assert_eq!(patched(document, patch), wanted);
    }

    /// Documents without a `null`, which no patch can make.
    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_difference_makes_one_document_of_the_other(from in document(), to in document()) {
            let mut changed = from.clone();
            merge_patch(&mut changed, &merge_diff(&from, &to));
            prop_assert_eq!(changed, to);
        }

        #[test]
        fn a_document_has_no_difference_from_itself(members in prop::collection::btree_map("[a-d]", document(), 0..4)) {
            let document = Value::Object(members.into_iter().collect());
            prop_assert_eq!(merge_diff(&document, &document), json!({}));
        }
    }
}
