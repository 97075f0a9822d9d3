//! What each worker writes of itself, without a lock, and what everybody else may read.

mod alarm;
mod cell;
mod counts;
#[cfg(feature = "http")]
mod histogram;
mod long;
mod mode;
mod pool;
mod sync;
mod table;
mod task;
mod threads;

pub(crate) use alarm::ALARM;
pub(crate) use cell::{Cell, Open};
pub(crate) use counts::Counts;
#[cfg(feature = "http")]
pub(crate) use histogram::Histogram;
pub(crate) use long::LongPoll;
pub(crate) use mode::mode;
#[cfg(tokio_unstable)]
pub(crate) use pool::end_job;
pub(crate) use pool::{count_pool_threads, hears_ends, jobs_finished, join_pool, pool_threads};
pub(crate) use table::Row;
pub(crate) use task::{task_bits, task_id};
#[cfg(tokio_unstable)]
pub(crate) use threads::begin_poll;
pub(crate) use threads::{
    Registered, Thread, beat, begin_other, cancel, cells, changes, enlist, enlist_worker, finish, left,
    own_record, registered, rest, retire, rise, runtime_id, set_mode,
};
