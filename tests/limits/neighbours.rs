//! Tests that run at the same time in one process.

use crate::harness::{place, run};

#[test]
fn what_one_test_does_is_not_held_against_another() {
    let ran = run("neighbours::");
    for name in ["guilty_of_one_thread", "guilty_of_several"] {
        let (_, message) = ran.panic(&format!("neighbours::{name}"));
        assert!(message.contains(&place("mod", "the sleep")), "{message}");
        assert_eq!(message.matches("blocked").count(), 1, "{message}");
    }
    for name in
        ["allowed_of_one_thread", "allowed_of_several", "innocent_of_one_thread", "innocent_of_several"]
    {
        let text = ran.passed(&format!("neighbours::{name}"));
        assert!(!text.contains("blocked"), "{text}");
    }
}
