//! Another service that is asked.
//!
//! Wrong: a synchronous client on the worker, and no time limit.
//! Cost: everybody behind this worker waits for somebody else's service, and as long as that likes.
//! Cure: an async client, with a time limit. What fails there is told apart: 504 when it takes too long, 502 otherwise.

use super::super::state::State;
use super::super::wait::{Wait, failed, took};
use axum::Router;
use axum::body::Bytes;
use axum::extract;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use ureq::Agent;

/// How long our users want to wait for it.
const LIMIT: Duration = Duration::from_secs(2);

/// A proxy from the environment would not reach what is asked here.
static AGENT: LazyLock<Agent> = LazyLock::new(|| Agent::config_builder().proxy(None).build().new_agent());

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/http", get(blocking)).route("/fixed/http", get(fixed))
}

async fn blocking(Wait(wait): Wait<200>, extract::State(state): extract::State<State>) -> Response {
    match fetch(state.upstream, wait) {
        Ok(_) => took("/blocking/http", wait),
        Err(error) => failed(StatusCode::BAD_GATEWAY, &format!("the upstream failed: {error}")),
    }
}

fn fetch(upstream: SocketAddr, wait: Duration) -> Result<String, ureq::Error> {
    let url = format!("http://{upstream}{}", path(wait));
    let mut response = AGENT.get(url).call()?; // blocks here: syscall recvfrom
    response.body_mut().read_to_string()
}

async fn fixed(Wait(wait): Wait<200>, extract::State(state): extract::State<State>) -> Response {
    match timeout(LIMIT, fetch_async(state.upstream, wait)).await {
        Ok(Ok(_)) => took("/fixed/http", wait),
        Ok(Err(error)) => failed(StatusCode::BAD_GATEWAY, &format!("the upstream failed: {error}")),
        Err(_) => failed(StatusCode::GATEWAY_TIMEOUT, &format!("the upstream took longer than {LIMIT:?}")),
    }
}

async fn fetch_async(upstream: SocketAddr, wait: Duration) -> Result<Bytes, FetchError> {
    let stream = TcpStream::connect(upstream).await.map_err(FetchError::Connect)?;
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the sender; its errors come back to whoever waits for the response.
    tokio::spawn(driver);
    let request = Request::get(path(wait))
        .header(header::HOST, upstream.to_string())
        .body(Empty::<Bytes>::new())
        .expect("the path and the host are well-formed");
    let response = sender.send_request(request).await?;
    if !response.status().is_success() {
        return Err(FetchError::Status(response.status()));
    }
    Ok(response.into_body().collect().await?.to_bytes())
}

fn path(wait: Duration) -> String {
    format!("/slow?ms={}", wait.as_millis())
}

/// Why there is no content.
#[derive(Debug)]
enum FetchError {
    Connect(io::Error),
    Exchange(hyper::Error),
    Status(StatusCode),
}

impl From<hyper::Error> for FetchError {
    fn from(error: hyper::Error) -> Self {
        Self::Exchange(error)
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Exchange(error) => write!(f, "no whole response: {error}"),
            Self::Status(status) => write!(f, "it answered {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::upstream::Upstream;

    #[tokio::test]
    async fn tells_apart_why_there_is_no_content() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = fetch_async(nobody, Duration::ZERO).await.unwrap_err();
        assert!(matches!(refused, FetchError::Connect(_)), "{refused}");

        let upstream = Upstream::start().unwrap().http;
        let too_long = fetch_async(upstream, Duration::from_secs(1_000)).await.unwrap_err();
        assert!(matches!(too_long, FetchError::Status(StatusCode::BAD_REQUEST)), "{too_long}");
        let content = fetch_async(upstream, Duration::from_millis(1)).await.unwrap();
        assert_eq!(content, r#"{"ms":1,"route":"/slow"}"#);
    }
}
