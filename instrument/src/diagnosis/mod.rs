//! From what the watchdog saw to what is told: names, whose code it is, the culprit, the cause.
//!
//! On a thread of its own: the first look into a large program's debug information takes long, and the watchdog must
//! not wait for it.

mod cause;
mod culprit;
mod origin;
mod owner;
mod settled;
mod symbols;

pub(crate) use settled::Settled;

use crate::capture::Activity;
use crate::collector::Message;
use crate::engine::{Engine, offer};
use crate::recorder::{LongPoll, task_id};
use crate::watchdog::StallReport;
use cause::{Case, Judged};
use origin::Origins;
use owner::Owned;
use stallscope_wire::{Frame, Lag, Line, Owner, Pause, Phase, Stack, Stall, Task, Thread};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;
use symbols::Symbols;

/// Reports that may wait for the diagnosis.
pub(crate) const ROOM: usize = 256;
/// Dismissed stalls that a wait may still name.
const REMEMBERED: usize = 64;

/// How long debug information stays open after the last stall. Its index takes memory that a program which blocks no more
/// should not pay for: 16 MB for a program of 38 MB.
const SYMBOLS_KEPT: Duration = Duration::from_secs(10);

/// What the watchdog tells.
#[derive(Debug)]
pub(crate) enum Report {
    Stall(Box<StallReport>),
    /// A long poll that is no stall: it lies in the start-up grace.
    LongPoll(LongPoll),
    Lag {
        lag: Lag,
        /// One thread runs the whole runtime.
        one_thread: bool,
    },
    Pause(Pause),
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
        settled,
    };
    loop {
        match reports.recv_timeout(SYMBOLS_KEPT) {
            Ok(report) => {
                if let Some(draft) = diagnosis.draft(&report) {
                    offer(output, Message::Draft(Box::new(Line::Stall(draft))), &engine.losses);
                }
                if let Some(line) = diagnosis.take(report, output) {
                    offer(output, Message::Line(Box::new(line)), &engine.losses);
                }
            }
            Err(RecvTimeoutError::Timeout) => diagnosis.symbols.close(),
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
    settled: &'a Settled,
}

/// What has been found of a stall.
#[derive(Debug, Default)]
struct Found {
    owned: Owned,
    judged: Judged,
    /// The call that the thread was last seen in.
    call: Option<Judged>,
    /// It ran, or was ready to, when it was looked at last.
    running: bool,
    /// Functions and files of the culprit's stack, for the cause.
    frames: Vec<Frame>,
    culprit: Option<u32>,
    /// What was told last, without the stack.
    told: Option<Stall>,
    /// All that was told had no names.
    draft: bool,
}

impl Diagnosis<'_> {
    /// A line without names, for a stall whose names take long to find: were the process killed meanwhile, nothing would
    /// be known of it.
    fn draft(&mut self, report: &Report) -> Option<Stall> {
        let Report::Stall(report) = report else { return None };
        let captured = report.captured.as_ref().filter(|_| report.phase == Phase::Begin)?;
        let raw = captured.stack.as_ref().filter(|raw| !self.symbols.are_open(raw))?;
        let found = self.ongoing.entry(report.id).or_default();
        found.call = cause::call(captured.activity, &[], None);
        found.running = captured.activity == Activity::Running;
        found.judged = cause::judge(case(report, found.call.as_ref(), found.running));
        let draft = line(report, found, Some(Symbols::unnamed(raw)));
        found.told = Some(Stall { stack: None, ..draft.clone() });
        found.draft = true;
        Some(draft)
    }

    /// The line to tell of a report, where there is one.
    fn take(&mut self, report: Report, output: &SyncSender<Message>) -> Option<Line> {
        match report {
            Report::Stall(report) => return self.stall(&report).map(Line::Stall),
            Report::LongPoll(poll) => {
                self.settled.book(poll.open.location, poll.end.saturating_sub(poll.open.start));
            }
            Report::Lag { lag, one_thread } => return self.lag(lag, one_thread).map(Line::Lag),
            Report::Pause(pause) => return Some(Line::Pause(pause)),
            // These two wait: whoever asked does too, with a limit of its own.
            Report::Flush(done) => drop(output.send(Message::Flush(done))),
            Report::Finish(done) => drop(output.send(Message::Finish(done))),
        }
        None
    }

    /// The line to tell of a stall; none when the stack shows that it is none.
    fn stall(&mut self, report: &StallReport) -> Option<Stall> {
        let mut found = self.ongoing.remove(&report.id).unwrap_or_default();
        let stack = report.captured.as_ref().and_then(|captured| captured.stack.as_ref()).map(|raw| {
            let mut stack = self.symbols.name(raw, &self.origins);
            let program =
                raw.frames.iter().filter_map(|frame| frame.module.as_ref()).find(|module| module.program);
            found.owned = owner::of(&stack, program.map(|module| module.path.as_str()));
            culprit::cut_and_find(&mut stack, &self.origins);
            found.frames.clone_from(&stack.frames);
            found.culprit = stack.culprit;
            for file in stack.frames.iter_mut().filter_map(|frame| frame.file.as_mut()) {
                *file = self.origins.shown(file).to_owned();
            }
            stack
        });
        if let Some(captured) = &report.captured {
            let call = cause::call(captured.activity, &found.frames, found.culprit);
            found.call = call.or(found.call);
            found.running = captured.activity == Activity::Running;
        }
        // It came and went while the watchdog was not run, nor perhaps the thread: nobody saw it wait in a call.
        found.running |= is_unseen(report, &found);
        found.judged = cause::judge(Case {
            unseen: is_unseen(report, &found),
            ..case(report, found.call.as_ref(), found.running)
        });
        let line = if found.owned == Owned::Nobody {
            // It was one when it was told of: the thread has left the runtime since.
            let over = if found.draft { Phase::Dismissed } else { Phase::End };
            let told = found.told.as_mut().filter(|told| told.phase != over);
            told.map(|told| {
                (told.phase, told.at_ns) = (over, report.at_ns);
                told.clone()
            })
        } else {
            let line = line(report, &found, stack);
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

/// Its end is the first that is known of it.
fn is_unseen(report: &StallReport, found: &Found) -> bool {
    report.phase == Phase::End && found.told.is_none()
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
        attributable_ns: attributable_ns(report, found.running),
        thread: Thread {
            runtime: thread.runtime,
            worker: thread.worker,
            name: thread.name.clone(),
            tid: thread.tid,
        },
        owner,
        task: spawned.zip(task_id(report.open.task)).map(|(at, id)| Task { id, spawned_at: at.to_string() }),
        cause: found.judged.cause,
        syscall: found.judged.syscall.clone(),
        lock: found.judged.lock.map(str::to_owned),
        evidence: report.evidence.clone(),
        stack,
        victims: report.victims.clone(),
    }
}
