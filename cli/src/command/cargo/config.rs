//! Cargo's configuration files, as far as flags, targets and profiles are read from them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The most files that include each other: cargo ends a circle with an error of its own.
const DEEPEST: usize = 16;

/// What the files and `--config` say.
#[derive(Debug, Default)]
pub(in super::super) struct Config {
    /// Where each stands, and what it says; the one that holds least first.
    tables: Vec<(String, Table)>,
    /// What could not be read, and why.
    pub(in super::super) unread: Vec<String>,
}

impl Config {
    /// Reads the files from a working folder upwards, that of cargo's home, and these values of `--config`.
    pub(in super::super) fn read<'a>(folder: &Path, given: impl Iterator<Item = &'a OsStr>) -> Self {
        let home = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
        Self::of(folder, home, given)
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
                let said = value.to_string_lossy();
                let name = format!("--config {said}");
                let table = table(&name, &said);
                config.take(name, table);
            }
        }
        config
    }

    /// Reads a file, after those that it includes.
    fn file(&mut self, path: &Path, deepest: usize) {
        let table = read(path);
        let beside = path.parent().unwrap_or(Path::new("."));
        let included = |value: &Value| {
            let name = value.as_str().or_else(|| value.get("path")?.as_str())?;
            Some(beside.join(name)).filter(|file| file.is_file())
        };
        let includes: Vec<_> = match table.as_ref().ok().and_then(|table| table.get("include")) {
            Some(Value::Array(several)) => several.iter().filter_map(included).collect(),
            one => one.and_then(included).into_iter().collect(),
        };
        if deepest > 0 {
            includes.iter().for_each(|file| self.file(file, deepest - 1));
        }
        self.take(path.display().to_string(), table);
    }

    fn take(&mut self, name: String, table: Result<Table, String>) {
        match table {
            Ok(table) => self.tables.push((name, table)),
            Err(why) => self.unread.push(why),
        }
    }

    /// What the places say of a key, the one that holds least first.
    fn said(&self, path: &[&str]) -> impl Iterator<Item = (&str, &Value)> {
        self.tables.iter().filter_map(move |(name, table)| {
            let (first, rest) = path.split_first()?;
            let value = rest.iter().try_fold(table.get(*first)?, |value, part| value.get(*part))?;
            Some((name.as_str(), value))
        })
    }

    /// A value that is no list, and where it stands.
    pub(in super::super) fn value(&self, path: &[&str]) -> Option<(&str, &Value)> {
        self.said(path).last()
    }

    /// A list, or a text of words, by where it stands: lists are joined, a text takes the place of what holds less.
    pub(super) fn words(&self, path: &[&str]) -> Vec<(String, Vec<String>)> {
        let mut words = Vec::new();
        for (name, value) in self.said(path) {
            let said = match value {
                Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                Value::String(text) => {
                    words.clear();
                    text.split_whitespace().map(str::to_owned).collect()
                }
                _ => continue,
            };
            words.push((name.to_owned(), said));
        }
        words
    }

    /// The keys of `[target]`: triples and `cfg(…)`.
    pub(super) fn targets(&self) -> Vec<&str> {
        let tables = self.tables.iter().filter_map(|(_, table)| table.get("target")?.as_table());
        let mut keys: Vec<_> = tables.flat_map(Table::keys).map(String::as_str).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// A file of cargo's.
///
/// # Errors
/// What is wrong with it, for people.
pub(in super::super) fn read(path: &Path) -> Result<Table, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    table(&path.display().to_string(), &text)
}

fn table(name: &str, text: &str) -> Result<Table, String> {
    text.parse().map_err(|error: toml::de::Error| format!("{name} is no TOML: {}", error.message()))
}

#[cfg(test)]
impl Config {
    /// One file with this text.
    pub(super) fn with(text: &str) -> Self {
        let table = table("a file", text).expect("toml");
        Self { tables: vec![("a file".to_owned(), table)], unread: Vec::new() }
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
        let words = |path: &[&str]| -> Vec<String> {
            config.words(path).into_iter().flat_map(|(_, words)| words).collect()
        };
        let flags = words(&["build", "rustflags"]);
        assert_eq!(flags.iter().filter(|word| *word == "more").count(), DEEPEST, "a circle ends");
        let flags: Vec<_> = flags.iter().filter(|word| *word != "more").collect();
        assert_eq!(flags, ["home", "a", "b", "given", "last"]);
        assert_eq!(config.targets(), ["cfg(unix)", "x86"]);
        assert_eq!(words(&["target", "cfg(unix)", "rustflags"]), ["u", "v"]);
        assert_eq!(words(&["target", "none", "rustflags"]), [""; 0]);
        let broken = |why: &String| why.contains("is no TOML");
        assert!(config.unread.len() == 2 && config.unread.iter().all(broken), "{:?}", config.unread);
        let (from, value) = config.value(&["target", "x86", "rustflags"]).expect("it is set");
        assert_eq!(
            (from, value.as_str()),
            (&*root.path().join("a/b/.cargo/config").to_string_lossy(), Some("x"))
        );
    }

    #[test]
    fn a_text_takes_the_place_of_another() {
        let config = Config::of(
            Path::new("/"),
            None,
            ["build.rustflags='a b'", "build.rustflags='c'"].map(OsStr::new).into_iter(),
        );
        let last = ("--config build.rustflags='c'".to_owned(), vec!["c".to_owned()]);
        assert_eq!(config.words(&["build", "rustflags"]), [last]);
    }
}
