//! What the models of the recorder's protocols see of it: an atomic of the standard library's would be none of theirs.

use super::sources::{path, sources_in};
use std::fs;

/// Files whose atomics only count, or are the unit tests': no protocol of a cell's goes through them.
const BESIDE: [&str; 3] = ["sync.rs", "threads.rs", "tests.rs"];

/// Lines that name an atomic of the standard library's, which orderings are not.
fn atomics(source: &str) -> Vec<&str> {
    let names = |line: &&str| {
        line.contains("std::sync::atomic") && (line.contains("Atomic") || line.contains("fence"))
    };
    source.lines().take_while(|line| *line != "mod tests {").filter(names).collect()
}

#[test]
fn the_cells_atomics_are_those_that_the_models_replace() {
    let sources = sources_in(&path("instrument/src/recorder"));
    assert!(sources.len() > BESIDE.len());
    for source in sources.iter().filter(|source| !BESIDE.iter().any(|name| source.ends_with(name))) {
        let text = fs::read_to_string(source).expect("it can be read");
        assert_eq!(atomics(&text), [""; 0], "{}: take it from recorder::sync", source.display());
    }
    assert_eq!(atomics("use std::sync::atomic::{AtomicU64, Ordering};").len(), 1);
    assert_eq!(atomics("use std::sync::atomic::fence;").len(), 1);
    assert_eq!(atomics("use std::sync::atomic::Ordering::Relaxed;").len(), 0);
}
