use std::fmt;
use std::path::PathBuf;

/// What to read from, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A running process.
    Pid(u32),
    /// A live socket or an event log; which, the file system tells.
    Path(PathBuf),
}

impl Target {
    /// Takes any text: digits alone are a pid, all else a path (`./42` for a file named `42`).
    pub(crate) fn new(text: &str) -> Self {
        match text.parse() {
            Ok(pid) if text.bytes().all(|byte| byte.is_ascii_digit()) => Self::Pid(pid),
            _ => Self::Path(PathBuf::from(text)),
        }
    }

    /// Whether it is written as a network address is: `HOST:PORT`.
    pub(crate) fn is_address(&self) -> bool {
        let Self::Path(path) = self else { return false };
        let text = path.to_string_lossy();
        let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'));
        port.is_some_and(|(_, port)| port.parse::<u16>().is_ok())
    }
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => write!(f, "process {pid}"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_are_a_pid() {
        assert_eq!(Target::new("42"), Target::Pid(42));
        assert_eq!(Target::new("./42"), Target::Path("./42".into()));
        assert_eq!(Target::new("+42"), Target::Path("+42".into()));
        assert_eq!(Target::new("99999999999"), Target::Path("99999999999".into()));
    }

    #[test]
    fn tells_addresses_from_paths() {
        for address in ["localhost:9000", "127.0.0.1:9000", "[::1]:9000"] {
            assert!(Target::new(address).is_address(), "{address}");
        }
        for path in ["app.jsonl", "./a:1", "/tmp/x/7.sock", "a:b", ":80", "host:99999", "42"] {
            assert!(!Target::new(path).is_address(), "{path}");
        }
    }
}
