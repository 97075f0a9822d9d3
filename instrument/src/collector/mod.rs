//! Puts together what was seen and writes it: to the event log, to live readers, and a word to the app's own log.

#[cfg(all(unix, not(stallscope_elsewhere)))]
mod asking;
mod coverage;
mod flight;
mod listeners;
#[cfg_attr(not(all(unix, not(stallscope_elsewhere))), path = "live_elsewhere.rs")]
mod live;
mod load;
mod log;
mod message;
mod notice;
mod output;
#[cfg(all(unix, not(stallscope_elsewhere)))]
mod past;
mod snapshot;
#[cfg_attr(not(all(target_os = "linux", not(stallscope_elsewhere))), path = "sockets_elsewhere.rs")]
mod sockets;
mod thread;

pub(crate) use listeners::{Listening, listen};
pub(crate) use message::{Message, ROOM};
pub(crate) use output::{Output, welcome};
pub(crate) use sockets::in_words as sockets_in_words;
pub(crate) use thread::run;
