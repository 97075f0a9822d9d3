//! The report as a document.

use crate::scenario::{MS, process, task, victims};
use hdrhistogram::serialization::Deserializer;
use stallscope::analysis::{Report, judge, thresholds};
use stallscope_wire::{Cause, Stall};

fn report() -> Report {
    let stall = Stall {
        syscall: Some("clock_nanosleep".into()),
        task: task("src/main.rs:20:5"),
        victims: victims(14, 4100),
        ..crate::scenario::stall("src/report.rs:42", 312, Cause::Syscall)
    };
    let history = process().stall(stall).requests(&[("GET /report", 313)]).ended();
    let judgement = judge(&thresholds::defaults(), &[&history], false);
    Report::new(vec!["app".into()], judgement, &[&history])
}

#[test]
fn has_the_promised_form() {
    let json = serde_json::to_value(report()).expect("plain data");
    let has = |pointer: &str, value: serde_json::Value| {
        assert_eq!(json.pointer(pointer), Some(&value), "{pointer}");
    };
    has("/stallscope", 1.into());
    has("/verdict", "breach".into());
    has("/tier", "exact".into());
    has("/mode", "full".into());
    has("/coverage/complete", true.into());
    has("/command/0", "app".into());
    has("/processes/0/pid", 7.into());
    has("/processes/0/started", "1970-01-01T00:00:00.000Z".into());
    has("/processes/0/complete", true.into());
    has("/thresholds/0/expr", "stall.max < 100ms".into());
    has("/thresholds/0/measured", "312ms".into());
    has("/thresholds/0/measured_ns", (312 * MS).into());
    has("/thresholds/0/ok", false.into());
    has("/thresholds/0/worst", "src/report.rs:42".into());
    has("/lost/events", 0.into());
}

#[test]
fn tells_all_of_a_finding() {
    let json = serde_json::to_value(report()).expect("plain data");
    let finding = &json["findings"][0];
    for (pointer, value) in [
        ("/rule", "\"blocking-poll\""),
        ("/severity", "\"error\""),
        ("/cause", "\"syscall\""),
        ("/syscall", "\"clock_nanosleep\""),
        ("/culprit", r#"{"file":"src/report.rs","function":"app::work","line":42}"#),
        ("/attributable_max_ns", "312000000"),
        ("/ongoing", "false"),
        ("/victims", r#"{"delay_ns":4100000000,"tasks":14}"#),
        ("/task", r#"{"id":3,"name":null,"spawned_at":"src/main.rs:20:5"}"#),
        ("/route", "null"),
        ("/request_id", "null"),
        ("/stack/1/user", "true"),
        ("/stack/1/crate", "null"),
        ("/stack_quality", "\"exact\""),
        ("/first_seen", "\"1970-01-01T00:00:00.000Z\""),
        ("/allowed_by", "null"),
    ] {
        assert_eq!(finding.pointer(pointer).map(ToString::to_string).as_deref(), Some(value), "{pointer}");
    }
}

#[test]
fn histograms_are_read_by_any_hdr_reader() {
    let report = report();
    let latency = decode(&report.histograms.handlers["GET /report"]);
    assert_eq!(latency.len(), 10);
    assert!(latency.equivalent(latency.max(), 313 * MS));
    assert_eq!(decode(report.histograms.poll.as_ref().expect("polls")).len(), 1001);
    assert_eq!(report.histograms.schedule, None);
}

fn decode(text: &str) -> hdrhistogram::Histogram<u64> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    Deserializer::new().deserialize(&mut &bytes[..]).expect("an HdrHistogram")
}

#[test]
fn reads_back_what_it_wrote() {
    let report = report();
    let text = serde_json::to_string(&report).expect("plain data");
    assert_eq!(serde_json::from_str::<Report>(&text).expect("the same form"), report);
}

#[test]
fn is_honest_of_nothing() {
    let report = Report::new(vec!["true".into()], judge(&thresholds::defaults(), &[], false), &[]);
    assert!(!report.coverage.complete);
    assert_eq!(report.histograms.poll, None);
    assert_eq!(report.thresholds[0].ok, None);
}
