//! From what the watchdog saw to what is told: names, whose code it is, the culprit, the cause.
//!
//! On a thread of its own: the first look into a large program's debug information takes long, and the watchdog must
//! not wait for it.

mod agreement;
mod cause;
mod culprit;
mod ended;
mod found;
pub mod late;
mod line;
mod origin;
mod owner;
mod pool;
mod report;
mod settled;
mod sights;
mod stalls;
mod symbols;
mod thread;
mod wrapper;

pub(crate) use origin::{OWN_SOURCES, tokio_module};
pub(crate) use report::{ROOM, Report};
pub(crate) use settled::Settled;
pub(crate) use thread::run;
