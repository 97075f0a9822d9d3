//! For how long the job that waits longest for a pool has waited, at least.
//!
//! tokio tells how many jobs wait, and neither since when nor how many were started. But of the jobs that waited at one time
//! at least one waits still, in whatever order they are taken, as long as fewer were started since. A thread that is not
//! idle runs a job or is between two: so
//!
//! > started = finished + not idle − between two
//!
//! and what was started from one look to a later one is what the first two have grown by, and at most as many more as
//! were between two at the first. Nobody counts these. They are at most as many as finished a job, or came to the pool, since
//! the look before that: a thread is between two for microseconds, and looks are 20 ms apart. Only a thread that the
//! machine has not run for all that time is missed, which can make one job too many. At the first look it is taken
//! that all of them were between two.

use std::collections::VecDeque;

/// Looks that are remembered.
const KEPT: usize = 256;

/// What a look at a pool has shown. Of figures that cannot be read at one time there are two, the lower first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// When it began, in nanoseconds since the start.
    pub(super) at_ns: u64,
    /// Jobs in the queue. Read last.
    pub(super) waiting: u64,
    /// Jobs that have ended so far: before and after the threads were counted.
    pub(super) finished: (u64, u64),
    /// Threads that are not idle.
    pub(super) busy: (u64, u64),
}

/// Follows one pool's queue.
#[derive(Debug, Default)]
pub(super) struct Bound {
    last: Option<Sample>,
    /// Oldest first; a later one is kept only if it lasts longer.
    marks: VecDeque<Mark>,
}

/// A time from which on a job has waited.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at_ns: u64,
    /// Surely until so many jobs were started.
    until: u64,
}

impl Bound {
    /// Takes in the next look.
    pub(super) fn note(&mut self, now: Sample) {
        if now.waiting == 0 {
            return self.clear();
        }
        let started = now.finished.1 + now.busy.1;
        while self.marks.front().is_some_and(|mark| mark.until <= started) {
            self.marks.pop_front();
        }
        let between = self.last.map_or(now.busy.1, |before| {
            let came = now.busy.1.saturating_sub(before.busy.0);
            (now.finished.1.saturating_sub(before.finished.0) + came).min(now.busy.1)
        });
        let until = (now.finished.0 + now.busy.0 + now.waiting).saturating_sub(between);
        let lasts = self.marks.back().is_none_or(|mark| mark.until < until);
        if lasts && until > started {
            self.marks.push_back(Mark { at_ns: now.at_ns, until });
        }
        if self.marks.len() > KEPT {
            // A wait from one that is dropped is told as one from the next, which is shorter.
            let mut keep = [true, false].into_iter().cycle();
            self.marks.retain(|_| keep.next().unwrap_or(true));
        }
        self.last = Some(now);
    }

    /// Nothing waits.
    pub(super) fn clear(&mut self) {
        self.last = None;
        self.marks.clear();
    }

    /// For how long the job that waits longest had waited at the last look, in nanoseconds; 0 when that is not known.
    pub(super) fn longest_ns(&self) -> u64 {
        let since = self.last.zip(self.marks.front());
        since.map_or(0, |(last, mark)| last.at_ns.saturating_sub(mark.at_ns))
    }

    /// Whether anything waited at the last look.
    pub(super) fn waits(&self) -> bool {
        self.last.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn sample(at_ms: u64, waiting: u64, finished: u64, busy: u64) -> Sample {
        Sample { at_ns: at_ms * MS, waiting, finished: (finished, finished), busy: (busy, busy) }
    }

    fn longest_ms(samples: &[Sample]) -> u64 {
        let mut bound = Bound::default();
        samples.iter().for_each(|sample| bound.note(*sample));
        bound.longest_ns() / MS
    }

    #[test]
    fn a_job_waits_as_long_as_fewer_were_started_than_waited() {
        let waits = [sample(0, 8, 0, 2), sample(20, 8, 0, 2), sample(300, 6, 2, 2), sample(1190, 2, 6, 2)];
        assert_eq!(
            longest_ms(&waits),
            1170,
            "at the first look both threads may have been about to take one"
        );
        assert_eq!(
            longest_ms(&[&waits[..], &[sample(1220, 1, 8, 2)]].concat()),
            0,
            "all of those were started"
        );
        assert_eq!(longest_ms(&[&waits[..], &[sample(1220, 0, 8, 2)]].concat()), 0);
    }

    #[test]
    fn new_work_does_not_age_what_came_before() {
        let steady: Vec<Sample> = (0..100).map(|n| sample(20 * n, 4, 2 * n, 2)).collect();
        assert!(longest_ms(&steady) <= 40, "each waits 40 ms in a queue that is never empty");
    }

    #[test]
    fn a_thread_that_comes_takes_a_job_without_ending_one() {
        let came = [sample(0, 3, 0, 2), sample(20, 3, 0, 2), sample(40, 3, 0, 4), sample(60, 3, 0, 5)];
        assert_eq!(longest_ms(&came[..3]), 20);
        assert!(longest_ms(&came) <= 40, "three jobs, and three threads that may have taken them");
    }

    #[test]
    fn threads_that_are_between_two_jobs_are_counted_as_takers() {
        let mut bound = Bound::default();
        bound.note(sample(0, 2, 0, 2));
        assert!(bound.marks.is_empty(), "both jobs may be started now");
        bound.note(sample(20, 2, 2, 2));
        assert!(bound.marks.is_empty(), "both threads have just finished one");
        bound.note(sample(40, 2, 2, 2));
        bound.note(sample(90, 2, 2, 2));
        assert_eq!(bound.longest_ns(), 50 * MS);
    }

    /// Jobs of random lengths come at random times to a few threads, the first first: the true wait is known.
    #[test]
    fn it_never_says_more_than_the_longest_wait() {
        let mut seed = 7_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let (mut known, mut all) = (0, 0);
        for round in 0..200 {
            let threads = 1 + random(6);
            let (length, pace) = (1 + random(120), 1 + random(40));
            let mut queue: VecDeque<u64> = VecDeque::new();
            let mut running: Vec<u64> = Vec::new();
            let (mut bound, mut finished) = (Bound::default(), 0);
            for now in 0..2000_u64 {
                let before = running.len();
                running.retain(|ends| *ends > now);
                finished += (before - running.len()) as u64;
                if random(pace) == 0 {
                    queue.extend(std::iter::repeat_n(now, 1 + random(4) as usize));
                }
                // A thread is between two jobs for a moment, in which the look may fall.
                let late = random(2) == 0;
                let mut take = |running: &mut Vec<u64>, queue: &mut VecDeque<u64>| {
                    while running.len() < threads as usize && !queue.is_empty() {
                        queue.pop_front();
                        running.push(now + 1 + random(length));
                    }
                };
                if !late {
                    take(&mut running, &mut queue);
                }
                if now % 20 == 0 {
                    let idle = if queue.is_empty() { threads - running.len() as u64 } else { 0 };
                    bound.note(sample(now, queue.len() as u64, finished, threads - idle));
                    let longest = queue.front().map_or(0, |since| (now - since) * MS);
                    assert!(bound.longest_ns() <= longest, "round {round} at {now}");
                    known += bound.longest_ns();
                    all += longest;
                }
                if late {
                    take(&mut running, &mut queue);
                }
            }
        }
        assert!(known > all / 2, "and most of it: {known} of {all}");
    }
}
