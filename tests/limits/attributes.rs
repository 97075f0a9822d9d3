//! Beside other attributes, and with what tokio's own takes.

use crate::harness::{place, run};

#[test]
fn cases_values_and_fixtures_are_tests_of_their_own() {
    let ran = run("attributes::");
    ran.passed("attributes::cases::case_1_quick");
    let (_, message) = ran.panic("attributes::cases::case_2_slow");
    assert!(message.contains(&place("attributes", "case")), "{message}");
    ran.passed("attributes::values::long_1_1");
    for name in ["values::long_2_150", "below::case_1"] {
        let (_, message) = ran.panic(&format!("attributes::{name}"));
        assert!(message.starts_with("blocked for "), "{message}");
    }
    ran.passed("attributes::the_runtime_is_as_it_was_asked_for");
}

#[test]
fn a_failure_of_the_tests_own_wins_and_what_was_found_is_said() {
    let ran = run("attributes::");
    let text = ran.passed("attributes::panics_as_it_should_though_it_blocks");
    assert!(text.contains(": blocked for "), "{text}");
    ran.passed("attributes::is_to_be_found");
    let text = ran.failed("attributes::does_not_panic_as_it_should");
    assert!(text.contains("did not panic"), "{text}");
    let text = ran.failed("attributes::returns_an_error_and_blocks");
    assert!(text.contains("its own error") && text.contains(": blocked for "), "{text}");
    assert!(!text.contains("panicked at"), "{text}");
    let (_, message) = ran.panic("attributes::returns_no_error_and_blocks");
    assert!(message.starts_with("blocked for "), "{message}");
}

#[test]
fn time_that_is_paused_makes_no_figure_wrong() {
    let ran = run("attributes::");
    let text = ran.passed("attributes::time_that_is_paused_is_no_wait");
    assert!(!text.contains("waited"), "{text}");
    let (_, message) = ran.panic("attributes::a_task_lives_on_though_time_is_paused");
    assert!(message.starts_with("1 task lives on after the end, limit 0:"), "{message}");
    assert_eq!(message.contains(&place("attributes", "paused")), cfg!(tokio_unstable), "{message}");
}
