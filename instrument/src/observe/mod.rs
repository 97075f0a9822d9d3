//! A scope: what is spawned in it, and what of that is left when it ends.

mod observed;
mod registry;
mod scope;
mod settle;

pub use observed::{AliveTasks, Observed};
pub(crate) use registry::adopt;
#[cfg(tokio_unstable)]
pub(crate) use registry::{ended, hooked, spawned};
pub use scope::observe;
