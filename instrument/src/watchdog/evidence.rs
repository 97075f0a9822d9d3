//! Where a thread's time went during a poll, from readings of its times that were made before, in and after it.
//!
//! The kernel books a wait for a processor when it is over, which is before the thread runs again: whatever a poll waited
//! is booked when it ends. While it goes on, a wait that goes on too is missing, and looks like waiting in the kernel.
//!
//! Nor is all of what is booked a wait: on a crowded machine Linux 6.18 was seen to book a sleep of 300 ms as one, perhaps
//! because a thread that falls asleep stays queued for a while and may be moved to another processor's queue meanwhile. So
//! the thread's state is looked at too.

use super::host::Reading;
use super::times::{State, Times};
use stallscope_wire::Evidence;
use std::collections::VecDeque;

/// Readings that are kept: those of as many looks.
const KEPT: usize = 8;

/// A thread's times, and when they were read.
type TimesAt = (u64, Times);

/// A poll: when it began, and when it ended or was looked at last, in nanoseconds since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) started_ns: u64,
    pub(super) ended_ns: u64,
}

/// The last readings of a thread's times, oldest first.
#[derive(Debug, Default)]
pub(super) struct Readings(VecDeque<TimesAt>);

impl Readings {
    /// Adds a reading; how much longer the thread waited for a processor than at the last one.
    pub(super) fn push(&mut self, at_ns: u64, times: Times) -> u64 {
        let waited_ns = self.0.back().map_or(0, |(_, last)| (times - *last).run_queue_ns);
        if self.0.iter().rev().take(2).filter(|(_, earlier)| *earlier == times).count() == 2 {
            // Of a time in which nothing was booked its two ends say all.
            self.0.pop_back();
        } else if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((at_ns, times));
        waited_ns
    }

    /// From where on to count the times of a poll: from its beginning, where a reading before it is kept.
    pub(super) fn base(&self, span: Span) -> Option<Base> {
        let later = self.0.partition_point(|(at_ns, _)| *at_ns <= span.started_ns);
        let before = later.checked_sub(1).map(|at| self.0[at]);
        let first = self.0.get(later).copied().or(before)?;
        Some(before.map_or_else(|| Base::new(first), |before| Base::between(before, first, span)))
    }

    /// The first reading after the poll, or the last there is.
    fn after(&self, span: Span) -> Option<TimesAt> {
        let after = self.0.partition_point(|(at_ns, _)| *at_ns < span.ended_ns);
        self.0.get(after).or(self.0.back()).copied()
    }

    /// When the last one was made, and how long the thread had been on a processor by then.
    pub(super) fn last(&self) -> Option<(u64, u64)> {
        self.0.back().map(|(at_ns, times)| (*at_ns, times.cpu_ns))
    }

    /// The last reading in the poll, not before its base.
    fn within(&self, base: Base, span: Span) -> Option<TimesAt> {
        let after = self.0.partition_point(|(at_ns, _)| *at_ns <= span.ended_ns);
        let last = self.0.get(after.checked_sub(1)?).copied();
        last.filter(|(at_ns, _)| *at_ns >= base.first.0)
    }
}

/// How long a thread was in the kernel in a poll, by its state at each look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InKernel {
    /// When it was last seen asleep, and how long it had been on a processor by then.
    seen_asleep: Option<(u64, u64)>,
    /// For how long it surely slept: from one look to the next, if it slept at both and has not run in between. Had it been
    /// woken meanwhile, it would be ready to run, or have run.
    pub(super) asleep_ns: u64,
    /// Its processor time there when that was read first.
    system_before_ns: Option<u64>,
    /// And since then.
    pub(super) system_ns: u64,
}

impl InKernel {
    /// Takes in a look, right after a reading.
    pub(super) fn note(&mut self, state: Option<State>, reading: Option<(u64, u64)>) {
        let now = reading.filter(|_| state.is_some_and(|state| state.sleeps));
        if let (Some((before_ns, before_cpu)), Some((now_ns, now_cpu))) = (self.seen_asleep, now)
            && before_cpu == now_cpu
        {
            self.asleep_ns += now_ns.saturating_sub(before_ns);
        }
        self.seen_asleep = now;
        if let Some(State { system_ns, .. }) = state {
            let before_ns = *self.system_before_ns.get_or_insert(system_ns);
            self.system_ns = system_ns.saturating_sub(before_ns);
        }
    }
}

/// From where on the times of a poll are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base {
    since_ns: u64,
    /// The first reading in the poll, or after it.
    first: TimesAt,
    /// What was spent in the poll before that.
    carried: Times,
}

impl Base {
    /// From a reading in the poll on.
    fn new(first: TimesAt) -> Self {
        Self { since_ns: first.0, first, carried: Times::default() }
    }

    /// From the beginning of a poll on, of which it is only known what was spent between a reading before it and one in it or
    /// after it. What may have been computed outside of the poll is taken to have been; what may have been waited for a
    /// processor in it is taken to have been.
    fn between(before: TimesAt, first: TimesAt, span: Span) -> Self {
        let inside_ns = first.0.min(span.ended_ns).saturating_sub(span.started_ns);
        let outside_ns = span.started_ns - before.0 + first.0.saturating_sub(span.ended_ns);
        let spent = first.1 - before.1;
        let cpu_ns = spent.cpu_ns.saturating_sub(outside_ns).min(inside_ns);
        let run_queue_ns = spent.run_queue_ns.min(inside_ns - cpu_ns);
        Self { since_ns: span.started_ns, first, carried: Times { cpu_ns, run_queue_ns } }
    }
}

/// What is known of a poll that is to be judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) span: Span,
    pub(super) base: Option<Base>,
    pub(super) readings: &'a Readings,
    pub(super) in_kernel: InKernel,
    /// The machine's counters, from then until now.
    pub(super) host: Option<(&'a Reading, &'a Reading)>,
    pub(super) gap_ns: u64,
}

/// Where the thread's time went since watching began, and never more than the poll's length. Whether it is settled: the
/// times were read when the poll was over.
pub(super) fn evidence(known: Known<'_>) -> (Evidence, bool) {
    let Known { span, readings, .. } = known;
    let length_ns = span.ended_ns.saturating_sub(span.started_ns);
    let watchdog_gap_ns = known.gap_ns.min(length_ns);
    let (Some(base), Some((until_ns, last))) = (known.base, readings.after(span)) else {
        return (Evidence { watchdog_gap_ns, ..Evidence::default() }, false);
    };
    let window_ns = until_ns.min(span.ended_ns).saturating_sub(base.since_ns).min(length_ns);
    let spent = last - base.first.1;
    // The last reading may have been made after the end.
    let after_ns = until_ns.saturating_sub(span.ended_ns);
    let surely_ns = readings.within(base, span).map_or(0, |(_, times)| (times - base.first.1).cpu_ns);
    let cpu_ns = spent.cpu_ns.saturating_sub(after_ns).max(surely_ns) + base.carried.cpu_ns;
    let cpu_ns = cpu_ns.min(window_ns);
    let asleep_ns = known.in_kernel.asleep_ns.min(window_ns - cpu_ns);
    let run_queue_ns = (spent.run_queue_ns + base.carried.run_queue_ns).min(window_ns - cpu_ns - asleep_ns);
    let taken =
        |of: fn(&Reading, &Reading) -> u64| known.host.map_or(0, |(then, now)| of(now, then)).min(window_ns);
    let evidence = Evidence {
        window_ns,
        cpu_ns,
        system_ns: known.in_kernel.system_ns.min(cpu_ns),
        run_queue_ns,
        blocked_ns: window_ns - cpu_ns - run_queue_ns,
        asleep_ns,
        watchdog_gap_ns,
        steal_ns: taken(Reading::stolen_since),
        throttled_ns: taken(Reading::throttled_since),
    };
    (evidence, until_ns >= span.ended_ns)
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

    /// Window, processor, run queue and the rest, in milliseconds, of a poll that was first seen after so many readings.
    fn shares(span: Span, seen_after: usize, readings: &[TimesAt]) -> ([u64; 4], bool) {
        let all = Readings(readings.iter().copied().collect());
        let base = Readings(readings[..seen_after].iter().copied().collect()).base(span);
        let in_kernel = InKernel::default();
        let (found, settled) =
            evidence(Known { span, base, readings: &all, in_kernel, host: None, gap_ns: 0 });
        let shares = [found.window_ns, found.cpu_ns, found.run_queue_ns, found.blocked_ns];
        (shares.map(|ns| ns / MS), settled)
    }

    #[test]
    fn a_wait_that_is_booked_at_the_end_is_settled_with_it() {
        let readings = [at(0, 0, 0), at(20, 5, 0), at(140, 5, 0), at(210, 20, 180)];
        assert_eq!(shares(span(10, 150), 2, &readings[..3]), ([130, 0, 0, 130], false), "not booked yet");
        assert_eq!(shares(span(10, 200), 2, &readings), ([190, 5, 180, 5], true));
        assert_eq!(shares(span(10, 200), 2, &readings[..3]), ([130, 0, 0, 130], false), "the thread is gone");
    }

    #[test]
    fn what_comes_after_the_end_is_not_the_polls() {
        let found = shares(span(0, 100), 1, &[at(0, 0, 0), at(90, 0, 0), at(140, 40, 0), at(160, 60, 9)]);
        assert_eq!(found.0, [100, 0, 0, 100]);
        let found = shares(span(0, 100), 1, &[at(0, 0, 0), at(90, 90, 0), at(110, 95, 0)]);
        assert_eq!(found.0, [100, 90, 0, 10], "what was computed by the reading before is the poll's");
    }

    #[test]
    fn a_poll_that_is_seen_late_is_given_no_more_of_the_host_than_it_lasted() {
        let waited = [at(0, 0, 0), at(200, 0, 150), at(400, 0, 150)];
        assert_eq!(shares(span(150, 400), 2, &waited).0, [250, 0, 50, 200]);
        let computed = [at(0, 0, 0), at(200, 180, 0), at(400, 180, 0)];
        assert_eq!(shares(span(150, 400), 2, &computed).0, [250, 30, 0, 220]);
        assert_eq!(
            shares(span(150, 400), 1, &waited[1..]).0,
            [200, 0, 0, 200],
            "nothing from before is kept"
        );
    }

    #[test]
    fn a_poll_that_came_and_went_unseen_is_judged_by_the_readings_around_it() {
        let readings = [at(0, 0, 0), at(180, 4, 140), at(190, 4, 140)];
        assert_eq!(shares(span(20, 170), 3, &readings), ([150, 0, 140, 10], true));
    }

    #[test]
    fn a_sleep_that_is_booked_as_a_wait_is_a_sleep() {
        let readings = [at(0, 0, 0), at(10, 1, 0), at(110, 1, 100), at(300, 1, 290)];
        let all = Readings(readings.into_iter().collect());
        let mut in_kernel = InKernel::default();
        for (at_ms, asleep, cpu_ms) in
            [(10, true, 1), (110, true, 1), (210, true, 1), (250, false, 1), (260, true, 2)]
        {
            let state = State { sleeps: asleep, system_ns: 0 };
            in_kernel.note(Some(state), Some((at_ms * MS, cpu_ms)));
        }
        assert_eq!(in_kernel.asleep_ns, 200 * MS);
        let poll = span(5, 300);
        let known =
            Known { span: poll, base: all.base(poll), readings: &all, in_kernel, host: None, gap_ns: 0 };
        let (found, _) = evidence(known);
        assert_eq!((found.run_queue_ns / MS, found.blocked_ns / MS, found.asleep_ns / MS), (95, 200, 200));
    }

    #[test]
    fn processor_time_in_the_kernel_is_that_since_the_first_look_and_no_more_than_all() {
        let all = Readings([at(0, 0, 0), at(100, 60, 0)].into_iter().collect());
        let mut in_kernel = InKernel::default();
        let mut system_ns = |looks: &[Option<u64>]| {
            for look in looks {
                let state = look.map(|ms| State { sleeps: false, system_ns: ms * MS });
                in_kernel.note(state, None);
            }
            let poll = span(0, 100);
            let base = all.base(poll);
            let known = Known { span: poll, base, readings: &all, in_kernel, host: None, gap_ns: 0 };
            evidence(known).0.system_ns / MS
        };
        assert_eq!(system_ns(&[None, Some(500)]), 0);
        assert_eq!(system_ns(&[Some(520), None, Some(540)]), 40);
        assert_eq!(system_ns(&[Some(600)]), 60);
    }

    #[test]
    fn nothing_is_said_without_readings() {
        assert_eq!(shares(span(0, 100), 0, &[]), ([0; 4], false));
    }

    #[test]
    fn old_readings_make_room() {
        let mut readings = Readings::default();
        let waits: Vec<u64> = (0..20).map(|n| readings.push(n, at(0, 0, n * n).1) / MS).collect();
        assert_eq!(waits[..4], [0, 1, 3, 5]);
        assert_eq!(readings.0.len(), KEPT);
        let last = readings.0.back().map(|reading| reading.1).expect("readings");
        assert!((30..40).all(|at_ns| readings.push(at_ns, last) == 0));
        assert_eq!(
            readings.0.iter().rev().take(3).map(|reading| reading.0).collect::<Vec<_>>(),
            [39, 19, 18]
        );
    }
}
