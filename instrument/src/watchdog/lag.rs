//! Loop lag: what a new piece of work waits.

use super::pace::IDLE_PROBE_NS;
use crate::clock;
use crate::probe::{LagProbe, Wait};
use crate::runtime::Runtime;
use stallscope_wire::Lag;
use std::sync::Arc;

/// Sending a probe takes no longer, unless the watchdog was not run meanwhile.
const SENDING_NS: u64 = 1_000_000;

/// Sends probes through one runtime at a fixed pace, whatever becomes of the last one; at a slow one while nothing runs.
#[derive(Debug)]
pub(super) struct LagWatch {
    pub(super) runtime: Arc<Runtime>,
    /// When a probe was due last, in nanoseconds since the start; none before the first.
    beat_ns: Option<u64>,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    probe: LagProbe,
    /// What had become of it before the threads' times were read last.
    seen: Wait,
    /// It waited for somebody to drive the runtime, not behind its work: it only tells when the runtime is gone.
    void: bool,
    sent_ns: u64,
    told: bool,
    /// Stalls seen in the runtime during the wait.
    stalls: Vec<u64>,
    /// Time in which the host kept the runtime's workers from running.
    host_ns: u64,
}

/// What the watchdog knows of the time since it last looked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since<'a> {
    pub(super) now_ns: u64,
    /// Stalls that go on in the runtime.
    pub(super) stalls: &'a [u64],
    /// The longest time that any of the runtime's threads was ready and not run, or that the watchdog was not.
    pub(super) host_ns: u64,
    /// No thread runs the runtime: it is a current-thread one, and nobody is in its `block_on`.
    pub(super) undriven: bool,
    /// Whether anybody drives it is not known yet: its thread has been at one thing for long, and its stack was not seen.
    pub(super) unclear: bool,
    /// Nothing has run for a while.
    pub(super) idle: bool,
}

/// What became of a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Looked {
    Fine,
    Late(Lag),
    Gone,
}

impl LagWatch {
    pub(super) fn new(runtime: Arc<Runtime>) -> Self {
        Self { runtime, beat_ns: None, waiting: None }
    }

    /// When the next probe is due, in nanoseconds since the start.
    pub(super) fn due_ns(&self, idle: bool) -> u64 {
        self.beat_ns.map_or(0, |beat| beat.saturating_add(self.interval_ns(idle)))
    }

    fn interval_ns(&self, idle: bool) -> u64 {
        let interval = self.runtime.settings.probe_interval_ns;
        if idle { interval.max(IDLE_PROBE_NS) } else { interval }
    }

    /// Whether a probe is on its way that somebody is there to take.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| !waiting.void)
    }

    /// No probe is sent any more, and what became of the last is no matter.
    pub(super) fn abandon(self) {
        self.runtime.set_probe_waits(false);
        self.runtime.forget_lag();
    }

    /// Sees what has become of the probe.
    pub(super) fn see_probe(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.seen = waiting.probe.wait();
        }
    }

    /// Tells what has become of the probe, and sends the next one when it is due.
    pub(super) fn look(&mut self, since: Since<'_>) -> Looked {
        let looked = match self.waiting.take() {
            Some(waiting) if since.undriven || waiting.void => self.see_void(waiting),
            Some(waiting) => self.see(waiting, since),
            None => Looked::Fine,
        };
        if since.now_ns >= self.due_ns(since.idle) {
            let interval = self.interval_ns(since.idle);
            // Open loop: the pace does not follow the probes. What a late watchdog has missed is not made up for.
            let last = self.beat_ns.unwrap_or(since.now_ns);
            self.beat_ns = Some(last + (since.now_ns - last) / interval * interval);
            if self.waiting.is_none() && looked != Looked::Gone {
                self.runtime.count_probe();
                let before_ns = clock::now_ns();
                let Runtime { handle, probe, .. } = &*self.runtime;
                let probe = LagProbe::send(handle, Some(*probe), self.runtime.is_sampled());
                let after_ns = clock::now_ns();
                // What the watchdog was not run in the middle of sending is no wait of the probe's.
                let sent_ns = if after_ns - before_ns > SENDING_NS { after_ns } else { before_ns };
                self.waiting = Some(Waiting {
                    probe,
                    seen: Wait::Waiting,
                    void: since.undriven,
                    sent_ns,
                    told: false,
                    stalls: Vec::new(),
                    host_ns: 0,
                });
            }
        }
        let waits = self.waiting.as_ref().is_some_and(|waiting| waiting.probe.wait() == Wait::Waiting);
        self.runtime.set_probe_waits(waits);
        looked
    }

    fn see_void(&mut self, waiting: Waiting) -> Looked {
        self.runtime.forget_lag();
        match waiting.probe.wait() {
            Wait::Gone => return Looked::Gone,
            Wait::Polled(_) => {}
            Wait::Waiting => self.waiting = Some(Waiting { void: true, ..waiting }),
        }
        Looked::Fine
    }

    fn see(&mut self, mut waiting: Waiting, since: Since<'_>) -> Looked {
        let limit = self.runtime.settings.lag_limit_ns;
        waiting.host_ns = waiting.host_ns.saturating_add(since.host_ns);
        // What lies in the start-up grace does not count.
        let counts_from_ns = waiting.sent_ns.max(self.runtime.grace_ends_ns());
        for &stall in since.stalls {
            if !waiting.stalls.contains(&stall) {
                waiting.stalls.push(stall);
            }
        }
        match waiting.seen {
            Wait::Gone => Looked::Gone,
            Wait::Polled(tick) => {
                let wait_ns = clock::tick_to_at_ns(tick).saturating_sub(counts_from_ns);
                if wait_ns > 0 {
                    self.runtime.record_lag(wait_ns);
                }
                if wait_ns < limit {
                    return Looked::Fine;
                }
                Looked::Late(self.late(&waiting, since.now_ns, wait_ns, false))
            }
            Wait::Waiting => {
                let age_ns = since.now_ns.saturating_sub(counts_from_ns);
                self.runtime.show_lag(age_ns);
                // Told only when it is well over the limit: a runtime that nobody drives is found out in the meantime.
                let tell = age_ns >= limit.saturating_mul(2) && !waiting.told && !since.unclear;
                let late = tell.then(|| self.late(&waiting, since.now_ns, age_ns, true));
                waiting.told |= tell;
                self.waiting = Some(waiting);
                late.map_or(Looked::Fine, Looked::Late)
            }
        }
    }

    fn late(&self, waiting: &Waiting, at_ns: u64, wait_ns: u64, ongoing: bool) -> Lag {
        Lag {
            at_ns,
            runtime: self.runtime.id,
            wait_ns,
            attributable_ns: wait_ns.saturating_sub(waiting.host_ns),
            ongoing,
            stalls: waiting.stalls.clone(),
        }
    }
}
