//! Where we hook into tokio.

mod hooks;
mod lag;
mod root;

pub(crate) use hooks::{AVAILABLE, AppHooks, set};
pub(crate) use lag::{LagProbe, Wait};
pub(crate) use root::Root;
