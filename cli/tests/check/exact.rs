//! `--exact`, with a cargo that tells what it was given.

use crate::bench::{Bench, Ran, healthy};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Tells its arguments and its environment, as far as they say what is built and where, and leaves a log.
const CARGO: &str = r#"#!/bin/sh
case " $* " in
*" metadata "*)
    echo "asked $*" >&2
    echo "{\"target_directory\":\"${CARGO_TARGET_DIR:-/w/target}\",\"build_directory\":\"${BUILD:-${CARGO_TARGET_DIR:-/w/target}}\"}"
    exit ;;
esac
echo "ran $*"
env | grep -E '^(CARGO_.*(FLAGS|DIR)|RUST.*FLAGS)=' | sort
cp good "$STALLSCOPE_LOG/7-1.jsonl"
"#;

/// A working folder with this cargo, and with this configuration for it.
fn bench(config: &str) -> Bench {
    let bench = Bench::new().file("cargo", CARGO.as_bytes()).log("good", &healthy());
    fs::set_permissions(bench.path("cargo"), Permissions::from_mode(0o755)).expect("it is ours");
    fs::create_dir(bench.path(".cargo")).expect("it is made");
    bench.file(".cargo/config.toml", config.as_bytes())
}

fn check(bench: &Bench, variables: &[(&str, &str)], command: &[&str]) -> Ran {
    let mut check = bench.command(&[&["--exact", "--"], command].concat());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") || name.ends_with("FLAGS") {
            check.env_remove(name);
        }
    }
    check.env("CARGO_HOME", bench.path("home")).envs(variables.iter().copied());
    Ran(check.output().expect("the binary runs"))
}

#[test]
fn the_build_has_the_hooks_and_a_folder_of_its_own() {
    let bench = bench("build.rustflags = ['-O']");
    let ran = check(&bench, &[], &["./cargo", "test", "name", "--", "--nocapture"]).exits(0);
    assert!(
        ran.out().starts_with(
            "ran test name -- --nocapture\nCARGO_BUILD_RUSTDOCFLAGS=--cfg tokio_unstable\n\
             CARGO_BUILD_RUSTFLAGS=--cfg tokio_unstable\nCARGO_TARGET_DIR=/w/target/stallscope\n"
        ),
        "{}",
        ran.out()
    );
    ran.says("note: --exact: built in /w/target/stallscope with --cfg tokio_unstable, added to CARGO_BUILD_RUSTFLAGS");
}

#[test]
fn the_user_s_own_flags_stay() {
    let bench = bench("");
    let ran = check(&bench, &[("RUSTFLAGS", "-C debuginfo=1")], &["./cargo", "+beta", "run"]).exits(0);
    ran.says("ran +beta run\n").says("RUSTFLAGS=-C debuginfo=1 --cfg tokio_unstable\n");
    let encoded = [("CARGO_ENCODED_RUSTFLAGS", "-C\x1fdebuginfo=1")];
    check(&bench, &encoded, &["./cargo", "run"])
        .says("CARGO_ENCODED_RUSTFLAGS=-C\x1fdebuginfo=1\x1f--cfg\x1ftokio_unstable\n");
    let variable = [("CARGO_BUILD_RUSTFLAGS", "-O")];
    check(&bench, &variable, &["./cargo", "run"]).says("CARGO_BUILD_RUSTFLAGS=-O --cfg tokio_unstable\n");
}

#[test]
fn flags_of_the_target_are_added_to_where_they_hold() {
    let bench =
        bench("[target.'cfg(target_os = \"linux\")']\nrustflags = ['-O']\n[build]\nrustflags = ['-g']");
    let ran = check(&bench, &[], &["./cargo", "build", "--target", "x86_64-unknown-linux-gnu"]).exits(0);
    let ran = ran.says("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=--cfg tokio_unstable\n");
    assert!(!ran.out().contains("CARGO_BUILD_RUSTFLAGS"), "{}", ran.out());
    let ran = check(&bench, &[], &["./cargo", "build", "--target", "x86_64-pc-windows-gnu"]).exits(0);
    ran.says("CARGO_BUILD_RUSTFLAGS=--cfg tokio_unstable\n");
    let given = [
        "./cargo",
        "--config",
        "target.x86_64-pc-windows-gnu.rustflags='-O'",
        "b",
        "--target=x86_64-pc-windows-gnu",
    ];
    check(&bench, &[], &given).says("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS=--cfg tokio_unstable\n");
}

#[test]
fn what_has_the_hooks_is_left_as_it_is() {
    let bench = bench("build.rustflags = ['--cfg', 'tokio_unstable']");
    let ran = check(&bench, &[], &["./cargo", "test"]).exits(0);
    let ran = ran.says("note: --exact: what is built has --cfg tokio_unstable already");
    assert!(ran.out().starts_with("ran test\n✓"), "{}", ran.out());
}

#[test]
fn a_folder_that_is_given_is_the_one_above() {
    let bench = bench("");
    let ran = check(&bench, &[("CARGO_TARGET_DIR", "/t")], &["./cargo", "test"]).exits(0);
    ran.says("CARGO_TARGET_DIR=/t/stallscope\n");
    let given = ["./cargo", "nextest", "run", "--target-dir", "/u", "--manifest-path", "a/Cargo.toml"];
    let ran = check(&bench, &[("CARGO_TARGET_DIR", "/t")], &given).exits(0);
    ran.says("ran nextest run --target-dir /u/stallscope --manifest-path a/Cargo.toml\n")
        .says("CARGO_TARGET_DIR=/u/stallscope\n");
    let ran = check(&bench, &[("BUILD", "/b")], &["./cargo", "test"]).exits(0);
    ran.says("CARGO_BUILD_BUILD_DIR=/b/stallscope\n").says("CARGO_TARGET_DIR=/w/target/stallscope\n");
}

#[test]
fn another_command_is_refused() {
    let bench = bench("");
    let refused = check(&bench, &[], &["touch", "ran"]).exits(2);
    refused.says("--exact is for commands of cargo").says("touch is none");
    assert!(!bench.path("ran").exists(), "the command was run all the same");
    bench.check(&["--exact", "--log", "good"]).exits(2).says("--exact");
}

#[test]
fn a_cargo_that_does_not_answer_is_told() {
    let bench = bench("").file("cargo", b"#!/bin/sh\necho 'no manifest' >&2; exit 101\n");
    let ran = check(&bench, &[], &["./cargo", "test"]).exits(2);
    ran.says("cannot learn where cargo builds: ./cargo says").says("no manifest");
}
