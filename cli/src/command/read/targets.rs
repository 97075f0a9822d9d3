//! Whatever people name: a running process, its socket, a log, a folder of logs, stdin.

use super::live::watch;
use super::logs::{Logs, Problem};
use crate::failure::Failure;
use crate::report::Run;
use crate::source::{Source, Target};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was read of each, and what is worth a word. Running processes are looked at for a time, all at once.
///
/// # Errors
/// When one of them is no process, socket or log, or nothing was in any of them.
pub(in super::super) fn targets(
    names: &[String],
    time: Duration,
) -> Result<(Vec<Run>, Vec<String>), Failure> {
    let (mut live, mut paths, mut stdin) = (Vec::new(), Vec::<PathBuf>::new(), false);
    for name in names {
        match Target::new(name) {
            Target::Path(path) if path == Path::new("-") => stdin = true,
            Target::Path(path) if is_file_or_folder(&path) => paths.push(path),
            target => live.push(Source::open(&target).map_err(Failure::usage)?),
        }
    }
    let mut runs = watch(live, time)?;
    let mut logs = Logs::default();
    logs.read(&paths);
    if stdin {
        logs.read_stdin();
    }
    if let Some(mistake) = logs.problems.iter().find(|problem| !problem.is_absence()) {
        return Err(Failure::usage(mistake));
    }
    runs.append(&mut logs.runs);
    match logs.problems.first() {
        Some(nothing) if runs.is_empty() => Err(Failure::no_data(nothing)),
        _ => Ok((runs, logs.problems.iter().map(Problem::to_string).collect())),
    }
}

/// As opposed to a socket, and to what is not there and may be an address.
fn is_file_or_folder(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|found| !found.file_type().is_socket())
}
