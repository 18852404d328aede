//! The examples of `docs/policies.md`.

use circlet::exec::policy::{Access, Policy};

const DOCS: &str = include_str!("../../docs/policies.md");

fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    DOCS.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_document_of_the_docs_is_a_policy() {
    let documents = blocks("json");
    for document in &documents {
        Policy::from_json(document).unwrap_or_else(|error| panic!("{error}:\n{document}"));
    }
    let sections = ["fs", "net", "exec", "env", "limits", "syscalls", "audit"];
    assert_eq!(documents.len(), sections.len() + 1);
    for (section, document) in sections.iter().zip(&documents[1..]) {
        assert!(document.contains(&format!("\"{section}\"")), "{document}");
        assert!(DOCS.contains(&format!("\n## `{section}`: ")), "{section}");
    }
}

#[test]
fn every_template_access_and_limit_is_in_the_docs() {
    let policy = Policy::template("strict").unwrap();
    let limits = policy.limits.fields();
    let names = Policy::template_names().into_iter().chain(limits.map(|(name, _)| name));
    for name in names.chain(Access::ALL.map(Access::name)) {
        assert!(DOCS.contains(&format!("\n| `{name}`")), "{name}");
    }
}
