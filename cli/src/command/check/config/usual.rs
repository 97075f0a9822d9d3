use super::USUAL;
use std::env;
use std::path::{Path, PathBuf};

/// The nearest usual file, from the working folder up to the root of its repository, or where there is none, of its outermost
/// package or workspace: what lies beyond is another's. As a path from the working folder.
pub(super) fn find() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    let is_up = |up: &usize| here.ancestors().nth(*up).is_some_and(|folder| folder.join(USUAL).exists());
    (0..=up_to_root(&here)).find(is_up).map(|up| (0..up).map(|_| "..").chain([USUAL]).collect())
}

/// How far up the root lies.
fn up_to_root(here: &Path) -> usize {
    let holds = |name: &'static str| move |folder: &Path| folder.join(name).exists();
    here.ancestors()
        .position(holds(".git"))
        .or_else(|| here.ancestors().collect::<Vec<_>>().into_iter().rposition(holds("Cargo.toml")))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_root_is_that_of_the_repository_else_of_the_outermost_package() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let here = folder.path().join("repository/workspace/package/src");
        fs::create_dir_all(&here).expect("it is made");
        let up = |of: &str, name: &str| {
            fs::write(folder.path().join(of).join(name), "").expect("it is written");
            up_to_root(&here)
        };
        assert_eq!(up_to_root(&here), 0);
        assert_eq!(up("repository/workspace/package", "Cargo.toml"), 1);
        assert_eq!(up("repository/workspace", "Cargo.toml"), 2);
        assert_eq!(up("repository", ".git"), 3);
        assert_eq!(up("", "Cargo.toml"), 3);
    }
}
