//! What the host measures, and no guest may say.

use serde_json::Value;

use super::watch::Seen;
use crate::payload::SessionPayload;
use crate::payload::section::{Unknown, join};
use crate::payload::views::view_names;

/// What of the tracker's own a program may say all the same.
const USERAGENT: &str = "metadata.platform.useragent";

/// What is the tracker's own, whatever it looks at.
const OWN: &[&str] = &[
    "schema",
    "seq",
    "captured_at_ms",
    "ages_ms",
    UNAVAILABLE,
    "redacted",
    "stated",
    "process",
    "metadata.env.session",
    "metadata.env.process_id",
    "metadata.env.uptime_ms",
    "metadata.platform.os",
    "metadata.platform.kernel",
    "metadata.platform.cpu",
    "metadata.platform.cpu_count",
    "metadata.platform.memory_bytes",
    USERAGENT,
];

/// The section that says why something is not there.
pub(super) const UNAVAILABLE: &str = "unavailable";

/// The paths that guests may not set.
#[derive(Debug)]
pub(super) struct Owned {
    /// The tracker's own, and what it looks at.
    measured: Vec<String>,
    /// Of these what the program itself says that it measures.
    told: Vec<String>,
    /// What is watched now.
    watched: Vec<String>,
}

impl Owned {
    /// What is a tracker's own, and these sections that it looks at.
    pub(super) fn with(sections: impl IntoIterator<Item = &'static str>) -> Self {
        let canonical: Vec<_> = OWN.iter().copied().chain(sections).collect();
        // A view's name of them would be read for what was measured.
        let views = view_names().filter(|(_, of)| canonical.iter().any(|owned| is_within(of, owned)));
        let views: Vec<_> = views.map(|(view, _)| view).collect();
        let measured = canonical.into_iter().chain(views).map(str::to_owned).collect();
        Self { measured, told: Vec::new(), watched: Vec::new() }
    }

    /// Tells whether a program may say what it measured there: not over, below or in the place of what is measured here.
    pub(super) fn is_free(&self, path: &str) -> bool {
        let is_section = SessionPayload::FIELDS.contains(&path.split('.').next().unwrap_or(path));
        let is_path = path.split('.').all(|name| !name.is_empty());
        // Whoever runs in a runtime knows its name better.
        let is_taken = |owned: &String| is_within(path, owned) || is_within(owned, path);
        is_section && is_path && (path == USERAGENT || !self.measured.iter().any(is_taken))
    }

    /// Returns the sections that a program may say that it measured.
    pub(super) fn free_sections(&self) -> Vec<&'static str> {
        SessionPayload::FIELDS.iter().copied().filter(|section| self.is_free(section)).collect()
    }

    /// Adds what the program says that it measures.
    pub(super) fn add(&mut self, path: &str) {
        if !self.told.iter().any(|owned| owned == path) {
            self.told.push(path.to_owned());
        }
    }

    /// Has what is watched be all of this, in the place of what was.
    pub(super) fn watch(&mut self, sections: &Seen) {
        let members = |(section, state): (&String, &Value)| {
            let below = |above: &str, of: &Value| -> Vec<String> {
                of.as_object().into_iter().flatten().map(|(name, _)| join(above, name)).collect()
            };
            let mut paths = below(section, state);
            // A guest may have workers of its own beside those of a pool.
            let registry = join(section, "registry");
            if let (Some(workers), true) = (state.get("registry"), section == "worker_threads") {
                paths.retain(|path| *path != registry);
                paths.extend(below(&registry, workers));
            }
            paths
        };
        self.watched = sections.iter().flat_map(members).collect();
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.measured.iter().chain(&self.told).chain(&self.watched)
    }

    /// Takes out of a patch what guests may not set, and tells the paths.
    pub(super) fn strip(&self, patch: &mut Value) -> Vec<String> {
        let mut refused = Vec::new();
        // Why what a guest alone knows is not there is its own to say.
        let reasons = patch.as_object_mut().and_then(|members| members.remove(UNAVAILABLE));
        self.walk(patch, "", &mut refused);
        match (reasons, patch) {
            (Some(Value::Object(mut reasons)), Value::Object(members)) => {
                let is_guests = |path: &str| path != "*" && !self.all().any(|owned| is_within(path, owned));
                let (kept, others): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut reasons).into_iter().partition(|(path, _)| is_guests(path));
                refused.extend(others.into_iter().map(|(path, _)| join(UNAVAILABLE, &path)));
                if !kept.is_empty() {
                    members.insert(UNAVAILABLE.to_owned(), kept.into_iter().collect());
                }
            }
            (Some(_), _) => refused.push(UNAVAILABLE.to_owned()),
            (None, _) => {}
        }
        refused
    }

    fn walk(&self, value: &mut Value, path: &str, refused: &mut Vec<String>) {
        let Value::Object(members) = value else { return };
        members.retain(|name, member| {
            let path = join(path, name);
            if self.all().any(|owned| *owned == path) {
                refused.push(path);
                return false;
            }
            // What is above something owned and no object would take the place of it.
            let is_above = self.all().any(|owned| *owned != path && is_within(owned, &path));
            let had_members = member.as_object().is_some_and(|members| !members.is_empty());
            if is_above {
                self.walk(member, &path, refused);
            }
            // What was all refused says nothing.
            !had_members || member.as_object().is_some_and(|members| !members.is_empty())
        });
    }
}

/// Tells whether a path is another, or below it.
fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_view_calls_them_is_the_hosts_too() {
        let owned = Owned::with(["cache"]);
        let mut patch = json!({
            "metadata": {"env": {"uptime_s": 1}, "platform": {"memory_gb": 1}},
            "bun": {"performance": {"memory_mb": {"rss": 1, "heap": 1}}, "resources": {"fd_count": 1}},
            "cache": {"size_mb": 1}, "dependencies": {"lockfile": {"total_size_mb": 1}},
        });
        owned.strip(&mut patch);
        let left = json!({
            "bun": {"performance": {"memory_mb": {"heap": 1}}}, "dependencies": {"lockfile": {"total_size_mb": 1}},
        });
        assert_eq!(patch, left);
    }

    #[test]
    fn a_guest_says_why_its_own_is_not_there_and_nothing_of_the_hosts() {
        let owned = Owned::with(["git"]);
        let reasons = json!({"python.event_loop": "no loop", "git": "no", "git.head": "no", "process": "no", "*": "no"});
        let mut patch = json!({ "unavailable": reasons });
        let refused = owned.strip(&mut patch);
        assert_eq!(patch, json!({"unavailable": {"python.event_loop": "no loop"}}));
        assert_eq!(
            refused,
            ["unavailable.*", "unavailable.git", "unavailable.git.head", "unavailable.process"]
        );
        let mut all = json!({"unavailable": null, "goal": "x"});
        assert_eq!((owned.strip(&mut all), all), (vec!["unavailable".to_owned()], json!({"goal": "x"})));
    }

    #[test]
    fn what_the_host_measures_goes_and_the_rest_stays() {
        let owned = Owned::with(["git", "dependencies.lockfile"]);
        let mut patch = json!({
            "seq": 7, "goal": "x", "git": {"branch": "x"}, "process": null,
            "metadata": {"env": {"process_id": 1, "thread_id": "0x1"}, "domain": "d"},
            "dependencies": {"lockfile": {"hash": "x"}, "tree": {"direct": 1}},
        });
        let refused = owned.strip(&mut patch);
        assert_eq!(refused, ["dependencies.lockfile", "git", "metadata.env.process_id", "process", "seq"]);
        let left = json!({
            "goal": "x", "metadata": {"env": {"thread_id": "0x1"}, "domain": "d"}, "dependencies": {"tree": {"direct": 1}},
        });
        assert_eq!(patch, left);
    }
}
