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

/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1_024;

/// Asks the upstream, over connections that are kept. A clone uses the same ones.
#[derive(Debug, Clone)]
pub(super) struct Client {
    upstream: SocketAddr,
    patience: Duration,
    connections: legacy::Client<HttpConnector, Empty<Bytes>>,
}

impl Client {
    /// Of the upstream at an address. An answer may take as long as the patience lasts, with its connection and its body.
    pub(super) fn new(upstream: SocketAddr, patience: Duration) -> Self {
        let connections = legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { upstream, patience, connections }
    }

    /// The same with another patience.
    pub(super) fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Gets what the upstream has at a path.
    ///
    /// # Errors
    /// When it is not reached, takes too long, or answers with anything but JSON and a status of success.
    pub(super) async fn get(&self, path: &str) -> Result<Value, AskError> {
        // One limit for all of it: an upstream that sends a byte now and then is as bad as one that sends none.
        let asked = tokio::time::timeout(self.patience, self.ask(path)).await;
        asked.map_err(|_| AskError::TooSlow(self.patience))?
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
    /// No answer came within this time.
    TooSlow(Duration),
    /// It answered with no success.
    Status(StatusCode),
    /// It was not reached, or what it answered is not to be read.
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
            Self::TooSlow(patience) => write!(f, "no answer within {patience:?}"),
            Self::Status(status) => write!(f, "it answered {status}"),
            Self::Failed(error) => write!(f, "it failed: {error}"),
        }
    }
}

impl Error for AskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::TooSlow(_) | Self::Status(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::upstream::Upstream;
    use serde_json::json;

    #[tokio::test]
    async fn tells_apart_why_there_is_no_answer() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let patience = Duration::from_secs(30);
        let refused = Client::new(nobody, patience).get("/").await.unwrap_err();
        assert!(matches!(refused, AskError::Failed(_)), "{refused}");

        let client = Client::new(Upstream::start().unwrap().http, patience);
        let none = client.get("/items/0").await.unwrap_err();
        assert!(matches!(none, AskError::Status(StatusCode::NOT_FOUND)), "{none}");
        let hasty = client.with_patience(Duration::from_millis(10));
        let slow = hasty.get("/slow?ms=10000").await.unwrap_err();
        assert!(matches!(slow, AskError::TooSlow(_)), "{slow}");
        assert_eq!(client.get("/slow?ms=1").await.unwrap(), json!({ "route": "/slow", "ms": 1 }));
    }
}
