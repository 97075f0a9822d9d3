//! What a test does about what is found: `STALLSCOPE_TEST`.

use std::ffi::OsStr;

/// What a test does when a limit does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    /// It fails.
    Fail,
    /// It says so on stderr.
    Warn,
}

impl Reaction {
    /// As the environment says.
    ///
    /// # Errors
    /// Says what is wrong with the value.
    pub(super) fn of_environment() -> Result<Self, String> {
        Self::parse(std::env::var_os("STALLSCOPE_TEST").as_deref())
    }

    fn parse(value: Option<&OsStr>) -> Result<Self, String> {
        match value.map(|value| value.to_string_lossy()) {
            None => Ok(Self::Fail),
            Some(value) if value.is_empty() => Ok(Self::Fail),
            Some(value) if value == "warn" => Ok(Self::Warn),
            Some(value) => Err(format!(
                "cannot read STALLSCOPE_TEST: {value} is not known; `warn` says what is found in place of failing the test, and \
                 without the variable the test fails"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_taken() {
        for (value, reaction) in
            [(None, Reaction::Fail), (Some(""), Reaction::Fail), (Some("warn"), Reaction::Warn)]
        {
            assert_eq!(Reaction::parse(value.map(OsStr::new)), Ok(reaction));
        }
        for value in ["wran", "Warn", "off", "1", " warn"] {
            let refusal = Reaction::parse(Some(OsStr::new(value))).unwrap_err();
            assert!(refusal.contains(&format!(": {value} is not known; `warn`")), "{refusal}");
        }
    }
}
