//! The attributes of Stallscope. Use them through the `stallscope` crate.
#![forbid(unsafe_code)]

mod arguments;
mod entry;

use proc_macro::TokenStream;

/// Runs an async function on a tokio runtime that is watched: put it in place of `#[tokio::main]`.
///
/// It takes the same arguments: `flavor = "multi_thread"` (default) or `"current_thread"`, `worker_threads = N`,
/// `start_paused = true`, `unhandled_panic = "ignore"` or `"shutdown_runtime"`, `name = "…"`, and `crate = "path"` for a
/// renamed `stallscope`. Where watching cannot be set up, one line on stderr says why and the program runs unwatched.
///
/// ```ignore
/// #[stallscope::main]
/// async fn main() {
///     serve().await;
/// }
/// ```
///
/// # Panics
/// The function panics when the runtime cannot be built, as with `#[tokio::main]`.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(arguments.into(), &item.into()).into()
}
