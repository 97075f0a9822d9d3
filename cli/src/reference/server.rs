use super::connections::{Connections, Places};
use super::failure::ServeError;
use super::listen;
use super::live::{self, Live};
use super::service::Shared;
use super::shutdown::{self, Hold, Shutdown};
use super::state::State;
use super::{faults, index, middleware, service, slow_body};
use crate::lifeline::Lifeline;
use axum::Router;
use axum::middleware::from_fn_with_state;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// How many times as long as its head a request's body may take to come.
const BODY_TO_HEAD: u32 = 3;

/// What to serve, and until when.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where to listen; port 0 picks a free one.
    pub(crate) addr: SocketAddr,
    /// Whether other processes listen there too.
    pub(crate) shared: bool,
    /// How long may pass from the first byte of a request's head to its last.
    pub(crate) patience: Duration,
    /// How often WebSockets are pinged.
    pub(crate) heartbeat: Duration,
    /// How long requests may take to end once the server is told to.
    pub(crate) drain: Duration,
    /// Ends the server, besides SIGINT and SIGTERM.
    pub(crate) until: Lifeline,
}

/// Serves until it is told to end. Prints the address to stdout once requests are taken.
///
/// # Errors
/// When the address cannot be listened on, or something fails that no request explains.
#[stallscope::main]
pub(crate) async fn serve(options: Options) -> Result<(), ServeError> {
    let refused = |error| ServeError::Bind(options.addr, error);
    let socket = listen::bind(options.addr, options.shared).map_err(refused)?;
    let listener = listen::listen(socket).map_err(refused)?;
    let addr = listener.local_addr()?;
    allow_many_files();

    let state = State::start().await?;
    let shutdown = Shutdown::new();
    tokio::spawn(drain(Arc::clone(&state.service), shutdown.hold()));
    let service = Arc::clone(&state.service);
    let places = Places::new();
    let live = Live::new(shutdown.clone(), places.clone(), options.heartbeat);
    let database = state.database.clone();
    let tidy = database.removal();
    let router = router(live, options.patience).with_state(state);
    let unready = move || service.readiness.withdraw();
    shutdown::listen(shutdown.clone(), options.until, options.drain, unready, tidy)?;
    announce(addr)?;
    Connections::new(router, shutdown.clone(), options.patience, places).take(listener).await;
    shutdown.all_gone().await;
    // Held until here, and let go of elsewhere: the last handle removes files, which may block.
    let removed = spawn_blocking(move || database.removal()()).await;
    removed.map_err(io::Error::other)?;
    Ok(())
}

/// Ends the jobs in the background, which the server waits for.
async fn drain(service: Arc<Shared>, mut hold: Hold) {
    hold.ending().await;
    service.jobs.drain().await;
}

fn router(live: Live, patience: Duration) -> Router<State> {
    let routes = Router::new()
        .merge(index::routes())
        .merge(faults::routes())
        .merge(service::routes())
        .merge(live::routes(live))
        .fallback(index::not_found)
        .method_not_allowed_fallback(index::not_allowed)
        .layer(from_fn_with_state(patience * BODY_TO_HEAD, slow_body::limited));
    middleware::stack(routes)
}

/// Each connection is a file, and the limit that shells set is often 1,024.
fn allow_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // What is refused leaves the limit as it was, and connections above it waiting.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// The one line on stdout, for people and for whoever started the server and waits for it.
pub(super) fn announce(addr: SocketAddr) -> io::Result<()> {
    if !addr.ip().is_loopback() {
        tracing::warn!(
            "listening on {addr}, which others can reach: every route under /blocking blocks the server on purpose"
        );
    }
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on http://{addr}")?;
    stdout.flush()
}
