//! Futures that must not be dropped without a poll: each counts at the line that made it.

mod future;
mod mark;
mod sites;

pub use future::{FutureExt, Returns, Watched, made_by, watched};
pub(crate) use sites::{read, unplaced};
