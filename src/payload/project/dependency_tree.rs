//! What a project depends on, as its manifest names it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use toml::Table;

use super::lockfile::{self, Manager};
use super::native_modules::NativeModules;
use super::reading::read_text;
use super::{DependencyTree, Unavailable};

/// Bytes of a manifest, which a person writes.
const SIZE_LIMIT: u64 = 4 << 20;

/// Whose form a manifest has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    JavaScript,
    Rust,
    Python,
}

impl Language {
    const ALL: [Self; 3] = [Self::JavaScript, Self::Rust, Self::Python];

    fn manifest(self) -> &'static str {
        match self {
            Self::JavaScript => "package.json",
            Self::Rust => "Cargo.toml",
            Self::Python => "pyproject.toml",
        }
    }

    fn of(manager: Manager) -> Option<Self> {
        match manager {
            Manager::Bun | Manager::Npm | Manager::Yarn | Manager::Pnpm => Some(Self::JavaScript),
            Manager::Cargo => Some(Self::Rust),
            Manager::Uv | Manager::Poetry | Manager::Pdm => Some(Self::Python),
            Manager::Deno | Manager::Pipenv | Manager::Go | Manager::Bundler | Manager::Composer => None,
        }
    }
}

/// Finds whose project it is: by its lockfile, or else by the first manifest that is there.
pub(super) fn language(folder: &Path) -> Option<Language> {
    let is_there = |language: &Language| folder.join(language.manifest()).is_file();
    let by_lockfile = lockfile::find(folder).and_then(|(_, manager)| Language::of(manager));
    by_lockfile.filter(is_there).or_else(|| Language::ALL.into_iter().find(is_there))
}

/// Counts what a project's manifest names, and the packages with machine code in its `node_modules`.
///
/// Reads one manifest in `folder`: that of the lockfile's language, or else the first of `package.json`, `Cargo.toml` and
/// `pyproject.toml`. Each name counts once for each kind; what is optional is not direct too. Of `Cargo.toml`, those of all
/// targets and of the build script are direct; of `pyproject.toml`, dependency groups are `dev` and extras are `optional`, and
/// Poetry's own tables are read, as are uv's and PDM's lists for development.
///
/// `native_modules` counts the packages below `node_modules` with a `*.node` in them, `node_gyp_rebuilds` those that have a
/// `binding.gyp` and a `*.node` in `build`, where node-gyp puts what it makes. Links are not followed.
///
/// Absent stay the kinds that a language has not (`peer`), all kinds of a workspace, whose members name more, what
/// `pyproject.toml` calls dynamic, and the two counts of packages where there is no `node_modules`, or one with more than 400 000
/// entries, 64 levels or 3 seconds of reading.
///
/// # Errors
///
/// There is no manifest, or it cannot be read, is larger than 4 MiB or is malformed.
///
/// ```no_run
/// let tree = circlet::payload::dependency_tree(".".as_ref())?;
/// println!("{:?} direct, {:?} for development", tree.direct, tree.dev);
/// # Ok::<(), circlet::payload::Unavailable>(())
/// ```
pub fn dependency_tree(folder: &Path) -> Result<DependencyTree, Unavailable> {
    let missing = || Unavailable::Missing { what: "manifest", folder: folder.to_owned() };
    let language = language(folder).ok_or_else(missing)?;
    let path = folder.join(language.manifest());
    let text = read_text(&path, SIZE_LIMIT)?;
    let tree = match language {
        Language::JavaScript => package_json(&text),
        Language::Rust => text.parse().map_err(|error: toml::de::Error| error.to_string()).and_then(cargo),
        Language::Python => text.parse().map_err(|error: toml::de::Error| error.to_string()).map(pyproject),
    };
    let mut tree =
        tree.map_err(|cause| Unavailable::Malformed { what: path.display().to_string(), cause })?;
    if language == Language::JavaScript
        && let Ok(found) = NativeModules::of(&folder.join("node_modules"))
    {
        tree.native_modules = Some(found.native);
        tree.node_gyp_rebuilds = Some(found.rebuilt);
    }
    Ok(tree)
}

fn package_json(text: &str) -> Result<DependencyTree, String> {
    let manifest: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if !manifest.is_object() {
        return Err("it is no JSON object".to_owned());
    }
    if manifest.get("workspaces").is_some() {
        return Ok(DependencyTree::default());
    }
    let names = |kind: &str| match manifest.get(kind) {
        None => Ok(BTreeSet::new()),
        Some(Value::Object(packages)) => Ok(packages.keys().collect()),
        Some(_) => Err(format!("`{kind}` is no object")),
    };
    let optional = names("optionalDependencies")?;
    Ok(DependencyTree {
        // Npm itself has an optional one override a direct one.
        direct: Some(names("dependencies")?.difference(&optional).count() as u64),
        dev: Some(names("devDependencies")?.len() as u64),
        peer: Some(names("peerDependencies")?.len() as u64),
        optional: Some(optional.len() as u64),
        ..DependencyTree::default()
    })
}

/// Names, sorted by whether they may be missing.
#[derive(Default)]
struct Names {
    direct: BTreeSet<String>,
    optional: BTreeSet<String>,
}

impl Names {
    fn add(&mut self, name: String, package: &toml::Value) {
        let is_optional = package.get("optional").and_then(toml::Value::as_bool) == Some(true);
        if is_optional { &mut self.optional } else { &mut self.direct }.insert(name);
    }
}

fn cargo(manifest: Table) -> Result<DependencyTree, String> {
    if manifest.get("workspace").is_some_and(|workspace| workspace.get("members").is_some()) {
        return Ok(DependencyTree::default());
    }
    if !manifest.contains_key("package") {
        return Err("it has no `[package]`".to_owned());
    }
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(Table::values).filter_map(toml::Value::as_table);
    let (mut names, mut dev) = (Names::default(), BTreeSet::new());
    for table in targets.chain([&manifest]) {
        for (name, package) in
            ["dependencies", "build-dependencies"].into_iter().flat_map(|kind| entries(table, kind))
        {
            names.add(name.clone(), package);
        }
        dev.extend(entries(table, "dev-dependencies").map(|(name, _)| name));
    }
    Ok(DependencyTree {
        direct: Some(names.direct.len() as u64),
        dev: Some(dev.len() as u64),
        optional: Some(names.optional.difference(&names.direct).count() as u64),
        ..DependencyTree::default()
    })
}

/// Returns the entries of a table in a table, if it is there.
fn entries<'a>(table: &'a Table, name: &str) -> impl Iterator<Item = (&'a String, &'a toml::Value)> {
    table.get(name).and_then(toml::Value::as_table).into_iter().flatten()
}

fn pyproject(manifest: Table) -> DependencyTree {
    let empty = Table::new();
    let project = manifest.get("project").and_then(toml::Value::as_table).unwrap_or(&empty);
    let tool = |name: &str| manifest.get("tool")?.get(name)?.as_table();
    let is_dynamic = |what: &str| {
        let names = project.get("dynamic").and_then(toml::Value::as_array);
        names.into_iter().flatten().any(|name| name.as_str() == Some(what))
    };
    let mut names = Names::default();
    names.direct.extend(project.get("dependencies").into_iter().flat_map(required));
    names.optional.extend(entries(project, "optional-dependencies").flat_map(|(_, extra)| required(extra)));
    let mut dev: BTreeSet<String> =
        entries(&manifest, "dependency-groups").flat_map(|(_, group)| required(group)).collect();
    let uv = tool("uv").and_then(|uv| uv.get("dev-dependencies"));
    dev.extend(uv.into_iter().flat_map(required));
    let pdm = tool("pdm").unwrap_or(&empty);
    dev.extend(entries(pdm, "dev-dependencies").flat_map(|(_, group)| required(group)));
    let poetry = tool("poetry").unwrap_or(&empty);
    for (name, package) in entries(poetry, "dependencies").filter(|(name, _)| *name != "python") {
        names.add(normal(name), package);
    }
    dev.extend(entries(poetry, "dev-dependencies").map(|(name, _)| normal(name)));
    for group in entries(poetry, "group").filter_map(|(_, group)| group.as_table()) {
        dev.extend(entries(group, "dependencies").map(|(name, _)| normal(name)));
    }
    let is_project = !project.is_empty() || !poetry.is_empty();
    let known = |is_told: bool, names: &BTreeSet<String>| is_told.then_some(names.len() as u64);
    if tool("uv").is_some_and(|uv| uv.contains_key("workspace")) {
        return DependencyTree::default();
    }
    DependencyTree {
        direct: known(is_project && !is_dynamic("dependencies"), &names.direct),
        dev: known(is_project || !dev.is_empty(), &dev),
        optional: known(is_project && !is_dynamic("optional-dependencies"), &names.optional),
        ..DependencyTree::default()
    }
}

/// Reads the names in a list of requirements (PEP 508). A group that is included in another is a table, and counts where it is.
fn required(list: &toml::Value) -> impl Iterator<Item = String> {
    let requirements = list.as_array().into_iter().flatten().filter_map(toml::Value::as_str);
    requirements.filter_map(|requirement| {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let requirement = requirement.trim_start();
        let end = requirement.find(|c| !is_of_name(c)).unwrap_or(requirement.len());
        (end > 0).then(|| normal(&requirement[..end]))
    })
}

/// Writes a Python package's name as it is compared (PEP 503).
fn normal(name: &str) -> String {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{DependencyTree, cargo, package_json, pyproject};

    /// Direct, for development, the user's, optional.
    fn kinds(tree: &DependencyTree) -> [Option<u64>; 4] {
        [tree.direct, tree.dev, tree.peer, tree.optional]
    }

    #[test]
    fn a_package_json_names_four_kinds_and_an_optional_one_is_not_direct_too() {
        let tree = package_json(
            r#"{"dependencies": {"a": "1", "b": "2", "o": "3"}, "devDependencies": {"a": "1"},
                "peerDependencies": {"p": "1"}, "optionalDependencies": {"o": "3", "q": "4"}}"#,
        );
        assert_eq!(kinds(&tree.unwrap()), [Some(2), Some(1), Some(1), Some(2)]);
        assert_eq!(kinds(&package_json("{}").unwrap()), [Some(0); 4]);
    }

    #[test]
    fn the_root_of_a_workspace_does_not_know_what_its_members_name() {
        let tree = package_json(r#"{"workspaces": ["packages/*"], "devDependencies": {"a": "1"}}"#);
        assert_eq!(kinds(&tree.unwrap()), [None; 4]);
        assert_eq!(kinds(&cargo("[workspace]\nmembers = ['a']".parse().unwrap()).unwrap()), [None; 4]);
    }

    #[test]
    fn a_malformed_package_json_is_an_error_with_its_reason() {
        for (text, wanted) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("[]", "it is no JSON object"),
            (r#"{"dependencies": ["a"]}"#, "`dependencies` is no object"),
        ] {
            assert_eq!(package_json(text).unwrap_err(), wanted);
        }
    }

    #[test]
    fn a_cargo_toml_names_those_of_every_target_once() {
        let tree = cargo(
            "[package]\nname = 'x'\n[dependencies]\na = '1'\nb = {version = '1', optional = true}\n\
             [build-dependencies]\na = '1'\nc = '1'\n[dev-dependencies]\nd = '1'\n\
             [target.'cfg(unix)'.dependencies]\na = '1'\ne = '1'\n[target.'cfg(unix)'.dev-dependencies]\nd = '1'\nf = '1'\n"
                .parse()
                .unwrap(),
        );
        assert_eq!(kinds(&tree.unwrap()), [Some(3), Some(2), None, Some(1)]);
    }

    #[test]
    fn a_pyproject_names_the_project_its_groups_and_its_extras() {
        let tree = pyproject(
            "[project]\ndependencies = ['Num_Py>=1', 'num.py[fast] ; x', 'b @ https://x']\n\
             [project.optional-dependencies]\nx = ['c', 'd']\ny = ['c<2']\n\
             [dependency-groups]\ntest = ['e', {include-group = 'lint'}]\nlint = ['f']\n"
                .parse()
                .unwrap(),
        );
        assert_eq!(kinds(&tree), [Some(2), Some(2), None, Some(2)]);
        let poetry = pyproject(
            "[tool.poetry.dependencies]\npython = '^3'\na = '1'\nb = {version = '1', optional = true}\n\
             [tool.poetry.group.dev.dependencies]\nc = '1'\n[tool.poetry.dev-dependencies]\nd = '1'\n"
                .parse()
                .unwrap(),
        );
        assert_eq!(kinds(&poetry), [Some(1), Some(2), None, Some(1)]);
    }

    #[test]
    fn what_a_pyproject_calls_dynamic_or_does_not_tell_is_unknown() {
        let dynamic = pyproject("[project]\nname = 'x'\ndynamic = ['dependencies']\n".parse().unwrap());
        assert_eq!(kinds(&dynamic), [None, Some(0), None, Some(0)]);
        assert_eq!(kinds(&pyproject("[tool.ruff]\nline-length = 1\n".parse().unwrap())), [None; 4]);
    }
}
