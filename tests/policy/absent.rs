//! Rules for what is not there.

use std::path::Path;

use super::resolved;

/// The rules that are told of where nothing below /gone is there.
fn absent(sections: &str) -> Vec<String> {
    let is_there = |path: &Path| !path.starts_with("/gone") && !path.starts_with("/srv/project/gone");
    let absent = resolved(sections).absent(is_there);
    absent.iter().map(|(rule, path)| format!("{rule}: {}", path.display())).collect()
}

#[test]
fn what_a_rule_would_allow_is_told_of_unless_another_allows_it_above() {
    let files = |above: &str, access: &str| {
        absent(&format!(
            r#""fs": {{"rules": [{{"action": "allow", "paths": ["$CWD"], "access": [{above}]}},
                {{"action": "allow", "paths": ["$CWD/gone", "/usr"], "access": [{access}]}}]}}"#
        ))
    };
    let told = ["fs.rules[1]: /srv/project/gone"];
    assert_eq!(files(r#""read", "list""#, r#""read", "create""#), told);
    assert_eq!(files(r#""read", "list""#, r#""read""#), [""; 0]);
    let rule = r#"{"action": "warn", "paths": ["/gone/a", "/gone/b"], "access": ["write"]}"#;
    let told = ["fs.rules[0]: /gone/a", "fs.rules[0]: /gone/b"];
    assert_eq!(absent(&format!(r#""fs": {{"rules": [{rule}]}}"#)), told);
    assert_eq!(absent(&format!(r#""fs": {{"default": "warn", "rules": [{rule}]}}"#)), [""; 0]);
    // A folder that is not there lets nothing be done below it.
    let rules = r#"{"action": "allow", "paths": ["/gone"], "access": ["write"]}, "#;
    let told = ["fs.rules[0]: /gone", "fs.rules[1]: /gone/a", "fs.rules[1]: /gone/b"];
    assert_eq!(absent(&format!(r#""fs": {{"rules": [{rules}{rule}]}}"#)), told);
}

#[test]
fn what_a_rule_would_deny_is_told_of_where_something_allows_it() {
    let deny = r#"{"action": "deny", "paths": ["/gone/key"], "access": ["read"]}"#;
    assert_eq!(absent(&format!(r#""fs": {{"rules": [{deny}]}}"#)), [""; 0]);
    let told = ["fs.rules[0]: /gone/key"];
    assert_eq!(absent(&format!(r#""fs": {{"default": "allow", "rules": [{deny}]}}"#)), told);
    let all = r#"{"action": "allow", "paths": ["/"], "access": ["read"]}"#;
    assert_eq!(absent(&format!(r#""fs": {{"rules": [{deny}, {all}]}}"#)), told);
}

#[test]
fn programs_that_are_not_there_are_told_of_where_they_would_be_allowed() {
    let allow = r#"{"action": "allow", "path": "/gone/tool"}"#;
    assert_eq!(
        absent(&format!(r#""name": "x", "exec": {{"rules": [{allow}]}}"#)),
        ["exec.rules[0] of x: /gone/tool"]
    );
    assert_eq!(
        absent(&format!(r#""exec": {{"rules": [{allow}, {{"action": "allow", "path": "/"}}]}}"#)),
        [""; 0]
    );
    assert_eq!(absent(&format!(r#""exec": {{"default": "allow", "rules": [{allow}]}}"#)), [""; 0]);
    assert_eq!(absent(r#""exec": {"rules": [{"action": "deny", "path": "/gone/tool"}]}"#), [""; 0]);
}

#[test]
fn what_templates_name_and_what_a_session_has_of_its_own_is_not_told_of() {
    let sections = r#""fs": {"private_tmp": true, "rules": [
        {"action": "allow", "paths": ["/lib32", "/etc/gai.conf", "$RUNTIME", "$TMP/x", "/lib33"], "access": ["execute"]}]}"#;
    let absent = resolved(sections).absent(|_| false);
    assert_eq!(absent.iter().map(|(_, path)| path.as_path()).collect::<Vec<_>>(), [Path::new("/lib33")]);
}
