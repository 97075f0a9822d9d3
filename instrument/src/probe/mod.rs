//! Where we hook into tokio.

pub(crate) mod census;
mod hooks;
mod lag;
mod pulse;
mod root;

pub(crate) use hooks::{AppHooks, TIER, set};
pub(crate) use lag::{LagProbe, Wait};
pub(crate) use pulse::take as take_pulse;
pub(crate) use root::Root;
