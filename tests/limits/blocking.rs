//! What blocks fails its test, with line, cause, stack and limit.

use crate::harness::{place, run, run_with};
use std::fs;

#[test]
fn a_test_that_blocks_is_told_where_why_and_by_how_much() {
    let ran = run("blocking::");
    let own = place("blocking", "own future");
    let (at, message) = ran.panic("blocking::in_its_own_future");
    let named =
        place("blocking", "named here").rsplit_once(':').map(|(_, line)| line.parse::<u32>().unwrap());
    assert!(at.starts_with(&format!("tests/limits/samples/blocking.rs:{}:", named.unwrap() - 1)), "{at}");
    let first = message.lines().next().unwrap();
    assert!(first.starts_with("blocked for ") && first.ends_with(", limit 20ms"), "{message}");
    assert!(first.contains(&format!(" at {own} (syscall clock_nanosleep)")), "{message}");
    assert!(message.contains(&format!("\n  → {own}")), "the stack is told:\n{message}");
    assert!(!message.contains("stallscope_instrument"), "and not the part of it that is ours:\n{message}");
    assert!(message.contains("\n  help: "), "{message}");

    let (_, message) = ran.panic("blocking::at_once_and_not_for_long");
    assert!(message.starts_with("blocked for ") && message.contains(", limit 20ms"), "{message}");
    let (_, message) = ran.panic("blocking::by_computing");
    assert!(message.contains(&place("blocking", "computes")), "{message}");
    assert!(ran.panic("blocking::by_computing").1.contains("(cpu), limit 20ms"));
    for sample in ["in_a_task_of_several_workers", "in_a_task_of_one_thread"] {
        let (_, message) = ran.panic(&format!("blocking::{sample}"));
        let sleep = place("mod", "the sleep");
        assert!(message.lines().next().unwrap().contains(&format!(" at {sleep} (syscall")), "{message}");
        let spawned = "in task ";
        assert_eq!(message.contains(spawned), cfg!(tokio_unstable), "{message}");
    }
}

#[test]
fn what_makes_others_wait_is_told_as_lag() {
    let ran = run("blocking::so_that_others_wait");
    let (_, message) = ran.panic("blocking::so_that_others_wait");
    let first = message.lines().next().unwrap();
    let behind = format!(" behind {} (syscall clock_nanosleep), limit 30ms", place("blocking", "lags"));
    assert!(first.starts_with("new work waited ") && first.ends_with(&behind), "{message}");
}

#[test]
fn what_blocks_nobody_or_no_longer_than_it_may_passes() {
    let ran = run("blocking::");
    for sample in [
        "aside",
        "where_it_may",
        "as_long_as_it_is_allowed",
        "longer_than_usual",
        "as_the_code_allows_itself",
        "shorter_than_the_usual_limit",
    ] {
        let text = ran.passed(&format!("blocking::{sample}"));
        assert!(!text.contains("blocked"), "{text}");
    }
}

#[test]
fn a_log_has_what_others_may_allow_less_of() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log.jsonl");
    let ran =
        run_with("blocking::longer_than_usual", &[("STALLSCOPE_LOG", log.to_str().expect("a plain name"))]);
    ran.passed("blocking::longer_than_usual");
    let log = fs::read_to_string(log).expect("it is written");
    assert!(log.contains("\"threshold_ns\":100000000,") && log.contains("\"kind\":\"stall\""), "{log}");
}
