//! What a program that is watched has to build for it.

use std::collections::BTreeSet;
use std::process::Command;

/// What `stallscope` with its default features may bring into a program that uses tokio, beside the packages of this
/// workspace. Another one needs a reason, and the README states how many there are.
const BROUGHT: [&str; 21] = [
    "addr2line",
    "arrayvec",
    "byteorder",
    "fallible-iterator",
    "framehop",
    "gimli",
    "hdrhistogram",
    "humantime",
    "itoa",
    "memchr",
    "num-traits",
    "object",
    "once_cell",
    "rustc-demangle",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "tracing",
    "tracing-core",
    "zmij",
];

/// The packages that are built for a package as its users build it on this machine, without itself: not the workspace's
/// union of features, which `cargo metadata` has.
fn built_for(package: &str) -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo is there where this was built");
    let stderr = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "cargo tree --package {package}: {stderr}");
    let names = String::from_utf8(tree.stdout).expect("names are text");
    names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn a_program_that_is_watched_builds_little_besides() {
    let with_tokio = built_for("tokio");
    let brought: BTreeSet<String> = built_for("stallscope")
        .into_iter()
        .filter(|name| !with_tokio.contains(name) && !name.starts_with("stallscope"))
        .collect();
    assert!(brought.contains("framehop") || !cfg!(target_os = "linux"), "nothing was seen: {brought:?}");

    let allowed: BTreeSet<String> = BROUGHT.map(str::to_owned).into();
    let new: Vec<_> = brought.difference(&allowed).collect();
    assert!(new.is_empty(), "new in every program that is watched: {new:?}");
    if cfg!(target_os = "linux") {
        let gone: Vec<_> = allowed.difference(&brought).collect();
        assert!(gone.is_empty(), "no longer needed, to be taken off the list: {gone:?}");
    }
}
