//! Work that waits for a runtime's blocking pool, and what fills the pool.

mod bound;
mod crew;

use super::outbox::Outbox;
use super::pace::LOOK_NS;
use crate::capture::{Capturer, RawStack};
use crate::diagnosis::Report;
use crate::recorder;
use crate::runtime::Runtime;
use bound::{Bound, Sample};
use crew::Crew;
use stallscope_wire::{Gap, PoolWait};
use std::sync::Arc;

/// How soon the stacks that were asked for are looked for again, in nanoseconds.
const SOON_NS: u64 = 5_000_000;
/// So many looks in a row at which tokio has counted more threads than have told us of themselves are no accident.
const STRANGE: u32 = 8;

/// A wait for a pool, and the stacks of its threads where they were looked at anew.
#[derive(Debug)]
pub(crate) struct PoolReport {
    pub(crate) wait: PoolWait,
    pub(crate) stacks: Vec<RawStack>,
}

/// The pools of all runtimes.
#[derive(Debug, Default)]
pub(super) struct Pools {
    pools: Vec<Pool>,
    crew: Crew,
    /// When the stacks that were asked for are to be looked for.
    crew_due_ns: u64,
    waits: u64,
}

/// The pool of one runtime.
#[derive(Debug)]
struct Pool {
    runtime: Arc<Runtime>,
    bound: Bound,
    /// When it is to be looked at again.
    due_ns: u64,
    wait: Option<Ongoing>,
    /// Looks in a row at which the hooks did not tell of all threads, and whether that was told.
    strange: u32,
    told: bool,
}

/// A wait over the limit.
#[derive(Debug)]
struct Ongoing {
    wait: PoolWait,
    /// The length at which it is told of next, in nanoseconds.
    next_ns: u64,
    /// The threads are to be looked at before it is told of.
    wants_stacks: bool,
}

impl Pools {
    /// Looks at all pools, and tells of waits over the limit.
    pub(super) fn look(
        &mut self,
        runtimes: &[Arc<Runtime>],
        now_ns: u64,
        limit_ns: u64,
        capturer: &mut Option<Capturer>,
        reports: &mut Outbox<'_>,
    ) {
        self.take_up(runtimes, now_ns, reports);
        self.crew_due_ns = now_ns + SOON_NS;
        for pool in &mut self.pools {
            let id = pool.runtime.id;
            let is_over = now_ns >= pool.due_ns
                && now_ns >= pool.runtime.grace_ends_ns()
                && pool.look(now_ns, limit_ns, &mut self.waits, reports);
            let looked_at = self.crew.at() == Some(id) && self.crew.look(now_ns, capturer);
            if is_over {
                pool.end(now_ns, self.crew.end_of(id), reports);
            } else if looked_at {
                pool.tell(now_ns, self.crew.end_of(id), reports);
            } else if self.crew.at().is_none() && pool.wait.as_ref().is_some_and(|wait| wait.wants_stacks) {
                self.crew.begin(id, now_ns);
            }
        }
    }

    /// When to look again, because something waits; none while nothing does.
    pub(super) fn due_ns(&self) -> Option<u64> {
        let waiting = self.pools.iter().filter(|pool| pool.bound.waits() || pool.wait.is_some());
        let due_ns = waiting.map(|pool| pool.due_ns).min();
        due_ns.into_iter().chain(self.crew.at().map(|_| self.crew_due_ns)).min()
    }

    /// Whether a queue is not empty now.
    pub(super) fn is_anything_waiting(&self) -> bool {
        self.pools.iter().any(|pool| waiting(&pool.runtime) > 0)
    }

    /// Tells of what was not told of yet: the log is to be complete now.
    pub(super) fn tell(&mut self, now_ns: u64, reports: &mut Outbox<'_>) {
        for pool in &mut self.pools {
            pool.tell(now_ns, self.crew.end_of(pool.runtime.id), reports);
        }
    }

    /// Nothing is recorded any more.
    pub(super) fn close(&mut self, now_ns: u64, reports: &mut Outbox<'_>) {
        self.take_up(&[], now_ns, reports);
    }

    /// Takes up runtimes that are new, and lets go of those that are gone.
    fn take_up(&mut self, runtimes: &[Arc<Runtime>], now_ns: u64, reports: &mut Outbox<'_>) {
        let lives = |pool: &Pool| runtimes.iter().any(|runtime| runtime.id == pool.runtime.id);
        for mut gone in self.pools.extract_if(.., |pool| !lives(pool)) {
            gone.end(now_ns, self.crew.end_of(gone.runtime.id), reports);
        }
        for runtime in runtimes {
            // From outside nobody counts the jobs.
            if !runtime.is_sampled() && !self.pools.iter().any(|pool| pool.runtime.id == runtime.id) {
                self.pools.push(Pool::new(Arc::clone(runtime)));
            }
        }
    }
}

impl Pool {
    fn new(runtime: Arc<Runtime>) -> Self {
        Self { runtime, bound: Bound::default(), due_ns: 0, wait: None, strange: 0, told: false }
    }

    /// Looks at the queue; whether a wait that was over the limit is over.
    fn look(&mut self, now_ns: u64, limit_ns: u64, waits: &mut u64, reports: &mut Outbox<'_>) -> bool {
        self.due_ns = now_ns + LOOK_NS;
        let Some((sample, threads)) = sample(&self.runtime, now_ns) else { return false };
        if sample.waiting == 0 || self.is_told_of(threads, reports) {
            self.bound.note(sample);
        } else {
            self.bound.clear();
        }
        let (longest_ns, full) = (self.bound.longest_ns(), sample.busy.0 >= threads && threads > 0);
        match &mut self.wait {
            None if longest_ns >= limit_ns && full => {
                *waits += 1;
                let wait =
                    PoolWait { id: *waits, runtime: self.runtime.id, ongoing: true, ..PoolWait::default() };
                let mut ongoing = Ongoing { wait, next_ns: limit_ns, wants_stacks: false };
                ongoing.note(longest_ns, sample.waiting, threads);
                self.wait = Some(ongoing);
            }
            None => {}
            // Shorter by half, so that one around the limit is not told of as many.
            Some(_) if longest_ns < limit_ns / 2 => return true,
            Some(ongoing) => ongoing.note(longest_ns, sample.waiting, threads),
        }
        false
    }

    /// Whether our hooks tell of the pool's threads and of the ends of jobs: else nobody knows how many were started.
    fn is_told_of(&mut self, threads: u64, reports: &mut Outbox<'_>) -> bool {
        let known = recorder::count_pool_threads(self.runtime.id);
        let told_of = known >= threads && recorder::hears_ends(self.runtime.probe);
        self.strange = if told_of { 0 } else { self.strange.saturating_add(1) };
        if self.strange == STRANGE && !self.told {
            self.told = true;
            let what = format!(
                "what waits for the blocking pool of runtime {}: the app has replaced our hooks on its builder",
                self.runtime.id
            );
            let cure = "install Stallscope last, and give the app's own hooks to stallscope::Config";
            reports.tell(Report::Unseen(Gap::new(what, cure)));
        }
        told_of
    }

    /// Tells how far the wait has come, if there is one.
    fn tell(&mut self, now_ns: u64, stacks: Vec<RawStack>, reports: &mut Outbox<'_>) {
        if let Some(ongoing) = &mut self.wait {
            ongoing.wants_stacks = false;
            let wait = PoolWait { at_ns: now_ns, ..ongoing.wait.clone() };
            reports.tell(Report::Pool(Box::new(PoolReport { wait, stacks })));
        }
    }

    /// The wait is over, if there is one.
    fn end(&mut self, now_ns: u64, stacks: Vec<RawStack>, reports: &mut Outbox<'_>) {
        self.wait.iter_mut().for_each(|ongoing| ongoing.wait.ongoing = false);
        self.tell(now_ns, stacks, reports);
        self.wait = None;
    }
}

impl Ongoing {
    fn note(&mut self, longest_ns: u64, waiting: u64, threads: u64) {
        let wait = &mut self.wait;
        wait.wait_ns = wait.wait_ns.max(longest_ns);
        wait.waiting = wait.waiting.max(waiting);
        wait.threads = threads;
        while wait.wait_ns >= self.next_ns {
            self.next_ns = self.next_ns.saturating_mul(2);
            self.wants_stacks = true;
        }
    }
}

/// Jobs in a pool's queue; 0 where tokio does not tell.
fn waiting(runtime: &Runtime) -> u64 {
    #[cfg(tokio_unstable)]
    let waiting = runtime.handle.metrics().blocking_queue_depth() as u64;
    #[cfg(not(tokio_unstable))]
    let waiting = {
        let _ = runtime;
        0
    };
    waiting
}

/// A look at a pool, and how many threads it has; none where tokio does not tell.
#[cfg(tokio_unstable)]
fn sample(runtime: &Runtime, at_ns: u64) -> Option<(Sample, u64)> {
    if waiting(runtime) == 0 {
        return Some((Sample { at_ns, ..Sample::default() }, 0));
    }
    let metrics = runtime.handle.metrics();
    let finished = runtime.jobs_finished();
    let idle = metrics.num_idle_blocking_threads();
    let threads = metrics.num_blocking_threads();
    let idle_then = metrics.num_idle_blocking_threads();
    let busy = |idle: usize| threads.saturating_sub(idle) as u64;
    let sample = Sample {
        at_ns,
        finished: (finished, runtime.jobs_finished()),
        busy: (busy(idle.max(idle_then)), busy(idle.min(idle_then))),
        waiting: waiting(runtime),
    };
    Some((sample, threads as u64))
}

#[cfg(not(tokio_unstable))]
fn sample(_runtime: &Runtime, _at_ns: u64) -> Option<(Sample, u64)> {
    None
}
