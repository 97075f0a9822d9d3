//! The builds of the corpus, and what each can tell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// How a place in the program is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// By file and line.
    Lines,
    /// By function.
    Functions,
    /// By module and offset.
    Offsets,
}

/// A binary of the corpus.
pub(crate) struct Build {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) names: Names,
    /// The same code with its debug information.
    pub(crate) symbols: PathBuf,
    _folder: Option<TempDir>,
}

impl Build {
    /// As `cargo test` has built it.
    pub(crate) fn dev() -> Self {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_stallscope-corpus"));
        Self { name: "dev", symbols: program.clone(), program, names: Names::Lines, _folder: None }
    }

    /// With optimization and line tables.
    pub(crate) fn release() -> Self {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        let program = BUILT.get_or_init(build).clone();
        Self { name: "release", symbols: program.clone(), program, names: Names::Lines, _folder: None }
    }

    /// What a release profile makes that asks for no debug information: cargo then has it stripped.
    pub(crate) fn stripped_of_lines(self) -> Self {
        self.strip("names only", Names::Functions, "--strip-debug")
    }

    /// What `strip = true` makes.
    pub(crate) fn stripped(self) -> Self {
        self.strip("stripped", Names::Offsets, "--strip-all")
    }

    /// Does what rustc has the linker do, without another build.
    fn strip(self, name: &'static str, names: Names, option: &str) -> Self {
        let folder =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
        let program = folder.path().join("stallscope-corpus");
        let strip = Command::new("strip").arg(option).arg("-o").arg(&program).arg(&self.program).status();
        assert!(strip.expect("strip comes with the linker").success(), "{name} cannot be made");
        Self { name, program, names, symbols: self.symbols, _folder: Some(folder) }
    }
}

/// Builds the corpus with optimization, beside what the tests were built into.
fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "-p", "stallscope-corpus"]);
    let target = target();
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).arg("--target-dir").arg(&target);
    assert!(cargo.status().expect("cargo runs").success(), "the corpus cannot be built");
    let program = target.join("release/stallscope-corpus");
    assert!(fs::exists(&program).expect("the target folder can be read"), "{} is missing", program.display());
    program
}

/// The target folder: it holds the one that cargo keeps for tests.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder").to_owned()
}
