//! A thread's first turn after a stall: what it finds then may have been there for long.

use super::seat::LONG;
use crate::engine::engine;
use crate::recorder::{self, OwnLong};
use std::cell::Cell;

/// How long a first turn may take, in ticks: 3 ms at 5 GHz, 17 ms of a clock that counts nanoseconds. What a busy thread finds
/// later may have come meanwhile.
const TURN: u64 = 1 << 24;

/// A poll of so many ticks blocks its thread: 1.7 ms at 5 GHz, 8 ms of a clock that counts nanoseconds.
const STALL: u64 = 1 << 23;

thread_local! {
    /// The last request that kept this thread for long, for a thread whose polls no hook tells of; with the parks of the thread
    /// until then.
    static LONG_REQUEST: Cell<Option<OwnLong>> = const { Cell::new(None) };
    /// When the last stall that was looked at ended, and since when no thread was free in it; 0 where one was.
    static LOOKED_AT: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// A request has kept the thread for long.
pub(super) fn was_long(start: u64, end: u64) {
    if end.saturating_sub(start) >= STALL {
        let long = OwnLong { start, end, parks: recorder::own_parks() };
        let _ = LONG_REQUEST.try_with(|last| last.set(Some(long)));
    }
}

/// Since when no thread of this one's runtime was free until just before the tick `now`: what this thread finds now may have
/// been there as long. None outside the first turn after such a time: once it has parked again, or a few milliseconds later.
///
/// It is a bound. What it finds may as well have come within the turn.
pub(super) fn late_since(now: u64) -> Option<u64> {
    let stall = last_long().filter(|stall| now.saturating_sub(stall.end) <= TURN)?;
    // The first park is where it looks what has come.
    if stall.parks > 1 {
        return None;
    }
    let (end, since) = LOOKED_AT.try_with(Cell::get).ok()?;
    let since = if end == stall.end {
        since
    } else {
        let since = none_free_since(stall).unwrap_or(0);
        let _ = LOOKED_AT.try_with(|looked| looked.set((stall.end, since)));
        since
    };
    (since != 0).then_some(since)
}

/// The last long poll of this thread that is over.
fn last_long() -> Option<OwnLong> {
    let of_request = LONG_REQUEST.try_with(Cell::get).ok()?;
    let of_request =
        of_request.map(|long| OwnLong { parks: recorder::own_parks().wrapping_sub(long.parks), ..long });
    let of_poll = recorder::own_long();
    of_request.into_iter().chain(of_poll).max_by_key(|long| long.end)
}

/// Since when no other worker of this thread's runtime was free either, until the end of its stall.
#[cold]
fn none_free_since(stall: OwnLong) -> Option<u64> {
    // None in a process that was forked off, where the locks below may be held for ever.
    let engine = engine()?;
    let tid = crate::capture::thread::tid();
    let threads = recorder::registered();
    let mine = threads.iter().find(|other| other.thread.tid == tid)?;
    let runtime = engine.find(mine.thread.runtime)?;
    let mut workers = 1;
    let mut since = stall.start;
    let of_it = |other: &&recorder::Registered| {
        other.thread.runtime == runtime.id && other.thread.worker.is_some() && other.thread.tid != tid
    };
    for other in threads.iter().filter(of_it) {
        let open = other.cell.read()?;
        since = since.max(other.cell.start(open)?);
        workers += 1;
    }
    (workers >= runtime.workers() && stall.end.saturating_sub(since) >= LONG).then_some(since)
}
