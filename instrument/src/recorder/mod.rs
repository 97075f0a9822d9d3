//! What each worker writes of itself, without a lock, and what everybody else may read.

mod alarm;
mod allowances;
mod cell;
mod counts;
mod fresh;
#[cfg(feature = "http")]
mod histogram;
mod locations;
mod long;
mod mode;
mod outsiders;
mod pool;
mod sync;
mod table;
mod task;
mod tasks;
mod threads;

pub(crate) use alarm::ALARM;
pub(crate) use allowances::{Allowances, Allowed, Scope};
pub(crate) use cell::{Cell, Open};
pub(crate) use counts::{Counts, bucket_of};
pub(crate) use fresh::{FreshTask, fresh};
#[cfg(feature = "http")]
pub(crate) use histogram::Histogram;

pub(crate) use locations::{ROOM, location, number_of, numbered};
pub(crate) use long::LongPoll;
pub(crate) use mode::mode;
#[cfg(tokio_unstable)]
pub(crate) use pool::end_job;
pub(crate) use pool::{count_pool_threads, hears_ends, jobs_finished, join_pool, pool_threads};
pub(crate) use table::{Row, Waits};
pub(crate) use task::{task_bits, task_id};
pub(crate) use tasks::{tasks, unplaced};
#[cfg(all(tokio_unstable, feature = "schedule-latency"))]
pub(crate) use threads::scheduled;
#[cfg(feature = "http")]
pub(crate) use threads::{OwnLong, own_long, own_parks};
pub(crate) use threads::{
    Registered, Thread, beat, begin_other, cancel, cells, changes, enlist, enlist_worker, finish,
    is_seen_here, left, own_record, own_scope, registered, rest, retire, rise, runtime_id, set_mode,
};
#[cfg(tokio_unstable)]
pub(crate) use threads::{begin_poll, ended, spawned};
