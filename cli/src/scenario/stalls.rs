//! Stalls of which something is out of the ordinary.

use super::{MS, Scenario, computing_stack, stall};
use stallscope_wire::{Cause, Frame, Histogram, Line, Module, Phase, Quality, Stack, Thread, Victims};

impl Scenario {
    /// Worker 1 sleeps in a poll, and no name of its stack is known yet.
    pub(crate) fn sleeps_before_names_are_known(mut self, id: u64, lasted_ms: u64) -> Self {
        let modules = vec![Module { path: "/srv/bin/shop-api".into(), build_id: None }];
        let frame = |offset| Frame { module: Some(0), offset, ..Frame::default() };
        let frames = vec![frame(0x1f3a0), frame(0x20010)];
        let stack = Stack { quality: Quality::Exact, frames, modules, ..Stack::default() };
        let mut draft = stall(id, Phase::Begin, self.now_ns, lasted_ms * MS, Some(stack));
        draft.victims = Victims::default();
        self.lines.push(Line::Stall(draft));
        self.now_ns += lasted_ms * MS;
        self.stall = Some(id);
        self.snapshot(lasted_ms * MS, Some(lasted_ms * MS), 0);
        self
    }

    /// Worker 1 computes in a poll that goes on, and the machine runs it for this part of it only.
    pub(crate) fn computes_on_a_busy_machine(mut self, id: u64, lasted_ms: u64, run_ms: u64) -> Self {
        let mut starved = stall(id, Phase::Progress, self.now_ns, lasted_ms * MS, Some(computing_stack()));
        starved.thread = Thread { worker: Some(1), tid: 101, ..starved.thread };
        (starved.cause, starved.syscall, starved.attributable_ns) = (Cause::Cpu, None, run_ms * MS);
        (starved.evidence.cpu_ns, starved.evidence.run_queue_ns) = (run_ms * MS, (lasted_ms - run_ms) * MS);
        starved.evidence.blocked_ns = 0;
        self.lines.push(Line::Stall(starved));
        self.now_ns += lasted_ms * MS;
        self.stall = Some(id);
        self.snapshot(0, Some(lasted_ms * MS), 0);
        self
    }

    /// New work waited so long just now, as often as is seen in a histogram's last hundredth.
    pub(crate) fn lags(mut self, wait_ms: u64) -> Self {
        let wait = wait_ms * MS;
        self.lag.merge(&Histogram { buckets: vec![(wait, 200)], max_ns: wait, sum_ns: wait * 200 });
        self.now_ns += 500 * MS;
        self.snapshot(80_000, Some(wait), 0);
        self
    }
}
