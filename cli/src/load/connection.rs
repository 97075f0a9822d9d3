use super::plan::Content;
use super::target::{Kind, Target};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A connection that is kept for the next request to the same address, and made anew when it is lost.
#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// Nothing is connected before the first request.
    pub(super) fn to(address: SocketAddr) -> Self {
        Self { address, open: None }
    }

    /// Sends a request and reads the whole response. A call that is dropped takes its connection with it.
    pub(super) async fn exchange(
        &mut self,
        target: &Target,
        content: &Content,
    ) -> Result<StatusCode, Failure> {
        let mut sender = match self.open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => connect(self.address).await?,
        };
        let response = sender.send_request(request(target, content)).await?;
        let status = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        // Not ready again means that the server closes the connection, as it may.
        self.open = sender.ready().await.is_ok().then_some(sender);
        Ok(status)
    }
}

/// Sends a request over a connection of its own, whose body is then read as it comes. It lasts as long as the sender.
pub(super) async fn stream(
    address: SocketAddr,
    target: &Target,
    content: &Content,
) -> Result<(SendRequest<Full<Bytes>>, Response<Incoming>), Failure> {
    let mut sender = connect(address).await?;
    let response = sender.send_request(request(target, content)).await?;
    Ok((sender, response))
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let (sender, driver) = http1::handshake(TokioIo::new(dial(address).await?)).await?;
    // Its errors come back to whoever waits for a response.
    tokio::spawn(driver);
    Ok(sender)
}

/// A connection on which small pieces are sent at once.
pub(super) async fn dial(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address).await.map_err(Failure::Connect)?;
    stream.set_nodelay(true).map_err(Failure::Connect)?;
    Ok(stream)
}

fn request(target: &Target, content: &Content) -> Request<Full<Bytes>> {
    let (method, accepts) = match &target.kind {
        Kind::Request(method) => (method.clone(), None),
        Kind::WebSocket | Kind::Events => (Method::GET, Some(HeaderValue::from_static("text/event-stream"))),
    };
    let body = match method {
        Method::POST | Method::PUT | Method::PATCH => content.body.clone(),
        _ => Bytes::new(),
    };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = target.path.parse().expect("a target's path was parsed from a URL");
    let headers = request.headers_mut();
    let host = HeaderValue::from_str(&target.authority).expect("a target's authority was parsed from a URL");
    headers.insert(HOST, host);
    headers.extend(accepts.map(|accepts| (ACCEPT, accepts)));
    headers.extend(content.headers.clone());
    request
}

/// Why a request has no response, or a socket is not open.
#[derive(Debug)]
pub(super) enum Failure {
    Connect(io::Error),
    Exchange(hyper::Error),
    /// The server does not want a WebSocket.
    Upgrade(StatusCode),
    /// The server sends no events.
    NoEvents(String),
    /// What broke a WebSocket.
    Broken(String),
    /// The server ended what was to be held.
    Ended(String),
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        Self::Exchange(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Exchange(error) => write!(f, "no response: {error}"),
            Self::Upgrade(status) => write!(f, "no WebSocket: the upgrade was refused with {status}"),
            Self::NoEvents(why) => write!(f, "no event stream: {why}"),
            Self::Broken(why) => write!(f, "the WebSocket broke: {why}"),
            Self::Ended(what) => write!(f, "the server ended {what}"),
        }
    }
}
