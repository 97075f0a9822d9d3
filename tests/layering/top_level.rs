//! What the top level holds: a reader sees the product's parts there, and nothing else.

use std::collections::BTreeSet;
use std::fs;

const PARTS: [&str; 6] = ["cli", "corpus", "examples", "instrument", "src", "tests"];
const DOCUMENTS: [&str; 6] =
    ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
const SETTINGS: [&str; 8] =
    [".cargo", ".ci", ".config", ".gitignore", "Cargo.lock", "Cargo.toml", "deny.toml", "rustfmt.toml"];

#[test]
fn the_top_level_holds_the_parts_and_nothing_else() {
    let expected: BTreeSet<String> =
        [&PARTS[..], &DOCUMENTS, &SETTINGS].concat().into_iter().map(str::to_owned).collect();
    let entries = fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the workspace's folder");
    let found: BTreeSet<String> = entries
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:?} are missing");
    // Editors and git keep hidden things of their own here, and cargo its target folder.
    let foreign: Vec<_> =
        found.difference(&expected).filter(|name| !name.starts_with('.') && *name != "target").collect();
    assert!(foreign.is_empty(), "{foreign:?} have no place here");
}
