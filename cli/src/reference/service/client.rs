use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// How long an answer may take, with its connection and its body.
const PATIENCE: Duration = Duration::from_millis(500);
/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1_024;

/// Asks the upstream, over connections that are kept. A clone uses the same ones.
#[derive(Debug, Clone)]
pub(super) struct Client {
    upstream: SocketAddr,
    connections: legacy::Client<HttpConnector, Empty<Bytes>>,
}

impl Client {
    pub(super) fn of(upstream: SocketAddr) -> Self {
        let connections = legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { upstream, connections }
    }

    /// Gets what the upstream has at a path.
    ///
    /// # Errors
    /// When it is not reached, takes too long, or answers with anything but JSON and a status of success.
    pub(super) async fn get(&self, path: &str) -> Result<Value, AskError> {
        // One limit for all of it: an upstream that sends a byte now and then is as bad as one that sends none.
        tokio::time::timeout(PATIENCE, self.ask(path)).await.map_err(|_| AskError::TooSlow)?
    }

    async fn ask(&self, path: &str) -> Result<Value, AskError> {
        let uri: Uri = format!("http://{}{path}", self.upstream).parse().map_err(AskError::failed)?;
        let response = self.connections.get(uri).await.map_err(AskError::failed)?;
        let status = response.status();
        if !status.is_success() {
            return Err(AskError::Status(status));
        }
        let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(AskError::Failed)?;
        serde_json::from_slice(&body.to_bytes()).map_err(AskError::failed)
    }
}

/// Why the upstream gave nothing.
#[derive(Debug)]
pub(super) enum AskError {
    TooSlow,
    Status(StatusCode),
    Failed(Box<dyn Error + Send + Sync>),
}

impl AskError {
    fn failed(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSlow => write!(f, "no answer within {PATIENCE:?}"),
            Self::Status(status) => write!(f, "it answered {status}"),
            Self::Failed(error) => write!(f, "it failed: {error}"),
        }
    }
}

impl Error for AskError {}
