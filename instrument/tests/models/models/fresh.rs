//! The tasks that are spawned and not polled, with room for two.

use super::beside;
use crate::recorder::fresh::Fresh;
use crate::recorder::sync::made_here;
use loom::thread;
use std::rc::Rc;

fn table() -> Rc<Fresh> {
    Rc::new(made_here(Fresh::new()))
}

/// What is told of each task that is fresh: of one it is the same number five times.
fn told(fresh: &Fresh) -> Vec<u64> {
    let told = fresh.read().map(|task| {
        assert_eq!((task.number as u64, task.is_of(task.task as u32)), (task.task, true), "{task:?}");
        assert_eq!(task.spawned, Some(task.task), "{task:?}");
        task.task
    });
    told.collect()
}

fn put(fresh: &Fresh, task: u64) {
    fresh.put(task, task, task as usize, task as u32);
}

pub(super) fn whole_or_not_at_all() {
    let fresh = table();
    let watchdog = beside(&fresh, |fresh| {
        let told = told(fresh);
        assert!([&[][..], &[1], &[3]].contains(&&told[..]), "{told:?}");
    });
    // The same slot, one after the other.
    put(&fresh, 1);
    fresh.take(1);
    put(&fresh, 3);
    watchdog.join().unwrap();
    assert_eq!(told(&fresh), [3]);
}

/// Two threads may both find the slot free; whichever is kept, what is told of it is its own. Only the tick may be the
/// other's, which is of the same time.
pub(super) fn two_for_one_slot() {
    let fresh = table();
    let other = beside(&fresh, |fresh| put(fresh, 3));
    put(&fresh, 1);
    let read: Vec<_> = fresh.read().collect();
    other.join().unwrap();
    for task in read.into_iter().chain(fresh.read()) {
        assert_eq!((task.number as u64, task.is_of(task.task as u32)), (task.task, true), "{task:?}");
    }
}

pub(super) fn taken() {
    let fresh = table();
    put(&fresh, 1);
    let watchdog = beside(&fresh, |fresh| {
        let (before, after) = (fresh.keeps(1), fresh.keeps(1));
        assert!(before || !after, "it came back");
    });
    assert!(fresh.holds(1));
    fresh.take(1);
    watchdog.join().unwrap();
    assert!(!fresh.keeps(1));
}

pub(super) fn forgotten() {
    let fresh = table();
    put(&fresh, 1);
    let watchdog = beside(&fresh, |fresh| fresh.forget(1));
    if fresh.holds(1) {
        fresh.take(1);
    }
    put(&fresh, 3);
    thread::yield_now();
    let kept = fresh.holds(3);
    watchdog.join().unwrap();
    assert_eq!(fresh.holds(3), kept);
    assert!(fresh.holds(3) || fresh.lost() == 1, "what is not kept is counted");
}
