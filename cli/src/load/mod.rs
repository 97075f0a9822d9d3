//! Open-loop load: requests go out at their time, whether or not earlier ones were answered.
//!
//! A generator that waits for each answer before it sends the next request slows down together with the server, and so
//! misses the very stalls it should show. This one keeps its pace, and measures twice: from the time at which a request was due
//! (corrected) and from the time at which it went out (uncorrected).

mod connection;
mod generator;
mod mix;
mod pace;
mod report;
mod tally;
mod target;

pub(crate) use generator::{LoadError, Plan};
pub(crate) use target::Target;
