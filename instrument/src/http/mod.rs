//! Latency of every route, for services built on tower: axum, hyper with tower, tonic's transport.
//!
//! [`Layer`] times each request from its arrival to the head of its response and counts what became of it, by class of
//! status. The figures go out with everything else the instrument sees, one entry a method and route template.
//!
//! Routes are named, in this order, by
//! 1. the function given to [`Layer::route`],
//! 2. axum's `MatchedPath`, with the feature `axum` and the layer added with `Router::layer` or `route_layer`,
//! 3. `*`: without either, all requests of a method are one entry (`GET *`), as are requests that match no route.
//!
//! A name is a template (`/users/{id}`), not a path: 256 method and template pairs are kept apart in a process. All later ones are
//! counted together as `(other)`, as are those of more than 256 bytes. Methods that HTTP does not define are called `OTHER`.
//!
//! # Where the time goes
//!
//! Of each request it is told how much was its *own* polls, in which its handler ran or blocked; for how long it was ready and
//! waited *behind* others, who kept the thread; and how long it was *awaiting* something. Its own begins with the call of the service
//! inside, and all of it ends with the head of the response: neither what a body streams afterwards nor a connection that was upgraded
//! (101) counts. The sums go out with each route, the steps with the slowest requests: four of a route, 32 in all, each with at
//! most 16 steps.
//!
//! A request is ready when something wakes it. While no thread of a runtime is free, nobody looks what has come over the network or
//! which timers have run out: what a thread finds in its first turn after such a time is taken to have been ready all the time. That is
//! a bound from above, of the length of the stall.
//!
//! # Whose request
//!
//! While a request is polled its thread can be asked which one it is at: a stall names route and request id, and tells afterwards
//! the routes of the requests that waited behind it. The id is the header `x-request-id` as it is when the layer sees the request, or what
//! [`Layer::request_id`] gives: a layer that makes ids belongs outside of this one. Of what a request has spawned nothing is
//! known: that is another task.
//!
//! # What it costs
//!
//! Some 250 ns a request and 45 ns an await, by the benchmark `requests`: two readings of the time-stamp counter a poll, a search for its route without
//! allocation, one allocation for its waker and one for its steps, and some atomic additions. Locks are taken for a route, a peer or a slow
//! request that is new, and by the thread alone for what it is at. A process that was forked off takes none: its requests are passed on
//! unseen.
//!
//! A request in flight takes at most 650 bytes, a route 8 KB for each class of status that it has answered with, a thread up to 32 KB for
//! those that have waited for it, and a peer some 60 bytes: 65,536 are
//! remembered, those that asked last.
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
#[cfg_attr(not(all(target_os = "linux", not(stallscope_elsewhere))), path = "peers_elsewhere.rs")]
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
#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
pub(crate) use peers::{forget, route_of};
pub(crate) use seat::{any, behind, serving};
pub use service::Service;

/// What is known of this process's requests now; only where it is to be `whole` with what is large and changes seldom.
pub(crate) fn handlers(at_ns: u64, whole: bool) -> stallscope_wire::Handlers {
    let routes = &routes::PROCESS;
    let slowest = if whole { routes.slowest.news(at_ns) } else { Vec::new() };
    stallscope_wire::Handlers { at_ns, handlers: routes.read(whole), slowest }
}
