//! Each known way to hurt an event loop, and right next to it the cure: under `/blocking` the work as it must not be done,
//! under `/fixed` the same work as it ought to be done. A comment marks the line that blocks, and says what the cause is.

mod cpu;
mod db;
mod dns;
mod file;
mod fsync;
mod http;
mod mutex;
mod pool;
pub(super) mod processor;
mod sleep;

use super::state::State;
use axum::Router;

/// What there is, for the index.
pub(super) const ROUTES: [&str; 19] = [
    "/blocking/sleep?ms=",
    "/blocking/http?ms=",
    "/blocking/db?ms=",
    "/blocking/file?ms=",
    "/blocking/fsync?ms=",
    "/blocking/dns?ms=",
    "/blocking/mutex?ms=",
    "/blocking/cpu?ms=",
    "/blocking/pool?ms=",
    "/fixed/sleep?ms=",
    "/fixed/http?ms=",
    "/fixed/db?ms=",
    "/fixed/file?ms=",
    "/fixed/fsync?ms=",
    "/fixed/dns?ms=",
    "/fixed/mutex?ms=",
    "/fixed/cpu?ms=",
    "/fixed/cpu-chunks?ms=",
    "/fixed/pool?ms=",
];

pub(super) fn routes() -> Router<State> {
    Router::new()
        .merge(sleep::routes())
        .merge(http::routes())
        .merge(db::routes())
        .merge(file::routes())
        .merge(fsync::routes())
        .merge(dns::routes())
        .merge(mutex::routes())
        .merge(cpu::routes())
        .merge(pool::routes())
}
