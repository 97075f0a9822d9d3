use super::target::TargetError;
use std::fmt;
use std::io;
use std::time::Duration;

/// How long the first connection may take.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// Why no load can be made.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// A URL is not allowed, or its host is not known.
    Target(TargetError),
    /// Nobody answers.
    Unreachable(String, io::Error),
    /// More sockets than this process may open.
    TooManySockets {
        /// That were asked for.
        wanted: u64,
        /// That there may be.
        limit: u64,
    },
    /// The operating system gives no thread or signal.
    System(io::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(error) => error.fmt(f),
            Self::Unreachable(authority, error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    write!(f, "{authority} refuses connections: is the server running, and on this port?")
                }
                io::ErrorKind::TimedOut => {
                    write!(
                        f,
                        "{authority} took no connection within {} s: is the server overloaded?",
                        CONNECT.as_secs()
                    )
                }
                _ => write!(f, "cannot connect to {authority}: {error}"),
            },
            Self::TooManySockets { wanted, limit } => write!(
                f,
                "up to {wanted} sockets are more than the {limit} files that this process may open: \
                 raise the limit (ulimit -n {wanted}) or give fewer --connections"
            ),
            Self::System(error) => write!(f, "cannot start the load: {error}"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Target(error) => Some(error),
            Self::Unreachable(_, error) | Self::System(error) => Some(error),
            Self::TooManySockets { .. } => None,
        }
    }
}
