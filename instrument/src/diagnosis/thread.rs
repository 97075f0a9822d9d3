//! The diagnosis's thread, and what it keeps from one report to the next.

use super::ended::Ended;
use super::found::Found;
use super::origin::Origins;
use super::pool::PoolWaits;
use super::symbols::Symbols;
use super::{Report, Settled};
use crate::collector::Message;
use crate::engine::{Engine, offer};
use stallscope_wire::{Lag, Line, Phase};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

/// How long debug information stays open after the last stall. Its index takes memory that a program which blocks no more
/// should not pay for: 16 MB for a program of 38 MB.
const SYMBOLS_KEPT: Duration = Duration::from_secs(10);

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

pub(super) struct Diagnosis<'a> {
    pub(super) symbols: Symbols,
    pub(super) origins: Origins,
    /// What was found of the stalls that go on.
    pub(super) ongoing: HashMap<u64, Found>,
    /// The last ones that were found to be no stalls, and are over.
    pub(super) dismissed: VecDeque<u64>,
    pool_waits: PoolWaits,
    ended: Ended,
    pub(super) settled: &'a Settled,
}

impl Diagnosis<'_> {
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
                let wait = self.pool_waits.line(*report, &mut self.symbols, &mut self.origins);
                return Some(Line::Pool(wait));
            }
            Report::Unseen(gap) => drop(output.send(Message::Gap(gap))),
            // These two wait: whoever asked does too, with a limit of its own.
            Report::Flush(done) => drop(output.send(Message::Flush(done))),
            Report::Finish(done) => drop(output.send(Message::Finish(done))),
        }
        None
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Activity, Captured, ModuleFile, RawFrame, RawStack};
    use crate::recorder::{Cell, Open, Thread};
    use crate::watchdog::StallReport;
    use stallscope_wire::Quality;
    use std::sync::mpsc::sync_channel;

    /// What is told of a stall, its thread seen in a file where it was seen.
    fn report(phase: Phase, file: Option<&str>) -> Report {
        let stack = file.map(|path| {
            let module = ModuleFile { path: path.to_owned(), build_id: None, program: false };
            let frames = vec![RawFrame { module: Some(Arc::new(module)), offset: 7 }];
            RawStack { quality: Quality::default(), frames }
        });
        Report::Stall(Box::new(StallReport {
            id: 1,
            phase,
            cell: Box::leak(Box::new(Cell::new())),
            open: Open { version: 1, task: 1, location: None },
            thread: Thread::default(),
            at_ns: 0,
            started_ns: 0,
            duration_ns: 1,
            excused_ns: 0,
            threshold_ns: 1,
            evidence: Default::default(),
            handed_over: false,
            settled: false,
            captured: Some(Captured { stack, activity: Activity::Unknown, silent: false }),
            serving: None,
            victims: Default::default(),
            ticks: None,
            sampled: None,
            allowed: Default::default(),
            shows_allowed: false,
        }))
    }

    #[test]
    fn a_stalls_first_stack_is_told_without_names_whichever_line_it_comes_with() {
        let settled = Settled::default();
        let mut diagnosis = Diagnosis {
            symbols: Symbols::new(),
            origins: Origins::new(crate::config::App::default()),
            ongoing: HashMap::new(),
            dismissed: VecDeque::new(),
            pool_waits: PoolWaits::default(),
            ended: Ended::default(),
            settled: &settled,
        };
        let (output, _kept) = sync_channel(8);
        let mut drafted = |phase: Phase, file: Option<&str>| {
            let report = report(phase, file);
            let draft = diagnosis.draft(&report);
            diagnosis.take(report, &output).expect("it is told");
            draft.map(|draft| (draft.phase, draft.stack.is_some_and(|stack| stack.is_bare())))
        };
        assert_eq!(drafted(Phase::Begin, None), None, "there is no stack");
        assert_eq!(drafted(Phase::Progress, Some("/no/program")), Some((Phase::Progress, true)));
        assert_eq!(drafted(Phase::Progress, Some("/no/library")), None, "it is not the first");
        assert_eq!(drafted(Phase::End, Some("/no/other")), None, "it is over");
        assert_eq!(
            drafted(Phase::Progress, Some("/no/more")),
            Some((Phase::Begin, true)),
            "nothing was told"
        );
    }
}
