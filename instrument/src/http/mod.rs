//! Latency of every route, for services built on tower: axum, hyper with tower, tonic's transport.
//!
//! [`Layer`] times each request from its arrival to the head of its response and counts what became of it. The
//! figures go out with everything else the instrument sees, one entry a method and route template.
//!
//! Routes are named, in this order, by
//! 1. the function given to [`Layer::route`],
//! 2. axum's `MatchedPath`, with the feature `axum` and the layer added with `Router::layer` or `route_layer`,
//! 3. `*`: without either, all requests of a method are one entry (`GET *`), as are requests that match no route.
//!
//! A name is a template (`/users/{id}`), not a path: 256 method and template pairs are kept apart in a
//! process, all later ones are counted together as `(other)`. Methods that HTTP does not define are called `OTHER`.
//!
//! A request costs two clock readings, a search for its route without allocation, and some atomic additions; the one lock
//! is taken for writing only when a route is seen for the first time.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! # use stallscope_instrument as stallscope;
//! use axum::{Router, routing::get};
//!
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "somebody" }))
//!     .layer(stallscope::http::Layer::new());
//! # let _ = app;
//! ```

mod flight;
mod future;
mod id;
mod layer;
mod naming;
mod peers;
mod routes;
mod seat;
mod service;
mod slowest;
#[cfg(test)]
mod tests;
mod turn;
mod wakes;

pub use future::ResponseFuture;
pub use layer::Layer;
#[cfg_attr(
    not(any(test, all(target_os = "linux", not(stallscope_elsewhere)))),
    expect(unused_imports, reason = "the list of sockets asks them")
)]
pub(crate) use peers::{forget, route_of};
pub(crate) use seat::{any, behind, serving};
pub use service::Service;

/// What is known of this process's requests now; only where it is to be `whole` with what is large and changes seldom.
pub(crate) fn handlers(at_ns: u64, whole: bool) -> stallscope_wire::Handlers {
    let routes = &routes::PROCESS;
    let slowest = if whole { routes.slowest.news(at_ns) } else { Vec::new() };
    stallscope_wire::Handlers { at_ns, handlers: routes.read(whole), slowest }
}
