//! A computation, and what is said of it.

use crate::harness::Seen;
use stallscope::analysis::StallRecord;
use stallscope_wire::{Certainty, Frame, Owner};
use std::fs;
use std::hint::black_box;
use std::time::Duration;

/// Computes until the thread has spent this time on a processor, however long a crowded machine takes to give it.
pub(crate) fn compute(time: Duration) {
    let spent = || {
        let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().and_then(|ns| ns.parse().ok()).map(Duration::from_nanos).unwrap()
    };
    let begun = spent();
    let mut sum = 0u64;
    while spent() - begun < time {
        sum = black_box((0..20_000).fold(sum, |sum, n| sum.wrapping_mul(31) ^ n));
    }
}

/// There is one stall, it is over and only probable, and the marked line is on its stack, at the culprit or outside of it: a
/// computation is seen wherever it has come to.
#[track_caller]
pub(crate) fn is_probable(seen: &Seen, owner: Owner) -> &StallRecord {
    let record = seen.stall();
    let marked = seen.marked();
    let (file, line) = marked.rsplit_once(':').expect("file:line");
    let is_marked = |frame: &Frame| {
        let same = frame.file.as_ref().is_some_and(|known| known.ends_with(file));
        same && frame.line.is_some_and(|known| known.to_string() == line)
    };
    let stack = record.stall.stack.as_ref().expect("there is a stack");
    let culprit = stack.culprit.expect("somebody is accused") as usize;
    assert!(stack.frames[culprit..].iter().any(is_marked), "{record:#?}");
    assert!(record.stall.owner == owner && !record.ongoing, "{record:#?}");
    assert_eq!(record.stall.certainty, Certainty::Probable, "{record:#?}");
    record
}
