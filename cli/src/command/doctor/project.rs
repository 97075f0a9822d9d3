//! The cargo project of a folder: would Stallscope see what it builds?

use super::super::cargo::{Config, Place, RUSTFLAGS, asked_for, depend_on_target};
use super::item::Item;
use super::manifests::Manifests;
use crate::failure::Failure;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use toml::Value;

/// How a program gets to Stallscope.
pub(super) const ADD: &str = "cargo add --path ../stallscope (a checkout of Stallscope's sources)";
/// How a program and this command come to have one version.
pub(super) const ONE_CHECKOUT: &str = "take both from one checkout of Stallscope's sources: the dependency by its path, the command by cargo install --path \
     cli in it";
/// So many source files are looked through at most.
const FILES: usize = 2000;
/// This command's version, which the library's is to be.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// # Errors
/// When one of cargo's files cannot be read.
pub(super) fn items(folder: &Path) -> Result<Vec<Item>, Failure> {
    let Some(manifests) = Manifests::of(folder).map_err(Failure::usage)? else {
        return Ok(vec![Item::note("project", "no cargo project here: nothing is said of one")]);
    };
    let folder = fs::canonicalize(folder).map_err(Failure::usage)?;
    let config = Config::read(&folder, iter::empty());
    if let Some(why) = config.unread.first() {
        return Err(Failure::usage(why));
    }
    let mut items = vec![Item::good("project", manifests.manifest.display().to_string())];
    let stallscope = dependency(&manifests);
    let used = stallscope.cure.is_none() || manifests.depends_on("stallscope");
    items.push(stallscope);
    items.extend(tokio(&manifests));
    items.push(hooks(&config));
    items.extend(lines(&manifests, &config));
    if used {
        items.extend(entry(&manifests));
    }
    Ok(items)
}

fn dependency(manifests: &Manifests) -> Item {
    const NAME: &str = "stallscope";
    if !manifests.depends_on("stallscope") {
        return Item::bad(NAME, "no package here depends on it: nothing of them is seen", ADD);
    }
    match manifests.locked("stallscope").as_deref() {
        None => Item::note(NAME, "a dependency; which version, Cargo.lock will say once it is built"),
        Some([version]) if version == OWN => Item::good(NAME, format!("{version}, as this command")),
        Some([version]) => Item::gap(NAME, format!("{version}, and this command is {OWN}"), ONE_CHECKOUT),
        Some([]) => Item::note(NAME, "a dependency that Cargo.lock does not have yet: build once"),
        Some(versions) => Item::gap(
            NAME,
            format!("{} at once: only one of them can watch a process", versions.join(" and ")),
            "cargo tree -i stallscope shows who wants which",
        ),
    }
}

fn tokio(manifests: &Manifests) -> Option<Item> {
    const NAME: &str = "tokio";
    let versions = manifests.locked(NAME)?;
    Some(match &versions[..] {
        [] => Item::bad(
            NAME,
            "no package here uses it: there is no event loop to watch",
            "name a folder that has one",
        ),
        [version] => Item::good(NAME, version.clone()),
        versions => Item::gap(
            NAME,
            format!("{} at once: the runtimes of one of them alone are watched", versions.join(" and ")),
            "cargo tree -i tokio shows who wants which",
        ),
    })
}

const HOOKS: &str = "tokio_unstable";
/// How to have the hooks without a change of the project.
const FOR_ONE_RUN: &str = "for one run: stallscope check --exact -- cargo test";

/// Of all places that set flags cargo takes one, for each target that it builds for.
fn hooks(config: &Config) -> Item {
    let targets =
        if depend_on_target(config) { asked_for(iter::empty(), None, config) } else { Ok(Vec::new()) };
    let Ok(targets) = targets else {
        let found = "flags are set for some targets, and rustc does not tell which of them holds here";
        return Item::gap(HOOKS, found, "have rustc in PATH");
    };
    let variable = |name: &str| std::env::var(name).ok();
    let targets = targets.iter().map(Some).chain(targets.is_empty().then_some(None));
    let items = targets.map(|target| hooks_in(&RUSTFLAGS.places(&variable, config, target)));
    items.max_by_key(|item| item.mark).expect("something is built for some target")
}

fn hooks_in(places: &[Place]) -> Item {
    let mut saying = places.iter().filter_map(|place| Some((place, place.last()?)));
    let Some((place, holds)) = saying.next() else {
        return Item::gap(
            HOOKS,
            "no flag sets it: the tier will be sampled, and computing is told as probable only",
            format!(
                "put rustflags = [\"--cfg\", \"tokio_unstable\"] under [build] in .cargo/config.toml; {FOR_ONE_RUN}"
            ),
        );
    };
    if let Some(set) = place.hooks() {
        return Item::good(HOOKS, format!("set by {set}"));
    }
    let found = match saying.find_map(|(other, _)| other.hooks()) {
        Some(over) => format!("set by {over}, which {holds} replaces: the tier will be sampled"),
        None => format!(
            "{holds} does not set it: the tier will be sampled, and computing is told as probable only"
        ),
    };
    Item::gap(
        HOOKS,
        found,
        format!(
            "add --cfg tokio_unstable to {holds}: cargo takes the flags of one place alone; {FOR_ONE_RUN}"
        ),
    )
}

/// Whether a release build names lines.
fn lines(manifests: &Manifests, config: &Config) -> Vec<Item> {
    const NAME: &str = "release lines";
    let cure = "put debug = \"line-tables-only\" into [profile.release]";
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut items =
        vec![match manifests.release("debug", config).map(|(value, from)| (text(&value), from)) {
            None => {
                Item::gap(NAME, "a release build has no line tables: functions are named, not lines", cure)
            }
            Some((value, from)) if matches!(&*value, "0" | "false" | "none") => {
                Item::gap(NAME, format!("debug = {value} in {from}: functions are named, not lines"), cure)
            }
            Some((value, from)) if value == "line-directives-only" => {
                Item::gap(NAME, format!("debug = {value} in {from} has no line tables"), cure)
            }
            Some((value, from)) => Item::good(NAME, format!("debug = {value} in {from}")),
        }];
    if let Some((value, from)) = manifests.release("strip", config).map(|(value, from)| (text(&value), from))
        && !matches!(&*value, "none" | "false")
    {
        items.push(Item::gap(
            "strip",
            format!("strip = {value} in {from} takes the lines away again"),
            "leave it out of [profile.release]",
        ));
    }
    if let Some((value, from)) =
        manifests.release("split-debuginfo", config).map(|(value, from)| (text(&value), from))
        && value != "off"
    {
        items.push(Item::gap(
            "split-debuginfo",
            format!("split-debuginfo = {value} in {from} puts the lines into a file that is not read"),
            "set it to off",
        ));
    }
    items
}

/// What a source file starts its runtime with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Ours,
    Tokios,
}

/// Where programs start their runtimes.
fn entry(manifests: &Manifests) -> Vec<Item> {
    const NAME: &str = "main";
    let mut starts = Vec::new();
    for package in manifests.packages() {
        for file in sources(&package.join("src")) {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let shown = file.strip_prefix(manifests.folder()).unwrap_or(&file);
            starts
                .extend(starts_in(&text).map(|(line, start)| (format!("{}:{line}", shown.display()), start)));
        }
    }
    let of =
        |wanted| starts.iter().filter(move |(_, start)| *start == wanted).map(|(place, _)| place.as_str());
    let mut items: Vec<_> = of(Start::Tokios)
        .map(|place| {
            Item::gap(
                NAME,
                format!("{place} has #[tokio::main]: that runtime is not watched"),
                "put #[stallscope::main] in its place; it takes the same arguments",
            )
        })
        .collect();
    match of(Start::Ours).next() {
        Some(place) => items.push(Item::good(NAME, format!("{place} starts Stallscope"))),
        None if items.is_empty() => items.push(Item::gap(
            NAME,
            "no source file starts Stallscope",
            "put #[stallscope::main] before main, or call stallscope::install on the runtime's builder",
        )),
        None => {}
    }
    items
}

/// The lines that start a runtime, or Stallscope on one.
fn starts_in(source: &str) -> impl Iterator<Item = (usize, Start)> {
    let kind = |line: &str| {
        let line = line.trim();
        let is_attribute = line.ends_with(']') || line.contains("fn ");
        let calls = ["stallscope::install(", "stallscope::attach(", "stallscope::Config::new("];
        // An odd number of quotes stands before what is text and no code.
        let is_code = |at: usize| line[..at].matches('"').count().is_multiple_of(2);
        if line.starts_with("//") {
            None
        } else if is_attribute && line.starts_with("#[tokio::main") {
            Some(Start::Tokios)
        } else if is_attribute && line.starts_with("#[stallscope::main") {
            Some(Start::Ours)
        } else {
            calls.iter().any(|call| line.find(call).is_some_and(is_code)).then_some(Start::Ours)
        }
    };
    source.lines().enumerate().filter_map(move |(at, line)| Some((at + 1, kind(line)?)))
}

/// Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() && path.extension().is_some_and(|end| end == "rs") => {
                    found.push(path);
                }
                _ => {}
            }
        }
        if found.len() >= FILES {
            break;
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_and_a_text_start_nothing() {
        let source = "// #[tokio::main]
            say(\"call stallscope::install(builder)\");
            #[tokio::main(flavor = \"x\")]
            let guard = stallscope::install(&mut builder)?;";
        assert_eq!(starts_in(source).collect::<Vec<_>>(), [(3, Start::Tokios), (4, Start::Ours)]);
    }
}
