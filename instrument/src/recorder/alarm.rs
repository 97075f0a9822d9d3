//! Wakes the watchdog, which sleeps long while there is nothing to see.

use super::sync::{AtomicU32, AtomicU64, Thread, current, fence, park_timeout};
use crate::clock;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use std::time::Duration;

const AWAKE: u32 = 0;
/// A thread that begins to work is to ring.
const ASLEEP: u32 = 1;
const RUNG: u32 = 2;

/// One sleeper, and anybody who wakes it.
#[derive(Debug)]
pub(crate) struct Alarm {
    state: AtomicU32,
    /// Written by who rang, before the state: when, in ticks.
    rung_at: AtomicU64,
    sleeper: OnceLock<Thread>,
}

/// The watchdog's.
pub(crate) static ALARM: Alarm = Alarm::new();

impl Alarm {
    pub(super) const fn new() -> Self {
        Self { state: AtomicU32::new(AWAKE), rung_at: AtomicU64::new(0), sleeper: OnceLock::new() }
    }

    /// Says that a thread begins to work, after it has written so. Costs a fence and a load unless the sleeper is in deep sleep.
    pub(super) fn ring_if_asleep(&self) {
        // Either the load below sees that the sleeper is about to sleep, or the sleeper, which looks once more after it
        // said so, sees what was written before.
        fence(SeqCst);
        if self.state.load(Relaxed) == ASLEEP {
            self.ring();
        }
    }

    /// Wakes the sleeper, or keeps it from its next sleep.
    #[cold]
    pub(crate) fn ring(&self) {
        // The first ring is the one that it was to wake at.
        if self.state.load(Relaxed) != RUNG {
            self.rung_at.store(clock::ticks(), Relaxed);
        }
        if self.state.swap(RUNG, AcqRel) != RUNG
            && let Some(sleeper) = self.sleeper.get()
        {
            sleeper.unpark();
        }
    }

    /// Sleeps until somebody rings, at most this long. Only one thread calls it. When it was rung, in ticks.
    pub(crate) fn doze(&self, time: Duration) -> Option<u64> {
        self.sleeper.get_or_init(current);
        // A token of `unpark` may have been taken by a queue that waited; the state is what counts.
        // Exchanged, not loaded: who rings either does so before, and is seen, or after, and sees the sleeper.
        if self.state.compare_exchange(AWAKE, AWAKE, AcqRel, Acquire).is_ok() {
            park_timeout(time);
        }
        let rung = self.state.swap(AWAKE, AcqRel) == RUNG;
        rung.then(|| self.rung_at.load(Relaxed))
    }

    /// The same, and threads that begin to work ring too, unless one has begun already, as `works` tells.
    pub(crate) fn sleep(&self, time: Duration, works: impl FnOnce() -> bool) -> Option<u64> {
        self.sleeper.get_or_init(current);
        if self.state.compare_exchange(AWAKE, ASLEEP, AcqRel, Acquire).is_ok() {
            fence(SeqCst);
            if !works() {
                park_timeout(time);
            }
        }
        let rung = self.state.swap(AWAKE, AcqRel) == RUNG;
        rung.then(|| self.rung_at.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    const FOR_EVER: Duration = Duration::from_secs(60);

    #[test]
    fn a_ring_before_the_sleep_is_not_lost() {
        let alarm = Alarm::new();
        alarm.ring();
        assert!(alarm.doze(FOR_EVER).is_some());
        alarm.ring();
        assert!(alarm.sleep(FOR_EVER, || false).is_some());
        assert!(alarm.doze(Duration::from_millis(1)).is_none());
    }

    #[test]
    fn work_rings_only_where_the_sleep_is_deep() {
        let alarm = Alarm::new();
        alarm.ring_if_asleep();
        assert!(alarm.doze(Duration::from_millis(1)).is_none());
        assert!(alarm.sleep(FOR_EVER, || true).is_none(), "it does not sleep while there is work");
    }

    #[test]
    fn whoever_begins_to_work_wakes_the_sleeper_or_is_seen_by_it() {
        const ROUNDS: u32 = if cfg!(miri) { 50 } else { 2_000 };
        static ALARM: Alarm = Alarm::new();
        static WORKS: AtomicBool = AtomicBool::new(false);
        static ROUND: AtomicU32 = AtomicU32::new(0);
        let begun = Instant::now();
        let worker = std::thread::spawn(|| {
            for round in 1..=ROUNDS {
                while ROUND.load(Acquire) < round {
                    std::thread::yield_now();
                }
                WORKS.store(true, Relaxed);
                ALARM.ring_if_asleep();
            }
        });
        for round in 1..=ROUNDS {
            ROUND.fetch_add(1, AcqRel);
            while !WORKS.load(Relaxed) {
                ALARM.sleep(FOR_EVER, || WORKS.load(Relaxed));
            }
            WORKS.store(false, Relaxed);
            assert!(begun.elapsed() < FOR_EVER, "round {round}: the sleeper was not woken");
        }
        worker.join().unwrap();
    }
}
