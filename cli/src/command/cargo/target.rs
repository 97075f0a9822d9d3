//! For which targets cargo builds.

use super::{Config, ask};
use crate::failure::Failure;
use cargo_platform::Cfg;
use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// What is built for.
#[derive(Debug)]
pub(in super::super) struct Target {
    pub(super) triple: String,
    /// What rustc knows of it.
    pub(super) cfg: Vec<Cfg>,
}

impl Target {
    /// The variable that stands for a key of its table.
    pub(super) fn variable(&self, key: &str) -> String {
        format!("CARGO_TARGET_{}_{key}", self.triple.to_uppercase().replace(['-', '.'], "_"))
    }
}

/// Those that a command of cargo's, the environment or the configuration name; else the machine's own. The toolchain is what
/// the command names, such as `+nightly`.
///
/// # Errors
/// When rustc does not tell what it is asked.
pub(in super::super) fn asked_for<'a>(
    named: impl Iterator<Item = &'a OsStr>,
    toolchain: Option<&OsStr>,
    config: &Config,
) -> Result<Vec<Target>, Failure> {
    let mut names: Vec<_> = named.map(|name| name.to_string_lossy().into_owned()).collect();
    if names.is_empty() {
        names.extend(env::var("CARGO_BUILD_TARGET").ok().filter(|name| !name.is_empty()));
    }
    if names.is_empty() {
        names.extend(config.words(&["build", "target"]).into_iter().flat_map(|(_, names)| names));
    }
    if names.is_empty() {
        names.push("host-tuple".to_owned());
    }
    names.iter().map(|name| target(name, toolchain)).collect()
}

fn target(name: &str, toolchain: Option<&OsStr>) -> Result<Target, Failure> {
    let mut rustc = rustc(toolchain);
    rustc.args(["--print", "cfg"]);
    let triple = if name == "host-tuple" {
        host(toolchain)?
    } else {
        rustc.args(["--target", name]);
        // A target of the user's own is called as its file is.
        let stem = name.strip_suffix(".json").and_then(|stem| Path::new(stem).file_name()?.to_str());
        stem.unwrap_or(name).to_owned()
    };
    let said = ask(&mut rustc, "what rustc builds for")?;
    let cfg = String::from_utf8_lossy(&said).lines().filter_map(|line| line.parse().ok()).collect();
    Ok(Target { triple, cfg })
}

fn host(toolchain: Option<&OsStr>) -> Result<String, Failure> {
    let said = ask(rustc(toolchain).arg("-vV"), "what rustc builds for")?;
    let said = String::from_utf8_lossy(&said);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::usage("cannot learn what rustc builds for: rustc -vV names no host"))
}

/// The compiler that cargo takes.
fn rustc(toolchain: Option<&OsStr>) -> Command {
    match env::var_os("RUSTC").filter(|rustc| !rustc.is_empty()) {
        Some(rustc) => Command::new(rustc),
        None => {
            let mut rustc = Command::new("rustc");
            rustc.args(toolchain);
            rustc
        }
    }
}
