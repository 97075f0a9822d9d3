//! Where a thread's time went during a poll, from readings of its times that were made before, in and after it.
//!
//! The kernel books a wait for a processor when it is over, which is before the thread runs again: whatever a poll waited
//! is booked when it ends. While it goes on, a wait that goes on too is missing, and looks like waiting in the kernel.

use super::host::Reading;
use super::times::Times;
use stallscope_wire::Evidence;
use std::rc::Rc;

/// A thread's times, and when they were read.
pub(super) type TimesAt = (u64, Times);

/// A poll: when it began, and when it ended or was looked at last, in nanoseconds since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) started_ns: u64,
    pub(super) ended_ns: u64,
}

/// From where on the times of a poll are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base {
    since_ns: u64,
    /// The first reading in the poll, or after it.
    first: Times,
    /// What was spent in the poll before that.
    carried: Times,
}

impl Base {
    /// From a reading in the poll on.
    pub(super) fn new((since_ns, first): TimesAt) -> Self {
        Self { since_ns, first, carried: Times::default() }
    }

    /// From the beginning of a poll on, of which it is only known what was spent between a reading before it and one in it or
    /// after it. What may have been computed outside of the poll is taken to have been; what may have been waited for a
    /// processor in it is taken to have been.
    pub(super) fn late(before: TimesAt, first: TimesAt, span: Span) -> Self {
        if before.0 > span.started_ns {
            return Self::new(before);
        }
        let inside_ns = first.0.min(span.ended_ns).saturating_sub(span.started_ns);
        let outside_ns = span.started_ns - before.0 + first.0.saturating_sub(span.ended_ns);
        let spent = first.1 - before.1;
        let cpu_ns = spent.cpu_ns.saturating_sub(outside_ns).min(inside_ns);
        let run_queue_ns = spent.run_queue_ns.min(inside_ns - cpu_ns);
        Self { since_ns: span.started_ns, first: first.1, carried: Times { cpu_ns, run_queue_ns } }
    }
}

/// What is known of a poll that is to be judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) span: Span,
    pub(super) base: Option<Base>,
    /// The last two readings.
    pub(super) previous: Option<TimesAt>,
    pub(super) last: Option<TimesAt>,
    /// The machine's counters, from then until now.
    pub(super) host: Option<(&'a Rc<Reading>, &'a Rc<Reading>)>,
    pub(super) gap_ns: u64,
}

/// Where the thread's time went since watching began, and never more than the poll's length.
pub(super) fn evidence(known: Known<'_>) -> Evidence {
    let Span { started_ns, ended_ns } = known.span;
    let length_ns = ended_ns.saturating_sub(started_ns);
    let watchdog_gap_ns = known.gap_ns.min(length_ns);
    let (Some(base), Some((until_ns, last))) = (known.base, known.last) else {
        return Evidence { watchdog_gap_ns, ..Evidence::default() };
    };
    let window_ns = until_ns.min(ended_ns).saturating_sub(base.since_ns).min(length_ns);
    let spent = last - base.first;
    // The last reading may have been made after the end.
    let after_ns = until_ns.saturating_sub(ended_ns);
    let in_poll = known.previous.filter(|(at_ns, _)| (base.since_ns..=ended_ns).contains(at_ns));
    let surely_ns = in_poll.map_or(0, |(_, times)| (times - base.first).cpu_ns);
    let cpu_ns = spent.cpu_ns.saturating_sub(after_ns).max(surely_ns) + base.carried.cpu_ns;
    let cpu_ns = cpu_ns.min(window_ns);
    let run_queue_ns = (spent.run_queue_ns + base.carried.run_queue_ns).min(window_ns - cpu_ns);
    let taken =
        |of: fn(&Reading, &Reading) -> u64| known.host.map_or(0, |(then, now)| of(now, then)).min(window_ns);
    Evidence {
        window_ns,
        cpu_ns,
        run_queue_ns,
        blocked_ns: window_ns - cpu_ns - run_queue_ns,
        watchdog_gap_ns,
        steal_ns: taken(Reading::stolen_since),
        throttled_ns: taken(Reading::throttled_since),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn at(ms: u64, cpu_ms: u64, queue_ms: u64) -> TimesAt {
        (ms * MS, Times { cpu_ns: cpu_ms * MS, run_queue_ns: queue_ms * MS })
    }

    fn span(from_ms: u64, to_ms: u64) -> Span {
        Span { started_ns: from_ms * MS, ended_ns: to_ms * MS }
    }

    /// Window, processor, run queue and the rest, in milliseconds.
    fn shares(span: Span, base: Option<Base>, readings: [TimesAt; 2]) -> [u64; 4] {
        let [previous, last] = readings.map(Some);
        let found = evidence(Known { span, base, previous, last, host: None, gap_ns: 0 });
        [found.window_ns, found.cpu_ns, found.run_queue_ns, found.blocked_ns].map(|ns| ns / MS)
    }

    #[test]
    fn a_wait_that_is_booked_at_the_end_is_settled_with_it() {
        let (poll, base) = (span(0, 200), Some(Base::new(at(10, 5, 0))));
        let going_on = Span { ended_ns: 150 * MS, ..poll };
        assert_eq!(
            shares(going_on, base, [at(130, 5, 0), at(150, 5, 0)]),
            [140, 0, 0, 140],
            "not booked yet"
        );
        assert_eq!(shares(poll, base, [at(190, 5, 0), at(210, 20, 180)]), [190, 5, 180, 5]);
    }

    #[test]
    fn what_comes_after_the_end_is_not_the_polls() {
        let found = shares(span(0, 100), Some(Base::new(at(0, 0, 0))), [at(90, 0, 0), at(140, 40, 0)]);
        assert_eq!(found, [100, 0, 0, 100]);
        let found = shares(span(0, 100), Some(Base::new(at(0, 0, 0))), [at(90, 90, 0), at(110, 95, 0)]);
        assert_eq!(found, [100, 90, 0, 10], "what was computed by the reading before is the poll's");
    }

    #[test]
    fn a_poll_that_is_seen_late_is_given_no_more_of_the_host_than_it_lasted() {
        let poll = span(150, 400);
        let base = Base::late(at(0, 0, 0), at(200, 0, 150), poll);
        assert_eq!(shares(poll, Some(base), [at(380, 0, 150), at(400, 0, 150)]), [250, 0, 50, 200]);
        let base = Base::late(at(0, 0, 0), at(200, 180, 0), poll);
        assert_eq!(shares(poll, Some(base), [at(380, 180, 0), at(400, 180, 0)]), [250, 30, 0, 220]);
        assert_eq!(Base::late(at(160, 1, 1), at(200, 9, 9), poll), Base::new(at(160, 1, 1)));
    }

    #[test]
    fn a_poll_that_came_and_went_unseen_is_judged_by_the_readings_around_it() {
        let poll = span(20, 170);
        let base = Base::late(at(0, 0, 0), at(180, 4, 140), poll);
        assert_eq!(shares(poll, Some(base), [at(0, 0, 0), at(180, 4, 140)]), [150, 0, 140, 10]);
    }

    #[test]
    fn nothing_is_said_without_readings() {
        assert_eq!(shares(span(0, 100), None, [at(0, 0, 0), at(100, 50, 50)]), [0; 4]);
    }
}
