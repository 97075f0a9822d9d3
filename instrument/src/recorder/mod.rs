//! What each worker writes of itself, without a lock, and what everybody else may read.

mod histogram;

pub(crate) use histogram::Histogram;
