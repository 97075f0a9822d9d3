//! The lines that a process instrumented by Stallscope writes, and how to read them.
//!
//! One JSON object a line ([`Line`]), the same over the live socket and in an event log. The first is a
//! [`Header`]; all later ones but [`Coverage`] carry `at_ns`, nanoseconds since the header's `started_unix_ns` on
//! the process's monotonic clock. `SPEC.md` beside this crate states every field.
//!
//! This crate knows neither tokio nor a screen: whoever writes or reads lines depends on it alone.
//!
//! ```
//! use stallscope_wire::{Line, Reader};
//! let log = b"{\"stallscope\":1,\"minor\":0,\"kind\":\"header\",\"pid\":7,\"exe\":\"app\"}\n{\"kind\":\"sta";
//! let mut reader = Reader::new(&log[..])?;
//! assert_eq!(reader.header().pid, 7);
//! assert!(reader.next_line()?.is_none());
//! assert!(reader.cut(), "the log ends in the middle of a line");
//! # Ok::<(), stallscope_wire::ReadError>(())
//! ```
#![forbid(unsafe_code)]

pub mod duration;
mod earlier;
mod handler;
mod header;
mod histogram;
mod line;
mod lost;
mod place;
mod reader;
mod request;
mod snapshot;
mod socket;
mod stall;
mod words;
mod work;

pub use earlier::{Earlier, EarlierStalls};
pub use handler::{Doing, Handler, Handlers, Serving, SlowRequest, Spent, Step};
pub use header::{Coverage, Flight, Gap, Header, Mode, Tier, Versions};
pub use histogram::Histogram;
pub use line::{DecodeError, End, Lag, Leave, Line, MAJOR, MINOR, Pause};
pub use lost::Lost;
pub use place::{live_folder, live_socket};
pub use reader::{ReadError, Reader};
pub use request::Request;
pub use snapshot::{LagState, Location, Polling, Runtime, Snapshot, Startup, Waits, Worker, WorkerState};
pub use socket::{Socket, SocketGroup, Sockets, Transport};
pub use stall::{
    Allowed, Cause, Certainty, Evidence, Frame, Module, Owner, Phase, Quality, RouteVictims, Stack, Stall,
    Task, Thread, Victims,
};
pub use words::counted;
pub use work::{Failure, How, Instead, Orphan, PoolSite, PoolWait, Unpolled, Watched};
