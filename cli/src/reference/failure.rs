use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why the server cannot serve.
#[derive(Debug)]
pub(crate) enum ServeError {
    /// It cannot listen.
    Bind(SocketAddr, io::Error),
    /// Its processes end as soon as they start; with the reason.
    Processes(String),
    /// Something failed that no argument explains.
    Other(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(addr, error) => match error.kind() {
                io::ErrorKind::AddrInUse => write!(
                    f,
                    "cannot listen on {addr}: another process uses the port; choose another with --addr, or port 0 for a free one"
                ),
                io::ErrorKind::PermissionDenied => {
                    write!(
                        f,
                        "cannot listen on {addr}: this user may not; choose a port above 1023 with --addr"
                    )
                }
                io::ErrorKind::AddrNotAvailable => {
                    write!(
                        f,
                        "cannot listen on {addr}: this machine has no such address; choose another with --addr"
                    )
                }
                _ => write!(f, "cannot listen on {addr}: {error}; choose another address with --addr"),
            },
            Self::Processes(reason) => f.write_str(reason),
            Self::Other(error) => write!(f, "the server failed: {error}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind(_, error) | Self::Other(error) => Some(error),
            Self::Processes(_) => None,
        }
    }
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Other(error)
    }
}
