//! A scope: what is done in it, and what of that is left when it ends.

mod futures;
mod registry;
mod scope;
mod settle;
mod sockets;
mod whose;

pub(crate) use futures::Fate;
pub(crate) use registry::{adopt, begin, count_future, scope_here};
#[cfg(tokio_unstable)]
pub(crate) use registry::{ended, hooked, spawned};
pub use scope::{Limits, Seen, Wants, scope};
pub use whose::Whose;
