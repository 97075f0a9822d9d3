//! The sampled tier: finds out from outside what a thread is at, where no hook of the runtime's tells.
//!
//! That a worker is not parked for long says nothing: it may have much to do. Two things do say something. A thread that
//! waits in the same system call as at the last look, and was not run since, has been blocked ever since; whether in a task
//! or because there is nothing to do, its stack tells. And a worker that is not known to have been between two polls for
//! long, each of whose stacks meanwhile shows the same code of the user's, is probably in one long poll.
//!
//! Both become records in the thread's cell, which the watchdog then follows as it does those that hooks have opened.

use super::outbox::Outbox;
use super::switches::Switches;
use crate::capture::{CallReader, Captured, Capturer, Place, RawStack, Reading, Waiting};
use crate::clock;
use crate::diagnosis::Report;
use crate::recorder::{Cell, Open, Registered};
use crate::runtime::Runtime;
use stallscope_wire::{Certainty, Gap};
use std::time::Duration;

/// How many stacks of a computation must agree, the one that is told among them.
const STACKS: usize = 3;
/// Waits that are known to be none of a poll's, per thread.
const KNOWN: usize = 16;
/// So many looks in a row that could not be read are no accident.
const BLIND: u32 = 8;
/// Two records of a cell never begin at the same tick: those of waits and of computations differ in this bit.
const COMPUTES: u64 = 2;

/// What a stall that was found from outside rests on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sampled {
    pub(crate) certainty: Certainty,
    /// Stacks that were captured before the one that is told, and must agree with it.
    pub(crate) earlier: Vec<RawStack>,
}

/// Looks at one thread.
#[derive(Debug)]
pub(super) struct Sampler {
    worker: Option<usize>,
    call: CallReader,
    switches: Switches,
    /// The cell that the thread writes itself, while it polls a root future of ours.
    own: Option<&'static Cell>,
    wait: Option<Wait>,
    busy: Busy,
    /// The record that the cell holds.
    open: Option<(u64, Certainty)>,
    /// The computation that was told as a stall.
    told: Option<u64>,
    /// Of the computation that is followed.
    stacks: Vec<RawStack>,
    known: Vec<Place>,
    blind: u32,
}

/// The wait that the thread was in at the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wait {
    at: Waiting,
    runs: u64,
    since: u64,
}

/// What a thread was seen at.
#[derive(Debug, Clone, Copy)]
enum Seen {
    /// Nothing that could be a poll, or nothing at all.
    Nothing,
    Runs,
    Waits {
        since: u64,
        /// It was in it at the last look too.
        lasts: bool,
    },
}

/// What would have changed, had the thread finished a poll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    /// tokio's, or how often the thread has waited where tokio counts nothing.
    parks: u64,
    /// Submitted by tokio each 61 polls at the latest.
    busy: Duration,
    /// When it last polled a task of ours.
    between: u64,
}

#[derive(Debug, Default)]
struct Busy {
    marks: Marks,
    since: u64,
}

impl Sampler {
    pub(super) fn new(of: &Registered) -> Self {
        // A thread that is gone may have left a record in it.
        of.cell.observe(None);
        Self {
            worker: of.thread.worker.map(|worker| worker as usize),
            call: CallReader::new(of.thread.tid),
            switches: Switches::new(of.thread.tid),
            own: None,
            wait: None,
            busy: Busy::default(),
            open: None,
            told: None,
            stacks: Vec::new(),
            known: Vec::new(),
            blind: 0,
        }
    }

    /// Where the thread itself writes what it is at.
    pub(super) fn set_own(&mut self, own: Option<&'static Cell>) {
        self.own = own;
    }

    /// Sees what the thread is at, and leaves that in its cell.
    pub(super) fn look(
        &mut self,
        of: &Registered,
        runtime: &Runtime,
        capturer: &mut Option<Capturer>,
        reports: &mut Outbox<'_>,
    ) {
        // A wait for work cannot be told from another without a stack.
        let Some(capturer) = capturer else { return };
        let tick = clock::ticks();
        if self.is_parked(runtime) || self.own.is_some_and(|own| own.read().is_some()) {
            self.wait = None;
            self.busy.since = tick;
            return self.leave(of.cell, None);
        }
        self.learn(of.cell, runtime);
        let seen = self.see(tick, of, reports);
        self.see_marks(of, runtime, tick);
        match seen {
            Seen::Nothing => {
                self.busy.since = tick;
                self.leave(of.cell, None);
            }
            // What was told as a computation may wait at times.
            Seen::Waits { since, lasts } if self.told.is_none() => {
                if lasts {
                    // What the thread does after a long wait is another thing.
                    self.busy.since = tick;
                }
                self.leave(of.cell, Some((since, Certainty::Exact)));
            }
            Seen::Waits { .. } | Seen::Runs => {
                self.leave(of.cell, Some((self.busy.since | COMPUTES, Certainty::Probable)));
                self.collect(of, runtime, tick, capturer);
            }
        }
    }

    /// Whether a stack that was captured just now is that of the record, and enough is known to tell of it.
    pub(super) fn confirms(
        &mut self,
        of: &Registered,
        runtime: &Runtime,
        open: Open,
        captured: Option<&Captured>,
    ) -> bool {
        if self.open != Some((open.version, self.certainty())) {
            return false;
        }
        if self.certainty() == Certainty::Exact {
            let now = self.call.read();
            return self.wait.is_some_and(|wait| {
                now == Reading::Waiting(wait.at) && self.switches.runs() == Some(wait.runs)
            });
        }
        let unchanged = self.marks(of, runtime) == self.busy.marks && !self.is_parked(runtime);
        if self.told.is_some() || !unchanged {
            return unchanged;
        }
        let stack = captured.and_then(|captured| captured.stack.as_ref());
        if self.stacks.len() + 1 < STACKS {
            self.stacks.extend(stack.cloned());
            return false;
        }
        let confirmed = stack.is_some();
        if confirmed {
            self.told = Some(open.version);
        }
        confirmed
    }

    /// What the record that is open rests on; the stacks only once.
    pub(super) fn grounds(&mut self) -> Sampled {
        Sampled { certainty: self.certainty(), earlier: std::mem::take(&mut self.stacks) }
    }

    fn certainty(&self) -> Certainty {
        self.open.map(|(_, certainty)| certainty).unwrap_or_default()
    }

    /// Whether its worker waits for work: tokio's count of parks and unparks is odd.
    fn is_parked(&self, runtime: &Runtime) -> bool {
        self.counts(runtime).is_some_and(|(parks, _)| parks % 2 == 1)
    }

    /// tokio's count of parks and unparks, and the worker's time spent busy.
    #[cfg(target_has_atomic = "64")]
    fn counts(&self, runtime: &Runtime) -> Option<(u64, Duration)> {
        let metrics = runtime.handle.metrics();
        let worker = self.worker.filter(|&worker| worker < metrics.num_workers())?;
        Some((metrics.worker_park_unpark_count(worker), metrics.worker_total_busy_duration(worker)))
    }

    #[cfg(not(target_has_atomic = "64"))]
    fn counts(&self, _runtime: &Runtime) -> Option<(u64, Duration)> {
        None
    }

    fn marks(&self, of: &Registered, runtime: &Runtime) -> Marks {
        let (parks, busy) = self
            .counts(runtime)
            .unwrap_or_else(|| (self.switches.waits().unwrap_or_default(), Duration::ZERO));
        Marks { parks, busy, between: of.cell.between() }
    }

    fn see_marks(&mut self, of: &Registered, runtime: &Runtime, tick: u64) {
        let marks = self.marks(of, runtime);
        if marks != self.busy.marks {
            self.busy = Busy { marks, since: tick };
        }
    }

    /// What the kernel says it does.
    fn see(&mut self, tick: u64, of: &Registered, reports: &mut Outbox<'_>) -> Seen {
        let last = self.wait.take();
        let reading = self.call.read();
        self.tell_blindness(reading, of, reports);
        match reading {
            Reading::Unreadable => Seen::Nothing,
            Reading::Running => Seen::Runs,
            Reading::Waiting(at) if at.place().is_some_and(|place| self.known.contains(&place)) => {
                Seen::Nothing
            }
            Reading::Waiting(at) => {
                let Some(runs) = self.switches.runs() else { return Seen::Nothing };
                let lasting = last.filter(|last| last.at == at && last.runs == runs);
                let wait = lasting.unwrap_or(Wait { at, runs, since: tick & !COMPUTES });
                self.wait = Some(wait);
                Seen::Waits { since: wait.since, lasts: lasting.is_some() }
            }
        }
    }

    /// Remembers a wait whose stack has shown that it is no poll's, so that it is not looked at again each time. Where one
    /// thread runs everything, it has left the runtime, which must be seen each time.
    fn learn(&mut self, cell: &Cell, runtime: &Runtime) {
        if let (Some(wait), Some(open), Some((_, Certainty::Exact))) = (self.wait, cell.read(), self.open)
            && cell.is_dismissed(open)
            && !runtime.is_current_thread()
            && let Some(place) = wait.at.place()
            && !self.known.contains(&place)
        {
            if self.known.len() >= KNOWN {
                self.known.remove(0);
            }
            self.known.push(place);
        }
    }

    /// Captures the stacks that a long computation is told by, spread over the time to the threshold.
    fn collect(&mut self, of: &Registered, runtime: &Runtime, tick: u64, capturer: &mut Capturer) {
        let Some(open) = of.cell.read().filter(|&open| !of.cell.is_dismissed(open)) else { return };
        let age_ns = clock::ticks_to_ns(tick.saturating_sub(open.version));
        let part = runtime.settings.threshold_ns / STACKS as u64;
        let due = age_ns >= part.saturating_mul(self.stacks.len() as u64 + 1);
        if self.told.is_none() && self.stacks.len() + 1 < STACKS && due {
            let captured = capturer.capture(of, open);
            self.stacks.extend(captured.and_then(|captured| captured.stack));
        }
    }

    /// Leaves a record in the cell, or none.
    fn leave(&mut self, cell: &Cell, record: Option<(u64, Certainty)>) {
        if record == self.open {
            return;
        }
        self.open = record;
        self.told = None;
        self.stacks.clear();
        cell.observe(record.map(|(start, _)| start));
    }

    fn tell_blindness(&mut self, reading: Reading, of: &Registered, reports: &mut Outbox<'_>) {
        if reading != Reading::Unreadable || self.switches.runs().is_none() {
            self.blind = 0;
            return;
        }
        self.blind += 1;
        if self.blind == BLIND {
            let what = format!(
                "what blocks thread {}: the kernel does not let this process read /proc/self/task/{}/syscall",
                of.thread.name, of.thread.tid
            );
            let cure = "build with --cfg tokio_unstable, or run it without changing its user".to_owned();
            reports.tell(Report::Unseen(Gap { what, cure }));
        }
    }
}
