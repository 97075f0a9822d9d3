//! What the manifests and the lock file of a cargo project say.

use super::super::cargo::{Config, read};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A cargo project, as its files tell.
#[derive(Debug)]
pub(super) struct Manifests {
    /// The manifest of the package, or of the workspace, that the folder belongs to.
    pub(super) manifest: PathBuf,
    package: Table,
    root: Table,
    lock: Option<Table>,
}

impl Manifests {
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
        Ok(Some(Self { manifest, package, root: root.1, lock }))
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
    pub(super) fn release(&self, key: &str, config: &Config) -> Option<(Value, String)> {
        let variable = format!("CARGO_PROFILE_RELEASE_{}", key.to_uppercase().replace('-', "_"));
        if let Ok(value) = std::env::var(&variable) {
            return Some((Value::String(value), variable));
        }
        let in_config = config.value(&["profile", "release", key]);
        let in_config = in_config.map(|(from, value)| (value.clone(), from.to_owned()));
        let in_root = || Some(self.root.get("profile")?.get("release")?.get(key)?.clone());
        in_config.or_else(|| Some((in_root()?, "Cargo.toml".to_owned())))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_known_by_its_package() {
        let manifest = |text: &str| text.parse::<Table>().expect("TOML");
        assert!(depends_on(&manifest("[dependencies]\nstallscope = \"1\""), "stallscope"));
        assert!(depends_on(&manifest("[dev-dependencies.watch]\npackage = \"stallscope\""), "stallscope"));
        assert!(depends_on(&manifest("[target.'cfg(unix)'.dependencies]\nstallscope = \"1\""), "stallscope"));
        assert!(!depends_on(&manifest("[dependencies.stallscope]\npackage = \"other\""), "stallscope"));
    }
}
