//! `circlet serve`.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;

use circlet::hub::{Hub, HubOptions};
use serde_json::json;

use super::listen::{LOOK_EVERY, Listen, PATIENCE, blame};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{log, print_line};

/// Show rings and sessions live to viewers, over Socket.IO
///
/// Its page is at the address that it says. Other viewers connect with any Socket.IO client and join rooms:
/// `ring:NAME` for a ring, `session:NAME` for a session's page, `rings` for how full the rings are, and any room that
/// emitters speak of. Emitters connect with the token, or post to /emit. docs/hub.md says what is said. It goes on
/// until Ctrl-C.
///
/// Examples:
///   circlet serve --session app --ring frames
///   circlet serve --addr 127.0.0.1:8080 --ring frames=game-1 --hz 60
///   circlet serve --session app --record app.jsonl      and later: circlet replay app.jsonl
///   circlet serve --redis redis://127.0.0.1:6379        on each of several machines
///   CIRCLET_EMIT_TOKEN=secret circlet serve &
///   curl -H 'Authorization: Bearer secret' -d '{"event": "agent-action", "room": "g", "action": "edit"}' 127.0.0.1:3010/emit
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Show this ring, in the room ring:NAME or in another
    #[arg(long, value_name = "NAME[=ROOM]")]
    ring: Vec<String>,
    /// Show the session on this page, in the room session:NAME or in another
    #[arg(long, value_name = "NAME[=ROOM]")]
    session: Vec<String>,
    /// Write all that viewers are told to this file, for `circlet replay`; one that is there is gone on with
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    record: Option<PathBuf>,
    /// Share rooms with other hubs by this Redis server, as redis://127.0.0.1:6379; else the variable CIRCLET_REDIS, which other users
    /// of this machine do not see
    #[arg(long, value_name = "URL", help_heading = "Several machines")]
    redis: Option<String>,
    /// What the names of its keys begin with: hubs of the same one share their rooms
    #[arg(long, value_name = "NAME", default_value = "circlet", help_heading = "Several machines")]
    redis_prefix: String,
    #[command(flatten)]
    listen: Listen,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let interrupt = Interrupt::watch()?;
    let mut options = arguments.listen.options(HubOptions::default())?;
    options.record.clone_from(&arguments.record);
    let of_environment = || std::env::var("CIRCLET_REDIS").ok().filter(|url| !url.is_empty());
    options.redis = arguments.redis.clone().or_else(of_environment);
    options.redis_prefix.clone_from(&arguments.redis_prefix);
    let (rings, sessions) = (shown("ring", &arguments.ring)?, shown("session", &arguments.session)?);
    let (hub, said) = arguments.listen.start(options)?;
    for (name, room) in rings {
        hub.follow_ring(name, &room).map_err(blame)?;
    }
    for (name, room) in sessions {
        hub.follow_session(name, &room).map_err(blame)?;
    }
    let mut looks = 0_u32;
    let mut troubles = Vec::new();
    while said && interrupt.check().is_ok() {
        std::thread::sleep(LOOK_EVERY);
        looks += 1;
        say_troubles(&hub, &mut troubles);
        let is_due = arguments.listen.json && looks.is_multiple_of(10);
        if is_due && !print_line(json!({ "stats": hub.stats() }))? {
            break;
        }
    }
    hub.stop(PATIENCE);
    Ok(())
}

/// Says what does not work, once, and that it works again.
fn say_troubles(hub: &Hub, known: &mut Vec<String>) {
    let now = hub.troubles();
    if *known == now {
        return;
    }
    now.iter().filter(|trouble| !known.contains(trouble)).for_each(log);
    if now.is_empty() {
        log("all works again");
    }
    *known = now;
}

/// Parts each `NAME[=ROOM]`, and looks whether it can be shown before anything is.
fn shown<'a>(kind: &str, given: &'a [String]) -> Result<BTreeSet<(&'a str, String)>, Failure> {
    let mut all = BTreeSet::new();
    for given in given {
        let wrong = |why: &dyn Display| Failure::input(format_args!("`--{kind} {given}`: {why}"));
        let (name, room) = match given.split_once('=') {
            Some((name, room)) => (name, room.to_owned()),
            None => (given.as_str(), format!("{kind}:{given}")),
        };
        Hub::check_source(name, &room).map_err(|error| wrong(&error))?;
        if !all.insert((name, room)) {
            return Err(wrong(&"it is given twice"));
        }
    }
    Ok(all)
}
