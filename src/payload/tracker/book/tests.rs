use super::*;

fn book() -> Book {
    let redactor = Redactor::new(Some("/home/ada"), Some("ada"));
    Book::new(&TrackerOptions::default(), Owned::with(["git"]), Some(redactor))
}

fn moment() -> Moment {
    Moment { now: Instant::now(), unix: Duration::from_secs(1), started: Some(Duration::from_millis(250)) }
}

fn written(book: &mut Book) -> Value {
    serde_json::from_str(&book.remember(moment(), Ok(Process::default()))).unwrap()
}

#[test]
fn a_guest_cannot_say_what_the_host_measures() {
    let mut book = book();
    book.measured("git", Ok(json!({"head": "abc"})), Instant::now()).unwrap();
    let refused =
        book.patch(json!({"git": {"branch": "x"}, "process": {"rss_bytes": 1}, "goal": "y"}), Instant::now());
    assert_eq!(refused.unwrap(), ["git", "process"]);
    let said = written(&mut book);
    assert_eq!((&said["git"], &said["goal"]), (&json!({"head": "abc"}), &json!("y")));
    // Nor take it away.
    book.patch(json!({"metadata": null, "git": null}), Instant::now()).unwrap();
    assert_eq!(written(&mut book)["git"]["head"], "abc");
}

#[test]
fn what_is_measured_again_takes_the_place_of_what_was_and_a_reason_that_of_both() {
    let mut book = book();
    book.measured("git", Ok(json!({"head": "abc", "branch": "x"})), Instant::now()).unwrap();
    book.measured("git", Ok(json!({"head": "def"})), Instant::now()).unwrap();
    assert_eq!(written(&mut book)["git"], json!({"head": "def"}));
    book.measured("git", Err("no repository".to_owned()), Instant::now()).unwrap();
    let said = written(&mut book);
    assert_eq!((said.get("git"), &said["unavailable"]["git"]), (None, &json!("no repository")));
    book.measured("git", Ok(json!({"head": "def"})), Instant::now()).unwrap();
    assert!(written(&mut book)["unavailable"].get("git").is_none());
}

#[test]
fn a_patch_that_does_not_fit_changes_nothing() {
    let mut book = book();
    book.patch(json!({"goal": "a"}), Instant::now()).unwrap();
    for wrong in [
        json!({"goal": "b", "critical": 5}),
        json!(["goal"]),
        json!(5),
        json!({"context": ["x".repeat(1 << 20)]}),
    ] {
        book.patch(wrong, Instant::now()).unwrap_err();
        assert_eq!(written(&mut book)["goal"], "a");
    }
}

#[test]
fn what_should_not_leave_is_taken_out_and_said() {
    let mut book = book();
    book.patch(json!({"last": "cd /home/ada/x", "context": ["a", "https://a:b@h/x"]}), Instant::now())
        .unwrap();
    let said = written(&mut book);
    assert_eq!((&said["last"], &said["context"][1]), (&json!("cd ~/x"), &json!("https://[login]@h/x")));
    assert_eq!(said["redacted"], json!({"last": "home", "context[1]": "login"}));
    book.patch(json!({"last": "done", "context": null}), Instant::now()).unwrap();
    assert!(written(&mut book).get("redacted").is_none());
}

#[test]
fn snapshots_are_numbered_and_so_many_remembered() {
    let mut book = book();
    let numbers: Vec<u64> = (0..20).map(|_| written(&mut book)["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    assert_eq!(book.history().len(), 16);
    book.patch(json!({"goal": "z"}), Instant::now()).unwrap();
    written(&mut book);
    let (old, new) = (book.remembered(20).unwrap(), book.remembered(21).unwrap());
    assert_eq!(difference(&old, &new).unwrap()["goal"], "z");
    let error = book.remembered(2).unwrap_err().to_string();
    assert!(error.starts_with("snapshot 2 is not remembered: 6, 7, 8"), "{error}");
}

#[test]
fn each_section_has_its_age() {
    let mut book = book();
    let now = Instant::now();
    book.patch(json!({"goal": "z"}), now).unwrap();
    book.measured("git", Ok(json!({})), now + Duration::from_millis(400)).unwrap();
    let moment = Moment { now: now + Duration::from_secs(1), ..moment() };
    assert_eq!(
        book.at(moment, Ok(Process::default())).ages_ms,
        Some([("git".to_owned(), 600), ("goal".to_owned(), 1000), ("process".to_owned(), 0)].into())
    );
}

#[test]
fn workers_are_registered_updated_and_forgotten() {
    let mut book = book();
    let now = Instant::now();
    book.register_worker("w_1", Duration::from_millis(5), now).unwrap();
    assert!(matches!(book.register_worker("w_1", Duration::ZERO, now), Err(TrackerError::KnownWorker(_))));
    book.update_worker("w_1", json!({"state": "idle", "errors": 1}), now).unwrap();
    let worker = written(&mut book)["worker_threads"]["registry"]["w_1"].clone();
    assert_eq!(worker, json!({"state": "idle", "created_at_ms": 5, "messages_processed": 0, "errors": 1}));
    book.update_worker("w_1", Value::Null, now).unwrap();
    assert!(matches!(book.update_worker("w_1", json!({}), now), Err(TrackerError::UnknownWorker(_))));
}

#[test]
fn an_interface_is_noted_once() {
    let mut book = book();
    for name in ["Bun.gc", "Bun.gc", "Bun.file"] {
        book.log_api_usage(name, Instant::now()).unwrap();
    }
    assert_eq!(written(&mut book)["native"]["apis"], json!(["Bun.gc", "Bun.file"]));
    assert!(book.log_api_usage("", Instant::now()).is_err());
}

#[test]
fn nothing_that_a_guest_says_is_in_the_way_of_what_is_measured() {
    let mut book = book();
    let now = Instant::now();
    book.owns("hub", json!({"viewers": 1}), now).unwrap();
    assert_eq!(book.patch(json!({"hub": {"viewers": "x", "rooms": 9}}), now).unwrap(), ["hub"]);
    book.owns("hub", json!({"rooms": 2}), now).unwrap();
    assert_eq!(written(&mut book)["hub"], json!({"rooms": 2}));
    assert!(book.owns("hub", json!({"viewers": "many"}), now).is_err());
    assert!(book.owns("rings", json!(5), now).is_err());
    // Also where nothing is measured yet.
    for odd in [json!({"cache": 5}), json!({"cache": {"manifests": 5}}), json!({"audit": {"last": [5]}})] {
        book.patch(odd, now).unwrap_err();
    }
    // What was said before it was measured is gone.
    book.patch(json!({"rings": {"forged": {"dropped": 1}}}), now).unwrap();
    book.owns("rings", json!({"a": {"dropped": 0}}), now).unwrap();
    assert_eq!(written(&mut book)["rings"], json!({"a": {"dropped": 0}}));
}

#[test]
fn a_guest_changes_neither_the_age_of_what_is_measured_nor_what_was_taken_out_of_it() {
    let mut book = book();
    let now = Instant::now();
    book.measured("metadata", Ok(json!({"env": {"session": "x"}})), now).unwrap();
    book.measured("cache", Ok(json!({"dir": "/home/ada/.cache"})), now).unwrap();
    let later = now + Duration::from_secs(5);
    for patch in [json!({"metadata": null, "cache": null}), json!({"metadata": {"env": {"process_id": 1}}})] {
        book.patch(patch, later).unwrap();
        let moment = Moment { now: later, ..moment() };
        let said = book.at(moment, Ok(Process::default()));
        assert_eq!(said.ages_ms.as_ref().unwrap()["metadata"], 5_000);
        assert_eq!(said.redacted.as_ref().unwrap()["cache.dir"], "home");
    }
}

#[test]
fn what_is_said_is_bounded_in_depth_in_length_and_in_what_is_taken_out_of_it() {
    let mut book = book();
    let now = Instant::now();
    book.register_worker("w", Duration::ZERO, now).unwrap();
    let mut deep = json!({});
    for _ in 0..=LEVELS {
        deep = json!({ "a": deep });
    }
    book.update_worker("w", deep.clone(), now).unwrap_err();
    book.patch(deep, now).unwrap_err();
    // Places with long names, and many of them.
    let long = "k".repeat(20_000);
    book.patch(json!({ long: vec!["password=a"; 500] }), now).unwrap();
    let many: Map<_, _> = (0..5_000).map(|n| (format!("k{n}"), json!("password=a"))).collect();
    book.patch(Value::Object(many), now).unwrap();
    let json = book.remember(moment(), Ok(Process::default()));
    assert!(json.len() < (256 << 10) + (64 << 10), "{}", json.len());
    let said: Value = serde_json::from_str(&json).unwrap();
    assert!(said["redacted"]["*"].as_str().unwrap().ends_with(" more"), "{}", said["redacted"]);
    // Those of what nobody knows are no sections.
    assert_eq!(said["ages_ms"].as_object().unwrap().len(), 2);
    // What shrinks is taken, whatever there is.
    book.max_bytes = 100;
    book.patch(json!({"goal": "x".repeat(50)}), now).unwrap_err();
    book.patch(json!({"k1": null}), now).unwrap();
}

#[test]
fn the_start_of_the_process_is_the_same_in_each_snapshot_and_unknown_once_it_has_ended() {
    let mut book = book();
    book.measured("metadata", Ok(json!({"env": {"session": "x"}})), Instant::now()).unwrap();
    for micros in (0..5_000_000).step_by(123_457) {
        let moment = Moment {
            unix: Duration::from_secs(9) + Duration::from_micros(micros),
            started: Some(Duration::from_micros(1_000_900)),
            ..moment()
        };
        let said = book.at(moment, Ok(Process::default())).clone();
        let uptime = said.metadata.unwrap().env.unwrap().uptime_ms.unwrap();
        assert_eq!(said.captured_at_ms.unwrap() - uptime, 1_000);
    }
    let said = book.at(moment(), Err("it has ended".to_owned())).clone();
    assert_eq!(said.metadata.unwrap().env.unwrap().uptime_ms, None);
}

#[test]
fn secrets_in_names_and_arguments_are_taken_out_too() {
    let mut book = book();
    let now = Instant::now();
    let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    book.register_worker(token, Duration::ZERO, now).unwrap();
    book.update_worker(token, json!({"state": "idle"}), now).unwrap();
    book.patch(json!({"/home/ada/x": 1, "arguments": ["node", "--token", "abc", "--verbose"], "env": [{"name": "API_TOKEN", "value": "abc"}]}), now).unwrap();
    for _ in 0..3 {
        book.log_api_usage("/home/ada/x", now).unwrap();
    }
    // A worker may be called like a secret.
    book.register_worker("refresh-token", Duration::ZERO, now).unwrap();
    let said = written(&mut book);
    let text = said.to_string();
    assert!(!text.contains(token) && !text.contains("/home/ada") && !text.contains("abc\""), "{text}");
    assert_eq!(said["worker_threads"]["registry"]["[token]"]["state"], "idle");
    assert_eq!(said["native"]["apis"], json!(["~/x"]));
    assert_eq!(said["arguments"], json!(["node", "--token", "[secret]", "--verbose"]));
}

#[test]
fn what_was_taken_out_is_counted_as_it_is_now() {
    let mut book = book();
    let now = Instant::now();
    let big: Vec<_> = (0..250).map(|_| json!({"password": "x"})).collect();
    for _ in 0..3 {
        book.patch(json!({ "big": big }), now).unwrap();
        assert_eq!(written(&mut book)["redacted"]["*"], "50 more");
    }
    // Those that are left are named, as there is room for them now.
    book.patch(json!({ "big": big[..201] }), now).unwrap();
    assert_eq!(written(&mut book)["redacted"]["*"], "1 more");
    book.patch(json!({"other": "password=x", "big": big[..199]}), now).unwrap();
    let said = written(&mut book);
    assert_eq!(
        (said["redacted"].as_object().unwrap().len(), &said["redacted"]["other"]),
        (200, &json!("secret"))
    );
    book.patch(json!({"big": null}), now).unwrap();
    assert_eq!(written(&mut book)["redacted"], json!({"other": "secret"}));
    // A place whose path is long is counted too, for as long as it is there.
    let long = "k".repeat(300);
    book.patch(json!({ long.as_str(): "password=x", "other": null }), now).unwrap();
    assert_eq!(written(&mut book)["redacted"], json!({"*": "1 more"}));
    book.patch(json!({ long.as_str(): "fine" }), now).unwrap();
    assert!(written(&mut book).get("redacted").is_none());
}

#[test]
fn what_was_measured_anew_or_could_not_be_leaves_nothing_taken_out() {
    let mut book = book();
    let now = Instant::now();
    book.measured("cache", Ok(json!({"dir": "/home/ada/.cache", "notes": ["/home/ada"]})), now).unwrap();
    assert_eq!(written(&mut book)["redacted"], json!({"cache.dir": "home", "cache.notes[0]": "home"}));
    book.measured("cache", Ok(json!({"dir": "/srv/cache"})), now).unwrap();
    assert!(written(&mut book).get("redacted").is_none());
    book.measured("cache", Ok(json!({"dir": "/home/ada/.cache"})), now).unwrap();
    book.measured("cache", Err("it is gone".to_owned()), now).unwrap();
    assert!(written(&mut book).get("redacted").is_none());
}

#[test]
fn interfaces_are_noted_also_after_a_patch_of_their_list() {
    let mut book = book();
    let now = Instant::now();
    for name in ["a", "b"] {
        book.log_api_usage(name, now).unwrap();
    }
    book.patch(json!({"native": {"apis": ["only"]}}), now).unwrap();
    book.log_api_usage("a", now).unwrap();
    assert_eq!(written(&mut book)["native"]["apis"], json!(["only", "a"]));
    book.patch(json!({"native": null}), now).unwrap();
    book.log_api_usage("a", now).unwrap();
    assert_eq!(written(&mut book)["native"]["apis"], json!(["a"]));
    // What is refused for want of room is not remembered, and what is known is fine.
    for number in 1..APIS {
        book.apis.insert(format!("api_{number}"));
    }
    let all: Vec<String> = (0..APIS).map(|number| format!("api_{number}")).collect();
    book.patch(json!({"native": {"apis": all}}), now).unwrap();
    assert!(book.log_api_usage("more", now).is_err());
    book.log_api_usage("api_7", now).unwrap();
    assert_eq!(book.apis.len(), APIS);
}

#[test]
fn a_program_measures_sections_and_none_of_the_trackers_own() {
    let mut book = book();
    let now = Instant::now();
    for own in [
        "seq",
        "process",
        "schema",
        "bogus",
        "metadata",
        "metadata.env.session",
        "git",
        "git.head",
        "",
        "hub.",
    ] {
        let error = book.owns(own, json!({}), now).unwrap_err();
        assert!(matches!(error, TrackerError::NoSection { .. }), "{own}");
        let said = error.to_string();
        assert!(said.contains("hub") && !said.contains("seq,") && !said.contains("git,"), "{said}");
    }
    for (free, value) in
        [("cache.hits", json!(1)), ("hub", json!({})), ("metadata.platform.useragent", json!("x"))]
    {
        book.owns(free, value, now).unwrap();
    }
}

fn seen(value: Value) -> Seen {
    value.as_object().unwrap().clone()
}

#[test]
fn what_is_watched_is_over_what_is_said_until_it_has_gone() {
    let mut book = book();
    let now = Instant::now();
    book.patch(json!({"rings": {"jobs": {"dropped": 9, "mine": 1}, "own": {"dropped": 1}}}), now).unwrap();
    book.register_worker("w_own", Duration::ZERO, now).unwrap();
    let workers = json!({"pool": {"active": 1}, "registry": {"w_0001": {"state": "idle"}}});
    book.watch(seen(json!({"rings": {"jobs": {"dropped": 2}}, "worker_threads": workers})), now).unwrap();
    let said = written(&mut book);
    assert_eq!(said["rings"]["jobs"]["dropped"], 2);
    assert_eq!(said["rings"]["own"]["dropped"], 1);
    assert_eq!(said["worker_threads"]["registry"].as_object().unwrap().len(), 2);
    let refused = book.patch(
        json!({
            "rings": {"jobs": {"dropped": 5}, "own": {"dropped": 3}},
            "worker_threads": {"pool": {"active": 7}, "registry": {"w_own": {"state": "idle"}}},
        }),
        now,
    );
    assert_eq!(refused.unwrap(), ["rings.jobs", "worker_threads.pool"]);
    assert!(matches!(
        book.update_worker("w_0001", json!({"errors": 5}), now),
        Err(TrackerError::Measured(_))
    ));
    let said = written(&mut book);
    assert_eq!((&said["rings"]["jobs"]["dropped"], &said["rings"]["own"]["dropped"]), (&json!(2), &json!(3)));
    assert_eq!(
        (&said["worker_threads"]["pool"]["active"], said["ages_ms"].get("rings").is_some()),
        (&json!(1), true)
    );
    book.watch(Seen::new(), now).unwrap();
    let said = written(&mut book);
    assert_eq!(said["rings"]["jobs"], json!({"dropped": 9, "mine": 1}));
    assert!(
        said["worker_threads"].get("pool").is_none()
            && said["worker_threads"]["registry"]["w_own"]["state"] == "idle"
    );
    book.patch(json!({"rings": {"jobs": {"dropped": 5}}}), now).unwrap();
    assert_eq!(written(&mut book)["rings"]["jobs"]["dropped"], 5);
}

#[test]
fn secrets_of_what_is_watched_are_taken_out_and_said_as_long_as_it_is_there() {
    let mut book = book();
    let now = Instant::now();
    let workers = json!({"registry": {"w_0001": {"last_error": "no /home/ada/x"}}});
    book.watch(seen(json!({"worker_threads": workers})), now).unwrap();
    let said = written(&mut book);
    assert_eq!(said["worker_threads"]["registry"]["w_0001"]["last_error"], "no ~/x");
    assert_eq!(said["redacted"], json!({"worker_threads.registry.w_0001.last_error": "home"}));
    book.watch(Seen::new(), now).unwrap();
    let said = written(&mut book);
    assert!(
        said.get("worker_threads").is_none()
            && said.get("redacted").is_none()
            && said["ages_ms"] == json!({"process": 0})
    );
}

#[test]
fn a_guests_reasons_stand_beside_the_hosts_and_each_section_has_an_age() {
    let mut book = book();
    let now = Instant::now();
    book.measured("git", Err("no repository".to_owned()), now).unwrap();
    let patch =
        json!({"python": {"version": "3"}, "unavailable": {"python.event_loop": "no loop", "git": "mine"}});
    assert_eq!(book.patch(patch, now).unwrap(), ["unavailable.git"]);
    let said = written(&mut book);
    assert_eq!(said["unavailable"], json!({"git": "no repository", "python.event_loop": "no loop"}));
    assert!(said["ages_ms"].get("unavailable").is_none() && said["ages_ms"].get("python").is_some());
    book.patch(json!({"unavailable": {"python.event_loop": null}}), now).unwrap();
    assert_eq!(written(&mut book)["unavailable"], json!({"git": "no repository"}));
    assert!(book.patch(json!({"unavailable": {"python.gc": 5}}), now).is_err());
}
