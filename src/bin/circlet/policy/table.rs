//! What a policy allows, line by line.

use circlet::exec::policy::{Action, Layer, NetRule, Place, Resolved};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{HumanBytes, HumanCount};
use serde_json::{Value, json};
use std::time::Duration;

/// How wide the table is where no terminal says it.
const WIDTH: u16 = 110;

/// One line.
#[derive(Debug)]
pub(super) struct Row {
    /// What people call the policy.
    policy: Option<String>,
    /// What becomes of it; a limit has none.
    action: Option<Action>,
    /// What is done.
    what: String,
    /// To what.
    places: Vec<String>,
    /// What says so.
    rule: String,
}

/// Returns the lines of all policies, and of the limits, which are the least of theirs.
pub(super) fn rows(policy: &Resolved) -> Vec<Row> {
    let mut rows: Vec<Row> = policy.layers().iter().flat_map(layer_rows).collect();
    rows.extend(policy.limits().fields().into_iter().filter_map(|(name, value)| {
        Some(Row {
            policy: None,
            action: None,
            what: format!("limit {name}"),
            places: vec![human(name, value?)],
            rule: format!("limits.{name}"),
        })
    }));
    rows
}

fn layer_rows(layer: &Layer) -> Vec<Row> {
    let row = |action, what: &str, places: Vec<String>, rule: String| Row {
        policy: layer.name.as_deref().map(str::to_owned),
        action: Some(action),
        what: what.to_owned(),
        places,
        rule,
    };
    let shown = |path: &std::path::PathBuf| path.display().to_string();
    let mut rows = Vec::new();
    for (index, rule) in layer.fs_rules.iter().enumerate() {
        let access: Vec<_> = rule.access.iter().map(|access| access.name()).collect();
        let places = rule.paths.iter().map(shown).collect();
        rows.push(row(rule.action, &access.join(", "), places, Place::FsRule(index).to_string()));
    }
    let mut runtime: Vec<_> = layer.runtime.iter().map(shown).collect();
    if runtime.is_empty() {
        runtime.push("what the interpreter needs".to_owned());
    }
    rows.push(row(Action::Allow, "read, list, execute", runtime, Place::Runtime.to_string()));
    if let Some(tmp) = &layer.private_tmp {
        let what = "read, write, list, create, remove";
        let places = vec![format!("{} (the session's own)", tmp.display())];
        rows.push(row(Action::Allow, what, places, Place::PrivateTmp.to_string()));
    }
    rows.push(row(layer.fs_default, "all else of files", vec![], Place::FsDefault.to_string()));
    for (index, rule) in layer.net.rules.iter().enumerate() {
        let protocol = rule.protocol.map_or(String::new(), |protocol| format!(" {}", protocol.name()));
        let what = format!("{}{protocol}", rule.direction.name());
        rows.push(row(rule.action, &what, hosts(rule), Place::NetRule(index).to_string()));
    }
    rows.push(row(layer.net.default, "all else of networks", vec![], Place::NetDefault.to_string()));
    for (index, rule) in layer.exec_rules.iter().enumerate() {
        let what = if rule.sha256.is_some() { "exec, with this content" } else { "exec" };
        let places = rule.paths.iter().map(shown).collect();
        rows.push(row(rule.action, what, places, Place::ExecRule(index).to_string()));
    }
    rows.push(row(layer.exec_default, "all else of programs", vec![], Place::ExecDefault.to_string()));
    let variables = layer.env.set.iter().map(|(name, value)| format!("{name}={value}"));
    let always = ["LANG", "LC_*", "TZ"].map(str::to_owned);
    let allowed = variables.chain(layer.env.allow.iter().cloned()).chain(always).collect();
    rows.push(row(Action::Allow, "env", allowed, "env.allow".to_owned()));
    if !layer.env.deny.is_empty() {
        let denied = layer.env.deny.iter().cloned().collect();
        rows.push(row(Action::Deny, "env", denied, "env.deny".to_owned()));
    }
    rows.push(row(Action::Deny, "all else of variables", vec![], "env".to_owned()));
    if !layer.syscalls_deny.is_empty() {
        let names = layer.syscalls_deny.iter().cloned().collect();
        rows.push(row(Action::Deny, "syscall", names, Place::SyscallsDeny.to_string()));
    }
    rows
}

/// Says where a rule for connections leads: hosts, and ports.
fn hosts(rule: &NetRule) -> Vec<String> {
    let addresses = rule.addresses.iter().map(|network| String::from(*network));
    let mut hosts: Vec<String> = addresses.chain(rule.domains.iter().cloned()).collect();
    if hosts.is_empty() {
        hosts.push("anywhere".to_owned());
    }
    let ports: Vec<_> = rule
        .ports
        .iter()
        .map(|ports| {
            if ports.first == ports.last {
                ports.first.to_string()
            } else {
                format!("{}-{}", ports.first, ports.last)
            }
        })
        .collect();
    if !ports.is_empty() {
        hosts.push(format!("at {}", ports.join(", ")));
    }
    hosts
}

/// Says a limit with its unit.
fn human(name: &str, value: u64) -> String {
    if name.ends_with("_bytes") {
        HumanBytes(value).to_string()
    } else if name.ends_with("_ms") {
        format!("{:?}", Duration::from_millis(value))
    } else {
        HumanCount(value).to_string()
    }
}

impl Row {
    /// Returns it for scripts.
    pub(super) fn json(&self) -> Value {
        json!({ "policy": self.policy, "action": self.action, "what": self.what, "places": self.places, "rule": self.rule })
    }
}

/// Returns the lines for people.
pub(super) fn table(rows: &[Row], is_merged: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    table.set_header(["ACTION", "WHAT", "TO WHAT", "BY"]);
    for row in rows {
        let rule = match &row.policy {
            // Which of them, where there are several.
            Some(policy) if is_merged => format!("{} of {policy}", row.rule),
            _ => row.rule.clone(),
        };
        let action = row.action.map_or("-", Action::name);
        table.add_row([action, &row.what, &crate::output::harmless(&row.places.join(", ")), &rule]);
    }
    table.trim_fmt()
}
