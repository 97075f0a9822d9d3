//! What the server asks: a service and a name server that take their time, on a thread and a runtime of their own, which
//! nobody watches.

use super::names;
use super::wait::{Wait, failed, took};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::thread;

/// Items there are, with the ids 1 to this.
const ITEMS: u32 = 1_000;

/// Where they listen. They do so until the process ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upstream {
    /// The service: `/slow?ms=`, `/flaky?fail=PERCENT`, `/items/{id}`.
    pub(super) http: SocketAddr,
    /// The name server.
    pub(super) names: SocketAddr,
}

impl Upstream {
    /// Starts both. What is sent to them from now on is answered.
    ///
    /// # Errors
    /// When there is no port or no thread for them.
    pub(super) fn start() -> io::Result<Self> {
        let http = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let names = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        http.set_nonblocking(true)?;
        names.set_nonblocking(true)?;
        let upstream = Self { http: http.local_addr()?, names: names.local_addr()? };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("upstream".to_owned()).spawn(move || {
            runtime.block_on(async {
                if let Err(error) = serve(http, names).await {
                    tracing::error!("the upstream failed, and nobody answers for it now: {error}");
                }
            });
        })?;
        Ok(upstream)
    }
}

async fn serve(http: TcpListener, names: UdpSocket) -> io::Result<()> {
    let http = tokio::net::TcpListener::from_std(http)?;
    let names = tokio::net::UdpSocket::from_std(names)?;
    let routes =
        Router::new().route("/slow", get(slow)).route("/flaky", get(flaky)).route("/items/{id}", get(item));
    tokio::try_join!(async { axum::serve(http, routes).await }, names::serve(names))?;
    Ok(())
}

async fn slow(Wait(wait): Wait<200>) -> Response {
    tokio::time::sleep(wait).await;
    took("/slow", wait)
}

#[derive(Debug, Deserialize)]
struct Flaky {
    /// Percent of the requests that fail.
    #[serde(default)]
    fail: u8,
}

async fn flaky(Query(Flaky { fail }): Query<Flaky>) -> Response {
    if rand::random_bool(f64::from(fail.min(100)) / 100.0) {
        return failed(StatusCode::SERVICE_UNAVAILABLE, "not now");
    }
    Json(json!({ "route": "/flaky" })).into_response()
}

async fn item(Path(id): Path<u32>) -> Response {
    if !(1..=ITEMS).contains(&id) {
        return failed(StatusCode::NOT_FOUND, &format!("there is no item {id}"));
    }
    Json(json!({ "id": id, "name": format!("Item {id}"), "stock": id % 17 })).into_response()
}
