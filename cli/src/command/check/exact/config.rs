//! Cargo's configuration files, as far as flags and targets are read from them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The most files that include each other: cargo ends a circle with an error of its own.
const DEEPEST: usize = 16;

/// What the files and `--config` say. What cannot be read is left out: cargo tells what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The one that holds least first.
    tables: Vec<Table>,
}

impl Config {
    /// Reads the files from the working folder upwards, that of cargo's home, and these values of `--config`.
    pub(super) fn read<'a>(given: impl Iterator<Item = &'a OsStr>) -> Self {
        let home = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
        Self::of(&env::current_dir().unwrap_or_default(), home, given)
    }

    fn of<'a>(folder: &Path, home: Option<PathBuf>, given: impl Iterator<Item = &'a OsStr>) -> Self {
        let mut folders: Vec<_> = folder.ancestors().map(|folder| folder.join(".cargo")).collect();
        folders.extend(home.filter(|home| !folders.contains(home)));
        let mut config = Self::default();
        for folder in folders.iter().rev() {
            // The older name holds where both are there.
            let file = ["config", "config.toml"]
                .map(|name| folder.join(name))
                .into_iter()
                .find(|file| file.is_file());
            file.iter().for_each(|file| config.file(file, DEEPEST));
        }
        for value in given {
            let file = folder.join(value);
            if file.is_file() {
                config.file(&file, DEEPEST);
            } else {
                config.tables.extend(value.to_str().and_then(|value| value.parse::<Table>().ok()));
            }
        }
        config
    }

    /// Reads a file, after those that it includes.
    fn file(&mut self, path: &Path, deepest: usize) {
        let Some(table) = fs::read_to_string(path).ok().and_then(|text| text.parse::<Table>().ok()) else {
            return;
        };
        let beside = path.parent().unwrap_or(Path::new("."));
        let included = |value: &Value| {
            let name = value.as_str().or_else(|| value.get("path")?.as_str())?;
            Some(beside.join(name))
        };
        let includes: Vec<_> = match table.get("include") {
            Some(Value::Array(several)) => several.iter().filter_map(included).collect(),
            one => one.and_then(included).into_iter().collect(),
        };
        if deepest > 0 {
            includes.iter().for_each(|file| self.file(file, deepest - 1));
        }
        self.tables.push(table);
    }

    /// A list, or a text of words, from all places: lists are joined, a text takes the place of what holds less.
    pub(super) fn words(&self, path: &[&str]) -> Vec<String> {
        let mut words = Vec::new();
        for table in &self.tables {
            let (first, rest) = path.split_first().expect("a path has a first part");
            let value = rest.iter().try_fold(table.get(*first), |value, part| Some(value?.get(*part)));
            match value.flatten() {
                Some(Value::Array(list)) => {
                    words.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                Some(Value::String(text)) => words = text.split_whitespace().map(str::to_owned).collect(),
                _ => {}
            }
        }
        words
    }

    /// The keys of `[target]`: triples and `cfg(…)`.
    pub(super) fn targets(&self) -> Vec<&str> {
        let tables = self.tables.iter().filter_map(|table| table.get("target")?.as_table());
        let mut keys: Vec<_> = tables.flat_map(Table::keys).map(String::as_str).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

#[cfg(test)]
impl Config {
    /// One file with this text.
    pub(super) fn with(text: &str) -> Self {
        Self { tables: vec![text.parse().expect("toml")] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_joined_from_the_home_to_the_working_folder_to_the_command_line() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
            fs::write(path, text).expect("it is written");
        };
        write("home/config.toml", "build.rustflags = ['home']\ntarget.'cfg(unix)'.rustflags = 'u v'");
        write(
            "a/.cargo/config.toml",
            "include = ['more.toml', { path = 'no', optional = true }]\nbuild.rustflags = ['a']",
        );
        write("a/.cargo/more.toml", "build.rustflags = ['more']\ninclude = 'more.toml'");
        write("a/b/.cargo/config", "build.rustflags = ['b']\n[target.x86]\nrustflags = 'x'");
        write("a/b/.cargo/config.toml", "build.rustflags = ['not read']");
        write("a/b/given.toml", "build.rustflags = ['given']");
        write("a/b/c/.cargo/config.toml", "= broken");
        let folder = root.path().join("a/b/c");
        let given = ["../given.toml", "build.rustflags=['last']", "= broken"].map(OsStr::new);
        let config = Config::of(&folder, Some(root.path().join("home")), given.into_iter());
        let words = config.words(&["build", "rustflags"]);
        assert_eq!(words.iter().filter(|word| *word == "more").count(), DEEPEST, "a circle ends");
        let words: Vec<_> = words.iter().filter(|word| *word != "more").collect();
        assert_eq!(words, ["home", "a", "b", "given", "last"]);
        assert_eq!(config.targets(), ["cfg(unix)", "x86"]);
        assert_eq!(config.words(&["target", "cfg(unix)", "rustflags"]), ["u", "v"]);
        assert_eq!(config.words(&["target", "none", "rustflags"]), [""; 0]);
    }

    #[test]
    fn a_text_takes_the_place_of_another() {
        let config = Config::of(
            Path::new("/"),
            None,
            ["build.rustflags='a b'", "build.rustflags='c'"].map(OsStr::new).into_iter(),
        );
        assert_eq!(config.words(&["build", "rustflags"]), ["c"]);
    }
}
