//! Open-loop load: requests and messages go out at their time, whether or not earlier ones were answered.
//!
//! A generator that waits for each answer before it sends the next request slows down together with the server, and so
//! misses the very stalls it should show. This one keeps its pace, and measures twice: from the time at which a request was due
//! (corrected) and from the time at which it went out (uncorrected).
//!
//! WebSockets and event streams are opened at the start and held. What is sent over a WebSocket is due like a request is.

mod connection;
mod error;
mod events;
mod generator;
mod held;
mod histogram;
mod lag;
mod mark;
mod message;
mod mix;
mod pace;
mod plan;
mod progress;
mod report;
mod request;
mod room;
mod shared;
mod tally;
mod target;
mod websocket;

pub(crate) use error::LoadError;
pub(crate) use message::Message;
pub(crate) use plan::{Content, Plan};
pub(crate) use progress::Progress;
pub(crate) use target::Target;
