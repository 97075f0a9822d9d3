use super::state::State;
use super::{faults, index};
use crate::lifeline::Lifeline;
use axum::Router;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How long requests may take to end once the server is told to.
const GRACE: Duration = Duration::from_secs(3);

/// What to serve, and until when.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where to listen; port 0 picks a free one.
    pub(crate) addr: SocketAddr,
    /// Ends the server, besides SIGINT and SIGTERM.
    pub(crate) until: Lifeline,
}

/// Serves until it is told to end. Prints the address to stdout once requests are taken.
///
/// # Errors
/// When the address cannot be listened on, or something fails that no request explains.
#[stallscope::main]
pub(crate) async fn serve(options: Options) -> Result<(), ServeError> {
    let listener =
        TcpListener::bind(options.addr).await.map_err(|error| ServeError::Bind(options.addr, error))?;
    let addr = listener.local_addr().map_err(ServeError::Other)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(ServeError::Other)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(ServeError::Other)?;
    let state = State::start().await.map_err(ServeError::Other)?;
    announce(addr).map_err(ServeError::Other)?;

    let (ending, mut ended) = tokio::sync::watch::channel(false);
    let service = router().with_state(state).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            () = options.until.cut() => {}
        }
        tracing::info!("ending");
        ending.send_replace(true);
    });
    tokio::select! {
        served = server => served.map_err(ServeError::Other),
        () = async {
            // Fails only when the server is gone, and then the other branch has its outcome.
            let _ = ended.wait_for(|&ended| ended).await;
            tokio::time::sleep(GRACE).await;
        } => {
            tracing::warn!("some requests were cut off: they took longer than {GRACE:?} to end");
            Ok(())
        }
    }
}

fn router() -> Router<State> {
    Router::new()
        .merge(index::routes())
        .merge(faults::routes())
        .fallback(index::not_found)
        .method_not_allowed_fallback(index::not_allowed)
        .layer(stallscope::http::Layer::new())
}

/// The one line on stdout, for people and for whoever started the server and waits for it.
fn announce(addr: SocketAddr) -> io::Result<()> {
    if !addr.ip().is_loopback() {
        tracing::warn!(
            "listening on {addr}, which others can reach: every route under /blocking blocks the server on purpose"
        );
    }
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on http://{addr}")?;
    stdout.flush()
}

/// Why the server cannot serve.
#[derive(Debug)]
pub(crate) enum ServeError {
    /// It cannot listen.
    Bind(SocketAddr, io::Error),
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
            Self::Other(error) => write!(f, "the server failed: {error}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind(_, error) | Self::Other(error) => Some(error),
        }
    }
}
