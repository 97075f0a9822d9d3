//! `stallscope doctor` as a user runs it: on logs, processes and projects.

#[expect(dead_code, reason = "the tests of check use the rest")]
#[path = "../check/bench.rs"]
mod bench;
mod process;
mod project;

use bench::{Bench, Ran, end, header, healthy, snapshot};
use stallscope_wire::{Gap, Header, Line, Lost, Tier, Versions};

fn doctor(bench: &Bench, arguments: &[&str]) -> Ran {
    Ran(bench.stallscope("doctor", arguments).output().expect("the binary runs"))
}

/// A log of a process that says of itself what this makes of the usual.
fn log_of(change: impl Fn(&mut Header)) -> Bench {
    let Line::Header(mut header) = header() else { unreachable!() };
    change(&mut header);
    Bench::new().log("log", &[Line::Header(header), snapshot(), end()])
}

#[test]
fn a_whole_log_is_well() {
    let ran = doctor(&Bench::new().log("log", &healthy()), &["log"]).exits(0);
    let ran = ran.says("✓ instrument  process 7 (/app) tells of polls from 100ms on");
    ran.says("✓ tier        exact")
        .says("✓ hooks       tokio calls them: 1000 polls so far")
        .says("the log is whole");
}

#[test]
fn each_gap_has_its_cure() {
    let gap = Gap::new("polls of runtime 1: the app has replaced our hook", "install Stallscope last");
    let bench = log_of(|header| header.coverage.add(gap.clone()));
    let ran = doctor(&bench, &["log"]).exits(0).says("! not seen    polls of runtime 1");
    let ran = ran.says("→ install Stallscope last").says("Stallscope works; 1 thing could be better (!)");
    assert!(!ran.out().contains("hooks  "), "{}", ran.out());
    doctor(&log_of(|header| header.tier = Tier::Sampled), &["log"])
        .exits(0)
        .says("! tier")
        .says("→ build with --cfg tokio_unstable")
        .says("stallscope check --exact");
}

#[test]
fn nothing_seen_exits_1() {
    let bench = log_of(|header| header.tier = Tier::None);
    doctor(&bench, &["log"]).exits(1).says("✗ tier").says("keep Stallscope from working (✗)");
}

#[test]
fn versions_that_differ_are_told() {
    let versions = Versions { stallscope: "0.0.7".into(), profile: "release".into() };
    let ran = doctor(&log_of(|header| header.versions = versions.clone()), &["log"]).exits(0);
    let ran = ran.says("! version").says("the program has stallscope 0.0.7 (release build");
    ran.says("→ take both from one checkout").says("cargo install --path cli");
    let later =
        b"{\"stallscope\":1,\"minor\":99,\"kind\":\"header\",\"pid\":7,\"exe\":\"app\",\"tier\":\"exact\"}\n";
    let ran = doctor(&Bench::new().file("log", later), &["log"]).exits(0);
    ran.says("it writes lines of the form 1.99").says("what is new in them is not shown");
}

#[test]
fn what_was_dropped_and_cut_is_told() {
    let lost = Line::Lost(Lost { events: 3, ..Lost::default() });
    let ran = doctor(&Bench::new().log("log", &[header(), snapshot(), lost]), &["log"]).exits(0);
    ran.says("! dropped").says("3 reports: the numbers leave them out").says("! end").says("has no end");
}

#[test]
fn a_document_has_all_of_it() {
    let json = doctor(&Bench::new().log("log", &healthy()), &["log", "--format", "json"]).exits(0).json();
    assert_eq!((&json["works"], &json["target"]), (&true.into(), &"log".into()));
    let items = json["items"].as_array().expect("a list");
    assert!(items.iter().any(|item| item["name"] == "tier" && item["mark"] == "good"), "{json}");
}

#[test]
fn what_is_no_target_exits_2() {
    let bench = Bench::new().file("text", b"hello\n");
    for (target, said) in [
        ("4294967", "no process has the pid 4294967"),
        ("missing", "there is no missing"),
        ("text", "text: this is no Stallscope event log"),
        (".", ". is a folder"),
    ] {
        doctor(&bench, &[target]).exits(2).says(said);
    }
}
