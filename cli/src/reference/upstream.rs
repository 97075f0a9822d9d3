//! What the server asks: a service and a name server that take their time, on a thread and a runtime of their own, which
//! nobody watches.

use super::answer::{failed, took};
use super::names;
use super::wait::Wait;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The status and the body of a response.
    fn get(upstream: Upstream, path: &str) -> (u16, String) {
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false);
        let url = format!("http://{}{path}", upstream.http);
        let mut response = config.build().new_agent().get(url).call().expect(path);
        (response.status().as_u16(), response.body_mut().read_to_string().expect(path))
    }

    #[test]
    fn fails_as_often_as_it_is_asked_to() {
        let upstream = Upstream::start().unwrap();
        assert_eq!(get(upstream, "/flaky").0, 200);
        assert_eq!(get(upstream, "/flaky?fail=100").0, 503);
        let failed = (0..400).filter(|_| get(upstream, "/flaky?fail=50").0 == 503).count();
        // Less likely than one in a hundred million to be missed by chance.
        assert!((140..=260).contains(&failed), "{failed} of 400");
    }

    #[test]
    fn knows_its_items() {
        let upstream = Upstream::start().unwrap();
        assert_eq!(get(upstream, "/items/7"), (200, r#"{"id":7,"name":"Item 7","stock":7}"#.to_owned()));
        assert_eq!(get(upstream, "/items/0").0, 404);
        assert_eq!(get(upstream, &format!("/items/{}", ITEMS + 1)).0, 404);
    }
}
