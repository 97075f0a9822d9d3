//! Where a function comes from: the user's own crates, a dependency, tokio, the standard library, or the instrument.

use crate::config::App;
use stallscope_wire::{Header, Stack};
use std::path::Path;

/// Where a function comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The user's own code.
    User,
    /// A crate from a registry or a git checkout, or a C library.
    Dependency,
    /// tokio.
    Tokio,
    /// The standard library.
    Std,
    /// Stallscope's own wrapping of the user's code.
    Instrument,
    /// Neither a file nor a name tells.
    Unknown,
}

/// Where this crate's sources are, as the compiler names them.
pub(crate) const OWN_SOURCES: &str = {
    let (folder, _) = file!().split_at(file!().len() - "diagnosis/origin.rs".len());
    folder
};

/// Tells origins apart, knowing what `#[stallscope::main]` knows of the program.
#[derive(Debug)]
pub(super) struct Origins {
    crate_name: Option<String>,
    source_root: Option<String>,
    /// The same, where the process does not say so: as its debug information does.
    learnt_root: Option<String>,
    /// Where the sources of the instrument are that is in the program.
    instrument_sources: String,
}

impl Origins {
    pub(super) fn new(app: App) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            crate_name: owned(app.crate_name),
            source_root: owned(app.source_root),
            learnt_root: None,
            instrument_sources: OWN_SOURCES.to_owned(),
        }
    }

    /// Of a program that says so itself.
    pub(super) fn of_program(header: &Header) -> Self {
        Self {
            crate_name: header.krate.clone(),
            source_root: header.source_root.clone(),
            learnt_root: None,
            instrument_sources: header.instrument_sources.clone(),
        }
    }

    /// Whether the folder is known that the user's relative paths start from.
    pub(super) fn know_root(&self) -> bool {
        self.source_root.is_some() || self.learnt_root.is_some()
    }

    /// Takes note of it, as the debug information tells it.
    pub(super) fn learn_root(&mut self, root: &str) {
        self.learnt_root = Some(root.to_owned());
    }

    /// By the file, where there is one: an inlined function's name has lost its path.
    pub(super) fn of(&self, function: Option<&str>, file: Option<&str>) -> Origin {
        let by_name = function.map(crate_of);
        match by_name.flatten() {
            Some("stallscope_instrument") => return Origin::Instrument,
            // The facade, unless it is the watched program that has this name.
            Some("stallscope") if self.crate_name.as_deref() != Some("stallscope") => {
                return Origin::Instrument;
            }
            _ => {}
        }
        match file.map(|file| self.by_file(file)) {
            Some(Origin::Unknown) | None => self.by_name(by_name.flatten()),
            Some(origin) => origin,
        }
    }

    fn by_file(&self, file: &str) -> Origin {
        // The last are the crates that std was built with.
        let stds = ["/rustc/", "library/", "/rust/deps/"];
        if stds.iter().any(|folder| file.starts_with(folder)) || file.contains("/rustlib/src/rust/") {
            return Origin::Std;
        }
        // What a folder above the program's own is called says nothing.
        let file = self.relative(file);
        if !self.instrument_sources.is_empty() && file.starts_with(&self.instrument_sources) {
            return Origin::Instrument;
        }
        match dependency(file) {
            Some("tokio") => Origin::Tokio,
            Some(_) => Origin::Dependency,
            // C code's build folders, as distributions leave them: `./nptl/…`, `../sysdeps/…`.
            None if file.starts_with("./") || file.starts_with("../") => Origin::Dependency,
            None if Path::new(file).extension().is_some_and(|extension| extension == "rs") => Origin::User,
            None => Origin::Dependency,
        }
    }

    fn by_name(&self, crate_name: Option<&str>) -> Origin {
        match crate_name {
            Some("std" | "core" | "alloc" | "rustc_demangle" | "__rustc") => Origin::Std,
            Some("tokio") => Origin::Tokio,
            Some(name) if Some(name) == self.crate_name.as_deref() => Origin::User,
            Some(_) => Origin::Dependency,
            None => Origin::Unknown,
        }
    }

    /// A file's path as people read it: from the source root, from the dependency's folder, or from the standard library's.
    pub(super) fn shown<'a>(&self, file: &'a str) -> &'a str {
        let after = |mark: &str| file.find(mark).map(|at| &file[at + 1..]);
        match self.by_file(file) {
            Origin::Std => after("/library/").unwrap_or(file),
            Origin::Tokio | Origin::Dependency => dependency_path(file).unwrap_or(file),
            _ => self.relative(file),
        }
    }

    /// A file's path from the source root, where it lies below it.
    pub(super) fn relative<'a>(&self, file: &'a str) -> &'a str {
        let below = |root: &str| file.strip_prefix(root)?.strip_prefix('/');
        self.source_root.as_deref().or(self.learnt_root.as_deref()).and_then(below).unwrap_or(file)
    }

    /// Has the files of a stack's frames as people read them.
    pub(super) fn show(&self, stack: &mut Stack) {
        for file in stack.frames.iter_mut().filter_map(|frame| frame.file.as_mut()) {
            *file = self.shown(file).to_owned();
        }
        stack.source_root.clone_from(&self.learnt_root);
    }
}

/// A dependency's source file, from the folder that is named for the dependency.
fn dependency_path(file: &str) -> Option<&str> {
    let vendored = file.strip_prefix("vendor/");
    let marks = ["/registry/src/", "/cargo/registry/", "/git/checkouts/", "/vendor/"];
    vendored.or_else(|| {
        marks.into_iter().find_map(|mark| {
            let (_, rest) = file.split_once(mark)?;
            // A registry has a folder of its own in between.
            if mark == "/registry/src/" { rest.split_once('/').map(|(_, rest)| rest) } else { Some(rest) }
        })
    })
}

/// The dependency that a source file belongs to, without its version.
fn dependency(file: &str) -> Option<&str> {
    let name = dependency_path(file)?.split('/').next()?;
    // `name-1.2.3`, or `name-0123456789abcdef` of a git checkout.
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_version = |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) || is_hash(text);
    Some(name.rsplit_once('-').filter(|(_, end)| is_version(end)).map_or(name, |(name, _)| name))
}

/// Where in tokio's sources a frame lies, as a path without extension (`runtime/task/harness`); from the file, or from
/// the function's path.
pub(crate) fn tokio_module<'a>(
    function: Option<&'a str>,
    file: Option<&'a str>,
) -> Option<std::borrow::Cow<'a, str>> {
    if let Some(file) = file
        && dependency(file) == Some("tokio")
    {
        let (_, module) = file.rsplit_once("/src/")?;
        return Some(module.trim_end_matches(".rs").trim_end_matches("/mod").into());
    }
    let path = path_of(function?);
    path.strip_prefix("tokio::").map(|module| module.replace("::", "/").into())
}

/// The path at the beginning of a demangled name: without `<`, `&` and what follows the first generic argument.
fn path_of(function: &str) -> &str {
    let path = function
        .trim_start_matches(['<', '&', '*', '('])
        .trim_start_matches("mut ")
        .trim_start_matches("dyn ");
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(path.len());
    path[..end].trim_end_matches(':')
}

/// The crate that a demangled name belongs to; none when the name has no path.
pub(super) fn crate_of(function: &str) -> Option<&str> {
    path_of(function).split_once("::").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::Frame;

    fn origins() -> Origins {
        Origins::new(App { crate_name: Some("shop"), source_root: Some("/srv/me/shop") })
    }

    #[test]
    fn the_file_tells() {
        for (file, origin) in [
            ("/srv/me/shop/src/cart.rs", Origin::User),
            ("/srv/me/other/src/lib.rs", Origin::User),
            ("src/cart.rs", Origin::User),
            ("/rustc/0123abcd/library/std/src/thread/mod.rs", Origin::Std),
            ("/rust/deps/gimli-0.32.3/src/read/mod.rs", Origin::Std),
            ("/srv/me/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/ops.rs", Origin::Std),
            (
                "/srv/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/tokio-1.54.1/src/runtime/park.rs",
                Origin::Tokio,
            ),
            (
                "/srv/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/tokio-util-0.7.1/src/lib.rs",
                Origin::Dependency,
            ),
            ("/srv/me/.cargo/git/checkouts/tokio-0123456789abcdef/fe12/tokio/src/lib.rs", Origin::Tokio),
            ("/srv/me/shop/vendor/tokio-util/src/lib.rs", Origin::Dependency),
            ("/usr/src/app/src/main.rs", Origin::User),
            ("/usr/share/cargo/registry/serde-1.0.1/src/lib.rs", Origin::Dependency),
            ("./nptl/pthread_mutex_lock.c", Origin::Dependency),
            ("/build/zlib/inflate.c", Origin::Dependency),
        ] {
            assert_eq!(origins().of(Some("f"), Some(file)), origin, "{file}");
        }
    }

    #[test]
    fn a_root_that_is_learnt_is_told_with_the_stack() {
        let file = "/srv/vendor/shop/src/cart.rs";
        let mut origins = Origins::new(App::default());
        assert_eq!(
            (origins.of(None, Some(file)), origins.shown(file)),
            (Origin::Dependency, "shop/src/cart.rs")
        );
        origins.learn_root("/srv/vendor/shop");
        assert_eq!(
            origins.of(None, Some(file)),
            Origin::User,
            "what the folders above are called says nothing"
        );
        let frame = Frame { file: Some(file.to_owned()), ..Frame::default() };
        let mut stack = Stack { frames: vec![frame], ..Stack::default() };
        origins.show(&mut stack);
        assert_eq!(stack.frames[0].file.as_deref(), Some("src/cart.rs"));
        assert_eq!(stack.source_root.as_deref(), Some("/srv/vendor/shop"));
    }

    #[test]
    fn without_a_file_the_name_tells() {
        for (name, origin) in [
            ("shop::cart::total", Origin::User),
            ("<shop::cart::Cart as core::ops::drop::Drop>::drop", Origin::User),
            ("std::thread::sleep", Origin::Std),
            ("tokio::runtime::task::raw::poll", Origin::Tokio),
            ("hyper::proto::h1::dispatch", Origin::Dependency),
            ("<stallscope_instrument::probe::root::Root<F>>::poll", Origin::Instrument),
            ("clock_nanosleep", Origin::Unknown),
        ] {
            assert_eq!(origins().of(Some(name), None), origin, "{name}");
        }
    }

    #[test]
    fn a_program_may_be_named_as_the_facade() {
        let origin = |crate_name| Origins::new(App { crate_name: Some(crate_name), source_root: None });
        let of =
            |origins: Origins| origins.of(Some("stallscope::reference::sleep"), Some("src/reference.rs"));
        assert_eq!(of(origin("stallscope")), Origin::User);
        assert_eq!(of(origin("shop")), Origin::Instrument);
    }

    #[test]
    fn tokio_modules_are_found_by_file_and_by_name() {
        let file = "/me/src/.cargo/registry/src/index-1/tokio-1.54.1/src/runtime/task/mod.rs";
        assert_eq!(tokio_module(Some("poll<T>"), Some(file)).as_deref(), Some("runtime/task"));
        let name = "<tokio::runtime::task::core::Core<T,S>>::poll";
        assert_eq!(tokio_module(Some(name), None).as_deref(), Some("runtime/task/core/Core"));
        assert_eq!(tokio_module(Some("shop::tokio::run"), None), None);
    }
}
