//! The runtimes that run the session's code, and what they have.

use super::super::escape::name;
use super::super::{BunFlags, NodeApi, NodeApiStatus, Runtime, SessionPayload};
use super::line::Level::{Full, Least, Usual};
use super::line::{Line, few, plural};
use super::purpose::named;

pub(super) fn bun(payload: &SessionPayload) -> Option<Line> {
    let runtime = payload.metadata.as_ref().and_then(|metadata| metadata.bun.as_ref());
    let build = runtime.and_then(|bun| bun.build.as_ref());
    let features = runtime.and_then(|bun| bun.features.as_ref());
    let mut line = Line::new("Bun", 130);
    line.add(Least, runtime.and_then(|bun| name(bun.version.as_deref()?)));
    line.add(Least, build.and_then(|build| (build.is_debug == Some(true)).then(|| "debug build".to_owned())));
    line.add(Usual, build.and_then(|build| name(build.platform.as_deref()?)));
    line.add(Usual, build.and_then(|build| name(build.arch.as_deref()?)));
    if let Some(flags) = payload.bun.as_ref().and_then(|bun| bun.flags.as_ref()) {
        line.add(Usual, few(flags_on(flags), usize::MAX));
    }
    line.add(Full, named("revision", runtime.and_then(|bun| bun.revision.as_deref())));
    if let Some(features) = features {
        let all = [
            ("JSC", features.jsc),
            ("HTTP/2", features.http2),
            ("BoringSSL", features.boringssl),
            ("WebCrypto", features.webcrypto),
        ];
        for (feature, is_there) in all {
            line.add(
                Full,
                is_there.map(|is_there| format!("{}{feature}", if is_there { "" } else { "no " })),
            );
        }
        let experimental =
            features.experimental.iter().flatten().map(|feature| named("experimental", Some(feature)));
        line.add(Full, few(experimental, 6));
    }
    line.done()
}

fn flags_on(flags: &BunFlags) -> [Option<String>; 5] {
    [
        ("--smol", flags.smol),
        ("--bun", flags.bun),
        ("--inspect", flags.inspect),
        ("--hot", flags.hot),
        ("--watch", flags.watch),
    ]
    .map(|(flag, is_on)| (is_on == Some(true)).then(|| flag.to_owned()))
}

pub(super) fn node(payload: &SessionPayload) -> Option<Line> {
    runtime("Node", payload.node.as_ref())
}

pub(super) fn python(payload: &SessionPayload) -> Option<Line> {
    runtime("Python", payload.python.as_ref())
}

pub(super) fn native(payload: &SessionPayload) -> Option<Line> {
    runtime("Native", payload.native.as_ref())
}

fn runtime(label: &'static str, runtime: Option<&Runtime>) -> Option<Line> {
    let runtime = runtime?;
    let mut line = Line::new(label, 130);
    line.add(Least, runtime.version.as_deref().and_then(name));
    line.add(Usual, runtime.implementation.as_deref().and_then(name));
    line.add(Full, runtime.executable.as_deref().and_then(name));
    let features = runtime.features.iter().flatten();
    let features =
        features.map(|(feature, is_on)| named(if *is_on { "with" } else { "without" }, Some(feature)));
    line.add(Full, few(features, 12));
    let apis = runtime.apis.iter().flatten().map(|api| named("uses", Some(api)));
    line.add(Full, few(apis, 12));
    line.done()
}

pub(super) fn apis(payload: &SessionPayload) -> Option<Line> {
    let apis = payload.bun.as_ref()?.apis.as_ref()?;
    let mut line = Line::new("Bun APIs", 40);
    line.add_each(|level| few(apis.iter().map(|api| name(api)), level.of([2, 8, 32])));
    line.done()
}

pub(super) fn vm(payload: &SessionPayload) -> Option<Line> {
    let vm = payload.vm.as_ref()?;
    let mut line = Line::new("VM", 210);
    line.add(Least, vm.contexts.map(|contexts| plural(contexts, "context")));
    let (on, off) = ("codeGen enabled", "codeGen disabled");
    line.add(Least, vm.code_generation.map(|is_on| if is_on { on } else { off }.to_owned()));
    let (on, off) = ("pollution blocked", "pollution not blocked");
    line.add(Least, vm.pollution_blocked.map(|is_blocked| if is_blocked { on } else { off }.to_owned()));
    line.done()
}

pub(super) fn node_compat(payload: &SessionPayload) -> Option<Line> {
    let compat = payload.node_compat.as_ref()?;
    let mut line = Line::new("Node compat", 180);
    line.add(Least, (compat.enabled == Some(false)).then(|| "disabled".to_owned()));
    line.add_each(|level| interfaces(compat.apis.as_deref()?, level.of([2, 5, 24])));
    line.add(
        Usual,
        few(compat.polyfills.iter().flatten().map(|polyfill| named("polyfill", Some(polyfill))), 6),
    );
    let overrides = compat.overrides.iter().flatten();
    line.add(Full, few(overrides.map(|(interface, _)| named("differs", Some(interface))), 12));
    line.done()
}

/// Writes interfaces with their states, in their order: those that are not native before others are left out.
fn interfaces(apis: &[NodeApi], most: usize) -> Option<String> {
    let known: Vec<(String, &NodeApiStatus)> =
        apis.iter().filter_map(|api| Some((name(api.name.as_deref()?)?, api.status.as_ref()?))).collect();
    let mut chosen: Vec<usize> = (0..known.len()).collect();
    chosen.sort_by_key(|&index| *known[index].1 == NodeApiStatus::Native);
    let more = chosen.split_off(most.min(chosen.len()));
    chosen.sort_unstable();
    let mut written: Vec<String> = chosen
        .iter()
        .filter_map(|&index| Some(format!("{} {}", known[index].0, name(known[index].1.as_str())?)))
        .collect();
    let is_native = more.iter().all(|&index| *known[index].1 == NodeApiStatus::Native);
    let native = if is_native { " native" } else { "" };
    written.extend((!more.is_empty()).then(|| format!("{} more{native}", more.len())));
    (!written.is_empty()).then(|| written.join(", "))
}
