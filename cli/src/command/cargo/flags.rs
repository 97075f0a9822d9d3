//! Which of the places that compiler flags may stand in holds, and what is added there.
//!
//! Cargo asks three places, and takes the first that says anything: the environment (`RUSTFLAGS` and its encoded form), the
//! tables of the target, `[build]`. Within a place files and variables are joined. So what is added goes into a variable of the
//! place that holds, and a variable, other than an option, is passed on to whatever cargo runs: `cargo nextest` is no cargo.

use super::{Config, Target};
use cargo_platform::CfgExpr;
use std::env;

/// What makes tokio offer its task hooks.
const CFG: [&str; 2] = ["--cfg", "tokio_unstable"];

pub(in super::super) const RUSTFLAGS: Kind = Kind { variable: "RUSTFLAGS", key: "rustflags", by_cfg: true };
/// Those of the documentation's examples, which cargo has rustdoc compile.
pub(in super::super) const RUSTDOCFLAGS: Kind =
    Kind { variable: "RUSTDOCFLAGS", key: "rustdocflags", by_cfg: false };

/// Flags of one program.
#[derive(Debug)]
pub(in super::super) struct Kind {
    variable: &'static str,
    key: &'static str,
    /// Cargo looks for them in `[target.'cfg(…)']` too.
    by_cfg: bool,
}

/// A variable and what to set it to.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Addition {
    pub(in super::super) variable: String,
    pub(in super::super) value: String,
}

/// One of the three places.
#[derive(Debug)]
pub(in super::super) struct Place {
    /// Its variable, with what that is set to, and what parts its flags.
    variable: String,
    value: String,
    separator: char,
    /// All that say something here, by their names for people.
    said: Vec<(String, Vec<String>)>,
}

impl Place {
    /// Who sets the task hooks here.
    pub(in super::super) fn hooks(&self) -> Option<&str> {
        self.said.iter().find(|(_, flags)| has_hooks(flags)).map(|(from, _)| from.as_str())
    }

    /// Who says something here, the last where several do.
    pub(in super::super) fn last(&self) -> Option<&str> {
        self.said.last().map(|(from, _)| from.as_str())
    }

    fn is_empty(&self) -> bool {
        self.said.iter().all(|(_, flags)| flags.is_empty())
    }

    /// None where the task hooks are set here.
    fn addition(self) -> Option<Addition> {
        let Self { variable, value, separator, said } = self;
        let flags: Vec<_> = said.into_iter().flat_map(|(_, flags)| flags).collect();
        let before = if value.is_empty() { value } else { value + &separator.to_string() };
        (!has_hooks(&flags)).then(|| Addition { variable, value: before + &CFG.join(&separator.to_string()) })
    }
}

/// Whether any table of a target has flags, so that it matters for what is built.
pub(in super::super) fn depend_on_target(config: &Config) -> bool {
    let in_files = config.targets().iter().any(|target| {
        let said =
            [RUSTFLAGS, RUSTDOCFLAGS].iter().flat_map(|kind| config.words(&["target", target, kind.key]));
        said.into_iter().any(|(_, flags)| !flags.is_empty())
    });
    let in_variables = env::vars_os().any(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_TARGET_") && name.ends_with("FLAGS")
    });
    in_files || in_variables
}

impl Kind {
    /// What to add for these targets; nothing where it is there already. Without targets no table of theirs has flags.
    pub(in super::super) fn additions(
        &self,
        environment: &impl Fn(&str) -> Option<String>,
        config: &Config,
        targets: &[Target],
    ) -> Vec<Addition> {
        let targets = targets.iter().map(Some).chain(targets.is_empty().then_some(None));
        let holding =
            targets.filter_map(|target| self.places(environment, config, target).into_iter().next());
        let mut additions: Vec<_> = holding.filter_map(Place::addition).collect();
        additions.dedup();
        additions
    }

    /// The places for one target, the one that holds first; `[build]` is one of them when it says nothing too.
    pub(in super::super) fn places(
        &self,
        environment: &impl Fn(&str) -> Option<String>,
        config: &Config,
        target: Option<&Target>,
    ) -> Vec<Place> {
        let encoded = format!("CARGO_ENCODED_{}", self.variable);
        let alone = [(encoded, '\x1f'), (self.variable.to_owned(), ' ')];
        // One that is empty holds too.
        let mut places: Vec<_> = alone
            .into_iter()
            .filter_map(|(variable, separator)| {
                let value = environment(&variable)?;
                let flags = value.split(separator).map(str::to_owned).collect();
                let said = vec![(variable.clone(), flags)];
                Some(Place { variable, value, separator, said })
            })
            .collect();
        let beside = |variable: String, said: Vec<_>| {
            let value = environment(&variable).unwrap_or_default();
            let own = words(&value);
            let own = (!own.is_empty()).then(|| (variable.clone(), own));
            let said = said.into_iter().chain(own).collect();
            Place { variable, value, separator: ' ', said }
        };
        let of_target =
            target.map(|target| beside(target.variable(self.variable), self.of_target(target, config)));
        places.extend(of_target.filter(|place| !place.is_empty()));
        places.push(beside(format!("CARGO_BUILD_{}", self.variable), self.in_files(&["build"], config)));
        places
    }

    /// Those of the target's tables.
    fn of_target(&self, target: &Target, config: &Config) -> Vec<(String, Vec<String>)> {
        let of_cfg = |key: &&str| self.by_cfg && CfgExpr::matches_key(key, &target.cfg);
        let keys = config.targets().into_iter().filter(|key| *key == target.triple || of_cfg(key));
        keys.flat_map(|key| self.in_files(&["target", key], config)).collect()
    }

    /// Those of a table, in all files that have it.
    fn in_files(&self, table: &[&str], config: &Config) -> Vec<(String, Vec<String>)> {
        let path = [table, &[self.key]].concat();
        let named = |(file, flags)| (format!("{} of {file}", path.join(".")), flags);
        config.words(&path).into_iter().map(named).collect()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn has_hooks(flags: &[String]) -> bool {
    flags.windows(CFG.len()).any(|pair| pair == CFG) || flags.iter().any(|flag| *flag == CFG.join("="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_platform::Cfg;

    fn linux() -> Target {
        let cfg = ["unix", "target_os=\"linux\""].map(|cfg| cfg.parse::<Cfg>().expect("a cfg"));
        Target { triple: "x86_64-unknown-linux-gnu".to_owned(), cfg: cfg.to_vec() }
    }

    /// What is set, as `VARIABLE=VALUE`, with `|` for the separator of the encoded form.
    fn set(variables: &[(&str, &str)], config: &str, targets: &[Target]) -> Vec<String> {
        let find = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(found.1.replace('|', "\x1f"))
        };
        let additions = RUSTFLAGS.additions(&find, &Config::with(config), targets);
        additions
            .iter()
            .map(|addition| format!("{}={}", addition.variable, addition.value.replace('\x1f', "|")))
            .collect()
    }

    const OF_TARGET: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS";

    #[test]
    fn it_is_added_where_cargo_reads() {
        type Variables = &'static [(&'static str, &'static str)];
        let cases: [(Variables, &str, &str); 12] = [
            (&[], "", "CARGO_BUILD_RUSTFLAGS=--cfg tokio_unstable"),
            (
                &[("CARGO_ENCODED_RUSTFLAGS", "-C|opt=a b"), ("RUSTFLAGS", "-O")],
                "",
                "CARGO_ENCODED_RUSTFLAGS=-C|opt=a b|--cfg|tokio_unstable",
            ),
            (&[("CARGO_ENCODED_RUSTFLAGS", "")], "", "CARGO_ENCODED_RUSTFLAGS=--cfg|tokio_unstable"),
            (
                &[("RUSTFLAGS", "-D warnings"), ("CARGO_BUILD_RUSTFLAGS", "-O")],
                "target.'cfg(unix)'.rustflags = ['a']",
                "RUSTFLAGS=-D warnings --cfg tokio_unstable",
            ),
            (&[("RUSTFLAGS", "")], "build.rustflags = ['-O']", "RUSTFLAGS=--cfg tokio_unstable"),
            (&[], "build.rustflags = ['-O']", "CARGO_BUILD_RUSTFLAGS=--cfg tokio_unstable"),
            (&[("CARGO_BUILD_RUSTFLAGS", "-O")], "", "CARGO_BUILD_RUSTFLAGS=-O --cfg tokio_unstable"),
            (
                &[],
                "target.x86_64-unknown-linux-gnu.rustflags = '-O'",
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=--cfg tokio_unstable",
            ),
            (
                &[(OF_TARGET, "-O")],
                "build.rustflags = ['--cfg', 'tokio_unstable']",
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=-O --cfg tokio_unstable",
            ),
            (
                &[],
                "target.'cfg(all(unix, not(windows)))'.rustflags = ['-O']\nbuild.rustflags = ['a']",
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=--cfg tokio_unstable",
            ),
            (&[], "target.'cfg(windows)'.rustflags = '-O'", "CARGO_BUILD_RUSTFLAGS=--cfg tokio_unstable"),
            (
                &[],
                "target.x86_64-unknown-linux-gnu.rustflags = []",
                "CARGO_BUILD_RUSTFLAGS=--cfg tokio_unstable",
            ),
        ];
        for (variables, config, expected) in cases {
            assert_eq!(set(variables, config, &[linux()]), [expected], "{variables:?} {config}");
        }
    }

    #[test]
    fn where_it_is_nothing_is_added() {
        for (variable, config) in [
            (("CARGO_ENCODED_RUSTFLAGS", "--cfg|tokio_unstable"), ""),
            (("RUSTFLAGS", "-O --cfg=tokio_unstable"), ""),
            (("CARGO_BUILD_RUSTFLAGS", "--cfg tokio_unstable"), ""),
            ((OF_TARGET, "--cfg tokio_unstable"), ""),
            (("OTHER", ""), "build.rustflags = '--cfg tokio_unstable -O'"),
            (("OTHER", ""), "target.'cfg(unix)'.rustflags = ['--cfg', 'tokio_unstable']"),
        ] {
            assert_eq!(set(&[variable], config, &[linux()]), [""; 0], "{variable:?} {config}");
        }
    }

    #[test]
    fn each_target_has_its_own_place() {
        let other = Target { triple: "wasm32-wasip1".to_owned(), cfg: Vec::new() };
        let config = "[target.'cfg(unix)']\nrustflags = ['-O']\n[build]\nrustflags = ['a']";
        assert_eq!(
            set(&[], config, &[linux(), other]),
            [
                format!("{OF_TARGET}=--cfg tokio_unstable"),
                "CARGO_BUILD_RUSTFLAGS=--cfg tokio_unstable".to_owned()
            ]
        );
    }

    #[test]
    fn the_documentation_s_flags_have_no_place_by_cfg() {
        let config = Config::with("[target.'cfg(unix)']\nrustdocflags = ['-O']");
        let additions = RUSTDOCFLAGS.additions(&|_| None, &config, &[linux()]);
        let variable = "CARGO_BUILD_RUSTDOCFLAGS".to_owned();
        assert_eq!(additions, [Addition { variable, value: "--cfg tokio_unstable".to_owned() }]);
    }
}
