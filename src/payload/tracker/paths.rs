//! Places in documents: names with dots between, and `[0]` for members of lists. A name may itself have dots in it.

use serde_json::{Map, Value};

/// Tells whether a document is nested deeper than so many levels. It goes down no deeper than that.
pub(super) fn is_deeper(value: &Value, levels: usize) -> bool {
    let inside = |value: &Value| levels == 0 || is_deeper(value, levels - 1);
    match value {
        Value::Object(members) => members.values().any(inside),
        Value::Array(values) => values.iter().any(inside),
        _ => false,
    }
}

/// Puts a value to a path, and makes what is on the way. Where a list or something that has no members is on the way, it goes.
pub(super) fn put(document: &mut Value, path: &str, value: Value) {
    let mut here = document;
    for name in path.split('.') {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = &mut here[name];
    }
    *here = value;
}

/// Takes away what is at a path, and the objects on the way that have nothing then.
pub(super) fn remove(document: &mut Value, path: &str) {
    let Value::Object(members) = document else { return };
    match path.split_once('.') {
        None => drop(members.remove(path)),
        Some((name, rest)) => {
            let Some(member) = members.get_mut(name) else { return };
            remove(member, rest);
            if member.as_object().is_some_and(Map::is_empty) {
                members.remove(name);
            }
        }
    }
}

/// Tells whether a document has something at a path, or, where `or_above`, something without members on the way to it.
pub(super) fn has(document: &Value, path: &str, or_above: bool) -> bool {
    let path = path.strip_prefix('.').unwrap_or(path);
    if path.is_empty() {
        return true;
    }
    match document {
        Value::Object(members) => members.iter().any(|(name, member)| {
            let rest = path.strip_prefix(name.as_str());
            rest.is_some_and(|rest| {
                (rest.is_empty() || rest.starts_with(['.', '['])) && has(member, rest, or_above)
            })
        }),
        Value::Array(values) => {
            let index = path.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let found =
                index.and_then(|(index, rest)| Some((values.get(index.parse::<usize>().ok()?)?, rest)));
            // A list is set as one.
            or_above || found.is_some_and(|(value, rest)| has(value, rest, or_above))
        }
        _ => or_above,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_at_a_path_is_put_found_and_taken_away() {
        let mut document = json!({"a.b": {"c": [1, {"d": 2}]}, "e": 5});
        for (path, there) in
            [("a.b", true), ("a.b.c[1].d", true), ("a.b.c[2]", false), ("a", false), ("e.f", false)]
        {
            assert_eq!(has(&document, path, false), there, "{path}");
        }
        assert!(has(&document, "e.f", true) && !has(&document, "g.f", true));
        put(&mut document, "e.f.g", json!(1));
        assert_eq!(document["e"], json!({"f": {"g": 1}}));
        remove(&mut document, "e.f.g");
        remove(&mut document, "x.y");
        assert_eq!(document, json!({"a.b": {"c": [1, {"d": 2}]}}));
    }

    #[test]
    fn depth_is_counted_and_no_deeper_than_is_asked() {
        let mut value = json!(1);
        for _ in 0..10 {
            value = json!([{ "a": value }]);
        }
        assert!(!is_deeper(&value, 20) && is_deeper(&value, 19));
        assert!(!is_deeper(&json!(5), 0));
    }
}
