//! What each worker writes of itself, without a lock, and what everybody else may read.

mod cell;
mod histogram;
mod long;
mod table;
mod task;
mod threads;

pub(crate) use cell::{Cell, Open};
#[cfg(feature = "http")]
pub(crate) use histogram::Histogram;
pub(crate) use long::LongPoll;
pub(crate) use table::Row;
pub(crate) use task::{task_bits, task_id};
pub(crate) use threads::{
    Registered, Thread, begin_other, begin_poll, cancel, cells, finish, registered, retire, runtime_id,
};
