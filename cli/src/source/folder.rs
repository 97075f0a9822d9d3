//! Folders of event logs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The file itself, or the logs of a folder by name.
pub(crate) fn logs_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    Ok(paths)
}

/// The logs of a folder, the one that was written last first.
pub(super) fn newest_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut logs = logs_in(folder)?;
    let written = |path: &PathBuf| {
        fs::metadata(path).and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    };
    // Those that were written at the same time have it in their names, if anywhere.
    logs.sort_by_cached_key(|path| std::cmp::Reverse((written(path), path.clone())));
    Ok(logs)
}
