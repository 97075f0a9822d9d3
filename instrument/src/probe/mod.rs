//! Where we hook into tokio.

mod census;
mod hooks;
mod lag;
mod root;

pub(crate) use census::take as take_census;
pub(crate) use hooks::{AppHooks, TIER, set};
pub(crate) use lag::{LagProbe, Wait};
pub(crate) use root::Root;
