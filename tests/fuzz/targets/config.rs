//! A `stallscope.toml`. Its reader is a part of a program, so its files are taken as they are.
#![no_main]
#![expect(dead_code, reason = "the program uses the rest")]

use libfuzzer_sys::fuzz_target;

#[path = "../../../cli/src/failure.rs"]
mod failure;

#[path = "../../../cli/src/settings"]
mod settings {
    mod problem;
    mod reader;

    pub(crate) use problem::Problem;
    pub(crate) use reader::{Reader, Value};
}

#[path = "../../../cli/src/command/check"]
mod check {
    mod config;

    use config::Config;

    /// What is printed of it holds as it does.
    pub(crate) fn read(text: &str) {
        let profile = text.lines().next().and_then(|line| line.strip_prefix("# profile "));
        let Ok(config) = Config::parse(text, None, profile) else { return };
        let printed = config.to_string();
        let again = Config::parse(&printed, None, None).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(again.terms(), config.terms(), "{printed}");
    }
}

fuzz_target!(|text: &str| check::read(text));
