//! The cargo project of a folder: would Stallscope see what it builds?

use super::cargo::Cargo;
use super::item::Item;
use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use toml::Value;

/// So many source files are looked through at most.
const FILES: usize = 2000;
/// This command's version, which the library's is to be.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// # Errors
/// When one of cargo's files cannot be read.
pub(super) fn items(folder: &Path) -> Result<Vec<Item>, Failure> {
    let Some(cargo) = Cargo::of(folder).map_err(Failure::usage)? else {
        return Ok(vec![Item::note("project", "no cargo project here: nothing is said of one")]);
    };
    let mut items = vec![Item::good("project", cargo.manifest.display().to_string())];
    let stallscope = dependency(&cargo);
    let used = stallscope.cure.is_none() || cargo.depends_on("stallscope");
    items.push(stallscope);
    items.extend(tokio(&cargo));
    items.push(hooks(&cargo));
    items.extend(lines(&cargo));
    if used {
        items.extend(entry(&cargo));
    }
    Ok(items)
}

fn dependency(cargo: &Cargo) -> Item {
    const NAME: &str = "stallscope";
    if !cargo.depends_on("stallscope") {
        return Item::bad(
            NAME,
            "no package here depends on it: nothing of them is seen",
            "cargo add stallscope",
        );
    }
    match cargo.locked("stallscope").as_deref() {
        None => Item::note(NAME, "a dependency; which version, Cargo.lock will say once it is built"),
        Some([version]) if version == OWN => Item::good(NAME, format!("{version}, as this command")),
        Some([version]) => Item::gap(
            NAME,
            format!("{version}, and this command is {OWN}"),
            format!(
                "bring both to one version: cargo update -p stallscope, or cargo install stallscope-cli@{version}"
            ),
        ),
        Some([]) => Item::note(NAME, "a dependency that Cargo.lock does not have yet: build once"),
        Some(versions) => Item::gap(
            NAME,
            format!("{} at once: only one of them can watch a process", versions.join(" and ")),
            "cargo tree -i stallscope shows who wants which",
        ),
    }
}

fn tokio(cargo: &Cargo) -> Option<Item> {
    const NAME: &str = "tokio";
    let versions = cargo.locked(NAME)?;
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

/// Of all places that set flags cargo takes one.
fn hooks(cargo: &Cargo) -> Item {
    const NAME: &str = "tokio_unstable";
    let places = cargo.flags();
    let here = "put rustflags = [\"--cfg\", \"tokio_unstable\"] under [build] in .cargo/config.toml; without it Stallscope \
                watches by sampling, and computing is told as probable only";
    let Some(((holds, joined), others)) =
        places.split_first().and_then(|(place, others)| Some((place.split_first()?, others)))
    else {
        return Item::gap(NAME, "no flag sets it: the tier will be sampled", here);
    };
    match [holds].into_iter().chain(joined).find(|flags| flags.has_hooks()) {
        Some(set) => Item::good(NAME, format!("set by {}", set.from)),
        None => match others.iter().flatten().find(|flags| flags.has_hooks()) {
            Some(over) => Item::gap(
                NAME,
                format!("set by {}, which {} replaces: the tier will be sampled", over.from, holds.from),
                format!(
                    "add --cfg tokio_unstable to {}: cargo takes the flags of one place alone",
                    holds.from
                ),
            ),
            None => Item::gap(
                NAME,
                format!("{} does not set it: the tier will be sampled", holds.from),
                format!(
                    "add --cfg tokio_unstable to {}; without it computing is told as probable only",
                    holds.from
                ),
            ),
        },
    }
}

/// Whether a release build names lines.
fn lines(cargo: &Cargo) -> Vec<Item> {
    const NAME: &str = "release lines";
    let cure = "put debug = \"line-tables-only\" into [profile.release]";
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut items = vec![match cargo.release("debug").map(|(value, from)| (text(&value), from)) {
        None => Item::gap(NAME, "a release build has no line tables: functions are named, not lines", cure),
        Some((value, from)) if matches!(&*value, "0" | "false" | "none") => {
            Item::gap(NAME, format!("debug = {value} in {from}: functions are named, not lines"), cure)
        }
        Some((value, from)) if value == "line-directives-only" => {
            Item::gap(NAME, format!("debug = {value} in {from} has no line tables"), cure)
        }
        Some((value, from)) => Item::good(NAME, format!("debug = {value} in {from}")),
    }];
    if let Some((value, from)) = cargo.release("strip").map(|(value, from)| (text(&value), from))
        && !matches!(&*value, "none" | "false")
    {
        items.push(Item::gap(
            "strip",
            format!("strip = {value} in {from} takes the lines away again"),
            "leave it out of [profile.release]",
        ));
    }
    if let Some((value, from)) = cargo.release("split-debuginfo").map(|(value, from)| (text(&value), from))
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
fn entry(cargo: &Cargo) -> Vec<Item> {
    const NAME: &str = "main";
    let mut starts = Vec::new();
    for package in cargo.packages() {
        for file in sources(&package.join("src")) {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let shown = file.strip_prefix(cargo.folder()).unwrap_or(&file);
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
