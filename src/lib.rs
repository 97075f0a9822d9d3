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
//! What is started is not lost: [`watched`] and [`must_await`] name the line that made a future which nobody awaits. A test that
//! stands under [`macro@test`] fails, with the line and the stack, when anything in it blocks for longer than it may, and
//! [`observe`] tells of one part of a test what it blocked and what it left behind.
//!
//! ```
//! # #[stallscope::main] async fn main() {
//! let observed = stallscope::observe(async { tokio::spawn(async { 7 }).await.unwrap() }).await;
//! # #[cfg(all(tokio_unstable, target_os = "linux"))]
//! observed.assert_no_stalls().assert_no_leaked_tasks();
//! assert_eq!(observed.into_output(), 7);
//! # }
//! ```
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
#[cfg(feature = "instrument")]
mod observe;
#[cfg(feature = "instrument")]
mod test;

#[cfg(feature = "instrument")]
pub use analysis::limits::AliveTasks;
#[cfg(feature = "instrument")]
pub use observe::{Observed, observe};
#[cfg(feature = "http")]
pub use stallscope_instrument::http;
#[cfg(feature = "instrument")]
pub use stallscope_instrument::{
    Allow, Config, FutureExt, Guard, InstallError, Mode, Watched, allow, attach, install, late, mode,
    set_mode, spawn, task, watched,
};
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
///
/// In all editions the future borrows what the arguments borrow, as that of an async function does:
///
/// ```edition2021
/// struct Store<T>(std::sync::Mutex<Vec<T>>);
///
/// impl<T: Clone> Store<T> {
///     #[stallscope::must_await]
///     async fn first(&self, or: &T, name: impl AsRef<str>) -> T {
///         self.0.lock().unwrap().first().unwrap_or(or).clone()
///     }
///
///     #[stallscope::must_await]
///     async fn count(self) -> usize {
///         self.0.lock().unwrap().len()
///     }
/// }
///
/// #[stallscope::must_await]
/// async fn longer<'a>(one: &'a str, (other, least): (&'a str, &usize)) -> Option<&'a str> {
///     Some(if one.len() < other.len() { other } else { one }).filter(|text| text.len() >= *least)
/// }
///
/// # #[tokio::main] async fn main() {
/// assert_eq!(longer("one", ("three", &4)).await, Some("three"));
/// let store = Store(vec![7].into());
/// assert_eq!(store.first(&0, "it").await, 7);
/// assert_eq!(store.count().await, 1);
/// # }
/// ```
#[cfg(feature = "instrument")]
pub use stallscope_macros::must_await;
#[cfg(feature = "instrument")]
pub use stallscope_macros::{main, test};

#[cfg(feature = "instrument")]
#[doc(hidden)]
pub mod __private {
    pub use crate::test::{Allowed, CannotFail, MayFail, Outcome, run_test};
    pub use stallscope_instrument::__private::*;
}
