use super::access_log::log;
use super::compression::compression;
use super::panics::panics;
use super::request_id::identify;
use super::security_headers::secure;
use crate::reference::state::State;
use axum::Router;
use axum::middleware::{from_fn, map_response};

/// Puts every layer around the routes, each in its place.
///
/// The last one added is the outermost. The id comes first, since the log and the instrument say it; the log stands outside the
/// instrument, so that it tells what the client saw; and a panic is caught before anything else has to bear it.
pub(in crate::reference) fn stack(routes: Router<State>) -> Router<State> {
    routes
        .layer(panics())
        .layer(compression())
        .layer(map_response(secure))
        .layer(stallscope::http::Layer::new())
        .layer(from_fn(log))
        .layer(from_fn(identify))
}
