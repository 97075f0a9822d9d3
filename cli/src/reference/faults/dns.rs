//! A name that is looked up.
//!
//! Wrong: `to_socket_addrs`, and every synchronous client with a name in its URL, sends a question and waits for the answer
//! on the worker. Here it is done by hand, since which server the C library asks is for the machine to say; what it does
//! is the same, its five seconds of patience included.
//! Cost: nothing while the name server is near and well; seconds for everybody behind this worker when it is not.
//! Cure: an async resolver (`tokio::net::lookup_host`, which uses the blocking pool, or one over async sockets as here), and
//! a time limit.

use super::super::answer::{failed, took};
use super::super::names::{LONGEST, address, question};
use super::super::state::State;
use super::super::wait::Wait;
use axum::Router;
use axum::extract;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;
use tokio::time::timeout;

/// How long the C library waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long our users want to wait for it.
const LIMIT: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/dns", get(blocking)).route("/fixed/dns", get(fixed))
}

async fn blocking(Wait(wait): Wait<200>, extract::State(state): extract::State<State>) -> Response {
    answer("/blocking/dns", wait, look_up(state.names, &name(wait)))
}

async fn fixed(Wait(wait): Wait<200>, extract::State(state): extract::State<State>) -> Response {
    let name = name(wait);
    let found = timeout(LIMIT, look_up_async(state.names, &name)).await;
    answer("/fixed/dns", wait, found.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())))
}

fn look_up(server: SocketAddr, name: &str) -> io::Result<Option<Ipv4Addr>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let (question, mut answer) = (question(rand::random(), name), [0; LONGEST]);
    socket.send(&question)?;
    let length = socket.recv(&mut answer)?; // blocks here: syscall recvfrom
    Ok(address(&question, &answer[..length]))
}

async fn look_up_async(server: SocketAddr, name: &str) -> io::Result<Option<Ipv4Addr>> {
    let socket = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(server).await?;
    let (question, mut answer) = (question(rand::random(), name), [0; LONGEST]);
    socket.send(&question).await?;
    let length = socket.recv(&mut answer).await?;
    Ok(address(&question, &answer[..length]))
}

/// A name whose address takes that long to find.
fn name(wait: Duration) -> String {
    format!("{}ms.example", wait.as_millis())
}

fn answer(route: &str, wait: Duration, found: io::Result<Option<Ipv4Addr>>) -> Response {
    match found {
        Ok(Some(_)) => took(route, wait),
        Ok(None) => failed(StatusCode::BAD_GATEWAY, "the name server knows no address"),
        // A socket's time limit shows as WouldBlock.
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            failed(StatusCode::GATEWAY_TIMEOUT, "the name server did not answer in time")
        }
        Err(error) => failed(StatusCode::BAD_GATEWAY, &format!("cannot ask the name server: {error}")),
    }
}
