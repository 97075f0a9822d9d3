//! From what the watchdog saw to what is told: names, whose code it is, the culprit, the cause.
//!
//! On a thread of its own: the first look into a large program's debug information takes long, and the watchdog must
//! not wait for it.

mod agreement;
mod cause;
mod culprit;
mod ended;
pub mod late;
mod origin;
mod owner;
mod pool;
mod settled;
mod symbols;
mod wrapper;

pub(crate) use origin::{OWN_SOURCES, tokio_module};
pub(crate) use settled::Settled;

use crate::capture::Activity;
use crate::collector::Message;
use crate::engine::{Engine, offer};
use crate::recorder::{LongPoll, task_id};
use crate::watchdog::{PoolReport, Sampled, StallReport};
use cause::{Case, Judged};
use ended::Ended;
use origin::Origins;
use owner::Owned;
use pool::PoolWaits;
use stallscope_wire::{
    Certainty, Frame, Gap, Lag, Line, Owner, Pause, Phase, RouteVictims, Stack, Stall, Task, Thread,
};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;
use symbols::Symbols;

/// Reports that may wait for the diagnosis.
pub(crate) const ROOM: usize = 256;
/// Dismissed stalls that a wait may still name.
const REMEMBERED: usize = 64;
/// A watchdog that is run looks at a poll within this time from when it is a stall, in nanoseconds.
const LOOKS_WITHIN_NS: u64 = 50_000_000;

/// How long debug information stays open after the last stall. Its index takes memory that a program which blocks no more
/// should not pay for: 16 MB for a program of 38 MB.
const SYMBOLS_KEPT: Duration = Duration::from_secs(10);

/// What the watchdog tells.
#[derive(Debug)]
pub(crate) enum Report {
    Stall(Box<StallReport>),
    /// The routes of the requests that waited behind a stall that has ended.
    Routes {
        id: u64,
        routes: Vec<RouteVictims>,
    },
    /// A long poll that is no stall: it lies in the start-up grace.
    LongPoll(LongPoll),
    Lag {
        lag: Lag,
        /// One thread runs the whole runtime.
        one_thread: bool,
    },
    Pause(Pause),
    Pool(Box<PoolReport>),
    /// Something that cannot be seen.
    Unseen(Gap),
    Flush(Sender<()>),
    Finish(Sender<()>),
}

/// The diagnosis's thread.
pub(crate) fn run(
    engine: &'static Engine,
    reports: &Receiver<Report>,
    output: &SyncSender<Message>,
    settled: &Arc<Settled>,
) {
    let mut diagnosis = Diagnosis {
        symbols: Symbols::new(),
        origins: Origins::new(engine.app),
        ongoing: HashMap::new(),
        dismissed: VecDeque::new(),
        pool_waits: PoolWaits::default(),
        ended: Ended::default(),
        settled,
    };
    let mut closed = true;
    loop {
        let report = if closed {
            reports.recv().map_err(RecvTimeoutError::from)
        } else {
            reports.recv_timeout(SYMBOLS_KEPT)
        };
        match report {
            Ok(report) => {
                closed = false;
                if let Some(draft) = diagnosis.draft(&report) {
                    offer(output, Message::Draft(Box::new(Line::Stall(draft))), &engine.losses);
                }
                if let Some(line) = diagnosis.take(report, output) {
                    offer(output, Message::Line(Box::new(line)), &engine.losses);
                }
                for gap in diagnosis.symbols.take_gaps() {
                    offer(output, Message::Gap(gap), &engine.losses);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                diagnosis.symbols.close();
                closed = true;
            }
            // The watchdog's thread holds the other end and never ends.
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

struct Diagnosis<'a> {
    symbols: Symbols,
    origins: Origins,
    /// What was found of the stalls that go on.
    ongoing: HashMap<u64, Found>,
    /// The last ones that were found to be no stalls, and are over.
    dismissed: VecDeque<u64>,
    pool_waits: PoolWaits,
    ended: Ended,
    settled: &'a Settled,
}

/// What has been found of a stall.
#[derive(Debug, Default)]
struct Found {
    owned: Owned,
    judged: Judged,
    /// The call that the thread was last seen in.
    call: Option<Judged>,
    /// The call that it was seen at, running.
    wrapper: Option<Judged>,
    /// It ran, or was ready to, when it was looked at last.
    running: bool,
    /// Functions and files of the culprit's stack, for the cause.
    frames: Vec<Frame>,
    culprit: Option<u32>,
    /// What was told last, without the stack.
    told: Option<Stall>,
    /// All that was told had no names.
    draft: bool,
    certainty: Certainty,
    /// Its stack shows what the code allows itself, and not the rest.
    shows_allowed: bool,
}

impl Found {
    /// The call to judge by. One that the thread was seen at while it ran says something only of a thread that runs: one that
    /// waits for a processor may have been put aside there, and the kernel books that wait when it is over.
    fn call_at(&self, report: &StallReport) -> Option<&Judged> {
        let evidence = &report.evidence;
        let runs = report.phase == Phase::End || evidence.cpu_ns >= evidence.window_ns / 10;
        self.call.as_ref().or_else(|| self.wrapper.as_ref().filter(|_| runs))
    }
}

impl Diagnosis<'_> {
    /// A line without names, for a stall whose names take long to find: were the process killed meanwhile, nothing would
    /// be known of it.
    fn draft(&mut self, report: &Report) -> Option<Stall> {
        let Report::Stall(report) = report else { return None };
        // Of a thread that is looked at from outside only the names tell that it does not wait for work.
        let captured =
            report.captured.as_ref().filter(|_| report.phase == Phase::Begin && report.sampled.is_none())?;
        let raw = captured.stack.as_ref().filter(|raw| !self.symbols.are_open(raw))?;
        let found = self.ongoing.entry(report.id).or_default();
        found.call = cause::call(captured.activity, &[], None);
        found.running = captured.activity == Activity::Running;
        found.judged = cause::judge(case(report, found.call.as_ref(), found.running));
        found.shows_allowed = report.shows_allowed;
        let unnamed = Stack { allowed: report.shows_allowed, ..Symbols::unnamed(raw) };
        let mut draft = Stall { draft: true, ..line(report, found, Some(unnamed)) };
        if is_roots(report) {
            draft.owner = Owner::Root;
        }
        found.told = Some(Stall { stack: None, ..draft.clone() });
        found.draft = true;
        Some(draft)
    }

    /// The line to tell of a report, where there is one.
    fn take(&mut self, report: Report, output: &SyncSender<Message>) -> Option<Line> {
        match report {
            Report::Stall(report) => {
                let stall = self.stall(&report, output)?;
                self.ended.note(&stall);
                return Some(Line::Stall(stall));
            }
            Report::Routes { id, routes } => return self.ended.with_routes(id, routes).map(Line::Stall),
            Report::LongPoll(poll) => {
                if let Some(ticks) = poll.ticks() {
                    self.settled.book(poll.open.location, ticks);
                }
            }
            Report::Lag { lag, one_thread } => return self.lag(lag, one_thread).map(Line::Lag),
            Report::Pause(pause) => return Some(Line::Pause(pause)),
            Report::Pool(report) => {
                let wait = self.pool_waits.line(*report, &mut self.symbols, &self.origins);
                return Some(Line::Pool(wait));
            }
            Report::Unseen(gap) => drop(output.send(Message::Gap(gap))),
            // These two wait: whoever asked does too, with a limit of its own.
            Report::Flush(done) => drop(output.send(Message::Flush(done))),
            Report::Finish(done) => drop(output.send(Message::Finish(done))),
        }
        None
    }

    /// The line to tell of a stall; none when the stack shows that it is none.
    fn stall(&mut self, report: &StallReport, output: &SyncSender<Message>) -> Option<Stall> {
        let mut found = self.ongoing.remove(&report.id).unwrap_or_default();
        let stack = report.captured.as_ref().and_then(|captured| captured.stack.as_ref()).map(|raw| {
            let mut stack = self.symbols.name(raw, &self.origins);
            let program =
                raw.frames.iter().filter_map(|frame| frame.module.as_ref()).find(|module| module.program);
            let program = program.map(|module| module.path.as_str());
            found.owned = owner::of(&stack, program, is_roots(report));
            culprit::cut_and_find(&mut stack, &self.origins, found.owned);
            stack.allowed = report.shows_allowed;
            if let Some(sampled) = &report.sampled {
                self.doubt(&mut found, sampled, &mut stack, output);
            }
            found.frames.clone_from(&stack.frames);
            found.culprit = stack.culprit;
            self.origins.show(&mut stack);
            stack
        });
        if report.handed_over {
            found.owned = Owned::Nobody;
        }
        if let Some(captured) = &report.captured {
            if std::mem::replace(&mut found.shows_allowed, report.shows_allowed) && !report.shows_allowed {
                (found.call, found.wrapper) = (None, None);
            }
            let call = cause::call(captured.activity, &found.frames, found.culprit);
            found.call = call.or(found.call);
            found.running = captured.activity == Activity::Running;
            found.wrapper = wrapper::call(&found.frames).filter(|_| found.running).or(found.wrapper);
        }
        // It came and went while the watchdog was not run, nor perhaps the thread: nobody saw it wait in a call.
        found.running |= is_unseen(report, &found);
        found.judged = cause::judge(Case {
            unseen: is_unseen(report, &found) && (!report.settled || is_missed(report)),
            ..case(report, found.call_at(report), found.running)
        });
        let unclear = report.sampled.is_some() && found.owned == Owned::Unknown;
        let line = if found.owned == Owned::Nobody || unclear {
            // It was one when it was told of: the thread has left the runtime since.
            let over = if found.draft { Phase::Dismissed } else { Phase::End };
            let told = found.told.as_mut().filter(|told| told.phase != over);
            told.map(|told| {
                (told.phase, told.at_ns) = (over, report.at_ns);
                told.clone()
            })
        } else {
            let mut line = line(report, &found, stack);
            if found.told.is_none() && line.phase == Phase::Progress {
                // What came before was not told, for want of a stack.
                line.phase = Phase::Begin;
            }
            found.draft &= !found.frames.iter().any(|frame| frame.function.is_some());
            found.told = Some(Stall { stack: None, ..line.clone() });
            Some(line)
        };
        match report.phase {
            Phase::End => {
                self.book(report, &found);
                if found.told.as_ref().is_none_or(|told| told.phase == Phase::Dismissed) {
                    self.dismissed.push_back(report.id);
                    self.dismissed.drain(..self.dismissed.len().saturating_sub(REMEMBERED));
                }
                return line;
            }
            _ if found.owned == Owned::Nobody => report.cell.dismiss(report.open),
            _ => report.cell.set_stall(report.open, report.id),
        }
        self.ongoing.insert(report.id, found);
        line
    }

    /// Looks closer at what was found from outside: where the stack does not show a poll, or several of them differ, it is
    /// no stall.
    fn doubt(
        &mut self,
        found: &mut Found,
        sampled: &Sampled,
        stack: &mut Stack,
        output: &SyncSender<Message>,
    ) {
        found.certainty = sampled.certainty;
        match found.owned {
            Owned::By(Owner::Task | Owner::Root | Owner::Local) => {}
            Owned::Unknown => {
                found.owned = Owned::Nobody;
                let what = "blocking calls whose stack has no names: they may be waits for work, and are not reported";
                let cure = if cfg!(tokio_unstable) {
                    "do not strip the program, or use stallscope::install in place of attach"
                } else {
                    "do not strip the program, or build with --cfg tokio_unstable"
                };
                let _ = output.try_send(Message::Gap(Gap::new(what, cure).hiding_stalls()));
                return;
            }
            _ => {
                found.owned = Owned::Nobody;
                return;
            }
        }
        for earlier in &sampled.earlier {
            let mut earlier = self.symbols.name(earlier, &self.origins);
            culprit::cut_and_find(&mut earlier, &self.origins, found.owned);
            if !agreement::narrow(stack, &earlier) {
                found.owned = Owned::Nobody;
            }
        }
    }

    /// Books a long poll that is over to the one whose it was: not to the task before it, which the record may name. A root
    /// future has a record of its own when it is wrapped.
    fn book(&self, report: &StallReport, found: &Found) {
        let named_by_record = match found.owned {
            Owned::By(Owner::Root) => report.open.task == 0,
            owned => matches!(owned, Owned::By(Owner::Task) | Owned::Unknown),
        };
        if let Some(ticks) = report.ticks
            && named_by_record
        {
            self.settled.book(report.open.location, ticks);
        }
    }

    /// The line to tell of a wait, without the stalls that were none; none when the runtime was left alone meanwhile.
    fn lag(&self, mut lag: Lag, one_thread: bool) -> Option<Lag> {
        let real = |id: &u64| match self.ongoing.get(id) {
            Some(found) => found.told.as_ref().is_some_and(|told| told.phase != Phase::Dismissed),
            None => !self.dismissed.contains(id),
        };
        let stalls = lag.stalls.len();
        lag.stalls.retain(real);
        // Its thread was not in it: nobody was there to take the probe.
        let left_alone = one_thread && stalls > 0 && lag.stalls.is_empty();
        (!left_alone).then_some(lag)
    }
}

/// What there is to judge the cause of a stall by.
fn case<'a>(report: &'a StallReport, call: Option<&'a Judged>, running: bool) -> Case<'a> {
    Case {
        evidence: &report.evidence,
        attributable_ns: attributable_ns(report, running),
        threshold_ns: report.threshold_ns,
        call,
        running,
        settled: report.settled,
        unseen: false,
    }
}

/// Its record is that of a root future which is polled through ours.
fn is_roots(report: &StallReport) -> bool {
    report.open.task == 0 && report.open.location.is_some()
}

/// Its end is the first that is known of it.
fn is_unseen(report: &StallReport, found: &Found) -> bool {
    report.phase == Phase::End && found.told.is_none()
}

/// It lasted so long that a watchdog which is run would have looked at it.
fn is_missed(report: &StallReport) -> bool {
    report.duration_ns.saturating_sub(report.excused_ns)
        >= report.threshold_ns.saturating_add(LOOKS_WITHIN_NS)
}

fn attributable_ns(report: &StallReport, running: bool) -> u64 {
    cause::attributable_ns(report.duration_ns, report.excused_ns, &report.evidence, running)
}

fn line(report: &StallReport, found: &Found, stack: Option<Stack>) -> Stall {
    let owner = match found.owned {
        Owned::By(owner) => owner,
        // Without a stack the record is all there is.
        Owned::Unknown if report.open.task != 0 => Owner::Task,
        Owned::Unknown | Owned::Nobody => Owner::Unknown,
    };
    let spawned = report.open.location.filter(|_| owner == Owner::Task);
    let thread = &report.thread;
    Stall {
        id: report.id,
        at_ns: report.at_ns,
        phase: report.phase,
        started_ns: report.started_ns,
        duration_ns: report.duration_ns,
        attributable_ns: outside_ns(report, attributable_ns(report, found.running)),
        thread: Thread {
            runtime: thread.runtime,
            worker: thread.worker,
            name: thread.name.clone(),
            tid: thread.tid,
        },
        owner,
        task: spawned.zip(task_id(report.open.task)).map(|(at, id)| Task { id, spawned_at: at.to_string() }),
        certainty: found.certainty,
        draft: false,
        cause: found.judged.cause,
        syscall: found.judged.syscall.clone(),
        lock: found.judged.lock.map(str::to_owned),
        evidence: report.evidence.clone(),
        stack,
        serving: report.serving.clone(),
        victims: report.victims.clone(),
        allowed: report.allowed.told.clone(),
    }
}

/// The part of the time that the code answers for in which it was allowed nothing. What the host cost may lie in the other
/// part: no more is taken out than is sure to be neither.
fn outside_ns(report: &StallReport, attributable_ns: u64) -> u64 {
    let counted_ns = report.duration_ns.saturating_sub(report.excused_ns);
    attributable_ns.min(counted_ns.saturating_sub(report.allowed.counted_ns))
}
