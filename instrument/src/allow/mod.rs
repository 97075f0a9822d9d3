//! What the code allows itself: a thread that blocks under it is told of with the reason.

mod guard;
mod seat;
mod site;

pub use guard::{Allow, allow};
pub(crate) use seat::{Under, any, look};
