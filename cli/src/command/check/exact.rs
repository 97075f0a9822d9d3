//! `--exact`: what cargo builds gets tokio's task hooks, beside the flags that the user has set.

mod invocation;

use super::super::cargo::{Addition, Config, RUSTDOCFLAGS, RUSTFLAGS, ask, asked_for, depend_on_target};
use crate::failure::Failure;
use invocation::Invocation;
use serde::Deserialize;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The folder below the target directory in which what is built so lies, so that the usual build is not thrown away.
const FOLDER: &str = "stallscope";

/// Whether a command is one of cargo's.
pub(super) fn is_cargo(command: &[OsString]) -> bool {
    command.first().is_some_and(|program| Path::new(program).file_name() == Some(OsStr::new("cargo")))
}

/// A command of cargo's that builds with the task hooks.
#[derive(Debug)]
pub(super) struct Exact {
    pub(super) command: Vec<OsString>,
    /// Variables to set.
    pub(super) variables: Vec<(String, OsString)>,
    /// What was done, for people.
    pub(super) note: String,
}

impl Exact {
    /// Looks for the flags where cargo does, and adds to those that hold.
    ///
    /// # Errors
    /// When it is no command of cargo's, or cargo or rustc do not tell what they are asked.
    pub(super) fn of(command: &[OsString]) -> Result<Self, Failure> {
        if !is_cargo(command) {
            let program = command.first().map(|program| program.to_string_lossy()).unwrap_or_default();
            return Err(Failure::usage(format_args!(
                "--exact is for commands of cargo, such as `--exact -- cargo test`, and {program} is none: leave --exact \
                 out, and build what it runs with --cfg tokio_unstable"
            )));
        }
        let invocation = Invocation::of(command);
        let config = Config::read(&env::current_dir().unwrap_or_default(), invocation.configs());
        let variable = |name: &str| env::var(name).ok();
        let targets = if depend_on_target(&config) {
            asked_for(invocation.targets(), invocation.toolchain(), &config)?
        } else {
            Vec::new()
        };
        let additions = RUSTFLAGS.additions(&variable, &config, &targets);
        if additions.is_empty() {
            let note = "--exact: what is built has --cfg tokio_unstable already, and nothing was added";
            return Ok(Self { command: command.to_vec(), variables: Vec::new(), note: note.to_owned() });
        }

        let folders = Folders::of(&invocation)?;
        let names: Vec<_> = additions.iter().map(|addition| addition.variable.clone()).collect();
        let own = folders.target_directory.join(FOLDER);
        let note = format!(
            "--exact: built in {} with --cfg tokio_unstable, added to {}",
            own.display(),
            names.join(", ")
        );
        let of_docs = RUSTDOCFLAGS.additions(&variable, &config, &targets);
        let set = |Addition { variable, value }| (variable, OsString::from(value));
        let mut variables: Vec<_> = additions.into_iter().chain(of_docs).map(set).collect();
        if let Some(build) = folders.build_directory.filter(|build| *build != folders.target_directory) {
            variables.push(("CARGO_BUILD_BUILD_DIR".to_owned(), build.join(FOLDER).into()));
        }
        variables.push(("CARGO_TARGET_DIR".to_owned(), own.clone().into()));
        Ok(Self { command: invocation.building_in(&own), variables, note })
    }
}

/// Where cargo puts what it builds.
#[derive(Debug, Deserialize)]
struct Folders {
    target_directory: PathBuf,
    /// What newer versions of cargo keep apart.
    build_directory: Option<PathBuf>,
}

impl Folders {
    fn of(invocation: &Invocation<'_>) -> Result<Self, Failure> {
        let mut cargo = invocation.cargo("metadata");
        cargo.args(["--no-deps", "--format-version", "1"]);
        if let Some(folder) = invocation.target_dir() {
            cargo.env("CARGO_TARGET_DIR", folder);
        }
        let answer = ask(&mut cargo, "where cargo builds")?;
        serde_json::from_slice(&answer)
            .map_err(|error| Failure::usage(format_args!("cannot learn where cargo builds: {error}")))
    }
}
