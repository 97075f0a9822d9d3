use crate::capture::Captured;
use crate::recorder::{Cell, Open, Thread};
use crate::watchdog::allowed::Part;
use crate::watchdog::sampled::Sampled;
use stallscope_wire::{Evidence, Phase, Serving, Victims};

/// A stall as seen, without names.
#[derive(Debug)]
pub(crate) struct StallReport {
    pub(crate) id: u64,
    pub(crate) phase: Phase,
    pub(crate) cell: &'static Cell,
    pub(crate) open: Open,
    pub(crate) thread: Thread,
    pub(crate) at_ns: u64,
    pub(crate) started_ns: u64,
    pub(crate) duration_ns: u64,
    /// The part that lies in the runtime's start-up grace.
    pub(crate) excused_ns: u64,
    pub(crate) threshold_ns: u64,
    pub(crate) evidence: Evidence,
    /// Another thread runs the worker meanwhile, so that this one may block.
    pub(crate) handed_over: bool,
    /// The poll is over, and so is every wait that the evidence may lack.
    pub(crate) settled: bool,
    /// New since the last report.
    pub(crate) captured: Option<Captured>,
    /// The request that the thread was at.
    pub(crate) serving: Option<Serving>,
    pub(crate) victims: Victims,
    /// The whole length in ticks, at the end.
    pub(crate) ticks: Option<u64>,
    /// Of a thread that is looked at from outside.
    pub(crate) sampled: Option<Sampled>,
    /// What of it the code allows itself.
    pub(crate) allowed: Part,
    /// What was captured shows that part, or may show it.
    pub(crate) shows_allowed: bool,
}
