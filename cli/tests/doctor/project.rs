//! The machine, and the cargo project of a folder.

use super::bench::{Bench, Ran};
use std::fs;

const MANIFEST: &str = "[package]\nname = \"app\"\n[dependencies]\ntokio = \"1\"\nstallscope = \"0.1\"\n";
const UNSTABLE: &str = "[build]\nrustflags = [\"--cfg\", \"tokio_unstable\"]\n";

/// A project with these files.
fn project(files: &[(&str, &str)]) -> Bench {
    let bench = Bench::new();
    for (name, text) in files {
        let path = bench.path(name);
        fs::create_dir_all(path.parent().expect("it lies in the project")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    bench
}

/// As in a shell where nobody has set anything for cargo.
fn doctor(bench: &Bench, environment: &[(&str, &str)]) -> Ran {
    let mut command = bench.stallscope("doctor", &[]);
    for variable in
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_PROFILE_RELEASE_DEBUG"]
    {
        command.env_remove(variable);
    }
    command.env("CARGO_HOME", bench.path("cargo-home")).env("XDG_RUNTIME_DIR", bench.path(""));
    Ran(command.envs(environment.iter().copied()).output().expect("the binary runs"))
}

fn lock(version: &str) -> String {
    format!(
        "[[package]]\nname = \"stallscope\"\nversion = \"{version}\"\n[[package]]\nname = \"tokio\"\nversion = \"1.54.1\"\n"
    )
}

#[test]
fn a_project_that_is_set_up_is_well() {
    let manifest = format!("{MANIFEST}[profile.release]\ndebug = \"line-tables-only\"\n");
    let bench = project(&[
        ("Cargo.toml", &manifest),
        ("Cargo.lock", &lock(env!("CARGO_PKG_VERSION"))),
        (".cargo/config.toml", UNSTABLE),
        ("src/main.rs", "#[stallscope::main]\nasync fn main() {}\n"),
    ]);
    let ran = doctor(&bench, &[]).exits(0).says("✓ kernel").says("✓ live sockets");
    let ran = ran
        .says("✓ stallscope")
        .says("✓ tokio           1.54.1")
        .says("✓ tokio_unstable  set by build.rustflags");
    let ran = ran.says("✓ release lines   debug = line-tables-only in Cargo.toml");
    ran.says("✓ main            src/main.rs:1 starts Stallscope").says("nothing is in the way");
}

#[test]
fn what_is_wanting_is_told_with_its_cure() {
    let bench = project(&[
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", &lock("0.0.7")),
        ("src/main.rs", "#[tokio::main(flavor = \"current_thread\")]\nasync fn main() {}\n"),
    ]);
    let ran = doctor(&bench, &[]).exits(0).says("! stallscope").says("0.0.7, and this command is");
    let ran = ran.says("! tokio_unstable  no flag sets it").says("→ put rustflags = [");
    let ran = ran.says("! release lines").says("! main            src/main.rs:1 has #[tokio::main]");
    ran.says("Stallscope works; 4 things could be better (!)");
}

#[test]
fn flags_of_the_environment_replace_those_of_the_configuration() {
    let bench = project(&[("Cargo.toml", MANIFEST), (".cargo/config.toml", UNSTABLE)]);
    let ran = doctor(&bench, &[("RUSTFLAGS", "-D warnings")]).exits(0);
    let ran = ran.says("! tokio_unstable").says("which RUSTFLAGS replaces: the tier will be sampled");
    ran.says("→ add --cfg tokio_unstable to RUSTFLAGS");
    // Empty, it replaces them too.
    doctor(&bench, &[("RUSTFLAGS", "")]).exits(0).says("which RUSTFLAGS replaces");
    doctor(&bench, &[("RUSTFLAGS", "--cfg tokio_unstable")])
        .exits(0)
        .says("✓ tokio_unstable  set by RUSTFLAGS");
}

#[test]
fn what_several_files_say_is_joined() {
    let bench = project(&[
        ("Cargo.toml", MANIFEST),
        ("cargo-home/config.toml", UNSTABLE),
        (".cargo/config.toml", "[build]\nrustflags = [\"-Cdebuginfo=1\"]\n"),
    ]);
    doctor(&bench, &[]).exits(0).says("✓ tokio_unstable  set by build.rustflags of ");
}

#[test]
fn flags_are_looked_for_where_cargo_does() {
    let more = |name: &str| format!("include = '{name}'\nbuild.rustflags = ['-O']\n");
    let bench = project(&[
        ("Cargo.toml", MANIFEST),
        (".cargo/config.toml", &more("more.toml")),
        (".cargo/more.toml", UNSTABLE),
    ]);
    doctor(&bench, &[]).exits(0).says("✓ tokio_unstable  set by build.rustflags of ").says("more.toml");
    // A text replaces what files say that hold less.
    let text = ("cargo-home/config.toml", "build.rustflags = '--cfg tokio_unstable'\n");
    let bench =
        project(&[("Cargo.toml", MANIFEST), text, (".cargo/config.toml", "build.rustflags = '-O'\n")]);
    doctor(&bench, &[])
        .exits(0)
        .says("config.toml does not set it")
        .says("for one run: stallscope check --exact");
    // The flags of the targets that are built for replace those of all.
    let of_targets = format!("{UNSTABLE}[target.'cfg(unix)']\nrustflags = ['-O']\n");
    let bench = project(&[("Cargo.toml", MANIFEST), (".cargo/config.toml", &of_targets)]);
    doctor(&bench, &[]).exits(0).says("which target.cfg(unix).rustflags of ");
    let of_others = format!("{UNSTABLE}[target.'cfg(not(unix))']\nrustflags = ['-O']\n");
    let bench = project(&[("Cargo.toml", MANIFEST), (".cargo/config.toml", &of_others)]);
    doctor(&bench, &[]).exits(0).says("✓ tokio_unstable  set by build.rustflags of ");
    let broken = project(&[("Cargo.toml", MANIFEST), (".cargo/config.toml", "[build\n")]);
    doctor(&broken, &[]).exits(2).says("config.toml is no TOML");
}

#[test]
fn what_strips_a_build_is_told() {
    let manifest = format!("{MANIFEST}[profile.release]\ndebug = 1\nstrip = true\n");
    let ran =
        doctor(&project(&[("Cargo.toml", &manifest)]), &[]).exits(0).says("✓ release lines   debug = 1");
    ran.says("! strip").says("strip = true in Cargo.toml takes the lines away again");
}

#[test]
fn a_member_belongs_to_its_workspace() {
    let bench = project(&[
        ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n[profile.release]\ndebug = true\n"),
        ("crates/app/Cargo.toml", MANIFEST),
        ("crates/app/src/main.rs", "fn main() { let guard = stallscope::install(&mut builder); }\n"),
    ]);
    let ran = doctor(&bench, &[]).exits(0).says("crates/app/src/main.rs:1 starts Stallscope");
    ran.says("✓ release lines   debug = true");
}

#[test]
fn a_project_without_it_is_not_seen() {
    let bench = project(&[("Cargo.toml", "[package]\nname = \"app\"\n[dependencies]\ntokio = \"1\"\n")]);
    doctor(&bench, &[]).exits(1).says("✗ stallscope").says("→ cargo add --path ../stallscope (");
    doctor(&project(&[]), &[]).exits(0).says("no cargo project here");
    let broken = project(&[("Cargo.toml", "[package\n")]);
    doctor(&broken, &[]).exits(2).says("Cargo.toml is no TOML");
}

#[test]
fn settings_of_the_shell_are_looked_at_too() {
    let bench = project(&[]);
    let ran = doctor(&bench, &[("STALLSCOPE_THRESHOLD", "5")]).exits(1).says("✗ STALLSCOPE_THRESHOLD");
    ran.says("has no unit");
}
