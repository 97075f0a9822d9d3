use super::target::Target;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A connection that is kept for the next request to the same address, and made anew when it is lost.
#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    open: Option<SendRequest<Empty<Bytes>>>,
}

impl Connection {
    /// Nothing is connected before the first request.
    pub(super) fn to(address: SocketAddr) -> Self {
        Self { address, open: None }
    }

    /// Sends a request and reads the whole response. A call that is dropped takes its connection with it.
    pub(super) async fn get(&mut self, target: &Target) -> Result<StatusCode, RequestError> {
        let mut sender = match self.open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let request = Request::get(&target.path)
            .header(HOST, &target.authority)
            .body(Empty::new())
            .expect("a target's path and authority were parsed from a URL");
        let response = sender.send_request(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        // Not ready again means that the server closes the connection, as it may.
        self.open = sender.ready().await.is_ok().then_some(sender);
        Ok(status)
    }

    async fn connect(&self) -> Result<SendRequest<Empty<Bytes>>, RequestError> {
        let stream = TcpStream::connect(self.address).await.map_err(RequestError::Connect)?;
        stream.set_nodelay(true).map_err(RequestError::Connect)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // Its errors come back to whoever waits for a response.
        tokio::spawn(driver);
        Ok(sender)
    }
}

/// Why a request has no response.
#[derive(Debug)]
pub(super) enum RequestError {
    Connect(io::Error),
    Exchange(hyper::Error),
}

impl From<hyper::Error> for RequestError {
    fn from(error: hyper::Error) -> Self {
        Self::Exchange(error)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Exchange(error) => write!(f, "no response: {error}"),
        }
    }
}
