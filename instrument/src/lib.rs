//! The part of Stallscope that runs inside the watched process.
//!
//! A program uses it through the `stallscope` crate. The folders follow the data:
//! `probe` (hooks) → `recorder` (a cell per worker) ← `watchdog` (its own thread, with `capture`) →
//! `diagnosis` (names, owner, cause) → `collector` (log, live readers). What a program calls by itself is in
//! `task`, `watched`, `allow` and `observe`, and `trial` runs a test.

mod allow;
mod capture;
mod clock;
mod collector;
mod config;
mod diagnosis;
mod engine;
mod entry;
mod files;
#[cfg(feature = "http")]
pub mod http;
mod install;
mod mode;
mod observe;
mod own;
mod probe;
mod recorder;
mod runtime;
mod serving;
mod signals;
#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
mod socket_option;
pub mod task;
mod told;
mod trial;
mod watchdog;
mod watched;

pub use allow::{Allow, allow};
pub use config::Config;
pub use diagnosis::late;
pub use install::{Guard, InstallError, attach, install};
pub use mode::{mode, set_mode};
pub use stallscope_wire::Mode;
pub use task::spawn;
pub use watched::{FutureExt, Watched, watched};

#[doc(hidden)]
pub mod __private {
    pub use crate::entry::run;
    pub use crate::observe::{Limits, Seen, Wants, Whose, scope};
    pub use crate::told::{Hearing, hear, told};
    pub use crate::trial::{Crate, Settings, Tried, Watching, run_test};
    pub use crate::watched::{Returns, made_by};
    pub use tokio::runtime::Builder;
    #[cfg(tokio_unstable)]
    pub use tokio::runtime::UnhandledPanic;
}
