//! What cargo builds with: its configuration, and the compiler flags that hold.

mod ask;
mod config;
mod flags;
mod target;

pub(super) use ask::ask;
pub(super) use config::{Config, read};
pub(super) use flags::{Addition, Place, RUSTDOCFLAGS, RUSTFLAGS, depend_on_target};
pub(super) use target::{Target, asked_for};
