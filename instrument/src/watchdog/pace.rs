//! How often the watchdog looks: often while anything runs, seldom while all threads are parked.

use crate::clock;
use crate::recorder::ALARM;
use std::time::Duration;

/// How long the watchdog sleeps at most while threads work.
pub(super) const LOOK_NS: u64 = 20_000_000;
/// The pace of the lag probes while nothing runs; in between, the watchdog sleeps.
pub(super) const IDLE_PROBE_NS: u64 = 500_000_000;
/// How long it sleeps when there is nothing to be due: somebody rings.
const UNTIL_RUNG_NS: u64 = 3_600_000_000_000;
/// How long nothing must have run until it sleeps deeply. More than two looks: a thread that works in short bursts rings
/// for each of them else.
const QUIET_NS: u64 = 60_000_000;

/// Tells a process in which nothing runs.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Parks after polls of the app's, of all threads, at the last look.
    worked: u64,
    /// When something ran last, in nanoseconds since the start.
    active_ns: u64,
}

impl Pace {
    /// Takes in what a look has shown: whether a record is open, how often threads have parked after polls, and whether
    /// somebody rang.
    pub(super) fn see(&mut self, now_ns: u64, open: bool, worked: u64, rung: bool) {
        if open || rung || worked != self.worked {
            self.active_ns = now_ns;
        }
        self.worked = worked;
    }

    /// Whether nothing has run for a while, but for our own probes.
    pub(super) fn is_idle(&self, now_ns: u64) -> bool {
        now_ns.saturating_sub(self.active_ns) >= QUIET_NS
    }
}

/// Until when the watchdog sleeps, in nanoseconds since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) wake_ns: u64,
    /// A thread that begins to work is to wake it.
    pub(super) deep: bool,
}

impl Plan {
    /// Until somebody rings.
    pub(super) fn until_rung(now_ns: u64) -> Self {
        Self { wake_ns: now_ns.saturating_add(UNTIL_RUNG_NS), deep: false }
    }

    /// Sleeps, unless it was to be deep and something `works` by now. Whether somebody rang, and when it was to wake.
    pub(super) fn sleep(self, works: impl FnOnce() -> bool) -> (bool, u64) {
        let time = Duration::from_nanos(self.wake_ns.saturating_sub(clock::now_ns()));
        let rung = if self.deep { ALARM.sleep(time, works) } else { ALARM.doze(time) };
        (rung.is_some(), rung.map_or(self.wake_ns, |tick| self.wake_ns.min(clock::tick_to_at_ns(tick))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn it_is_idle_when_nothing_has_run_for_a_while() {
        let mut pace = Pace::default();
        let idle_after = |pace: &mut Pace, open, worked, rung| {
            pace.see(1_000 * MS, open, worked, rung);
            let at_once = pace.is_idle(1_000 * MS);
            pace.see(1_000 * MS + QUIET_NS, false, worked, false);
            (at_once, pace.is_idle(1_000 * MS + QUIET_NS))
        };
        for (open, worked, rung) in [(true, 0, false), (false, 5, false), (false, 5, true)] {
            assert_eq!(idle_after(&mut pace, open, worked, rung), (false, true));
        }
        pace.see(2_000 * MS, false, 5, false);
        assert!(pace.is_idle(2_000 * MS), "a look that shows nothing new is no activity");
    }
}
