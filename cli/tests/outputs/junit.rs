//! Thresholds as test cases.

use crate::bench::{Bench, blocked, end, header, healthy, snapshot, stall};
use crate::story::{blocked_in, repository};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};
use stallscope_wire::{Cause, Header, Line, Phase};
use std::fs;

fn suite(bench: &Bench, log: &str, options: &[&str], code: i32) -> TestSuite {
    bench.check(&[&["-o", "junit.xml"], options, &["--log", log]].concat()).exits(code);
    let text = fs::read_to_string(bench.path("junit.xml")).expect("a file");
    let report = Report::deserialize_from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let [suite] = &report.test_suites[..] else { panic!("one suite: {text}") };
    assert_eq!((report.tests, suite.tests), (suite.test_cases.len(), suite.test_cases.len()));
    suite.clone()
}

fn case<'a>(suite: &'a TestSuite, name: &str) -> &'a TestCase {
    let case = suite.test_cases.iter().find(|case| case.name.as_str() == name);
    case.unwrap_or_else(|| panic!("no {name} in {suite:#?}"))
}

/// What a case failed with: its kind, type, message and text.
fn failed(case: &TestCase) -> (NonSuccessKind, String, String, String) {
    let TestCaseStatus::NonSuccess { kind, ty, message, description, .. } = &case.status else {
        panic!("{case:#?}")
    };
    let text =
        |text: &Option<XmlString>| text.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default();
    (*kind, text(ty), text(message), text(description))
}

fn passes(case: &TestCase) -> bool {
    matches!(case.status, TestCaseStatus::Success { .. })
}

#[test]
fn a_threshold_that_does_not_hold_fails_with_its_line_and_stack() {
    let bench = repository();
    let log = blocked_in(&bench, &[42]);
    let suite = suite(&bench.log("log", &log), "log", &[], 99);
    assert_eq!((suite.name.as_str(), suite.failures, suite.errors), ("/app", 1, 0));
    let case_of_stalls = case(&suite, "stall.max < 100ms");
    let (kind, ty, message, text) = failed(case_of_stalls);
    assert_eq!((kind, &*ty), (NonSuccessKind::Failure, "breach"));
    assert_eq!(message, "stall.max < 100ms: 342ms at src/report.rs:42");
    assert!(text.contains("→ src/report.rs:42           shop::<[u8; 4] as Render>::go_42"), "{text}");
    assert!(text.contains("help: await tokio::time::sleep"), "{text}");
    let extra = |name: &str| case_of_stalls.extra.get(name).map(XmlString::as_str);
    assert_eq!((extra("file"), extra("line")), (Some("shop/src/report.rs"), Some("42")));
    assert!(passes(case(&suite, "never-awaited.count == 0")) && passes(case(&suite, "enough was seen")));
}

#[test]
fn the_line_of_a_case_is_that_of_its_message() {
    let bench = repository();
    let mut log = blocked_in(&bench, &[42, 60]);
    for told in &mut log {
        if let Line::Stall(stall) = told
            && stall.id == 1
        {
            // It is shorter than the other, and others have waited behind it for longer.
            stall.victims.delay_ns = 1_000_000_000;
        }
    }
    let suite = suite(&bench.log("log", &log), "log", &[], 99);
    let case = case(&suite, "stall.max < 100ms");
    let (_, _, message, text) = failed(case);
    assert_eq!(message, "stall.max < 100ms: 360ms at src/report.rs:60");
    assert!(text.find("report.rs:42").unwrap() < text.find("report.rs:60").unwrap(), "{text}");
    assert_eq!(case.extra.get("line").map(XmlString::as_str), Some("60"));
}

#[test]
fn what_cannot_be_told_is_an_error_and_what_only_the_host_did_is_skipped() {
    let host = [header(), snapshot(), stall(Phase::End, 300, Cause::Host), end()];
    let bench =
        Bench::new().log("killed", &[header(), snapshot()]).log("host", &host).log("good", &healthy());
    let killed = suite(&bench, "killed", &[], 98);
    let (kind, ty, message, _) = failed(case(&killed, "enough was seen"));
    assert_eq!((kind, &*ty), (NonSuccessKind::Error, "incomplete"));
    assert!(message.starts_with("process 7 (/app) did not end in order"), "{message}");

    let unmeasured = suite(&bench, "good", &["--fail-on", "handler.p95 < 1s"], 98);
    let (kind, ty, message, _) = failed(case(&unmeasured, "handler.p95 < 1s"));
    assert_eq!((kind, &*ty), (NonSuccessKind::Error, "incomplete"));
    assert!(message.starts_with("handler.p95 < 1s: not measured (no request was seen"), "{message}");

    let host = suite(&bench, "host", &[], 97);
    assert_eq!((host.failures, host.errors, host.skipped), (0, 0, 1));
    let TestCaseStatus::Skipped { message, .. } = &case(&host, "stall.max < 100ms").status else {
        panic!("{host:#?}")
    };
    assert!(
        message.as_ref().is_some_and(|message| message.as_str().contains("300ms with what the host cost"))
    );
}

#[test]
fn what_was_measured_again_tells_each_run() {
    let bench = Bench::new().log("bad", &blocked()).log("good", &healthy());
    let suite_of = |second: &str, code: i32| {
        let script =
            format!("[ -e ran ] && log={second} || log=bad; touch ran; cp $log $STALLSCOPE_LOG/7-1.jsonl");
        bench.check(&["-o", "junit.xml", "--retries", "1", "--", "sh", "-c", &script]).exits(code);
        fs::remove_file(bench.path("ran")).expect("it ran");
        let text = fs::read_to_string(bench.path("junit.xml")).expect("a file");
        Report::deserialize_from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")).test_suites[0]
            .clone()
    };
    let held = suite_of("good", 0);
    let TestCaseStatus::Success { flaky_runs } = &case(&held, "stall.max < 100ms").status else {
        panic!("{held:#?}")
    };
    let messages: Vec<_> =
        flaky_runs.iter().filter_map(|run| run.message.as_ref()).map(XmlString::as_str).collect();
    assert_eq!(messages, ["stall.max < 100ms: 312ms"]);

    let never = suite_of("bad", 99);
    let TestCaseStatus::NonSuccess { reruns, .. } = &case(&never, "stall.max < 100ms").status else {
        panic!("{never:#?}")
    };
    assert_eq!(reruns.runs.len(), 1, "beside the first run");
}

#[test]
fn no_name_breaks_the_document() {
    let evil = "a<b>&\"'\u{1b}[2J]]>\u{0}\u{ffff} c";
    let Line::Header(header) = header() else { unreachable!() };
    let bench = Bench::new().log("log", &[Line::Header(Header { exe: evil.into(), ..header }), snapshot()]);
    let suite = suite(&bench, "log", &[], 98);
    assert!(suite.name.as_str().starts_with("a<b>&\"'"), "{suite:#?}");
}
