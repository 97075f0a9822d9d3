//! What must hold, as a file and flags say it.

use crate::bench::{Bench, MS, Ran, blocked, end, header, healthy, snapshot, stall};
use stallscope_wire::{Cause, Handler, Handlers, Histogram, Line, Phase, Serving};
use std::fs;

const FILE: &str = r#"
[check]
fail_on = ["stall.max < 500ms", "stall.count < 5"]

[check.route."GET /report"]
fail_on = ["stall.max < 300ms"]

[check.profile.nightly]
extends = "strict"
fail_on = ["lag.p99 < 20ms"]

[check.profile.weekly]
extends = "nightly"
fail_on = ['stall.max < 400ms']

[check.profile.weekly.route."GET /report"]
fail_on = ["stall.max < 350ms"]
"#;

/// Requests to two routes, in one of which a stall of 312 ms lay.
fn served() -> Vec<Line> {
    let latency = Histogram { buckets: vec![(5 * MS, 10)], max_ns: 5 * MS, sum_ns: 50 * MS };
    let handler =
        |route: &str| Handler { route: route.into(), latency: latency.clone(), ..Handler::default() };
    let handlers = vec![handler("GET /"), handler("GET /report")];
    let Line::Stall(mut blocked) = stall(Phase::End, 312, Cause::Syscall) else {
        unreachable!("it is a stall")
    };
    blocked.serving = Some(Serving { route: "GET /report".into(), ..Serving::default() });
    let requests = Line::Handler(Handlers { at_ns: MS, handlers, ..Handlers::default() });
    vec![header(), snapshot(), requests, Line::Stall(blocked), end()]
}

#[test]
fn the_file_in_the_working_folder_holds() {
    let bench = Bench::new().log("log", &blocked()).file("stallscope.toml", FILE.as_bytes());
    bench.check(&["--log", "log"]).exits(0).says("stall.max < 500ms").says("judged by stallscope.toml");
    bench.check(&["--log", "log", "--fail-on", "stall.max < 1ms"]).exits(99).says("takes the place of");
    bench.check(&["--log", "log", "--profile", "default"]).exits(99).says("stall.max < 100ms");
    let strict = bench.check(&["--log", "log", "--profile", "strict"]).exits(99).says("stall.max < 10ms");
    assert!(strict.out().contains("judged by stallscope.toml, profile strict"), "{}", strict.out());
    let named = bench.file("other.toml", b"[check]\nextends = \"strict\"\n");
    named.check(&["--log", "log", "--config", "other.toml"]).exits(99).says("stall.max < 10ms");
}

#[test]
fn a_profile_drops_nothing_of_what_the_file_says_of_other_things() {
    let file = "[check]\nfail_on = [\"stall.max < 50ms\", \"task-leak.count == 0\", \"lag.max < 1s\"]\n\
        [check.route.\"GET /report\"]\nfail_on = [\"stall.max < 300ms\"]\n\
        [check.profile.nightly]\nfail_on = [\"stall.max < 20ms\"]\n";
    let bench = Bench::new().file("stallscope.toml", file.as_bytes());
    let lines = |profile: &str| {
        let printed = bench.check(&["--print-config", "--profile", profile]).exits(0).out();
        let quoted = |line: &str| {
            line.trim().strip_prefix('"').and_then(|line| Some(line.split_once('"')?.0.to_owned()))
        };
        (printed.lines().filter_map(quoted).collect::<Vec<_>>(), printed)
    };
    let (nightly, printed) = lines("nightly");
    assert_eq!(nightly, ["task-leak.count == 0", "lag.max < 1s", "stall.max < 20ms", "stall.max < 300ms"]);
    assert!(printed.contains("the rest of [check] stays"), "{printed}");
    let (strict, printed) = lines("strict");
    assert_eq!(strict, ["task-leak.count == 0", "lag.max < 1s", "stall.max < 300ms"]);
    assert!(printed.contains("#     stall.max < 10ms\n"), "{printed}");
    assert!(!printed.contains("#     task-leak"), "what is asked for is not only assumed: {printed}");
}

#[test]
fn the_file_is_looked_for_up_to_the_root_of_the_repository() {
    let bench = Bench::new().log("log", &blocked()).file("stallscope.toml", FILE.as_bytes());
    fs::create_dir_all(bench.path("repository/crates/app")).expect("folders");
    let write = |name: &str, text: &[u8]| fs::write(bench.path(name), text).expect("it is written");
    let check = |folder: &str| {
        let log = bench.path("log");
        let mut command = bench.command(&["--log", log.to_str().expect("a name")]);
        Ran(command.current_dir(bench.path(folder)).output().expect("the binary runs"))
    };
    assert!(!check("repository/crates/app").exits(99).out().contains("judged by"), "it is beyond any root");
    write("repository/.git", b"");
    assert!(!check("repository/crates/app").exits(99).out().contains("judged by"), "it is beyond the root");
    write("repository/stallscope.toml", FILE.as_bytes());
    check("repository/crates/app").exits(0).says("judged by ../../stallscope.toml");
    write("repository/crates/stallscope.toml", b"[check]\nfail_on = [\"stall.mux < 1s\"]\n");
    check("repository/crates/app").exits(2).says("error: ../stallscope.toml:2:");
}

#[test]
fn the_settings_of_the_readme_hold() {
    let readme = include_str!("../../../README.md");
    let blocks = readme.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
    let settings = blocks.filter(|block| block.starts_with("[check]")).collect::<String>();
    let bench = Bench::new().log("log", &healthy()).file("stallscope.toml", settings.as_bytes());
    bench.check(&["--print-config"]).exits(0).says("src/legacy.rs:42").says("GET /report");
    bench.check(&["--print-config", "--profile", "nightly"]).exits(0).says("stall.max < 10ms");
}

#[test]
fn a_route_has_limits_of_its_own() {
    let bench = Bench::new().log("log", &served()).file("stallscope.toml", FILE.as_bytes());
    let ran = bench.check(&["--log", "log"]).exits(99).says("stall.max{route=\"GET /report\"} < 300ms");
    assert!(ran.out().contains("stall{route=\"GET /report\"} has limits of its own"), "{}", ran.out());
    let weekly = bench.check(&["--log", "log", "--profile", "weekly", "--format", "json"]);
    let thresholds = &weekly.json()["thresholds"];
    let exprs: Vec<_> = thresholds.as_array().expect("a list").iter().map(|line| &line["expr"]).collect();
    assert!(exprs.contains(&&"stall.max{route=\"GET /report\"} < 350ms".into()), "{exprs:?}");
    assert!(!exprs.contains(&&"stall.max{route=\"GET /report\"} < 300ms".into()), "{exprs:?}");
    assert!(!exprs.contains(&&"stall.max < 10ms".into()), "replaced: {exprs:?}");
}

#[test]
fn an_override_for_what_did_not_happen_is_left_out_and_told() {
    let file = "[check.route.\"GET /reprot\"]\nfail_on = [\"stall.max < 1ms\"]\n";
    let bench = Bench::new().log("log", &healthy()).file("stallscope.toml", file.as_bytes());
    bench.check(&["--log", "log"]).exits(0).says("is left out: no request to \"GET /reprot\" was seen");
}

#[test]
fn what_is_wrong_in_the_file_is_named_with_line_column_and_what_was_meant() {
    for (file, place, said) in [
        ("[chek]", "1:2", "unknown table \"chek\"; did you mean \"check\"?"),
        ("[check]\nfail-on = []", "2:1", "unknown setting \"fail-on\"; did you mean \"fail_on\"?"),
        ("[check]\nfail_on = \"stall.max < 1ms\"", "2:11", "this is to be a list of thresholds"),
        ("[check]\nfail_on = []", "2:11", "an empty list would let everything pass"),
        ("[check]\nfail_on = [5]", "2:12", "this is to be a text in quotes"),
        ("[check]\nfail_on = [\n  \"stall.mux < 1ms\",\n]", "3:10", "did you mean \"max\"?"),
        ("[check]\nfail_on = [\"stall{route=\\\"ä\\\"} = 1ms\"]", "2:32", "write <="),
        ("[check]\nextends = \"strcit\"", "2:11", "unknown profile \"strcit\"; did you mean \"strict\"?"),
        ("[check]\nprofile = \"strict\"", "2:11", "write extends = \"strict\""),
        ("[check]\nallow_incomplete = 1", "2:20", "this is to be true or false"),
        ("[check.profile.strict]\nfail_on = [\"lag < 1ms\"]", "1:16", "is built in"),
        ("[check.profile.a]", "1:16", "says nothing"),
        (
            "[check.profile.a]\nextends = \"b\"\n[check.profile.b]\nextends = \"a\"",
            "2:11",
            "extend itself: b → a → b",
        ),
        ("[check.profile.a]\nextend = \"default\"", "2:1", "did you mean \"extends\"?"),
        ("[check.route.\"GET /\"]\nfail-on = []", "2:1", "did you mean \"fail_on\"?"),
        ("[check.route.\"GET /\"]", "1:14", "fail_on is missing"),
        (
            "[check.route.\"GET /\"]\nfail_on = [\"poll.p99 < 1ms\"]",
            "2:12",
            "poll is not known apart by route",
        ),
        ("[check.crate.a]\nfail_on = [\"handler.max < 1ms\"]", "2:12", "handler is not known apart by crate"),
        ("[check.route.a]\nfail_on = ['stall{route=\"b\"} < 1ms']", "2:12", "leave the label out"),
        (
            "[check.crate.a-b]\nfail_on = [\"stall<1s\"]\n[check.crate.a_b]\nfail_on = [\"stall<1s\"]",
            "3:14",
            "twice",
        ),
        ("[check]\nfail_on = [", "2:12", "this is no TOML"),
        ("[check]\n[check]", "2:2", "this is no TOML"),
    ] {
        let bench = Bench::new().log("log", &healthy()).file("stallscope.toml", file.as_bytes());
        let ran = bench.check(&["--log", "log"]).exits(2).says(said);
        let begin = format!("error: stallscope.toml:{place}: ");
        assert!(ran.err().starts_with(&begin), "{file}: {}", ran.err());
    }
}

#[test]
fn a_file_or_profile_that_is_not_there_is_told() {
    let bench = Bench::new().log("log", &healthy()).file("stallscope.toml", FILE.as_bytes());
    bench
        .check(&["--log", "log", "--config", "no.toml"])
        .exits(2)
        .says("cannot read the thresholds in no.toml");
    bench.check(&["--log", "log", "--config", "."]).exits(2).says("cannot read the thresholds in .");
    let told = "--profile: unknown profile \"nigthly\"; did you mean \"nightly\"?";
    bench.check(&["--log", "log", "--profile", "nigthly"]).exits(2).says(told);
    let both = ["--log", "log", "--profile", "strict", "--fail-on", "stall < 1s"];
    bench.check(&both).exits(2).says("cannot be used with");
    let strict = Bench::new().log("log", &blocked());
    strict.check(&["--log", "log", "--profile", "strict"]).exits(99).says("judged by the profile strict");
}

#[test]
fn what_is_printed_says_the_same_when_it_is_read() {
    let bench = Bench::new().log("log", &served()).file("stallscope.toml", FILE.as_bytes());
    let crates = "[check]\nallow_incomplete = true\n[check.crate.\"a \\\"b\\\" 'c' \\u0001\"]\nfail_on = ['stall.max < 1s']\n";
    let bench = bench.file("crates.toml", crates.as_bytes());
    for flags in [
        &[][..],
        &["--profile", "nightly"],
        &["--profile", "weekly"],
        &["--profile", "default"],
        &["--config", "crates.toml"],
        &["--fail-on", "handler.max{route=\"GET /\"} < 1s", "--fail-on", "stall < 1s"],
    ] {
        let printed = bench.check(&[&["--print-config"], flags].concat()).exits(0).out();
        let again = Bench::new().file("stallscope.toml", printed.as_bytes()).log("log", &served());
        let judged = |bench: &Bench, flags: &[&str]| {
            bench.check(&[&["--log", "log", "--format", "json"], flags].concat()).json()["thresholds"].clone()
        };
        assert_eq!(judged(&again, &[]), judged(&bench, flags), "{flags:?}\n{printed}");
        let without_comments = |text: &str| -> Vec<String> {
            let said = text.lines().map(|line| line.split("#").next().unwrap_or_default().trim().to_owned());
            said.filter(|line| !line.is_empty()).collect()
        };
        let reprinted = again.check(&["--print-config"]).exits(0).out();
        assert_eq!(without_comments(&reprinted), without_comments(&printed), "{flags:?}");
    }
    let printed = bench.check(&["--print-config", "--profile", "weekly"]).out();
    for line in [
        "# What holds by stallscope.toml, profile weekly",
        "extends = \"strict\"",
        "    \"lag.p99 < 20ms\",     # stallscope.toml:10:12, profile nightly",
        "    \"stall.max < 400ms\",  # stallscope.toml:14:12, profile weekly",
        "[check.route.\"GET /report\"]",
        "    \"stall.max < 350ms\",  # stallscope.toml:17:12, profile weekly",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}\n{printed}");
    }
    assert!(!printed.contains("stall.max < 10ms"), "{printed}");
}
