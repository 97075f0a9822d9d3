//! The attributes of Stallscope. Use them through the `stallscope` crate.
#![forbid(unsafe_code)]

mod arguments;
mod entry;
mod must_await;

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

/// Watches that what an async function makes is polled: a future that is dropped before is counted at the line that called
/// the function, as by `stallscope::watched`, with the function's name.
///
/// For free functions and methods, and for those of a trait, where they have a body; a declaration without one makes no
/// future, so there it is put on each implementation. An attribute that wants an async function is to stand above this
/// one, and so does its work before. `crate = "path"` is for a renamed `stallscope`.
///
/// ```ignore
/// #[stallscope::must_await]
/// async fn save(order: &Order) -> io::Result<()> {
///     store(order).await
/// }
///
/// let saved = save(&order); // reported, unless it is awaited
/// ```
#[proc_macro_attribute]
pub fn must_await(arguments: TokenStream, item: TokenStream) -> TokenStream {
    must_await::expand(arguments.into(), &item.into()).into()
}
