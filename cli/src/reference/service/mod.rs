//! The service that a team would write: each thing that a web application needs beside its own business, done as it ought to be.

mod aggregate;
mod breaker;
mod cookie_key;
mod flaky;
mod form;
mod health;
mod image;
mod job;
mod jobs;
mod queue;
mod refused;
mod routes;
mod shared;
mod thumbnail;
mod users;

pub(super) use cookie_key::shared_cookie_key;
pub(super) use routes::{GETS, MORE, routes};
pub(super) use shared::Shared;
