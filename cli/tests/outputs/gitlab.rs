//! What is written where GitLab runs it.

use crate::bench::{Bench, Ran, healthy};
use crate::story::{blocked_in, repository, source};
use serde_json::Value;
use std::fs;

fn on_gitlab(bench: &Bench, arguments: &[&str]) -> Ran {
    let mut command = bench.command(arguments);
    command.env("GITLAB_CI", "true").env("CI_PROJECT_DIR", bench.path("checkout"));
    Ran(command.output().expect("the binary runs"))
}

fn issues(bench: &Bench) -> Value {
    let file = fs::read(bench.path("checkout/stallscope-codequality.json")).expect("a report");
    serde_json::from_slice(&file).expect("JSON")
}

#[test]
fn its_two_reports_are_written_and_name_the_line() {
    let bench = repository();
    let log = blocked_in(&bench, &[42, 44]);
    let bench = bench.log("log", &log);
    fs::create_dir(bench.path("checkout")).expect("a folder");
    let ran = on_gitlab(&bench, &["--log", "log"]).exits(99);
    assert!(!ran.err().contains("::error"), "{}", ran.err());
    let first = issues(&bench);
    for issue in first.as_array().expect("a list") {
        for name in ["description", "check_name", "fingerprint"] {
            assert!(issue[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {issue}");
        }
    }
    assert_eq!(first[0]["check_name"], "blocking-poll");
    assert_eq!(first[0]["severity"], "major");
    assert_eq!(first[0]["location"]["path"], "shop/src/report.rs");
    assert_eq!(first[0]["location"]["lines"]["begin"], 44);
    assert_ne!(first[0]["fingerprint"], first[1]["fingerprint"]);
    assert!(bench.path("checkout/stallscope-junit.xml").exists());

    // The same lines, further down.
    let log = blocked_in(&bench, &[52, 54]);
    let bench = bench.log("log", &log).file("shop/src/report.rs", source(10).as_bytes());
    on_gitlab(&bench, &["--log", "log"]).exits(99);
    assert_eq!(issues(&bench)[0]["fingerprint"], first[0]["fingerprint"]);
}

#[test]
fn a_healthy_run_has_none_and_a_missing_folder_is_told() {
    let bench = Bench::new().log("log", &healthy());
    let ran = on_gitlab(&bench, &["--log", "log"]).exits(0);
    let ran = ran.says("stallscope: cannot write ").says("checkout/stallscope-junit.xml: there is no folder");
    ran.says("checkout/stallscope-codequality.json: there is no folder");
    fs::create_dir(bench.path("checkout")).expect("a folder");
    assert_eq!(on_gitlab(&bench, &["--log", "log"]).exits(0).err(), "");
    assert_eq!(issues(&bench), Value::Array(Vec::new()));
}
