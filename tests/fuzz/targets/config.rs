//! A `stallscope.toml`. Its reader is a part of a program, so its files are taken as they are.
#![no_main]
#![expect(dead_code, reason = "the program uses the rest")]

use libfuzzer_sys::fuzz_target;

#[path = "../../../cli/src/failure.rs"]
mod failure;

#[path = "../../../cli/src/report"]
mod report {
    mod file;

    pub(crate) use file::Target;
}

#[path = "../../../cli/src/settings"]
mod settings {
    mod problem;
    mod reader;

    pub(crate) use problem::Problem;
    pub(crate) use reader::{Reader, Value};
}

#[path = "../../../cli/src/command"]
mod command {
    pub(crate) mod check {
        mod baseline;
        mod config;
        mod excuses;

        use config::Config;
        use stallscope::analysis::Terms;

        /// What holds, wherever it is said.
        fn terms(config: &Config) -> Terms {
            let mut terms = config.terms();
            terms.excuses.iter_mut().for_each(|excuse| excuse.at.clear());
            terms
        }

        /// What is printed of it holds as it does.
        pub(crate) fn read(text: &str) {
            let profile = text.lines().next().and_then(|line| line.strip_prefix("# profile "));
            let Ok(config) = Config::parse(text, None, profile) else { return };
            let printed = config.to_string();
            let again = Config::parse(&printed, None, None).unwrap_or_else(|error| panic!("{error}\n{printed}"));
            assert_eq!(terms(&again), terms(&config), "{printed}");
        }
    }
}

fuzz_target!(|text: &str| command::check::read(text));
