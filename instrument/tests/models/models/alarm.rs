//! The sleeper is the thread that is spawned, and whoever rings the one that begins.

use super::beside;
use crate::clock;
use crate::recorder::alarm::Alarm;
use crate::recorder::sync::{AtomicU64, made_here};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The models sleep for ever.
const LONG: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Sleeper {
    alarm: Alarm,
    works: AtomicU64,
}

impl Sleeper {
    fn new() -> Rc<Self> {
        clock::restart();
        Rc::new(made_here(Self { alarm: Alarm::new(), works: AtomicU64::new(0) }))
    }

    fn works(&self) -> bool {
        self.works.load(Relaxed) == 1
    }
}

pub(super) fn work_begins() {
    let sleeper = Sleeper::new();
    let watchdog = beside(&sleeper, |sleeper| {
        while !sleeper.works() {
            sleeper.alarm.sleep(LONG, || sleeper.works());
        }
    });
    sleeper.works.store(1, Relaxed);
    sleeper.alarm.ring_if_asleep();
    watchdog.join().unwrap();
}

pub(super) fn rung_awake() {
    rung(|alarm| alarm.doze(LONG));
}

pub(super) fn rung_asleep() {
    rung(|alarm| alarm.sleep(LONG, || false));
}

/// A ring ends this sleep or the next one, and tells when it was.
fn rung(sleep: fn(&Alarm) -> Option<u64>) {
    let sleeper = Sleeper::new();
    let before = clock::ticks();
    let watchdog = beside(&sleeper, move |sleeper| sleep(&sleeper.alarm));
    sleeper.alarm.ring();
    let rung_at = watchdog.join().unwrap();
    assert_eq!(rung_at, Some(before + 1));
}
