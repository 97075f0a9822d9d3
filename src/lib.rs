//! Names the line that blocks your tokio event loop, while it blocks.
//!
//! ```no_run
//! #[stallscope::main] // in place of #[tokio::main]
//! async fn main() {
//!     tokio::spawn(async { std::thread::sleep(std::time::Duration::from_secs(1)) }).await.unwrap();
//! }
//! ```
//!
//! The `stallscope` command then shows the program live (`stallscope watch`) or judges it (`stallscope check`).
//! [`install`] and [`Config`] do the same for a runtime that you build yourself, [`attach`] for one that runs already. Built
//! without tokio's task hooks (`--cfg tokio_unstable`), all of them watch by sampling.
//!
//! [`spawn`] and [`task`] stand in for tokio's `spawn` and `JoinSet`, and tell of tasks that fail unseen, and of those that
//! nothing can wake any more:
//!
//! ```no_run
//! # #[stallscope::main]
//! # async fn main() {
//! // Nobody awaits it. Should it panic, or return an error, that is reported with its line.
//! drop(stallscope::spawn(async { std::fs::remove_file("gone") }));
//! # }
//! ```
//!
//! [`analysis`] is the one place where what was seen becomes findings and a verdict; it works without the rest
//! (`default-features = false`).
#![forbid(unsafe_code)]

pub mod analysis;

#[cfg(feature = "http")]
pub use stallscope_instrument::http;
#[cfg(feature = "instrument")]
pub use stallscope_instrument::{
    Config, FutureExt, Guard, InstallError, Mode, Watched, attach, install, mode, set_mode, spawn, task,
    watched,
};
#[cfg(feature = "instrument")]
pub use stallscope_macros::main;
/// ```
/// #[stallscope::must_await]
/// async fn save(order: &str) -> std::io::Result<usize> {
///     tokio::task::yield_now().await;
///     Ok(order.len())
/// }
///
/// # #[tokio::main] async fn main() -> std::io::Result<()> {
/// let saved = save("7 pears"); // this line is reported, unless what it made is awaited
/// assert_eq!(saved.await?, 7);
/// # Ok(()) }
/// ```
#[cfg(feature = "instrument")]
pub use stallscope_macros::must_await;

#[cfg(feature = "instrument")]
#[doc(hidden)]
pub use stallscope_instrument::__private;
