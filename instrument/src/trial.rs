//! Runs a test on a runtime of its own.

use crate::config::{App, Config};
use crate::install::InstallError;
use crate::observe::{Seen, Wants, scope};
use crate::probe::Root;
use crate::recorder::runtime_id;
use crate::told::{Hearing, PATIENCE};
use stallscope_wire::{Line, Tier};
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Once;
use std::thread;
use tokio::runtime::Builder;

/// What the macro knows of the crate that a test stands in.
#[derive(Debug, Clone, Copy)]
pub struct Crate {
    /// Its name, as it stands in paths of functions.
    pub name: Option<&'static str>,
    /// Folder that the compiler's relative paths start from; empty where it is not known.
    pub source_root: &'static str,
}

/// How a test's runtime is watched. Times in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// A poll that is longer is a stall.
    pub stall_ns: Option<u64>,
    /// New work that waits longer is a lag.
    pub lag_ns: Option<u64>,
    /// What is to be found out when the test's own future is ready.
    pub wants: Wants,
}

/// What became of a test.
#[derive(Debug)]
pub struct Tried<T> {
    /// What was seen of its future, or what that panicked with.
    pub seen: thread::Result<Seen<T>>,
    /// Whether it was watched.
    pub watching: Watching,
}

/// Whether a test was watched.
#[derive(Debug)]
pub enum Watching {
    /// All that was seen has been told.
    Whole(Tier),
    /// The watchdog has not answered.
    Unanswered,
    /// The environment says not to.
    Off,
    /// It cannot be set up.
    Failed(InstallError),
}

/// Builds the runtime, runs the future on it, watched, and shuts the runtime down. What is told of it meanwhile is given to
/// `hear`, on another thread.
///
/// # Panics
/// When the runtime cannot be built, as `#[tokio::test]` does.
#[track_caller]
pub fn run_test<F: Future>(
    mut builder: Builder,
    about: Crate,
    settings: Settings,
    hear: impl FnMut(&Line) + Send + 'static,
    future: F,
) -> Tried<F::Output> {
    let location = Location::caller();
    let installed = config(about, settings).install_test(&mut builder);
    let runtime = builder.build().expect("Failed building the Runtime");
    if let Ok(Some((engine, _))) = installed {
        // The first test would be over before the watchdog's thread runs.
        static AWAKE: Once = Once::new();
        AWAKE.call_once(|| _ = engine.settle(PATIENCE));
    }
    let probe = installed.as_ref().ok().copied().flatten().map(|(_, probe)| probe);
    let hearing = probe.map(|_| Hearing::of(runtime_id(runtime.handle()), true, hear));
    let root = Root::new(probe, location, scope(settings.wants, future));
    // What panicked is the test's, which is over.
    let seen = catch_unwind(AssertUnwindSafe(|| runtime.block_on(root)));
    let gone = catch_unwind(AssertUnwindSafe(|| drop(runtime)));
    let watching = match installed {
        Ok(Some((engine, _))) if engine.settle(PATIENCE) => Watching::Whole(crate::probe::TIER),
        Ok(Some(_)) => Watching::Unanswered,
        Ok(None) => Watching::Off,
        Err(error) => Watching::Failed(error),
    };
    drop(hearing);
    Tried { seen: seen.and_then(|seen| gone.map(|()| seen)), watching }
}

fn config(about: Crate, settings: Settings) -> Config {
    let mut config = Config::new();
    config.app = App::known(about.name, about.source_root);
    let runtime = &mut config.runtime;
    runtime.root_known = true;
    // A test may be over before the usual one is.
    runtime.grace_ns = 0;
    runtime.threshold_ns = settings.stall_ns.unwrap_or(runtime.threshold_ns);
    if let Some(lag_ns) = settings.lag_ns {
        runtime.lag_limit_ns = lag_ns;
        // Some probes are sent within what is a lag.
        runtime.probe_interval_ns = runtime.probe_interval_ns.min(lag_ns / 4).max(1_000_000);
    }
    config
}
