//! Beside four times as many computing processes as there are processors.

use crate::harness::{place, run};
use crate::hogs::beside_hogs;

#[test]
fn who_only_waits_for_a_processor_does_not_fail() {
    let ran = beside_hogs(|| run("innocent::"));
    for name in ["on_one_thread", "on_two_workers", "that_is_over_at_once"] {
        let text = ran.passed(&format!("innocent::{name}"));
        assert!(!text.contains("blocked for"), "{text}");
    }
}

#[test]
fn who_blocks_fails_all_the_same() {
    let ran = beside_hogs(|| run("neighbours::guilty"));
    for name in ["guilty_of_one_thread", "guilty_of_several"] {
        let (_, message) = ran.panic(&format!("neighbours::{name}"));
        assert!(message.contains(&place("mod", "the sleep")), "{message}");
    }
}
