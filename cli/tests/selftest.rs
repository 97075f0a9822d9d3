//! `stallscope selftest` as a user runs it.

use serde_json::Value;
use std::process::Command;

fn selftest(arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stallscope"));
    command.args(["selftest", "--format", "json"]).args(arguments);
    // What is set for the user's own programs is none of the test's.
    command.env("STALLSCOPE", "off").env("STALLSCOPE_THRESHOLD", "5s");
    let output = command.output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}")))
}

fn ways(document: &Value) -> impl Iterator<Item = &Value> {
    document["ways"].as_array().expect("a list").iter()
}

/// The ones of which no busy machine makes something else: each waits in a call or for a lock.
const SURE: [&str; 12] = [
    "std_sleep",
    "file_read",
    "pipe_read",
    "tcp_read",
    "accept",
    "name_lookup",
    "mutex",
    "rwlock",
    "condvar",
    "channel",
    "join",
    "park",
];

#[test]
fn each_way_to_wait_is_caught_at_its_line() {
    for arguments in [&[][..], &["--sampled"]] {
        let (code, document) = selftest(arguments);
        let count = |name: &str| document[name].as_u64().expect("a number");
        let wrong = count("missed") + count("blamed");
        assert_eq!(code, Some(i32::from(wrong > 0)), "{document:#}");
        assert!(ways(&document).filter(|way| way["fate"] == "caught").all(|way| way["seen"].is_object()));
        assert_eq!(
            count("cleared") + count("blamed"),
            1,
            "what blocks nothing is none of the ways: {document:#}"
        );
        assert_eq!(document["places"], "lines", "{document:#}");
        for way in ways(&document) {
            assert_ne!(way["note"], "the trial did not begin", "{way:#}");
            if SURE.iter().any(|sure| way["way"] == *sure) {
                assert_eq!(way["fate"], "caught", "{way:#}");
                assert!(
                    way["told_after_ns"].as_u64() > Some(10_000_000),
                    "it is told when it is too long: {way:#}"
                );
            }
        }
        let unseen = ways(&document).filter(|way| way["fate"] == "unseen").count();
        assert!(
            arguments.is_empty() || unseen >= 2,
            "sampling does not see everything, and says so: {document:#}"
        );
    }
}
