//! The reference server: a small web service with known faults, instrumented as any user would instrument theirs.
//!
//! Its routes under `/blocking` block the event loop on purpose, each in its own way; those under `/fixed` do the same work
//! as it ought to be done.

mod answer;
mod client;
mod connections;
mod database;
mod failure;
mod faults;
mod index;
mod listen;
mod live;
mod middleware;
mod names;
mod patience;
mod server;
mod service;
mod shutdown;
mod slow_body;
mod state;
mod supervisor;
pub(crate) mod trials;
mod upstream;
mod wait;

pub(crate) use failure::ServeError;
pub(crate) use server::{Options, serve};
pub(crate) use supervisor::{Processes, supervise};
