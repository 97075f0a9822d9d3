//! The reference server: a small web service with known faults, instrumented as any user would instrument theirs.
//!
//! Its routes under `/blocking` block the event loop on purpose, each in its own way; those under `/fixed` do the same work
//! as it ought to be done.

mod database;
mod faults;
mod index;
mod names;
mod server;
mod state;
mod upstream;
mod wait;

pub(crate) use server::{Options, ServeError, serve};
