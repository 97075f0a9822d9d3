//! Which of the places that compiler flags may stand in holds, and what is added there.
//!
//! Cargo asks three places, and takes the first that says anything: the environment (`RUSTFLAGS` and its encoded form), the
//! tables of the target, `[build]`. Within a place files and variables are joined. So what is added goes into a variable of the
//! place that holds, and a variable, other than an option, is passed on to whatever cargo runs: `cargo nextest` is no cargo.

use super::config::Config;
use super::target::Target;
use cargo_platform::CfgExpr;
use std::env;

/// What makes tokio offer its task hooks.
const CFG: [&str; 2] = ["--cfg", "tokio_unstable"];

pub(super) const RUSTFLAGS: Kind = Kind { variable: "RUSTFLAGS", key: "rustflags", by_cfg: true };
/// Those of the documentation's examples, which cargo has rustdoc compile.
pub(super) const RUSTDOCFLAGS: Kind = Kind { variable: "RUSTDOCFLAGS", key: "rustdocflags", by_cfg: false };

/// Flags of one program.
#[derive(Debug)]
pub(super) struct Kind {
    variable: &'static str,
    key: &'static str,
    /// Cargo looks for them in `[target.'cfg(…)']` too.
    by_cfg: bool,
}

/// A variable and what to set it to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Addition {
    pub(super) variable: String,
    pub(super) value: String,
}

/// Whether any table of a target has flags, so that it matters for what is built.
pub(super) fn depend_on_target(config: &Config) -> bool {
    let in_files = config.targets().iter().any(|target| {
        [RUSTFLAGS, RUSTDOCFLAGS].iter().any(|kind| !config.words(&["target", target, kind.key]).is_empty())
    });
    let in_variables = env::vars_os().any(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_TARGET_") && name.ends_with("FLAGS")
    });
    in_files || in_variables
}

impl Kind {
    /// What to add for these targets; nothing where it is there already. Without targets no table of theirs has flags.
    pub(super) fn additions(
        &self,
        environment: &impl Fn(&str) -> Option<String>,
        config: &Config,
        targets: &[Target],
    ) -> Vec<Addition> {
        for (variable, separator) in
            [(format!("CARGO_ENCODED_{}", self.variable), '\x1f'), (self.variable.to_owned(), ' ')]
        {
            // One that is empty holds too.
            if let Some(value) = environment(&variable) {
                let flags: Vec<_> = value.split(separator).map(str::to_owned).collect();
                return addition(&flags, variable, value, separator).into_iter().collect();
            }
        }
        let mut additions = Vec::new();
        for target in targets {
            let variable = target.variable(self.variable);
            let value = environment(&variable).unwrap_or_default();
            let flags = self.of_target(target, &value, config);
            if flags.is_empty() {
                additions.extend(self.to_build(environment, config));
            } else {
                additions.extend(addition(&flags, variable, value, ' '));
            }
        }
        if targets.is_empty() {
            additions.extend(self.to_build(environment, config));
        }
        additions.dedup();
        additions
    }

    /// Those of the target's tables, and of its variable.
    fn of_target(&self, target: &Target, variable: &str, config: &Config) -> Vec<String> {
        let mut flags = words(variable);
        flags.extend(config.words(&["target", &target.triple, self.key]));
        if self.by_cfg {
            let keys = config.targets().into_iter().filter(|key| CfgExpr::matches_key(key, &target.cfg));
            flags.extend(keys.flat_map(|key| config.words(&["target", key, self.key])));
        }
        flags
    }

    fn to_build(&self, environment: &impl Fn(&str) -> Option<String>, config: &Config) -> Option<Addition> {
        let variable = format!("CARGO_BUILD_{}", self.variable);
        let value = environment(&variable).unwrap_or_default();
        let flags = [config.words(&["build", self.key]), words(&value)].concat();
        addition(&flags, variable, value, ' ')
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// None where these flags have it.
fn addition(flags: &[String], variable: String, value: String, separator: char) -> Option<Addition> {
    let there =
        flags.windows(CFG.len()).any(|pair| pair == CFG) || flags.iter().any(|flag| *flag == CFG.join("="));
    let before = if value.is_empty() { value } else { value + &separator.to_string() };
    (!there).then(|| Addition { variable, value: before + &CFG.join(&separator.to_string()) })
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
