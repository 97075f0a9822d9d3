//! What `#[stallscope::main]` expands to.

use crate::config::{App, Config};
use crate::probe::Root;
use std::future::Future;
use std::io::Write;
use std::panic::Location;
use tokio::runtime::Builder;

/// Builds the runtime and runs the root future on it, watched. When that cannot be set up, says so once on stderr and
/// runs the program unwatched.
///
/// # Panics
/// When the runtime cannot be built, as `#[tokio::main]` does.
#[doc(hidden)]
#[track_caller]
pub fn run<F: Future>(
    mut builder: Builder,
    crate_name: Option<&'static str>,
    source_root: &'static str,
    root: F,
) -> F::Output {
    let location = Location::caller();
    let mut config = Config::new();
    config.app = App::known(crate_name, source_root);
    config.runtime.root_known = true;
    let guard = config.install(&mut builder);
    if let Err(error) = &guard {
        // The program's stderr may be closed; that is no reason to stop it.
        let _ = writeln!(std::io::stderr(), "stallscope: {error}; running unwatched");
    }
    let runtime = builder.build().expect("Failed building the Runtime");
    let output =
        runtime.block_on(Root::new(guard.as_ref().ok().and_then(crate::Guard::probe), location, root));
    drop(runtime);
    drop(guard);
    output
}
