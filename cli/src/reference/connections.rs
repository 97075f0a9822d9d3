//! Takes connections and serves HTTP on them.

use super::listen::take_no_more;
use super::patience::Patience;
use super::shutdown::{Hold, Shutdown};
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// Connections at a time; more wait in the kernel's queue.
const LIMIT: usize = 20_000;
/// How long a connection may rest before its first request and between two.
const REST: Duration = Duration::from_secs(75);
/// Bytes that the head of a request may have: what asks for more is answered with 431.
const HEAD_BYTES: usize = 128 * 1024;
/// How long what is sent may wait for a client that takes nothing.
const UNTAKEN: Duration = Duration::from_secs(30);
/// The pause after a failure to take a connection, such as no file descriptor being left, which lasts for a while.
const PAUSE: Duration = Duration::from_millis(200);
/// Once nobody can connect any more, how long a handshake that was under way may take.
const LAST_HANDSHAKE: Duration = Duration::from_millis(50);
/// How long a resting connection may ask once more when the server ends. Closed at once, a request that is on its way
/// would find no one.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// What all connections share.
#[derive(Debug)]
pub(super) struct Connections {
    router: Router,
    shutdown: Shutdown,
    head: Duration,
    places: Places,
}

impl Connections {
    /// For requests whose heads may take so long.
    pub(super) fn new(router: Router, shutdown: Shutdown, head: Duration, places: Places) -> Arc<Self> {
        Arc::new(Self { router, shutdown, head, places })
    }

    /// Takes connections until the server ends, and then those that the kernel has accepted.
    pub(super) async fn take(self: Arc<Self>, listener: TcpListener) {
        let mut hold = self.shutdown.hold();
        loop {
            let taken = tokio::select! {
                biased;
                () = hold.ending() => break,
                taken = self.next(&listener) => taken,
            };
            match taken {
                Ok((stream, peer, place)) => self.spawn(stream, peer, Some(place)),
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    tracing::warn!("cannot take a connection: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
        self.take_last(listener).await;
    }

    async fn next(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = self.places.free().await?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, place))
    }

    /// Who is in the kernel's queue believes to be connected, and may have asked already.
    async fn take_last(self: &Arc<Self>, listener: TcpListener) {
        // Where the kernel does not know this, a connection may be lost between the last look at the queue and the close.
        if take_no_more(&listener).is_ok() {
            sleep(LAST_HANDSHAKE).await;
        }
        let Ok(listener) = listener.into_std() else { return };
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
                    if let Ok(stream) = stream {
                        self.spawn(stream, peer, None);
                    }
                }
                Err(error) if is_the_clients(&error) => {}
                Err(_) => break,
            }
        }
    }

    fn spawn(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, free: Option<OwnedSemaphorePermit>) {
        let place = self.places.take(free);
        let connection = Arc::clone(self).serve(stream, peer, self.shutdown.hold());
        drop(tokio::spawn(async move {
            connection.await;
            drop(place);
        }));
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, mut hold: Hold) {
        // A client that is gone fails these, and the first read as well.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(UNTAKEN));

        let patience = Patience::new(self.head);
        let stream = TokioIo::new(patience.stream(stream));
        let mut http = http1::Builder::new();
        http.timer(patience).header_read_timeout(REST).max_header_size(HEAD_BYTES).half_close(true);
        let service = service_fn(|request| self.answer(request, peer));
        let mut connection = pin!(http.serve_connection(stream, service).with_upgrades());
        let served = tokio::select! {
            biased;
            served = connection.as_mut() => served,
            () = hold.ending() => match timeout(LAST_REQUEST, connection.as_mut()).await {
                Ok(served) => served,
                Err(_) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            },
        };
        if let Err(error) = served {
            tracing::debug!(%peer, "a connection failed: {error}");
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<axum::response::Response, std::convert::Infallible> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut response = self.router.clone().oneshot(request).await?;
        if self.shutdown.has_begun() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

/// A connection that was gone before it was taken is no failure of ours.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// How many connections there may be, and are.
#[derive(Debug, Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    taken: Arc<AtomicUsize>,
}

impl Places {
    pub(super) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(LIMIT)), taken: Arc::default() }
    }

    /// Connections that speak HTTP now.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }

    async fn free(&self) -> io::Result<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.map_err(io::Error::other)
    }

    fn take(&self, free: Option<OwnedSemaphorePermit>) -> Place {
        self.taken.fetch_add(1, Relaxed);
        Place { taken: Arc::clone(&self.taken), _free: free }
    }
}

/// One connection's place; free again when dropped.
#[derive(Debug)]
struct Place {
    taken: Arc<AtomicUsize>,
    /// None for the last ones, which come when there may be no room.
    _free: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Relaxed);
    }
}
