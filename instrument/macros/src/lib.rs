//! The attributes of Stallscope. Use them through the `stallscope` crate.
#![forbid(unsafe_code)]

mod arguments;
mod entry;
mod limits;
mod must_await;

use arguments::Item;
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
    entry::expand(Item::Main, arguments.into(), &item.into()).into()
}

/// Runs an async test on a tokio runtime of its own that is watched, and fails it when it blocks: put it in place of
/// `#[tokio::test]`.
///
/// It takes the same arguments, with the same defaults: `flavor = "current_thread"` (default) or `"multi_thread"`,
/// `worker_threads = N`, `start_paused = true`, `unhandled_panic`, `name` and `crate`. And limits, each of which `"off"` takes off:
///
/// | limit | the test fails when | default |
/// |---|---|---|
/// | `max_stall = "20ms"` | one poll, of the test's own future or of a task, lasts this long or longer | `"100ms"` |
/// | `max_lag = "50ms"` | new work waits this long or longer until it is first polled | `"off"` |
/// | `max_leaked_tasks = 0` | more tasks than this live on when the test's own future is ready | `"off"` |
/// | `max_leaked_sockets = 0` | more sockets than this that the runtime looks after stay open then | `"off"` |
/// | `max_never_awaited = 0` | more watched futures than this are dropped by lines that polled none | `0` |
///
/// So it can stand on every test: a task or a connection that a test leaves to its runtime to end is nobody's trouble unless it is
/// asked about. Where it is, what ends by itself within 100 ms is waited for. Durations are at least 1 ms, and only the time
/// counts that the code answers for: a machine that is busy elsewhere fails no test. What is only probable fails none either, and
/// is said on stderr, as is what cannot be checked: in a build without `--cfg tokio_unstable`, computing in a spawned task.
///
/// The message says how long and where, the cause and the limit, then the stack. A panic of the test's own comes first, and what
/// was found is said on stderr. `STALLSCOPE_TEST=warn` says everything there and fails nothing; `STALLSCOPE=off` watches nothing.
///
/// Tests run beside each other in one process, or each in its own. Attributes that make several tests of one, as those of `rstest`,
/// stand above.
///
/// ```ignore
/// #[stallscope::test(max_stall = "20ms")]
/// async fn the_handler_is_quick() {
///     assert_eq!(handle(request()).await.status(), 200);
/// }
/// ```
///
/// # Panics
/// The test panics when a limit does not hold; when it could not be watched, since then no limit was checked; and when the runtime
/// cannot be built, as with `#[tokio::test]`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(Item::Test, arguments.into(), &item.into()).into()
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
