//! Runs, from reports and event logs.

use super::super::read::Logs;
use crate::failure::Failure;
use crate::source::Names;
use serde_json::Value;
use stallscope::analysis::Report;
use stallscope::analysis::compare::Sample;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One sample for each file.
///
/// # Errors
/// When a file is neither a report nor a log; it is named, and what is wrong with it. Also when there is nothing in any of them.
pub(super) fn samples(paths: &[PathBuf]) -> Result<Vec<Sample>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let found = files_in(path)
            .map_err(|error| Failure::usage(format_args!("cannot open {}: {error}", path.display())))?;
        if found.is_empty() {
            return Err(Failure::usage(format_args!(
                "{} holds neither a report (.json) nor an event log (.jsonl)",
                path.display()
            )));
        }
        files.extend(found);
    }
    let names = Names::default();
    files.iter().map(|file| sample(file, &names)).collect()
}

fn sample(path: &Path, names: &Names) -> Result<Sample, Failure> {
    match read(path)? {
        Input::Report(report) => Sample::of_report(&report)
            .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display()))),
        Input::Log => of_log(path, names),
        Input::Unknown => of_log(path, names).map_err(|failure| match failure.is_usage() {
            true => Failure::usage(format_args!(
                "{} is neither a report (check or report --format json) nor an event log (STALLSCOPE_LOG, record)",
                path.display()
            )),
            false => failure,
        }),
    }
}

/// What a file is, as far as its beginning shows.
enum Input {
    Report(Box<Report>),
    Log,
    /// If a log at all, one that is empty or cut within its header.
    Unknown,
}

/// An event log has a document a line, and a report is one.
fn read(path: &Path) -> Result<Input, Failure> {
    let fail = |error: &dyn std::fmt::Display| {
        Failure::usage(format_args!("{} is no report: {error}", path.display()))
    };
    let text = fs::read(path)
        .map_err(|error| Failure::usage(format_args!("cannot open {}: {error}", path.display())))?;
    let Ok(document) = serde_json::from_slice::<Value>(&text) else {
        // A report that is cut, or was edited, is no log either.
        let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let is_log = serde_json::from_slice::<Value>(first).is_ok_and(|line| line.get("kind").is_some());
        if !is_log && path.extension().is_some_and(|end| end == "json") {
            let error = serde_json::from_slice::<Report>(&text).err();
            return Err(fail(&error.map_or_else(|| "it is no JSON".to_owned(), |error| error.to_string())));
        }
        return Ok(if is_log { Input::Log } else { Input::Unknown });
    };
    if document.get("kind").is_some() {
        return Ok(Input::Log);
    }
    if document.get("findings").is_none() || document.get("histograms").is_none() {
        return Err(fail(
            &"it has no findings and no histograms; make one with check or report --format json",
        ));
    }
    let version = document.get("stallscope").and_then(Value::as_u64);
    if version != Some(1) {
        let version = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        return Err(fail(&format_args!("its version is {version}, and this command knows 1")));
    }
    serde_json::from_value(document).map(Input::Report).map_err(|error| fail(&error))
}

fn of_log(path: &Path, names: &Names) -> Result<Sample, Failure> {
    let mut logs = Logs::among(names);
    logs.read(&[path.to_owned()]);
    match (logs.problems.first(), &logs.runs[..]) {
        (Some(nothing), _) if nothing.is_absence() => Err(Failure::no_data(nothing)),
        (Some(mistake), _) => Err(Failure::usage(mistake)),
        (None, runs) => {
            let histories: Vec<_> = runs.iter().map(|run| &run.history).collect();
            Ok(Sample::of_histories(&histories))
        }
    }
}

/// The file itself, or the reports and logs of a folder by name.
fn files_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "json" || end == "jsonl"));
    files.sort();
    Ok(files)
}
