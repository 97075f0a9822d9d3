//! Reports of real programs.

use crate::bench::{Bench, Ran};
use crate::sarif::is_sarif;
use crate::schema::is_a_report;
use serde_json::Value;
use std::env;
use std::fs;
use std::path::PathBuf;

/// An example beside the tests in cargo's target folder.
fn built(name: &str) -> PathBuf {
    let binary = env::current_exe().expect("a test knows its binary");
    let folder = binary.ancestors().nth(2).expect("tests lie in the target folder's `deps`");
    let path = folder.join("examples").join(name);
    assert!(path.is_file(), "{} is not built: run `cargo test --workspace`, which builds it", path.display());
    path
}

#[test]
fn reports_of_the_examples_fit_their_schemas() {
    let bench = Bench::new();
    for (example, rule) in [
        ("blocking_sleep", Some("blocking-poll")),
        ("detached_panic", Some("detached-panic")),
        ("task_leak", Some("task-leak")),
        ("healthy", None),
    ] {
        let program = built(example).display().to_string();
        let mut command = bench.command(&["-o", "r.json", "-o", "r.sarif", "--", &program]);
        let ran = Ran(command.output().expect("the binary runs"));
        let document = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(bench.path(name)).expect("a file")).expect("JSON")
        };
        is_a_report(&document("r.json"));
        let sarif = document("r.sarif");
        is_sarif(&sarif);
        if let Some(rule) = rule {
            let results = sarif["runs"][0]["results"].as_array().expect("results");
            let result = results.iter().find(|result| result["ruleId"] == rule);
            let result = result.unwrap_or_else(|| panic!("{example}: {}\n{}", ran.out(), ran.err()));
            let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            assert!(place.as_str().is_some_and(|uri| uri.ends_with(&format!("{example}.rs"))), "{place}");
        }
    }
}
