//! Where a finding's source lies in the repository, as its host names files.

use super::Run;
use stallscope::analysis::Finding;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A working copy, and the folders that the relative paths of logs start from.
#[derive(Debug)]
pub(super) struct Repository {
    root: PathBuf,
    bases: Vec<PathBuf>,
}

/// A place in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Location,
    /// From 1.
    pub(super) line: Option<u32>,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Location {
    /// Below the repository's root, with `/` between folders.
    Inside(String),
    /// Somewhere else, as the log has it.
    Outside(String),
}

/// The variables that say which folder a CI system has put the repository into.
const CHECKOUTS: [&str; 2] = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"];

impl Repository {
    /// The one that holds the working folder: what git calls its top, else where a CI system has put it, else the working
    /// folder itself.
    pub(super) fn of(runs: &[Run]) -> Self {
        let here = env::current_dir().unwrap_or_default();
        let checkouts = CHECKOUTS.iter().filter_map(env::var_os).map(PathBuf::from);
        let top = here.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
        let root = top.or_else(|| checkouts.into_iter().find(|checkout| here.starts_with(checkout)));
        let roots = runs.iter().filter_map(|run| run.history.source_root());
        Self::new(root.unwrap_or_else(|| here.clone()), &here, roots)
    }

    /// With the working folder, and the source roots of the processes.
    fn new<'a>(root: PathBuf, here: &Path, roots: impl Iterator<Item = &'a str>) -> Self {
        let mut bases: Vec<_> = roots.map(PathBuf::from).collect::<BTreeSet<_>>().into_iter().collect();
        bases.extend([root.clone(), here.to_owned()]);
        Self { root, bases }
    }

    /// The place to look at, if any is known: that of the culprit, else of the user's innermost own frame, else of the spawn.
    pub(super) fn place(&self, finding: &Finding) -> Option<Place> {
        let culprit = &finding.culprit;
        let own = finding.culprit_frame().is_none_or(|frame| finding.stack[frame].user);
        let of_culprit = culprit.file.as_ref().map(|file| self.at(file, culprit.line, own));
        let spawned = |at: &Option<String>| at.as_ref().map(|at| self.named(at));
        let of_frame = || {
            let frame = finding.stack.iter().find(|frame| frame.user && frame.file.is_some())?;
            Some(self.at(frame.file.as_ref()?, frame.line, true))
        };
        let of_task = || finding.task.as_ref().filter(|task| !task.spawned_at.is_empty());
        of_culprit
            .or_else(|| spawned(&culprit.spawned_at))
            .or_else(of_frame)
            .or_else(|| of_task().map(|task| self.named(&task.spawned_at)))
    }

    /// The place that a text names: `file:line:column`.
    pub(super) fn named(&self, place: &str) -> Place {
        match place.rsplitn(3, ':').collect::<Vec<_>>()[..] {
            [_, line, file] => self.at(file, line.parse().ok(), true),
            _ => self.at(place, None, true),
        }
    }

    /// A line of a file of the user's own code, or of others'.
    pub(super) fn at(&self, file: &str, line: Option<u32>, own: bool) -> Place {
        let inside = self.found(file).or_else(|| self.guessed(file, own));
        let file = inside.map_or_else(|| Location::Outside(file.to_owned()), Location::Inside);
        Place { file, line: line.filter(|line| *line > 0) }
    }

    /// The text of a line, if the file is here.
    pub(super) fn text(&self, place: &Place) -> Option<String> {
        let Location::Inside(path) = &place.file else { return None };
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        let line = text.lines().nth(place.line?.checked_sub(1)? as usize)?;
        Some(line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    /// Of a file that is here.
    fn found(&self, file: &str) -> Option<String> {
        let root = fs::canonicalize(&self.root).ok()?;
        let mut real = self.bases.iter().filter_map(|base| fs::canonicalize(base.join(file)).ok());
        real.find_map(|real| below(&root, &real).filter(|_| real.is_file()))
    }

    /// Of one that is not, as when a log comes from another machine: a relative path of the user's own code starts where
    /// cargo was run, which is mostly the repository's root.
    fn guessed(&self, file: &str, own: bool) -> Option<String> {
        let path = Path::new(file);
        if path.is_absolute() {
            return below(&self.root, path);
        }
        let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        (own && plain).then(|| slashes(path))
    }
}

fn below(root: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(root).ok().map(slashes).filter(|path| !path.is_empty())
}

fn slashes(path: &Path) -> String {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

impl Location {
    /// As a URI reference: relative, or of a file on this machine.
    pub(super) fn uri(&self) -> String {
        match self {
            Self::Inside(path) => encoded(path),
            Self::Outside(path) if path.starts_with('/') => format!("file://{}", encoded(path)),
            Self::Outside(path) => encoded(path),
        }
    }

    /// Whether its path leads there from the repository's root, or from that of the machine.
    pub(super) fn is_found(&self) -> bool {
        match self {
            Self::Inside(_) => true,
            Self::Outside(path) => path.starts_with('/'),
        }
    }

    /// The path from the repository's root.
    pub(super) fn inside(&self) -> Option<&str> {
        match self {
            Self::Inside(path) => Some(path),
            Self::Outside(_) => None,
        }
    }
}

/// With each byte that a path of a URI does not hold as it is in the form `%41`. A colon would make the first part a scheme.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut uri, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' | b'+' | b'@' => {
                uri.push(char::from(byte));
            }
            byte => uri += &format!("%{byte:02X}"),
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(repository: &Repository, file: &str, own: bool) -> Option<String> {
        repository.at(file, Some(1), own).file.inside().map(str::to_owned)
    }

    #[test]
    fn files_that_are_here_are_named_from_the_repository_s_root() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = fs::canonicalize(folder.path()).expect("it is there");
        let member = root.join("shop/src");
        fs::create_dir_all(&member).expect("folders");
        fs::write(member.join("main.rs"), "fn main() {\n    block();\n}\n").expect("a file");
        let source_root = root.join("shop").display().to_string();
        let repository = Repository::new(root.clone(), &root, [&*source_root].into_iter());
        let expected = Some("shop/src/main.rs".to_owned());
        assert_eq!(inside(&repository, "src/main.rs", true), expected, "from the process's source root");
        assert_eq!(inside(&repository, "shop/src/main.rs", true), expected, "from the repository's");
        let absolute = member.join("main.rs").display().to_string();
        assert_eq!(inside(&repository, &absolute, true), expected);
        assert_eq!(repository.text(&repository.named("src/main.rs:2:5")).as_deref(), Some("block();"));
        assert_eq!(repository.text(&repository.named("src/main.rs:9:5")), None);
    }

    #[test]
    fn a_file_that_is_not_here_is_guessed_only_of_own_code() {
        let repository = Repository::new("/srv/repository".into(), Path::new("/srv"), std::iter::empty());
        assert_eq!(inside(&repository, "./src/gone.rs", true).as_deref(), Some("src/gone.rs"));
        assert_eq!(inside(&repository, "/srv/repository/a/gone.rs", false).as_deref(), Some("a/gone.rs"));
        for (file, own) in
            [("axum-0.8.9/src/lib.rs", false), ("/rustc/59/library/std/src/fs.rs", true), ("../x.rs", true)]
        {
            assert_eq!(inside(&repository, file, own), None, "{file}");
        }
    }

    #[test]
    fn a_uri_holds_any_name() {
        assert_eq!(Location::Inside("a b/ü:%.rs".into()).uri(), "a%20b/%C3%BC%3A%25.rs");
        assert_eq!(Location::Outside("/x y.rs".into()).uri(), "file:///x%20y.rs");
    }
}
