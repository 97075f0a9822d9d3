//! The sampled tier: finds out from outside what a thread is at, where no hook of the runtime's tells.
//!
//! That a worker is not parked for long says nothing: it may have much to do. Two things do say something. A thread that
//! waits in the same system call as at the last look, and was not run since, has been blocked ever since; whether in a task
//! or because there is nothing to do, its stack tells. And a worker that has computed for long, was not seen between two
//! polls meanwhile, and each of whose stacks shows the same code of the user's, is probably in one long poll.
//!
//! Both become records in the thread's cell, which the watchdog then follows as it does those that hooks have opened.

use super::outbox::Outbox;
use super::stalls::CAPTURE_TRIES;
use super::switches::{Runs, Switches};
use crate::capture::{CallReader, Captured, Capturer, Place, RawStack, Reading, Waiting};
use crate::clock;
use crate::diagnosis::Report;
use crate::recorder::{Cell, Open, Registered};
use crate::runtime::Runtime;
use stallscope_wire::{Certainty, Gap};
use std::time::Duration;

/// How many stacks of a computation must agree, the one that is told among them.
const STACKS: usize = 3;
/// Waits of a thread that are remembered to be none of a poll's.
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
    busy: Option<Busy>,
    /// When the record that the cell holds began, in ticks, and what it is.
    open: Option<(u64, Certainty)>,
    /// The record is a computation, and was confirmed.
    confirmed: bool,
    /// Of the computation that is followed.
    stacks: Vec<RawStack>,
    /// How often the last of them was not to be had.
    failed: u32,
    /// The last of them is asked for, and the thread has not run to answer.
    silent: bool,
    known: Vec<Place>,
    blind: u32,
}

/// What a thread was seen at.
#[derive(Debug, Clone, Copy)]
enum Seen {
    /// Nothing that could be a poll, or nothing at all.
    Nothing,
    Runs(Runs),
    Waits(Runs, Wait, Lasts),
}

/// It was in the same wait at the last look.
type Lasts = bool;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wait {
    at: Waiting,
    runs: u64,
    since: u64,
}

/// What changes when the thread finishes a poll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    /// tokio's count, or how often the thread has waited where tokio counts nothing.
    parks: u64,
    /// Submitted by tokio each 61 polls at the latest.
    busy: Duration,
    /// When it last polled a task of ours.
    between: u64,
}

/// A time in which the thread was not seen to finish a poll.
#[derive(Debug, Clone, Copy)]
struct Busy {
    marks: Marks,
    since: u64,
    /// The thread's processor time at its beginning, in nanoseconds.
    from_ns: u64,
    /// What it has spent since, in nanoseconds: the wall's time may be the host's.
    spent_ns: u64,
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
            busy: None,
            open: None,
            confirmed: false,
            stacks: Vec::new(),
            failed: 0,
            silent: false,
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
        let asked = self.open.filter(|_| self.silent);
        self.learn(of.cell, runtime);
        let tells_itself = self.own.is_some_and(|own| own.read().is_some());
        let seen =
            if tells_itself || self.is_parked(runtime) { Seen::Nothing } else { self.see(tick, of, reports) };
        match seen {
            Seen::Nothing => {
                (self.wait, self.busy) = (None, None);
                self.leave(of.cell, None);
            }
            Seen::Waits(_, wait, true) => {
                // What the thread does after a long wait is another thing.
                (self.wait, self.busy) = (Some(wait), None);
                self.leave(of.cell, Some((wait.since, Certainty::Exact)));
            }
            Seen::Waits(runs, wait, false) => {
                self.wait = Some(wait);
                let busy = self.see_busy(of, runtime, runs, tick);
                // What was confirmed to be a computation may wait at times.
                if !self.confirmed || self.open != Some(busy) {
                    self.leave(of.cell, Some((wait.since, Certainty::Exact)));
                }
            }
            Seen::Runs(runs) => {
                self.wait = None;
                let busy = self.see_busy(of, runtime, runs, tick);
                self.leave(of.cell, Some(busy));
                self.collect(of, runtime, capturer);
            }
        }
        if asked.is_some() && asked != self.open {
            reports.lose_stack();
        }
    }

    /// Whether the record may be told of once it is as long as the threshold.
    pub(super) fn is_ready(&self, runtime: &Runtime) -> bool {
        let computed = self.spent_ns() >= runtime.settings.threshold_ns
            && self.stacks.len() + 1 >= STACKS
            && !self.gives_up();
        self.certainty() == Certainty::Exact || self.confirmed || computed
    }

    /// Whether the thread is asked for the stack that is to tell of it, and has not run to answer.
    pub(super) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Whether it has computed for so long that it is worth knowing whether it comes to be between two polls.
    pub(super) fn is_suspect(&self, runtime: &Runtime) -> bool {
        self.certainty() == Certainty::Probable
            && self.spent_ns() >= runtime.settings.threshold_ns / STACKS as u64
    }

    /// Whether a stack that was captured just now is that of the record.
    pub(super) fn confirms(
        &mut self,
        of: &Registered,
        runtime: &Runtime,
        open: Open,
        captured: Option<&Captured>,
    ) -> bool {
        match self.open {
            Some((start, Certainty::Exact)) if start == open.version => self.wait.is_some_and(|wait| {
                let now = self.call.read();
                let runs = self.switches.runs().map(|runs| runs.count);
                now == Reading::Waiting(wait.at) && runs == Some(wait.runs)
            }),
            Some((start, _)) if start == open.version => {
                let marks = self.marks(of, runtime);
                let lasts = self.busy.is_some_and(|busy| busy.marks == marks) && !self.is_parked(runtime);
                let has_stack = captured.is_some_and(|captured| captured.stack.is_some());
                self.silent = captured.is_some_and(|captured| captured.silent);
                self.failed += u32::from(!has_stack && !self.silent);
                self.confirmed |= lasts && has_stack;
                lasts && self.confirmed
            }
            _ => false,
        }
    }

    /// Whether the last stack of a computation was asked for in vain as often as it is asked for.
    pub(super) fn gives_up(&self) -> bool {
        self.failed >= CAPTURE_TRIES
    }

    /// What the record that is open rests on; the stacks only once.
    pub(super) fn grounds(&mut self) -> Sampled {
        Sampled { certainty: self.certainty(), earlier: std::mem::take(&mut self.stacks) }
    }

    fn certainty(&self) -> Certainty {
        self.open.map(|(_, certainty)| certainty).unwrap_or_default()
    }

    fn spent_ns(&self) -> u64 {
        self.busy.map_or(0, |busy| busy.spent_ns)
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
        let waited = || (self.switches.waits().unwrap_or_default(), Duration::ZERO);
        let (parks, busy) = self.counts(runtime).unwrap_or_else(waited);
        Marks { parks, busy, between: of.cell.between() }
    }

    /// Follows for how long it has not been seen to finish a poll; the record of that.
    fn see_busy(&mut self, of: &Registered, runtime: &Runtime, runs: Runs, tick: u64) -> (u64, Certainty) {
        let marks = self.marks(of, runtime);
        let new = Busy { marks, since: tick | COMPUTES, from_ns: runs.cpu_ns, spent_ns: 0 };
        let mut busy = self.busy.filter(|busy| busy.marks == marks).unwrap_or(new);
        busy.spent_ns = runs.cpu_ns.saturating_sub(busy.from_ns);
        self.busy = Some(busy);
        (busy.since, Certainty::Probable)
    }

    /// What the kernel says it does.
    fn see(&mut self, tick: u64, of: &Registered, reports: &mut Outbox<'_>) -> Seen {
        let reading = self.call.read();
        // After the call: that the count stands still from here on shows that the thread stays in it.
        let runs = self.switches.runs();
        self.tell_blindness(reading, runs, of, reports);
        let Some(runs) = runs else { return Seen::Nothing };
        match reading {
            Reading::Unreadable => Seen::Nothing,
            Reading::Running => Seen::Runs(runs),
            Reading::Waiting(at) if at.place().is_some_and(|place| self.known.contains(&place)) => {
                Seen::Nothing
            }
            Reading::Waiting(at) => {
                let lasting = self.wait.filter(|wait| wait.at == at && wait.runs == runs.count);
                let new = Wait { at, runs: runs.count, since: tick & !COMPUTES };
                Seen::Waits(runs, lasting.unwrap_or(new), lasting.is_some())
            }
        }
    }

    /// Remembers a wait whose stack has shown that it is no poll's, so that it is not looked at again each time. Where one
    /// thread runs everything, it has left the runtime, which must be seen each time.
    fn learn(&mut self, cell: &Cell, runtime: &Runtime) {
        if let (Some(wait), Some(open), Certainty::Exact) = (self.wait, cell.read(), self.certainty())
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
    fn collect(&mut self, of: &Registered, runtime: &Runtime, capturer: &mut Capturer) {
        let Some(open) = of.cell.read().filter(|&open| !of.cell.is_dismissed(open)) else { return };
        let part_ns = runtime.settings.threshold_ns / STACKS as u64;
        let due = self.spent_ns() >= part_ns.saturating_mul(self.stacks.len() as u64 + 1);
        if due && !self.confirmed && self.stacks.len() + 1 < STACKS {
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
        self.confirmed = false;
        self.stacks.clear();
        self.failed = 0;
        self.silent = false;
        cell.observe(record.map(|(start, _)| start));
    }

    /// Says once that the kernel does not tell of a thread which it knows.
    fn tell_blindness(
        &mut self,
        reading: Reading,
        runs: Option<Runs>,
        of: &Registered,
        reports: &mut Outbox<'_>,
    ) {
        if reading != Reading::Unreadable || runs.is_none() {
            self.blind = 0;
            return;
        }
        self.blind = self.blind.saturating_add(1);
        if self.blind == BLIND {
            let (name, tid) = (&of.thread.name, of.thread.tid);
            let what = format!("what blocks thread {name}: /proc/self/task/{tid}/syscall cannot be read");
            let cure =
                "build with --cfg tokio_unstable, or run the program without changing its user".to_owned();
            reports.tell(Report::Unseen(Gap::new(what, cure).hiding_stalls()));
        }
    }
}
