//! What the environment says.

use crate::harness::run_with;

#[test]
fn warn_says_what_is_found_and_fails_nothing() {
    let ran = run_with("blocking::", &[("STALLSCOPE_TEST", "warn")]);
    let text = ran.passed("blocking::in_a_task_of_one_thread");
    let named = "stallscope: samples::blocking::in_a_task_of_one_thread: blocked for ";
    assert!(text.contains(named) && text.contains("limit 20ms"), "{text}");
}

#[test]
fn a_word_that_is_not_known_is_told() {
    let ran = run_with("blocking::aside", &[("STALLSCOPE_TEST", "wran")]);
    let (_, message) = ran.panic("blocking::aside");
    assert!(message.starts_with("cannot read STALLSCOPE_TEST: wran is not known"), "{message}");
}

#[test]
fn off_watches_nothing() {
    let ran = run_with("blocking::", &[("STALLSCOPE", "off")]);
    assert_eq!(ran.passed("blocking::in_its_own_future"), "");
    assert!(!ran.text.contains("blocked for") && !ran.text.contains("panicked"), "{}", ran.text);
}

#[test]
fn a_test_that_cannot_be_watched_does_not_pass() {
    let ran = run_with("blocking::aside", &[("STALLSCOPE_THRESHOLD", "soon")]);
    let (_, message) = ran.panic("blocking::aside");
    assert!(
        message.starts_with("the test's limits were not checked: cannot read STALLSCOPE_THRESHOLD"),
        "{message}"
    );
}

#[test]
fn neither_grace_nor_a_threshold_from_outside_hides_a_stall() {
    let settings = [("STALLSCOPE_GRACE", "10s"), ("STALLSCOPE_THRESHOLD", "1s")];
    let ran = run_with("blocking::at_once_and_not_for_long", &settings);
    let (_, message) = ran.panic("blocking::at_once_and_not_for_long");
    assert!(message.starts_with("blocked for "), "{message}");
}
