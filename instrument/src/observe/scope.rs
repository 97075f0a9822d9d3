//! Runs a future, and finds out what it leaves behind.

use super::registry::{alive, close, registry, within};
use super::settle;
use super::sockets::Before;
use super::whose::Whose;
use crate::engine;
use crate::probe::LagProbe;
use crate::recorder::{self, runtime_id};
use crate::runtime::Runtime;
use stallscope_wire::{Gap, Mode, Tier, Watched};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What is to be found out of a scope.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wants {
    /// Which tasks live on: they are given a moment to end.
    pub tasks: bool,
    /// Which sockets stay open: the tasks that hold them are given a moment, too.
    pub sockets: bool,
    /// What new work waits: what came last is waited for.
    pub lag: bool,
    /// The runtime is the scope's own, and ends with it.
    pub own_runtime: bool,
}

/// What a scope leaves behind.
#[derive(Debug)]
pub struct Seen<T> {
    /// What the future was ready with.
    pub output: T,
    /// Where those of its tasks were spawned that live.
    pub tasks: Vec<&'static Location<'static>>,
    /// Tasks that live besides, and of which no hook told where they were spawned.
    pub unplaced: u64,
    /// Why there may be more.
    pub tasks_gap: Option<Gap>,
    /// The sockets that were opened in it and are open, in words.
    pub sockets: Vec<String>,
    /// Why these are not known.
    pub sockets_gap: Option<Gap>,
    /// What became of its watched futures, by line.
    pub futures: Vec<Watched>,
    /// Why a stall in it may not have been seen; the first of what there is.
    pub stalls_gap: Option<Gap>,
    /// Which stalls are its own.
    pub whose: Whose,
    /// Its runtime, where that is watched.
    pub runtime: Option<Limits>,
}

/// From when on something is told of in a runtime, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Polls that are longer are stalls.
    pub stall_ns: u64,
    /// What new work waits longer.
    pub lag_ns: u64,
}

/// Runs a future as a scope of its own.
pub async fn scope<F: Future>(wants: Wants, future: F) -> Seen<F::Output> {
    let mut scope = Scope::open(wants.own_runtime);
    scope.meet_runtime().await;
    // To ask leaves a task of our own in the queue, where what blocks at once would keep it waiting.
    let hooked = wants.own_runtime || scope.is_hooked();
    let before = match scope.runtime.as_ref().filter(|_| wants.sockets) {
        Some(runtime) => Before::look(runtime).await,
        None => None,
    };
    let mut whose = Whose::begin();
    let probe = scope.runtime.as_ref().map(|runtime| runtime.probe);
    let mut seen_here = true;
    let output = {
        let mut future = pin!(future);
        poll_fn(|context| {
            seen_here &= probe.is_some_and(recorder::is_seen_here);
            let poll = || within(scope.id, || future.as_mut().poll(context));
            whose.timed(poll)
        })
        .await
    };
    if let Some(runtime) = scope.runtime.as_ref().filter(|_| wants.lag) {
        settle::come_round(runtime).await;
    }
    let alive = if wants.tasks || wants.sockets { settle::settle(&scope).await } else { 0 };
    whose.end();
    let left = registry().take_seen(scope.id);
    let sockets = before.as_ref().and_then(Before::opened);
    let sockets_gap = match (&scope.runtime, &sockets) {
        (None, _) => Some(unwatched("its sockets")),
        (Some(_), None) => Some(no_driver()),
        (Some(_), Some(_)) if left.shared => Some(shared()),
        (Some(_), Some(_)) => None,
    };
    let tasks = scope.alive();
    let counted = if scope.tasks_counted().is_some() { alive } else { 0 };
    whose.take(left.tasks, left.forgot);
    Seen {
        output,
        unplaced: counted.saturating_sub(tasks.len() as u64),
        tasks,
        tasks_gap: (!hooked).then(untold_tasks),
        sockets: sockets.unwrap_or_default(),
        sockets_gap: sockets_gap.filter(|_| wants.sockets),
        futures: left.futures.told(),
        stalls_gap: scope.stalls_gap(seen_here),
        whose,
        runtime: scope.runtime.as_ref().map(|runtime| Limits {
            stall_ns: runtime.settings.threshold_ns,
            lag_ns: runtime.settings.lag_limit_ns,
        }),
    }
}

/// A scope that is open; dropping it closes it.
#[derive(Debug)]
pub(super) struct Scope {
    id: u64,
    /// The runtime that it runs in, where that is watched.
    runtime: Option<Arc<Runtime>>,
    own_runtime: bool,
}

impl Scope {
    fn open(own_runtime: bool) -> Self {
        Self { id: registry().open(), runtime: watched_here(), own_runtime }
    }

    /// A runtime is known once one of its threads has parked or polled a task.
    async fn meet_runtime(&mut self) {
        if self.runtime.is_none()
            && engine::engine().is_some()
            && let Ok(runtime) = Handle::try_current()
        {
            LagProbe::aside(&runtime, || {}).await;
            self.runtime = watched_here();
        }
    }

    /// Whether the runtime that this is called in tells of its tasks.
    fn is_hooked(&self) -> bool {
        #[cfg(tokio_unstable)]
        if let Ok(runtime) = Handle::try_current() {
            within(self.id, || drop(LagProbe::send(&runtime, None, false)));
        }
        registry().is_hooked(self.id)
    }

    /// How many of its tasks have ended.
    pub(super) fn ended(&self) -> u64 {
        registry().ended(self.id)
    }

    /// Where those of its tasks were spawned that live.
    pub(super) fn alive(&self) -> Vec<&'static Location<'static>> {
        alive(self.id)
    }

    /// How many tasks live in its own runtime, where no hook tells of them.
    fn tasks_counted(&self) -> Option<u64> {
        let runtime = self.runtime.as_ref().filter(|runtime| self.own_runtime && runtime.is_sampled())?;
        Some(runtime.tasks_alive())
    }

    /// How many of its tasks live.
    pub(super) fn count(&self) -> u64 {
        (self.alive().len() as u64).max(self.tasks_counted().unwrap_or(0))
    }

    pub(super) fn has_own_runtime(&self) -> bool {
        self.own_runtime
    }

    fn stalls_gap(&self, seen_here: bool) -> Option<Gap> {
        let Some(runtime) = &self.runtime else { return Some(unwatched("its stalls").hiding_stalls()) };
        if !seen_here {
            let what =
                "what the scope's own future blocks: it is polled by a root future that is not watched";
            let cure = "use #[stallscope::main] or #[stallscope::test], or observe in a task";
            return Some(Gap::new(what, cure).hiding_stalls());
        }
        if recorder::mode() != Mode::Full {
            let what = "polls, as long as the process is not in mode full: their lengths are not exact, or nothing is recorded";
            return Some(
                Gap::new(what, "leave STALLSCOPE=lean out, and do not switch the mode").hiding_stalls(),
            );
        }
        (runtime.settings.tier == Tier::Sampled).then(|| {
            let what = "tasks that compute for long, which is told as probable only (tier sampled)";
            Gap::new(what, hooks_cure()).hiding_stalls()
        })
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        close(self.id);
    }
}

/// The runtime that this is called in, where that is watched and known to be.
fn watched_here() -> Option<Arc<Runtime>> {
    engine::engine()?.find(runtime_id(&Handle::try_current().ok()?))
}

fn hooks_cure() -> &'static str {
    if cfg!(tokio_unstable) {
        "give the runtime's builder to stallscope::install right before it is built"
    } else {
        "build with --cfg tokio_unstable, and give the runtime's builder to stallscope::install"
    }
}

fn untold_tasks() -> Gap {
    let what = "tasks that were not spawned by Stallscope's own functions: the scope's runtime does not tell of its tasks";
    Gap::new(what, hooks_cure())
}

fn unwatched(what: &str) -> Gap {
    Gap::new(
        format!("{what}: the scope's runtime is not watched"),
        "use #[stallscope::test], or give the runtime's builder to stallscope::install",
    )
}

fn no_driver() -> Gap {
    Gap::new(
        "the sockets of the scope's runtime: its I/O driver was not found",
        "run on Linux, and give the runtime an I/O driver (Builder::enable_io)",
    )
}

fn shared() -> Gap {
    Gap::new(
        "whose sockets those of the runtime are: other scopes were open in it",
        "observe one scope at a time, or give each a runtime, as #[stallscope::test] does",
    )
}
