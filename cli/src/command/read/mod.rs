//! Reads what processes have told, from logs or from the processes themselves.

mod live;
mod logs;
mod progress;
mod targets;

pub(super) use live::watch;
pub(super) use logs::{Logs, Problem};
pub(super) use targets::targets;
