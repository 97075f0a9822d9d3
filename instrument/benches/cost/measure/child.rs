//! Measurements that need a process of their own: this benchmark's program, run again.

use std::collections::BTreeMap;
use std::env;
use std::process::{Command, Stdio};

const ROLE: &str = "STALLSCOPE_BENCH_ROLE";

/// What this process was started for; none in the one that the user started.
pub(crate) fn role() -> Option<Vec<String>> {
    Some(env::var(ROLE).ok()?.split(' ').map(str::to_owned).collect())
}

/// This program, to be run for a variant of a part, with no settings from outside.
pub(crate) fn command(part: &str, variant: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("a program knows its file"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE")) {
        command.env_remove(name);
    }
    command.env(ROLE, format!("{part} {variant}")).stdin(Stdio::null());
    command
}

/// Has a variant of a part measured, and returns what it told.
pub(crate) fn measure(part: &str, variant: &str) -> BTreeMap<String, Vec<f64>> {
    let output = command(part, variant).output().expect("the benchmark runs once more");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{part} {variant}: {}\n{stderr}", output.status);
    let told = String::from_utf8(output.stdout).expect("figures are text");
    let mut figures: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in told.lines() {
        let (name, value) = line.split_once(' ').expect("a name and a figure");
        figures.entry(name.to_owned()).or_default().push(value.parse().expect("a figure"));
    }
    figures
}

/// Tells the process that had this one measure.
pub(crate) fn tell(name: &str, figure: f64) {
    println!("{name} {figure}");
}
