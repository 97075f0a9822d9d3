//! Finds what our hooks do not see of a runtime.

use crate::clock;
use crate::recorder::{self, Registered};
use crate::runtime::Runtime;
use stallscope_wire::{Gap, Mode, Tier};
use std::collections::HashMap;
use std::sync::Arc;

/// Polls and parks that tokio must have counted until their absence with us says something.
const ENOUGH: u64 = 64;

/// By when a worker that nothing blocks has made itself known, in nanoseconds from the runtime's start.
const SHOWN_NS: u64 = 3_000_000_000;

/// What is not seen in a mode.
pub(super) fn gap_of(mode: Mode) -> Option<Gap> {
    match mode {
        Mode::Full => None,
        Mode::Lean => Some(Gap::new(
            "times of single polls below the threshold, in mode lean: one in 64 is timed, and stands for the others; nor \
             what tasks wait for their first poll",
            "record in mode full where the longest poll matters, or a task that is never polled",
        )),
        _ => {
            let what = "all that happened while the mode was off";
            Some(Gap::new(what, "record in mode lean, which costs least").hiding_stalls())
        }
    }
}

/// Compares what tokio counts with what our hooks have recorded.
#[derive(Debug, Default)]
pub(super) struct HookCheck {
    told: HashMap<u64, Told>,
    /// There was a root future that nothing is known of.
    unseen_root: bool,
}

/// What was seen of a runtime, and the gaps that were told.
#[derive(Debug, Default)]
struct Told {
    root: bool,
    sampled: bool,
    strangers: bool,
    polls: Hook,
    parks: Hook,
}

/// Whether one of our hooks stands.
#[derive(Debug, Default)]
struct Hook {
    seen: bool,
    told: bool,
}

impl Hook {
    /// Whether it is to be told that the hook was replaced.
    fn is_replaced(&mut self, counted_by_tokio: u64, counted_by_us: u64) -> bool {
        self.seen |= counted_by_us > 0;
        let replaced = !self.seen && !self.told && counted_by_tokio >= ENOUGH;
        self.told |= replaced;
        replaced
    }
}

/// What sampling does not see, in one runtime or in all.
pub(super) fn sampled(runtime: Option<u64>) -> Gap {
    let of = runtime.map(|id| format!(" of runtime {id}")).unwrap_or_default();
    let cure = if cfg!(tokio_unstable) {
        "use #[stallscope::main] or stallscope::install in place of attach"
    } else {
        "build with --cfg tokio_unstable in RUSTFLAGS or .cargo/config.toml"
    };
    Gap::new(
        format!(
            "the polls{of} are sampled (tier sampled): none is timed, a task's spawn line is not known, long \
             computing is told as probable only; neither a poll of many short calls is seen, nor what waits for the \
             blocking pool, nor a task that is never polled, nor, but for those of stallscope::spawn, one that \
             panics or leaks"
        ),
        cure,
    )
}

/// The workers of which nothing is known yet.
fn strangers(runtime: &Runtime) -> Option<Gap> {
    let unknown = runtime.unknown_workers();
    let what = || {
        format!(
            "{unknown} of the {} workers of runtime {}: they have not taken a task since Stallscope was attached",
            runtime.handle.metrics().num_workers(),
            runtime.id,
        )
    };
    let cure = "attach before anything blocks, or give the runtime's builder to stallscope::install";
    (unknown > 0).then(|| Gap::new(what(), cure))
}

impl HookCheck {
    /// The gaps that are seen for the first time.
    pub(super) fn look(&mut self, runtimes: &[Arc<Runtime>], tier: Tier) -> Vec<Gap> {
        self.told.retain(|id, _| runtimes.iter().any(|runtime| runtime.id == *id));
        let threads = recorder::registered();
        runtimes.iter().flat_map(|runtime| self.look_at(runtime, &threads, tier)).collect()
    }

    /// What is out of sight where not one poll was seen until the end: all that the program did.
    pub(super) fn nothing_seen(&self, tier: Tier) -> Option<Gap> {
        // Polls that are sampled are not counted.
        (self.unseen_root && tier == Tier::Exact).then(|| {
            Gap::new(
                "all that the program did: no task was polled, and no hook tells of the root future's thread",
                "use #[stallscope::main], or spawn what may block",
            )
            .hiding_stalls()
        })
    }

    /// Nothing is recorded: that tokio counts polls meanwhile says nothing of our hooks, now or later.
    pub(super) fn excuse(&mut self, runtimes: &[Arc<Runtime>]) {
        for runtime in runtimes {
            let told = self.told.entry(runtime.id).or_default();
            (told.polls.seen, told.parks.seen) = (true, true);
        }
    }

    fn look_at(&mut self, runtime: &Runtime, threads: &[Registered], tier: Tier) -> Vec<Gap> {
        let told = self.told.entry(runtime.id).or_default();
        let mut gaps = Vec::new();
        if !told.root && !runtime.settings.root_known && !runtime.is_current_thread() {
            (told.root, self.unseen_root) = (true, true);
            let id = runtime.id;
            gaps.push(Gap::new(
                format!(
                    "the root future of runtime {id}, and LocalSets in it: no hook tells of their thread"
                ),
                "use #[stallscope::main], or spawn what may block",
            ));
        }
        if runtime.is_sampled() {
            if !told.sampled && tier != Tier::Sampled {
                told.sampled = true;
                gaps.push(sampled(Some(runtime.id)));
            }
            let late = clock::now_ns() >= clock::tick_to_at_ns(runtime.started).saturating_add(SHOWN_NS);
            if let Some(gap) = strangers(runtime).filter(|_| late && !told.strangers) {
                told.strangers = true;
                gaps.push(gap);
            }
            return gaps;
        }
        let mut of_it = threads.iter().filter(|thread| thread.thread.runtime == runtime.id).peekable();
        if of_it.peek().is_none() {
            // It ends, or has not begun.
            return gaps;
        }
        let (polls, parks) = of_it.fold((0, 0), |(polls, parks), thread| {
            (polls + polls_of(thread.cell), parks + thread.cell.parks())
        });
        let replaced = |what: &str| {
            Gap::new(
                format!("{what} of runtime {}: the app has replaced our hook on its builder", runtime.id),
                "install Stallscope last, and give the app's own hooks to stallscope::Config",
            )
        };
        if told.polls.is_replaced(tokio_polls(runtime), polls) {
            gaps.push(replaced("polls").hiding_stalls());
        }
        if told.parks.is_replaced(tokio_parks(runtime), parks) {
            gaps.push(replaced("parks, so that idle time is taken for polls,"));
        }
        gaps
    }
}

fn polls_of(cell: &recorder::Cell) -> u64 {
    cell.rows().map(|(_, row)| row.polls).sum::<u64>() + cell.unplaced().polls
}

/// Parks that tokio has counted.
#[cfg(target_has_atomic = "64")]
fn tokio_parks(runtime: &Runtime) -> u64 {
    let metrics = runtime.handle.metrics();
    (0..metrics.num_workers()).map(|worker| metrics.worker_park_count(worker)).sum()
}

#[cfg(not(target_has_atomic = "64"))]
fn tokio_parks(_runtime: &Runtime) -> u64 {
    0
}

/// Polls of the app's tasks that tokio has counted; the lag probe's, which are not recorded, are as many as its waits.
#[cfg(all(tokio_unstable, target_has_atomic = "64"))]
fn tokio_polls(runtime: &Runtime) -> u64 {
    let metrics = runtime.handle.metrics();
    let polls: u64 = (0..metrics.num_workers()).map(|worker| metrics.worker_poll_count(worker)).sum();
    polls.saturating_sub(2 * runtime.probes_sent())
}

#[cfg(not(all(tokio_unstable, target_has_atomic = "64")))]
fn tokio_polls(_runtime: &Runtime) -> u64 {
    0
}
