//! The watchdog: a thread of its own that sees what the blocked workers cannot tell.

mod allowed;
mod behind;
mod debugger;
mod evidence;
mod host;
mod lag;
mod outbox;
mod pace;
mod pool;
mod round;
mod routes;
mod sampled;
mod stalls;
mod strangers;
mod switches;
mod times;
mod unpolled;
#[cfg_attr(not(all(target_os = "linux", not(stallscope_elsewhere))), path = "unread_elsewhere.rs")]
mod unread;
mod watch;

pub(crate) use pool::PoolReport;
pub(crate) use round::{Control, run};
pub(crate) use sampled::Sampled;
pub(crate) use stalls::StallReport;
pub(crate) use unread::{driver_of, sockets_of};
