//! What captures brought, as far as the log holds it.

use crate::harness::Seen;
use stallscope_wire::{Line, Lost, Quality};

/// Counts of stacks.
#[derive(Debug, Default)]
pub(crate) struct Captures {
    pub(crate) stacks: u64,
    /// Those that can be believed as a whole.
    pub(crate) exact: u64,
    /// Those of threads that were in no system call.
    pub(crate) running: u64,
    #[expect(dead_code, reason = "it is shown when a test fails")]
    pub(crate) lost: Lost,
}

pub(crate) fn captures(seen: &Seen) -> Captures {
    let log = seen.log();
    let mut captures = Captures { lost: log.history.lost().clone(), ..Captures::default() };
    for line in &log.lines {
        let Line::Stall(stall) = line else { continue };
        let Some(stack) = &stall.stack else { continue };
        captures.stacks += 1;
        captures.exact += u64::from(stack.quality == Quality::Exact);
        captures.running += u64::from(stall.syscall.is_none());
    }
    captures
}
