use crate::recorder::Open;
use crate::watchdog::allowed::Allowing;
use crate::watchdog::behind::Waits;
use crate::watchdog::evidence::{Base, InKernel};
use crate::watchdog::host::Reading;
use crate::watchdog::outbox::Outbox;
use stallscope_wire::Serving;
use std::rc::Rc;

/// The open record that was seen at the last look.
#[derive(Debug)]
pub(in super::super) struct Seen {
    pub(in super::super) open: Open,
    /// In ticks.
    pub(in super::super) start: u64,
    pub(in super::super) started_ns: u64,
    pub(in super::super) base: Option<Base>,
    pub(in super::super) in_kernel: InKernel,
    /// The machine's counters then, or soon after.
    pub(in super::super) host: Option<Rc<Reading>>,
    /// The longest time since then that the watchdog itself was neither run nor ready to.
    pub(in super::super) gap_ns: u64,
    pub(in super::super) waits: Waits,
    pub(in super::super) allowing: Allowing,
    /// Somebody held it, at a breakpoint, when it became as long as a stall: it is none.
    pub(in super::super) debugged: bool,
    pub(in super::super) stall: Option<Ongoing>,
}

#[derive(Debug)]
pub(in super::super) struct Ongoing {
    pub(in super::super) id: u64,
    /// The length at which it is reported next, in nanoseconds.
    pub(in super::super) next_ns: u64,
    pub(in super::super) tries_left: u32,
    pub(in super::super) stack: Wanted,
    pub(in super::super) serving: Option<Serving>,
}

/// What has become of a stall's stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Wanted {
    /// It is asked for.
    Yes,
    /// It was asked for in vain, which was counted, and is asked for now and then.
    Lost,
    /// It was had, or cannot be had.
    No,
}

impl Ongoing {
    /// Counts a stack that is still asked for: it will not be had.
    pub(super) fn end(&self, reports: &Outbox<'_>) {
        if self.stack == Wanted::Yes {
            reports.lose_stack();
        }
    }
}
