//! What the types of a policy leave open.

use std::collections::BTreeSet;

use super::error::Given;
use super::syscalls::is_syscall;
use super::written::{is_domain, parse_sha256, split_path};
use super::{Direction, Env, Limits, NetRule, Policy, PolicyError, Protocol};

type Checked = Result<(), PolicyError>;

impl Policy {
    /// Checks what the types leave open: paths, names, domains, hashes, numbers. [`Policy::from_json`] has done it.
    ///
    /// # Errors
    ///
    /// The first [`PolicyError`] that there is.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.version != Self::VERSION {
            return Err(PolicyError::Version { given: self.version.to_string() });
        }
        for (index, rule) in self.fs.rules.iter().enumerate() {
            let place = format!("fs.rules[{index}]");
            some(&rule.paths, &format!("{place}.paths"), "name at least one file or folder")?;
            some(
                &rule.access,
                &format!("{place}.access"),
                "name at least one of read, write, execute, list, create, remove",
            )?;
            rule.paths.iter().try_for_each(|path| check_path(path, &format!("{place}.paths")))?;
        }
        for (index, rule) in self.net.rules.iter().enumerate() {
            check_net(rule, &format!("net.rules[{index}]"))?;
        }
        for (index, rule) in self.exec.rules.iter().enumerate() {
            check_path(&rule.path, &format!("exec.rules[{index}].path"))?;
            if let Some(hash) = rule.sha256.as_ref().filter(|hash| parse_sha256(hash).is_none()) {
                let place = format!("exec.rules[{index}].sha256");
                return Err(wrong(&place, hash, "give 64 hexadecimal digits, as sha256sum prints them"));
            }
        }
        check_env(&self.env)?;
        check_limits(&self.limits)?;
        if let Some(name) = self.syscalls.deny.iter().find(|name| !is_syscall(name)) {
            return Err(wrong(
                "syscalls.deny",
                name,
                "no system call of Linux on x86-64 or aarch64 has this name",
            ));
        }
        self.audit.file.as_deref().map_or(Ok(()), check_audit_file)
    }
}

fn check_path(path: &str, place: &str) -> Checked {
    split_path(path).map(|_| ()).map_err(|allowed| wrong(place, path, &allowed))
}

fn check_audit_file(file: &str) -> Checked {
    let place = "audit.file";
    check_path(file, place)?;
    if file == "$RUNTIME" { Err(wrong(place, file, "$RUNTIME is no file")) } else { Ok(()) }
}

fn check_net(rule: &NetRule, place: &str) -> Checked {
    let domains = format!("{place}.domains");
    if let Some(domain) = rule.domains.first() {
        if rule.direction == Direction::Listen {
            return Err(wrong(&domains, domain, "a rule to listen has addresses and no domains"));
        }
        if rule.protocol == Some(Protocol::Udp) {
            return Err(wrong(
                &domains,
                domain,
                "domains are reached by TCP alone: give addresses for UDP, or tcp",
            ));
        }
    }
    for domain in &rule.domains {
        if is_domain(domain.strip_prefix("*.").unwrap_or(domain)) {
            continue;
        }
        let lower = domain.to_lowercase();
        return Err(if domain.ends_with('.') {
            wrong(&domains, domain, "write it without the dot at its end")
        } else if lower != *domain {
            wrong(&domains, domain, &format!("write it in lower case: {lower}"))
        } else if !domain.is_ascii() {
            wrong(&domains, domain, "write it as DNS has it, which begins with xn--")
        } else {
            wrong(&domains, domain, "give a domain such as example.org, or *.example.org for all below it")
        });
    }
    Ok(())
}

fn check_env(env: &Env) -> Checked {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    for (place, names) in [("env.allow", &env.allow), ("env.deny", &env.deny)] {
        for name in names {
            let beginning = name.strip_suffix('*');
            if beginning != Some("") && !is_name(beginning.unwrap_or(name)) {
                return Err(wrong(
                    place,
                    name,
                    "give a name such as LANG, with * at its end, if anywhere, for any ending",
                ));
            }
        }
    }
    for (name, value) in &env.set {
        if !is_name(name) {
            return Err(wrong("env.set", name, "give a name of letters, digits and underscores"));
        }
        if value.contains('\0') {
            return Err(wrong(&format!("env.set.{name}"), value, "no variable has a NUL in it"));
        }
    }
    Ok(())
}

fn check_limits(limits: &Limits) -> Checked {
    match limits.fields().into_iter().find(|(_, limit)| *limit == Some(0)) {
        Some((name, _)) => Err(PolicyError::Value {
            place: format!("limits.{name}"),
            given: Given::Number(0),
            allowed: "give a number above 0, or leave it out for no limit".to_owned(),
        }),
        None => Ok(()),
    }
}

fn some<T>(set: &BTreeSet<T>, place: &str, allowed: &str) -> Checked {
    if set.is_empty() {
        let (place, allowed) = (place.to_owned(), allowed.to_owned());
        return Err(PolicyError::Value { place, given: Given::Nothing, allowed });
    }
    Ok(())
}

fn wrong(place: &str, given: &str, allowed: &str) -> PolicyError {
    PolicyError::Value {
        place: place.to_owned(),
        given: Given::Text(given.to_owned()),
        allowed: allowed.to_owned(),
    }
}
