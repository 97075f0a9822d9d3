//! Runs samples, and looks at what the standard harness says of them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What became of some samples that ran in one process.
pub(crate) struct Ran {
    /// By the sample's name: whether it passed, and what it wrote and panicked with.
    samples: BTreeMap<String, (bool, String)>,
    pub(crate) text: String,
}

/// Runs the samples of a module, beside each other.
pub(crate) fn run(module: &str) -> Ran {
    run_with(module, &[])
}

/// The same, with variables of the environment.
pub(crate) fn run_with(module: &str, environment: &[(&str, &str)]) -> Ran {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(env::current_exe().expect("a test knows its binary"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE")) {
        command.env_remove(name);
    }
    let filter = format!("samples::{module}");
    command.args(["--ignored", "--show-output", "--test-threads=8", &filter]);
    command.env("XDG_RUNTIME_DIR", folder.path()).env("RUST_BACKTRACE", "0");
    let output = command.envs(environment.iter().copied()).output().expect("the test's binary runs");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    Ran { samples: samples(&stdout), text: format!("{stdout}\n{stderr}") }
}

/// What the harness says of each test: first how it ended, then its output under its name.
fn samples(stdout: &str) -> BTreeMap<String, (bool, String)> {
    let mut samples = BTreeMap::new();
    for line in stdout.lines().filter_map(|line| line.strip_prefix("test samples::")) {
        let Some((name, end)) = line.split_once(" ... ") else { continue };
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        samples.insert(name.to_owned(), (end == "ok", String::new()));
    }
    for section in stdout.split("\n---- samples::").skip(1) {
        let Some((name, text)) = section.split_once(" stdout ----\n") else { continue };
        let text = text.split("\n\nfailures:").next().unwrap_or(text);
        samples.get_mut(name).expect("it has ended").1 += text;
    }
    samples
}

impl Ran {
    fn sample(&self, name: &str) -> &(bool, String) {
        self.samples.get(name).unwrap_or_else(|| panic!("{name} did not run:\n{}", self.text))
    }

    /// What a sample that passed wrote.
    #[track_caller]
    pub(crate) fn passed(&self, name: &str) -> &str {
        let (passed, text) = self.sample(name);
        assert!(passed, "{name} failed:\n{text}");
        text
    }

    /// What a sample that failed wrote and panicked with.
    #[track_caller]
    pub(crate) fn failed(&self, name: &str) -> &str {
        let (passed, text) = self.sample(name);
        assert!(!passed, "{name} passed:\n{text}");
        text
    }

    /// The lines of a sample's panic, from its first line on; where it was said to be.
    #[track_caller]
    pub(crate) fn panic(&self, name: &str) -> (&str, &str) {
        let text = self.failed(name);
        let (_, panic) = text.split_once(" panicked at ").unwrap_or_else(|| panic!("no panic in\n{text}"));
        panic.split_once(":\n").expect("a place and a message")
    }
}

/// The line of the samples that ends with this mark: `file:line`.
pub(crate) fn place(file: &str, mark: &str) -> String {
    let path = format!("tests/limits/samples/{file}.rs");
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).expect("it is there");
    let line = source.lines().position(|line| line.ends_with(&format!("// {mark}")));
    format!("{path}:{}", line.expect("the mark stands in it") + 1)
}
