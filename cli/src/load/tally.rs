use super::connection::Failure;
use super::histogram::{histogram, record};
use hdrhistogram::Histogram;
use hyper::StatusCode;
use std::time::Duration;

/// A request that goes out later than this after it was due is late.
pub(super) const LATE: Duration = Duration::from_millis(1);
/// Reasons of failures that are told apart.
const REASONS: usize = 16;
/// What the others are counted as.
const OTHER: &str = "other reasons";

/// What became of the requests and messages.
#[derive(Debug)]
pub(super) struct Tally {
    /// One for each target.
    pub(super) targets: Vec<TargetTally>,
    /// Of the requests that found an idle connection, how long after their time they went out: the generator's own fault.
    pub(super) own_lag: Histogram<u64>,
    /// How late the generator's loop got to what was due.
    pub(super) loop_lag: Histogram<u64>,
    /// From the time at which what was answered lately was due; for who shows progress, and empties it.
    pub(super) recent: Histogram<u64>,
    /// Requests that went out.
    pub(super) sent: u64,
    /// Requests that went out later than [`LATE`].
    pub(super) late: u64,
    /// Requests without a whole response, and messages that could not be sent.
    pub(super) failed: u64,
    /// Messages that were not sent, since too many were on their way.
    pub(super) dropped: u64,
    /// Requests that were still on their way at the end.
    pub(super) unfinished: u64,
    /// Why requests failed and sockets were not opened or were lost, and how often.
    pub(super) failures: Vec<(String, u64)>,
}

/// What one target answered.
#[derive(Debug)]
pub(super) struct TargetTally {
    /// Whole responses, and messages that came back.
    pub(super) answered: u64,
    /// Responses by the first digit of their status.
    pub(super) statuses: [u64; 5],
    /// From the time a request was due to the end of its response, in nanoseconds.
    pub(super) corrected: Histogram<u64>,
    /// From the time a request went out.
    pub(super) uncorrected: Histogram<u64>,
    pub(super) held: HeldTally,
}

/// The sockets of a target that is held open.
#[derive(Debug)]
pub(super) struct HeldTally {
    /// That were opened.
    pub(super) opened: u64,
    /// Attempts to open one that failed.
    pub(super) refused: u64,
    /// That were left on purpose.
    pub(super) left: u64,
    /// That the server closed, or that were lost.
    pub(super) lost: u64,
    /// Messages or events that came.
    pub(super) received: u64,
    /// From the first packet until a WebSocket was open, or until the first event came.
    pub(super) opening: Histogram<u64>,
}

impl Tally {
    pub(super) fn new(targets: usize) -> Self {
        Self {
            targets: (0..targets).map(|_| TargetTally::new()).collect(),
            own_lag: histogram(),
            loop_lag: histogram(),
            recent: histogram(),
            sent: 0,
            late: 0,
            failed: 0,
            dropped: 0,
            unfinished: 0,
            failures: Vec::new(),
        }
    }

    /// Counts a request that goes out now, `lag` after its time.
    pub(super) fn sent(&mut self, lag: Duration, connection_was_idle: bool) {
        self.sent += 1;
        self.late += u64::from(lag > LATE);
        if connection_was_idle {
            record(&mut self.own_lag, lag);
        }
    }

    /// Counts an answer; only responses have a status.
    pub(super) fn answered(
        &mut self,
        target: usize,
        status: Option<StatusCode>,
        corrected: Duration,
        uncorrected: Duration,
    ) {
        let target = &mut self.targets[target];
        target.answered += 1;
        if let Some(status) = status {
            target.statuses[usize::from(status.as_u16() / 100).clamp(1, 5) - 1] += 1;
        }
        record(&mut target.corrected, corrected);
        record(&mut target.uncorrected, uncorrected);
        record(&mut self.recent, corrected);
    }

    /// Counts a request or message that failed.
    pub(super) fn failed(&mut self, why: &Failure) {
        self.failed += 1;
        self.note(why);
    }

    /// Counts a socket that could not be opened.
    pub(super) fn refused(&mut self, target: usize, why: &Failure) {
        self.targets[target].held.refused += 1;
        self.note(why);
    }

    /// Counts a socket that was lost.
    pub(super) fn lost(&mut self, target: usize, why: &Failure) {
        self.targets[target].held.lost += 1;
        self.note(why);
    }

    fn note(&mut self, why: &Failure) {
        let why = why.to_string();
        if let Some((_, count)) = self.failures.iter_mut().find(|(known, _)| *known == why) {
            *count += 1;
        } else if self.failures.len() < REASONS {
            self.failures.push((why, 1));
        } else if let Some((_, count)) = self.failures.iter_mut().find(|(known, _)| known == OTHER) {
            *count += 1;
        } else {
            self.failures.push((OTHER.to_owned(), 1));
        }
    }

    /// All targets together.
    pub(super) fn total(&self) -> TargetTally {
        let mut total = TargetTally::new();
        for target in &self.targets {
            total.add(target);
        }
        total
    }

    /// Sockets that are held open now.
    pub(super) fn open(&self) -> u64 {
        self.targets.iter().map(|target| target.held.open()).sum()
    }
}

impl TargetTally {
    fn new() -> Self {
        let held = HeldTally { opened: 0, refused: 0, left: 0, lost: 0, received: 0, opening: histogram() };
        Self { answered: 0, statuses: [0; 5], corrected: histogram(), uncorrected: histogram(), held }
    }

    /// The latencies and counts of answers; what is held stays with its target.
    fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        for (sum, count) in self.statuses.iter_mut().zip(other.statuses) {
            *sum += count;
        }
        for (sum, part) in
            [(&mut self.corrected, &other.corrected), (&mut self.uncorrected, &other.uncorrected)]
        {
            sum.add(part).expect("all histograms have the same bounds");
        }
    }
}

impl HeldTally {
    /// Sockets that are open now.
    pub(super) fn open(&self) -> u64 {
        self.opened - self.left - self.lost
    }
}
