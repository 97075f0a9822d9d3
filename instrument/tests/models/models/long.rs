//! The queue of long polls, with room for two.

use super::{beside, here};
use crate::recorder::cell::Open;
use crate::recorder::long::{LongPoll, LongPolls};
use crate::recorder::sync::made_here;
use std::iter::from_fn;
use std::rc::Rc;

const PUSHED: u64 = 4;

pub(super) fn in_order_and_counted() {
    let (queue, location) = (Rc::new(made_here(LongPolls::new())), here());
    let watchdog = beside(&queue, |queue| (0..3).filter_map(|_| queue.pop(0)).collect());
    for start in 1..=PUSHED {
        let open = Open { version: start, task: start + 10, location };
        queue.push(LongPoll { open, end: start + 20, generation: 0, parks: 0 });
    }
    let mut taken: Vec<LongPoll> = watchdog.join().unwrap();
    taken.extend(from_fn(|| queue.pop(0)));
    assert!(taken.is_sorted_by(|one, next| one.open.version < next.open.version), "{taken:?}");
    for poll in &taken {
        let start = poll.open.version;
        let whole = (start + 10, location, start + 20);
        assert_eq!((poll.open.task, poll.open.location, poll.end), whole);
    }
    assert_eq!(taken.len() as u64 + queue.lost(), PUSHED);
}
