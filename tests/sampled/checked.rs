//! The examples, built without tokio's task hooks, under the built `stallscope check`.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output};

/// What lies in a folder of cargo's: the one that these tests are built into, or with `up` another above it.
fn built(name: &str, up: &str, by: &str) -> PathBuf {
    let binary = env::current_exe().expect("a test knows its binary");
    let folder = binary.ancestors().nth(2).expect("tests lie in the target folder's `deps`");
    let path = folder.join(up).join(name);
    assert!(path.is_file(), "{} is not built: run `{by}`, as .ci/run does", path.display());
    path
}

fn check(example: &str) -> (Option<i32>, String) {
    // The command itself is the usual build's, `target/debug` to this one's `target/without-hooks/debug`.
    let stallscope = built("stallscope", "../../debug", "cargo build --workspace");
    let example = format!("examples/{example}");
    let example = built(&example, "", "RUSTFLAGS= cargo build --examples --target-dir target/without-hooks");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(stallscope);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE")) {
        command.env_remove(name);
    }
    command.env("TMPDIR", folder.path()).env("XDG_RUNTIME_DIR", folder.path());
    let Output { status, stdout, stderr } = command.args(["check", "--"]).arg(example).output().unwrap();
    (status.code(), [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat())
}

#[test]
fn a_healthy_program_passes_and_is_said_to_be_sampled() {
    let (code, text) = check("healthy");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("tier sampled") && text.contains("--cfg tokio_unstable"), "{text}");
}

#[test]
fn a_blocking_call_breaches() {
    let (code, text) = check("blocking_sleep");
    assert_eq!(code, Some(99), "{text}");
    assert!(text.contains("[error blocking-poll]") && text.contains("clock_nanosleep"), "{text}");
}

#[test]
fn a_computation_is_told_as_probable_and_does_not_breach() {
    let (code, text) = check("cpu_bound_poll");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("probably blocked") && text.contains("[warning blocking-poll]"), "{text}");
    assert!(text.contains("only probable, and no breach"), "{text}");
}
