use crate::model::{Export, Notice};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// As many files of one name are told apart.
const MOST: usize = 1000;
/// Characters of a name, of which each may take four of the 255 bytes that file systems have.
const LONGEST: usize = 50;

/// Writes the list into a new file of this folder, and says which.
pub(super) fn write(folder: &Path, export: &Export) -> Notice {
    match try_write(folder, export) {
        Ok(name) => {
            let rows = stallscope_wire::counted(export.rows as u64, "row");
            Notice::done(format!("wrote {rows} to {}", name.display()))
        }
        Err(error) => Notice::failed(format!("nothing was written to {}: {error}", folder.display())),
    }
}

fn try_write(folder: &Path, export: &Export) -> io::Result<PathBuf> {
    let (mut file, name) = create(folder, export)?;
    let written = file.write_all(export.text.as_bytes()).and_then(|()| file.flush());
    if let Err(error) = written {
        // Half a list is none.
        let _ = std::fs::remove_file(folder.join(&name));
        return Err(error);
    }
    Ok(name)
}

/// A file that was not there before, under the first name that is free.
fn create(folder: &Path, export: &Export) -> io::Result<(File, PathBuf)> {
    let plain = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let stem: String = export.stem.chars().map(plain).collect();
    // Neither hidden, nor an option of what is told to read it.
    let stem = stem.trim_start_matches(['.', '-']);
    let stem = stem.char_indices().nth_back(LONGEST - 1).map_or(stem, |(at, _)| &stem[at..]);
    for number in 1..=MOST {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let name = PathBuf::from(format!("{stem}{suffix}.{}", export.format.extension()));
        match File::create_new(folder.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return Ok((created?, name)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{MOST} files of this name are there already")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Format;

    fn export() -> Export {
        Export { stem: "shop/api-7-stalls".into(), format: Format::Csv, text: "where\na\n".into(), rows: 1 }
    }

    #[test]
    fn no_file_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let said: Vec<_> = (0..3).map(|_| write(folder.path(), &export()).text).collect();
        assert_eq!(
            said,
            ["shop-api-7-stalls.csv", "shop-api-7-stalls-2.csv", "shop-api-7-stalls-3.csv"]
                .map(|name| format!("wrote 1 row to {name}"))
        );
        let text = std::fs::read_to_string(folder.path().join("shop-api-7-stalls.csv")).expect("it is there");
        assert_eq!(text, "where\na\n");
    }

    #[test]
    fn whatever_a_program_is_called_its_list_has_a_plain_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for (stem, name) in [
            ("../-rf \n\u{1b}[2J-7-stalls".to_owned(), "rf----2J-7-stalls.csv".to_owned()),
            (format!("{}-7-stalls", "ö".repeat(300)), format!("{}-7-stalls.csv", "ö".repeat(41))),
        ] {
            let said = write(folder.path(), &Export { stem, ..export() });
            assert_eq!(said.text, format!("wrote 1 row to {name}"));
            assert!(folder.path().join(name).is_file());
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let notice = write(Path::new("/nonexistent"), &export());
        assert!(notice.failed && notice.text.contains("/nonexistent: "), "{notice:?}");
    }
}
