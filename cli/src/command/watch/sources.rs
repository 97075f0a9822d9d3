//! Source lines for the screen, which reads no files itself.

use crate::failure::clean;
use crate::model::{AROUND, Excerpt, SourcePlace};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// A larger file is no source code that anybody wrote.
const LARGEST: u64 = 8 * 1024 * 1024;
/// What is read of one line: no screen is wider.
const WIDEST: usize = 400;
/// How many columns a tab stands for.
const TAB: &str = "    ";

/// The lines around a place, from the first of the places that its file may be at; nothing where it is at none, or has no
/// such line.
pub(in super::super) fn read(place: &SourcePlace) -> Option<Excerpt> {
    candidates(place).iter().find_map(|path| excerpt(path, place))
}

/// As recorded; relative ones below where the program was built, where its process runs, and here.
pub(super) fn candidates(place: &SourcePlace) -> Vec<PathBuf> {
    let file = Path::new(&place.file);
    if file.is_absolute() {
        return vec![file.to_owned()];
    }
    let root = place.root.as_ref().map(PathBuf::from);
    let process = place.pid.map(|pid| PathBuf::from(format!("/proc/{pid}/cwd")));
    let roots = root.into_iter().chain(process).chain([PathBuf::new()]);
    roots.map(|root| root.join(file)).collect()
}

fn excerpt(path: &Path, place: &SourcePlace) -> Option<Excerpt> {
    // Looked at before it is opened: to open a pipe may take for ever.
    let found = std::fs::metadata(path).ok().filter(|found| found.is_file() && found.len() <= LARGEST)?;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let first = place.line.saturating_sub(AROUND).max(1);
    let around =
        text.lines().skip(first as usize - 1).take((place.line.saturating_add(AROUND + 1) - first) as usize);
    let lines: Vec<_> = around.map(shown).collect();
    let started = UNIX_EPOCH + Duration::from_nanos(place.started_unix_ns);
    // Unless it was built anew since it was started.
    let built = std::fs::metadata(&place.program).and_then(|program| program.modified());
    let built = built.map_or(started, |built| built.min(started));
    let changed = found.modified().is_ok_and(|written| written > built);
    let has_line = place.line > 0 && (place.line - first) < lines.len() as u32;
    has_line.then_some(Excerpt { first, lines, changed })
}

/// As it can stand on a screen.
fn shown(line: &str) -> String {
    let line: String = line.replace('\t', TAB).chars().take(WIDEST).collect();
    clean(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn place(file: &str, line: u32) -> SourcePlace {
        let started_unix_ns = u64::MAX / 2;
        SourcePlace { file: file.to_owned(), line, started_unix_ns, ..SourcePlace::default() }
    }

    /// A folder with a source file of so many lines.
    fn project(lines: usize) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("src")).expect("a folder");
        let text = (1..=lines).fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "\tline {line} \u{1b}[2J");
            text
        });
        std::fs::write(folder.path().join("src/report.rs"), text).expect("a file");
        folder
    }

    fn below(folder: &tempfile::TempDir, line: u32) -> SourcePlace {
        let root = Some(folder.path().display().to_string());
        SourcePlace { root, ..place("src/report.rs", line) }
    }

    #[test]
    fn lines_around_the_place_are_read_as_they_can_be_shown() {
        let folder = project(100);
        let read = read(&below(&folder, 42)).expect("its lines");
        assert_eq!((read.first, read.lines.len() as u32, read.changed), (42 - AROUND, 2 * AROUND + 1, false));
        assert_eq!(read.lines[AROUND as usize], "    line 42 \u{fffd}[2J");
    }

    #[test]
    fn at_the_ends_of_a_file_there_are_less() {
        let folder = project(5);
        let ends = [1, 5].map(|line| read(&below(&folder, line)).expect("its lines"));
        assert!(ends.iter().all(|read| (read.first, read.lines.len()) == (1, 5)));
        assert_eq!(read(&below(&folder, 6)), None, "the file has changed: there is no such line");
    }

    #[test]
    fn a_file_that_was_written_to_after_the_program_was_built_is_told() {
        let built = tempfile::NamedTempFile::new().expect("a program");
        built.as_file().set_modified(UNIX_EPOCH + Duration::from_secs(1)).expect("its time");
        let folder = project(5);
        let program = built.path().display().to_string();
        assert!(read(&SourcePlace { program, ..below(&folder, 3) }).expect("its lines").changed);
        let old = SourcePlace { started_unix_ns: 1, ..below(&folder, 3) };
        assert!(read(&old).expect("its lines").changed);
    }

    #[test]
    fn the_folder_of_the_process_and_an_absolute_path_are_looked_at_too() {
        let folder = project(5);
        let absolute = folder.path().join("src/report.rs").display().to_string();
        assert!(read(&place(&absolute, 2)).is_some());
        let mut process =
            std::process::Command::new("sleep").arg("60").current_dir(&folder).spawn().expect("it runs");
        let of_process = SourcePlace { pid: Some(process.id()), ..place("src/report.rs", 2) };
        let found = read(&of_process);
        process.kill().and_then(|()| process.wait()).expect("it ends");
        assert!(found.is_some());
    }

    #[test]
    fn what_is_no_file_or_is_not_there_has_no_lines() {
        for file in ["/dev/zero", "/", "/no/such/file.rs", "src/no_such_file.rs", ""] {
            assert_eq!(read(&place(file, 1)), None, "{file}");
        }
        let folder = project(1);
        assert_eq!(read(&below(&folder, 0)), None);
        assert_eq!(read(&below(&folder, u32::MAX)), None);
    }
}
