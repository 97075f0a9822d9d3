use crate::model::process::Process;
use stallscope::analysis::Since;
use stallscope_wire::Line;
use std::time::Duration;

/// A process of which only that counts that happens from a moment on.
#[derive(Debug)]
pub(super) struct FromHere {
    pub(super) process: Process,
    since: Since,
}

impl FromHere {
    /// From now on: of what was before, only what goes on is known.
    pub(super) fn new(whole: &Process) -> Self {
        let mut header = whole.header().clone();
        // What a flight recording leaves out is among the losses that the lines tell.
        header.flight.iter_mut().for_each(|flight| flight.dropped = 0);
        let mut process = Process::new(header, whole.origin.clone());
        process.clock = whole.clock.clone();
        let mut counted = Self { process, since: Since::default() };
        for line in state(whole) {
            for line in counted.since.pass(line) {
                counted.process.replay(line);
            }
        }
        counted.process.conclusion.clone_from(&whole.conclusion);
        counted
    }

    pub(super) fn apply(&mut self, line: Line, ours: Duration) {
        for line in self.since.pass(line) {
            self.process.apply(line, ours);
        }
    }

    /// Nothing follows, for the reason that is known of the whole.
    pub(super) fn conclude(&mut self, whole: &Process, ours: Duration) {
        if let Some(conclusion) = &whole.conclusion {
            self.process.conclude(conclusion.clone(), ours);
        }
    }

    pub(super) fn settle(&mut self) {
        self.process.settle();
    }

    /// Since when it is counted, in nanoseconds since the process's start.
    pub(super) fn at_ns(&self) -> u64 {
        self.since.at_ns().unwrap_or(0)
    }
}

/// What is so now, as lines tell it; the state itself first, since it says when now is.
fn state(whole: &Process) -> Vec<Line> {
    let history = &whole.history;
    let mut lines: Vec<_> = history.snapshot().cloned().map(Line::Snapshot).into_iter().collect();
    lines.push(Line::Coverage(history.coverage().clone()));
    lines.push(Line::Lost(history.lost().clone()));
    lines.extend(history.handlers().cloned().map(Line::Handler));
    lines.extend(history.sockets().cloned().map(Line::Socket));
    let stalls = history.stalls().filter(|record| record.ongoing);
    lines.extend(stalls.map(|record| Line::Stall(record.stall.clone())));
    lines.extend(history.lags().filter(|lag| lag.ongoing).cloned().map(Line::Lag));
    lines
}
