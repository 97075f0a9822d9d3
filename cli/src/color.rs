//! When to colour, and with what.

use std::io::IsTerminal;

/// When to colour what is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to colour what goes to `stream`. The flag is said for this run and so stands above the environment.
    pub(crate) fn on(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                stream.is_terminal()
                    && !set("NO_COLOR")
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// Whether the terminal takes more than ASCII, as far as the environment says it: by the locale's name, as the C library
/// reads it. The console of the kernel has few of our signs in any locale.
pub(crate) fn is_utf8() -> bool {
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let locale = value("LC_ALL").or_else(|| value("LC_CTYPE")).or_else(|| value("LANG"));
    let named = locale.map(|locale| locale.to_string_lossy().to_lowercase());
    value("TERM").is_none_or(|term| term != "linux")
        && named.is_some_and(|named| named.contains("utf-8") || named.contains("utf8"))
}
