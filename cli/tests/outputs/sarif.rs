//! Findings for code scanning.

use crate::bench::{Bench, blocked, end, header, healthy, snapshot};
use crate::story::{allowed_in, blocked_in, repository, source};
use serde_json::{Value, json};
use stallscope::analysis::Rule;
use stallscope_wire::{Failure, Line, Phase, Stall};
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("schemas/sarif-2.1.0.json");

#[track_caller]
pub(crate) fn is_sarif(document: &Value) {
    // The pattern of languages closes a bracket that it has not opened. No result is of any language.
    let readable = SCHEMA.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$");
    assert_ne!(readable, SCHEMA);
    let schema: Value = serde_json::from_str(&readable).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<_> = validator
        .iter_errors(document)
        .map(|problem| format!("{}: {problem}", problem.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

fn sarif(bench: &Bench, log: &str, code: i32) -> Value {
    let document = bench.check(&["--format", "sarif", "--log", log]).exits(code).json();
    is_sarif(&document);
    document
}

#[test]
fn it_is_sarif_whatever_was_seen() {
    let dismissed = Line::Stall(Stall {
        phase: Phase::End,
        duration_ns: u64::MAX,
        attributable_ns: u64::MAX,
        ..Stall::default()
    });
    let failure =
        Line::Failure(Failure { spawned_at: "/elsewhere/a b%:.rs:0:0".into(), ..Failure::default() });
    let bench = Bench::new()
        .log("blocked", &blocked())
        .log("healthy", &healthy())
        .log("killed", &[header(), snapshot()])
        .log("odd", &[header(), snapshot(), dismissed, failure, end()]);
    for (log, code, results, successful) in
        [("blocked", 99, 1, true), ("healthy", 0, 0, true), ("killed", 98, 0, false), ("odd", 99, 2, true)]
    {
        let document = sarif(&bench, log, code);
        let run = &document["runs"][0];
        assert_eq!(run["results"].as_array().map(Vec::len), Some(results), "{log}: {run:#}");
        assert_eq!(run["invocations"][0]["executionSuccessful"], successful, "{log}");
    }
}

#[test]
fn each_rule_has_its_name_and_says_what_to_do() {
    let document = sarif(&Bench::new().log("log", &healthy()), "log", 0);
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
    let ids: Vec<_> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids, Rule::ALL.iter().map(Rule::to_string).collect::<Vec<_>>());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[text]["text"].as_str().is_some_and(|text| text.ends_with('.')), "{rule:#}");
        }
    }
}

#[test]
fn a_result_names_its_place_and_how_the_thread_came_there() {
    let bench = repository();
    let log = blocked_in(&bench, &[42]);
    let document = sarif(&bench.log("log", &log), "log", 99);
    let run = &document["runs"][0];
    let result = &run["results"][0];
    let has = |pointer: &str, value: Value| assert_eq!(result.pointer(pointer), Some(&value), "{pointer}");
    has("/ruleId", "blocking-poll".into());
    has("/ruleIndex", 0.into());
    has("/level", "error".into());
    let report = json!({"uri": "shop/src/report.rs", "uriBaseId": "%SRCROOT%"});
    has("/locations/0/physicalLocation/artifactLocation", report.clone());
    has("/locations/0/physicalLocation/region/startLine", 42.into());
    has("/locations/0/logicalLocations/0/fullyQualifiedName", "shop::<[u8; 4] as Render>::go_42".into());
    has("/relatedLocations/0/physicalLocation/artifactLocation", report.clone());
    has("/relatedLocations/0/physicalLocation/region/startLine", 95.into());
    has("/properties/max_ns", 342_000_000.into());
    has("/properties/cause", "syscall clock_nanosleep".into());
    let frames = result["stacks"][0]["frames"].as_array().expect("frames");
    assert_eq!(
        (frames.len(), &frames[0]["module"], &frames[1]["module"]),
        (3, &"std".into(), &"shop".into())
    );
    let uri = &frames[0]["location"]["physicalLocation"]["artifactLocation"];
    assert_eq!(*uri, json!({"uri": "file:///rustc/59807616e1/library/std/src/thread/mod.rs"}));
    let flow = result["codeFlows"][0]["threadFlows"][0]["locations"].as_array().expect("a path");
    let line = |step: &Value| step["location"]["physicalLocation"]["region"]["startLine"].as_u64();
    assert_eq!(flow.iter().filter_map(line).collect::<Vec<_>>(), [90, 42], "outermost first");
    assert_eq!(
        run["originalUriBaseIds"]["%SRCROOT%"]["uri"],
        Value::Null,
        "where it lay is nobody's business"
    );
    let told = run["invocations"][0]["toolExecutionNotifications"].as_array().expect("notifications");
    assert!(
        told.iter().any(|told| told["message"]["text"] == "stall.max < 100ms does not hold: 342ms"),
        "{told:#?}"
    );
}

#[test]
fn fingerprints_stay_when_lines_move_and_differ_when_the_code_does() {
    let prints = |document: &Value| {
        let results = document["runs"][0]["results"].as_array().expect("results").clone();
        results
            .iter()
            .map(|result| result["partialFingerprints"]["stallscope/v1"].clone())
            .collect::<Vec<_>>()
    };
    let bench = repository();
    let log = blocked_in(&bench, &[42, 44]);
    let bench = bench.log("log", &log);
    let before = prints(&sarif(&bench, "log", 99));
    assert!(before.iter().all(Value::is_string) && before[0] != before[1]);

    let log = blocked_in(&bench, &[49, 51]);
    let bench = bench.log("log", &log).file("shop/src/report.rs", source(7).as_bytes());
    assert_eq!(prints(&sarif(&bench, "log", 99)), before);

    let log = blocked_in(&bench, &[60, 61]);
    let bench = bench.log("log", &log);
    assert!(prints(&sarif(&bench, "log", 99)).iter().all(|print| !before.contains(print)));
}

#[test]
fn what_the_code_allows_itself_is_suppressed_and_says_who_does_it() {
    let bench = repository();
    let log = allowed_in(&bench, 42);
    let bench = bench.log("log", &log);
    let result = sarif(&bench, "log", 0)["runs"][0]["results"][0].clone();
    assert_eq!((&result["level"], &result["suppressions"][0]["kind"]), (&"note".into(), &"inSource".into()));
    let why = &result["suppressions"][0]["justification"];
    assert!(
        why.as_str().is_some_and(|why| why.starts_with("reads its config once (src/report.rs:41")),
        "{why}"
    );

    bench.check(&["-o", "junit.xml", "-o", "codequality.json", "--ci", "github", "--log", "log"]).exits(0);
    let written = |name: &str| std::fs::read_to_string(bench.path(name)).expect("a file");
    assert!(written("junit.xml").contains("allowed by src/report.rs:41"), "{}", written("junit.xml"));
    let issues = written("codequality.json");
    assert!(
        issues.contains("\"severity\": \"info\"") && issues.contains("allowed, reads its config once"),
        "{issues}"
    );
    let ran = bench.check(&["--format", "github", "--log", "log"]).exits(0);
    assert_eq!(ran.out(), "", "what is allowed is not annotated");
}
