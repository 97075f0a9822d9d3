//! What each worker writes of itself, without a lock, and what everybody else may read.

mod alarm;
mod cell;
mod counts;
mod fresh;
#[cfg(feature = "http")]
mod histogram;
mod locations;
mod long;
mod mode;
mod outsiders;
mod sync;
mod table;
mod task;
mod tasks;
mod threads;

pub(crate) use alarm::ALARM;
pub(crate) use cell::{Cell, Open};
pub(crate) use counts::bucket_of;
pub(crate) use fresh::{FreshTask, fresh};
#[cfg(feature = "http")]
pub(crate) use histogram::Histogram;
pub(crate) use locations::location;
pub(crate) use long::LongPoll;
pub(crate) use mode::mode;
pub(crate) use table::{Row, Waits};
#[cfg(tokio_unstable)]
use task::task_bits;
pub(crate) use task::task_id;
pub(crate) use tasks::{tasks, unplaced};
#[cfg(all(tokio_unstable, feature = "schedule-latency"))]
pub(crate) use threads::scheduled;
pub(crate) use threads::{
    Registered, Thread, beat, begin_other, cancel, cells, changes, enlist, enlist_worker, finish, left,
    registered, rest, retire, rise, runtime_id, set_mode,
};
#[cfg(tokio_unstable)]
pub(crate) use threads::{begin_poll, ended, spawned};
