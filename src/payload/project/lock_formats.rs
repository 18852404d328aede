//! How many packages a lockfile lists, by its format.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Counts the packages that a lockfile lists; `None` where its format is not known, or is not that of the text.
pub(super) fn count_packages(name: &str, text: &str) -> Option<u64> {
    let count = match name {
        "bun.lock" => bun(&serde_json::from_str(&without_comments(text)).ok()?),
        "package-lock.json" | "npm-shrinkwrap.json" => npm(&serde_json::from_str(text).ok()?),
        "yarn.lock" => yarn(text),
        "pnpm-lock.yaml" => pnpm(text),
        "deno.lock" => deno(&serde_json::from_str(text).ok()?),
        "Cargo.lock" | "uv.lock" | "poetry.lock" | "pdm.lock" => toml_packages(text),
        "Pipfile.lock" => pipenv(&serde_json::from_str(text).ok()?),
        "composer.lock" => composer(&serde_json::from_str(text).ok()?),
        _ => None,
    };
    count.map(|count| count as u64)
}

/// Each package is `"place": ["name@version", …]`; those of the project itself are `name@workspace:folder`.
fn bun(lock: &Value) -> Option<usize> {
    lock.get("lockfileVersion")?;
    let is_own = |package: &&Value| {
        package.get(0).and_then(Value::as_str).is_some_and(|what| what.contains("@workspace:"))
    };
    let Some(packages) = lock.get("packages") else { return Some(0) };
    let packages = packages.as_object()?;
    Some(packages.len() - packages.values().filter(is_own).count())
}

/// Since version 2 by the place in `node_modules`, with a link for each folder of the project; before, as a tree.
fn npm(lock: &Value) -> Option<usize> {
    lock.get("lockfileVersion")?;
    if let Some(packages) = lock.get("packages") {
        let is_link = |package: &Value| package.get("link") == Some(&Value::Bool(true));
        let packages = packages.as_object()?.iter();
        return Some(
            packages.filter(|(place, package)| place.contains("node_modules/") && !is_link(package)).count(),
        );
    }
    let mut count = 0;
    let mut waiting: Vec<&Map<String, Value>> = Vec::new();
    if let Some(packages) = lock.get("dependencies") {
        waiting.push(packages.as_object()?);
    }
    while let Some(packages) = waiting.pop() {
        count += packages.len();
        for inner in packages.values().filter_map(|package| package.get("dependencies")) {
            waiting.push(inner.as_object()?);
        }
    }
    Some(count)
}

/// Each package is a key without indentation, which yarn 1 ends with a colon and later ones write as YAML. Those of the project
/// itself have `@workspace:` in their keys.
fn yarn(text: &str) -> Option<usize> {
    let is_known = text.contains("# yarn lockfile v1") || text.contains("\n__metadata:");
    let is_key =
        |line: &&str| !line.starts_with([' ', '#', ':']) && (line.ends_with(':') || line.starts_with("? "));
    let is_package = |line: &&str| *line != "__metadata:" && !line.contains("@workspace:");
    is_known.then(|| text.lines().filter(is_key).filter(is_package).count())
}

/// Each package is a key of two blanks' indentation in the mapping `packages`.
fn pnpm(text: &str) -> Option<usize> {
    let mut is_known = false;
    let mut is_inside = false;
    let mut count = 0;
    for line in text.lines() {
        let inner = line.trim_start_matches(' ');
        match line.len() - inner.len() {
            _ if inner.is_empty() || inner.starts_with('#') => {}
            0 => {
                is_known |= inner.starts_with("lockfileVersion:");
                is_inside = inner == "packages:";
            }
            // A key that is too long for a line is `? key`, and its value begins with a colon.
            2 if is_inside && !inner.starts_with(':') => count += 1,
            _ => {}
        }
    }
    is_known.then_some(count)
}

/// Packages of two registries; modules by their URLs are files. Version 3 has both in `packages`, version 2 one in `npm.packages`.
fn deno(lock: &Value) -> Option<usize> {
    let registries = match lock.get("version")?.as_str()? {
        "2" => [lock.pointer("/npm/packages"), None],
        "3" => [lock.pointer("/packages/npm"), lock.pointer("/packages/jsr")],
        "4" | "5" => [lock.get("npm"), lock.get("jsr")],
        _ => return None,
    };
    sum(registries.into_iter().flatten(), |packages| packages.as_object().map(Map::len))
}

/// A package that both kinds need is in both.
fn pipenv(lock: &Value) -> Option<usize> {
    let kinds = lock.as_object()?;
    kinds.get("_meta")?;
    let mut names = BTreeSet::new();
    for (_, kind) in kinds.iter().filter(|(name, _)| *name != "_meta") {
        names.extend(kind.as_object()?.keys());
    }
    Some(names.len())
}

fn composer(lock: &Value) -> Option<usize> {
    lock.get("packages")?;
    let kinds = ["packages", "packages-dev"].into_iter().filter_map(|kind| lock.get(kind));
    sum(kinds, |packages| packages.as_array().map(Vec::len))
}

fn sum<'a>(parts: impl Iterator<Item = &'a Value>, count: fn(&Value) -> Option<usize>) -> Option<usize> {
    parts.map(count).sum()
}

/// Counts `[[package]]`, of which pdm writes one more for each set of extras.
fn toml_packages(text: &str) -> Option<usize> {
    let lock: toml::Table = text.parse().ok()?;
    let Some(packages) = lock.get("package") else {
        // A lockfile that lists nothing still says how it is written.
        return ["version", "metadata"].iter().any(|key| lock.contains_key(*key)).then_some(0);
    };
    let part = |package: &toml::Value, name| package.get(name).map(|part| format!("{part:?}"));
    let identity = |package: &toml::Value| ["name", "version", "source"].map(|name| part(package, name));
    Some(packages.as_array()?.iter().map(identity).collect::<BTreeSet<_>>().len())
}

/// Turns JSON with comments and with commas before closing brackets into JSON.
fn without_comments(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skipped = match next {
            '"' => {
                let end = string_end(rest);
                json.push_str(&rest[..end]);
                end
            }
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            ']' | '}' => {
                let before = json.trim_end();
                if before.ends_with(',') {
                    json.truncate(before.len() - 1);
                }
                json.push(next);
                1
            }
            other => {
                json.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[skipped..];
    }
    json
}

/// Returns where a string literal ends that the text begins with.
fn string_end(text: &str) -> usize {
    let mut is_escaped = true;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{count_packages, without_comments};

    #[test]
    fn a_lockfile_of_npm_lists_what_is_installed_and_no_links_or_folders() {
        let lock = r#"{"lockfileVersion": 3, "packages": {"": {}, "packages/own": {}, "node_modules/own": {"link": true},
            "node_modules/a": {}, "node_modules/@s/b": {}, "node_modules/a/node_modules/@s/b": {}}}"#;
        assert_eq!(count_packages("package-lock.json", lock), Some(3));
        let first = r#"{"lockfileVersion": 1, "dependencies": {"a": {"dependencies": {"b": {}, "c": {"dependencies": {"d": {}}}}}, "b": {}}}"#;
        assert_eq!(count_packages("npm-shrinkwrap.json", first), Some(5));
        assert_eq!(count_packages("package-lock.json", r#"{"lockfileVersion": 3, "packages": {}}"#), Some(0));
        assert_eq!(count_packages("package-lock.json", r#"{"lockfileVersion": 1}"#), Some(0));
    }

    #[test]
    fn a_lockfile_of_bun_may_have_comments_and_last_commas_and_lists_no_own_packages() {
        let lock = r#"// written by hand
            {"lockfileVersion": 1, /* , } */ "packages": {
                "a": ["a@1.0.0", "", {"bin": "//,}",}, "sha512-x=="],
                "own": ["own@workspace:packages/own"],
                "a/b": ["b@2.0.0", "", {},],
            },
            }"#;
        assert_eq!(count_packages("bun.lock", lock), Some(2));
    }

    #[test]
    fn a_lockfile_of_yarn_lists_a_package_for_each_key_of_either_version() {
        let first = "# yarn lockfile v1\n\n\n\"@s/a@^1\", \"@s/a@^1.2\":\n  version \"1.2.0\"\n  dependencies:\n    b \"^2\"\n\nb@^2:\n  version \"2.0.0\"\n";
        assert_eq!(count_packages("yarn.lock", first), Some(2));
        let later = "# generated\n\n__metadata:\n  version: 8\n\n\"a@npm:^1\":\n  version: 1.0.0\n\n? \"b@npm:1, b@npm:2\"\n:\n  version: 2.0.0\n\n\"own@workspace:.\":\n  version: 0.0.0-use.local\n";
        assert_eq!(count_packages("yarn.lock", later), Some(2));
        assert_eq!(count_packages("yarn.lock", "# yarn lockfile v1\n\n\n"), Some(0));
    }

    #[test]
    fn a_lockfile_of_pnpm_lists_packages_and_not_their_snapshots() {
        let lock = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        version: 1.0.0\n\npackages:\n\n  a@1.0.0:\n    resolution: {integrity: x}\n    deprecated: |-\n      no\n\n  '@s/b@2.0.0':\n    resolution: {integrity: y}\n\nsnapshots:\n\n  a@1.0.0: {}\n\n  '@s/b@2.0.0(a@1.0.0)': {}\n";
        assert_eq!(count_packages("pnpm-lock.yaml", lock), Some(2));
        assert_eq!(count_packages("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"), Some(0));
    }

    #[test]
    fn a_lockfile_of_deno_lists_the_packages_of_both_registries() {
        let fifth = r#"{"version": "5", "specifiers": {"npm:a@1": "1.0.0"}, "npm": {"a@1.0.0": {}, "b@2.0.0": {}}, "jsr": {"@std/x@1.0.0": {}}, "remote": {"https://x": "1"}}"#;
        assert_eq!(count_packages("deno.lock", fifth), Some(3));
        let third = r#"{"version": "3", "packages": {"npm": {"a@1.0.0": {}}, "jsr": {}}, "remote": {}}"#;
        assert_eq!(count_packages("deno.lock", third), Some(1));
        assert_eq!(count_packages("deno.lock", r#"{"version": "99", "npm": {}}"#), None);
    }

    #[test]
    fn a_lockfile_in_toml_lists_each_package_once_and_none_in_a_text() {
        let cargo = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";
        assert_eq!(count_packages("Cargo.lock", cargo), Some(2));
        let pdm = "[metadata]\n[[package]]\nname = \"a\"\nversion = \"1\"\nsummary = \"\"\"\n[[package]]\n\"\"\"\n[[package]]\nname = \"a\"\nversion = \"1\"\nextras = [\"x\"]\n";
        assert_eq!(count_packages("pdm.lock", pdm), Some(1));
        assert_eq!(count_packages("uv.lock", "version = 1\n"), Some(0));
    }

    #[test]
    fn other_lockfiles_in_json_list_each_package_once() {
        let pipenv = r#"{"_meta": {}, "default": {"a": {}, "b": {}}, "develop": {"a": {}, "c": {}}}"#;
        assert_eq!(count_packages("Pipfile.lock", pipenv), Some(3));
        assert_eq!(
            count_packages("composer.lock", r#"{"packages": [{}, {}], "packages-dev": [{}]}"#),
            Some(3)
        );
    }

    #[test]
    fn what_is_not_understood_has_no_count() {
        for name in [
            "bun.lock",
            "package-lock.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "deno.lock",
            "Cargo.lock",
            "uv.lock",
            "poetry.lock",
            "pdm.lock",
            "Pipfile.lock",
            "composer.lock",
            "go.sum",
            "Gemfile.lock",
            "bun.lockb",
        ] {
            let deep = "[".repeat(100_000);
            for text in [
                "",
                "{",
                "[]",
                "{}",
                "5",
                "\"",
                "<<<<<<< HEAD",
                "a = 1",
                &deep,
                r#"{"lockfileVersion": 3, "packages": 5}"#,
            ] {
                assert_eq!(count_packages(name, text), None, "{name}: {text:.40}");
            }
        }
    }

    #[test]
    fn an_unfinished_text_is_read_to_its_end() {
        for text in ["/*", "//", "\"", "\"\\", "/", "{\"a\": /* ", ",}"] {
            let _ = without_comments(text);
        }
    }

    proptest! {
        #[test]
        fn plain_json_keeps_its_meaning(text in any::<String>(), number: i64) {
            let value = serde_json::json!({"a": [text.clone(), {text: number}], "b": []});
            let json = without_comments(&format!("{value:#}"));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
        }

        #[test]
        fn no_text_is_a_panic(text in "[\\[\\]{}\",:/*\\\\ \na-c@?#'=0-9é]{0,200}") {
            for name in ["bun.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Cargo.lock"] {
                let _ = count_packages(name, &text);
            }
        }
    }
}
