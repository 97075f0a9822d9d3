//! The words of a cargo command.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

/// Subcommands whose options are known: an alias or another program may mean something else by the same word.
const KNOWN: [&str; 14] =
    ["b", "bench", "build", "c", "check", "clippy", "d", "doc", "nextest", "r", "run", "rustc", "t", "test"];
/// Those whose first argument that is no option begins the arguments of the program they run.
const RUN: [&str; 2] = ["r", "run"];
/// Options whose value is the next word.
const VALUED: [&str; 27] = [
    "--artifact-dir",
    "--bench",
    "--bin",
    "--color",
    "--config",
    "--example",
    "--exclude",
    "--explain",
    "--features",
    "--jobs",
    "--lockfile-path",
    "--manifest-path",
    "--message-format",
    "--package",
    "--profile",
    "--target",
    "--target-dir",
    "--test",
    "--cargo-profile",
    "--config-file",
    "-C",
    "-E",
    "-F",
    "-P",
    "-Z",
    "-j",
    "-p",
];

/// A cargo command, as far as it matters for what is built where.
#[derive(Debug)]
pub(super) struct Invocation<'a> {
    words: &'a [OsString],
    /// Of the subcommand; the number of words where there is none.
    subcommand: usize,
    options: Vec<Given<'a>>,
}

/// An option with its value.
#[derive(Debug)]
struct Given<'a> {
    name: &'a str,
    value: &'a OsStr,
    /// Of the word that the value stands in.
    at: usize,
}

impl<'a> Invocation<'a> {
    /// Of a command that is not empty.
    pub(super) fn of(words: &'a [OsString]) -> Self {
        let mut invocation = Self { words, subcommand: words.len(), options: Vec::new() };
        let mut at = 1;
        while let Some(word) = words.get(at) {
            let text = word.to_str().unwrap_or_default();
            if text == "--" {
                break;
            }
            if !text.starts_with(['-', '+']) {
                if !invocation.goes_on_after(at, text) {
                    break;
                }
            } else if let Some((name, value)) = text.split_once('=').filter(|_| text.starts_with("--")) {
                invocation.options.push(Given { name, value: OsStr::new(value), at });
            } else if let Some(value) = words.get(at + 1).filter(|_| VALUED.contains(&text)) {
                at += 1;
                invocation.options.push(Given { name: text, value, at });
            }
            at += 1;
        }
        invocation
    }

    /// Whether cargo's own options may follow this word, which is none itself.
    fn goes_on_after(&mut self, at: usize, word: &str) -> bool {
        if self.subcommand == self.words.len() {
            self.subcommand = at;
            return KNOWN.contains(&word);
        }
        !RUN.iter().any(|run| self.words[self.subcommand] == *run)
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &'a OsStr> {
        self.options.iter().filter(move |given| given.name == name).map(|given| given.value)
    }

    /// Values of `--config`, the one that holds least first.
    pub(super) fn configs(&self) -> impl Iterator<Item = &'a OsStr> {
        self.values("--config")
    }

    /// Values of `--target`.
    pub(super) fn targets(&self) -> impl Iterator<Item = &'a OsStr> {
        self.values("--target")
    }

    /// The value of `--target-dir`.
    pub(super) fn target_dir(&self) -> Option<&'a OsStr> {
        self.values("--target-dir").last()
    }

    /// `+nightly`.
    pub(super) fn toolchain(&self) -> Option<&'a OsStr> {
        let second = self.words.get(1)?;
        second.as_encoded_bytes().starts_with(b"+").then_some(second)
    }

    /// Another subcommand of the same cargo, about the same workspace with the same configuration.
    pub(super) fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = Command::new(&self.words[0]);
        cargo.args(&self.words[1..self.subcommand]).arg(subcommand);
        for given in self.options.iter().filter(|given| given.at > self.subcommand) {
            if matches!(given.name, "--config" | "--manifest-path") {
                cargo.arg(given.name).arg(given.value);
            }
        }
        cargo
    }

    /// The same command, which builds in this folder where it says another.
    pub(super) fn building_in(&self, folder: &Path) -> Vec<OsString> {
        let mut words = self.words.to_vec();
        for given in self.options.iter().filter(|given| given.name == "--target-dir") {
            let word = &mut words[given.at];
            *word = if *word == given.value {
                folder.into()
            } else {
                let mut option = OsString::from("--target-dir=");
                option.push(folder);
                option
            };
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn options_are_found_on_either_side_of_the_subcommand() {
        let words =
            words("cargo +beta --config a.b=1 test --target x name --config=c --target=y -- --target z");
        let invocation = Invocation::of(&words);
        assert_eq!(invocation.configs().collect::<Vec<_>>(), ["a.b=1", "c"]);
        assert_eq!(invocation.targets().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(invocation.toolchain(), Some(OsStr::new("+beta")));
        let asking = invocation.cargo("metadata");
        let arguments: Vec<_> = asking.get_args().collect();
        assert_eq!(arguments, ["+beta", "--config", "a.b=1", "metadata", "--config", "c"]);
    }

    #[test]
    fn a_program_s_own_arguments_are_left_alone() {
        for text in [
            "cargo run --bin server --target-dir",
            "cargo run -p a serve --target-dir x",
            "cargo run -- --target-dir x",
            "cargo xtask --target-dir x",
            "cargo test -- --target-dir x",
            "cargo",
        ] {
            let words = words(text);
            let invocation = Invocation::of(&words);
            assert_eq!(invocation.target_dir(), None, "{text}");
            assert_eq!(invocation.building_in(Path::new("y")), words, "{text}");
        }
    }

    #[test]
    fn a_target_directory_that_is_given_is_replaced_where_it_stands() {
        for (text, other) in [
            ("cargo run --target-dir x -- --target-dir z", "cargo run --target-dir y -- --target-dir z"),
            ("cargo nextest run --target-dir=x", "cargo nextest run --target-dir=y"),
            ("/opt/cargo -j 2 t name --target-dir x", "/opt/cargo -j 2 t name --target-dir y"),
        ] {
            let given = words(text);
            let invocation = Invocation::of(&given);
            assert_eq!(invocation.target_dir(), Some(OsStr::new("x")), "{text}");
            assert_eq!(invocation.building_in(Path::new("y")), words(other));
        }
    }
}
