//! What cargo would build a project with: its manifests, its lock file, and the flags of the environment and its configuration.

use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Where flags of the compiler come from. Of the sources that say anything, cargo takes the first in this order alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flags {
    /// A variable, or a key and its file.
    pub(super) from: String,
    pub(super) flags: String,
}

impl Flags {
    pub(super) fn has_hooks(&self) -> bool {
        let text = self.flags.replace("--cfg=", "--cfg ");
        text.split("--cfg ").skip(1).any(|flag| flag.trim_start().starts_with("tokio_unstable"))
    }
}

/// A cargo project, as its files tell.
#[derive(Debug)]
pub(super) struct Cargo {
    /// The manifest of the package, or of the workspace, that the folder belongs to.
    pub(super) manifest: PathBuf,
    package: Table,
    root: Table,
    lock: Option<Table>,
    /// Nearest first.
    configs: Vec<(PathBuf, Table)>,
}

impl Cargo {
    /// None where no manifest is in the folder or above it.
    ///
    /// # Errors
    /// With the file, and what is wrong in it.
    pub(super) fn of(folder: &Path) -> Result<Option<Self>, String> {
        let folder = fs::canonicalize(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let manifests: Vec<_> = folder.ancestors().map(|up| up.join("Cargo.toml")).collect();
        let mut manifests = manifests.into_iter().filter(|manifest| manifest.is_file());
        let Some(manifest) = manifests.next() else { return Ok(None) };
        let package = read(&manifest)?;
        let mut root = (manifest.clone(), package.clone());
        if !package.contains_key("workspace") {
            for above in manifests {
                let table = read(&above)?;
                if table.contains_key("workspace") {
                    root = (above, table);
                    break;
                }
            }
        }
        let lock = root.0.with_file_name("Cargo.lock");
        let lock = if lock.is_file() { Some(read(&lock)?) } else { None };
        Ok(Some(Self { manifest, package, root: root.1, lock, configs: configs(&folder)? }))
    }

    /// Where the manifest stands.
    pub(super) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new("."))
    }

    /// The folders of the packages that the folder stands for: its own, or all of its workspace.
    pub(super) fn packages(&self) -> Vec<PathBuf> {
        let folder = self.folder();
        let mut packages: Vec<_> =
            self.package.contains_key("package").then(|| folder.to_owned()).into_iter().collect();
        let members = self.package.get("workspace").and_then(|workspace| workspace.get("members"));
        for member in members.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            match member.strip_suffix("/*") {
                Some(parent) => {
                    let entries = fs::read_dir(folder.join(parent)).into_iter().flatten().flatten();
                    packages.extend(
                        entries.map(|entry| entry.path()).filter(|path| path.join("Cargo.toml").is_file()),
                    );
                }
                None => packages.push(folder.join(member)),
            }
        }
        packages
    }

    /// Whether one of the packages names this dependency.
    pub(super) fn depends_on(&self, name: &str) -> bool {
        let names = |table: &Table| depends_on(table, name);
        self.packages()
            .iter()
            .filter_map(|package| read(&package.join("Cargo.toml")).ok())
            .any(|table| names(&table))
    }

    /// The versions of a package that the lock file has; none where there is no lock file yet.
    pub(super) fn locked(&self, name: &str) -> Option<Vec<String>> {
        let packages = self.lock.as_ref()?.get("package")?.as_array()?;
        let of_name =
            packages.iter().filter(|package| package.get("name").and_then(Value::as_str) == Some(name));
        Some(of_name.filter_map(|package| Some(package.get("version")?.as_str()?.to_owned())).collect())
    }

    /// What a setting of the release profile is, and where it is set.
    pub(super) fn release(&self, key: &str) -> Option<(Value, String)> {
        let variable = format!("CARGO_PROFILE_RELEASE_{}", key.to_uppercase());
        if let Ok(value) = std::env::var(&variable) {
            return Some((Value::String(value), variable));
        }
        let in_configs = self.configs.iter().filter_map(|(path, config)| {
            Some((config.get("profile")?.get("release")?.get(key)?.clone(), path.display().to_string()))
        });
        let in_root = || Some(self.root.get("profile")?.get("release")?.get(key)?.clone());
        in_configs.into_iter().next().or_else(|| Some((in_root()?, "Cargo.toml".to_owned())))
    }

    /// The places that set compiler flags, the one that cargo takes first. Within a place it joins what several say.
    pub(super) fn flags(&self) -> Vec<Vec<Flags>> {
        let set = |name: &str| {
            let flags = std::env::var(name).ok()?.replace('\u{1f}', " ");
            Some(Flags { from: name.to_owned(), flags })
        };
        // These two hold when they are empty too.
        let mut places: Vec<_> = ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"]
            .into_iter()
            .filter_map(set)
            .map(|set| vec![set])
            .collect();
        let (mut of_targets, mut of_build) = (Vec::new(), Vec::from_iter(set("CARGO_BUILD_RUSTFLAGS")));
        for (path, config) in &self.configs {
            for (target, table) in config.get("target").and_then(Value::as_table).into_iter().flatten() {
                // Which of several conditions hold is for cargo to say; those of other systems are known by their names.
                let elsewhere = ["windows", "macos", "darwin", "wasm"];
                if elsewhere.iter().any(|name| target.contains(name)) {
                    continue;
                }
                let flags = table.get("rustflags").and_then(words);
                let from = format!("target.{target}.rustflags of {}", path.display());
                of_targets.extend(flags.map(|flags| Flags { from, flags }));
            }
            let flags = config.get("build").and_then(|build| words(build.get("rustflags")?));
            let from = format!("build.rustflags of {}", path.display());
            of_build.extend(flags.map(|flags| Flags { from, flags }));
        }
        for mut place in [of_targets, of_build] {
            place.retain(|flags| !flags.flags.trim().is_empty());
            places.extend((!place.is_empty()).then_some(place));
        }
        places
    }
}

fn depends_on(manifest: &Table, name: &str) -> bool {
    let named = |table: &Table| {
        table.iter().any(|(key, value)| {
            let package = value.get("package").and_then(Value::as_str);
            package.unwrap_or(key) == name
        })
    };
    let kinds = ["dependencies", "dev-dependencies"];
    let tables = |table: &Table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()).any(named);
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    tables(manifest) || targets.filter_map(|(_, target)| target.as_table()).any(tables)
}

/// A text, or a list of them.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

/// Cargo's configuration of a folder, nearest first.
fn configs(folder: &Path) -> Result<Vec<(PathBuf, Table)>, String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let folders = folder.ancestors().map(|up| up.join(".cargo")).chain(home);
    let mut configs: Vec<(PathBuf, Table)> = Vec::new();
    for folder in folders {
        // Of two names, cargo prefers the older one.
        let path = ["config", "config.toml"].iter().map(|name| folder.join(name)).find(|path| path.is_file());
        if let Some(path) = path.filter(|path| configs.iter().all(|(known, _)| known != path)) {
            let table = read(&path)?;
            configs.push((path, table));
        }
    }
    Ok(configs)
}

fn read(path: &Path) -> Result<Table, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    text.parse()
        .map_err(|error: toml::de::Error| format!("{} is no TOML: {}", path.display(), error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_however_it_is_written() {
        for (flags, has) in [
            ("--cfg tokio_unstable", true),
            ("-C opt-level=3 --cfg=tokio_unstable", true),
            ("--cfg tokio_taskdump --cfg tokio_unstable", true),
            ("--cfg tokio_taskdump", false),
            ("tokio_unstable", false),
        ] {
            let flags = Flags { from: String::new(), flags: flags.to_owned() };
            assert_eq!(flags.has_hooks(), has, "{flags:?}");
        }
    }

    #[test]
    fn a_dependency_is_known_by_its_package() {
        let manifest = |text: &str| text.parse::<Table>().expect("TOML");
        assert!(depends_on(&manifest("[dependencies]\nstallscope = \"1\""), "stallscope"));
        assert!(depends_on(&manifest("[dev-dependencies.watch]\npackage = \"stallscope\""), "stallscope"));
        assert!(depends_on(&manifest("[target.'cfg(unix)'.dependencies]\nstallscope = \"1\""), "stallscope"));
        assert!(!depends_on(&manifest("[dependencies.stallscope]\npackage = \"other\""), "stallscope"));
    }
}
