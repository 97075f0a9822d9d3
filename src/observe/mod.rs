//! A part of a program, looked at while it runs: for tests.

mod heard;
mod observed;
mod scope;

pub(crate) use heard::Heard;
pub use observed::Observed;
pub use scope::observe;
