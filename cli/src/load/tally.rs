use super::connection::RequestError;
use hdrhistogram::Histogram;
use hyper::StatusCode;
use std::time::Duration;

/// A request that goes out later than this after it was due is late.
pub(super) const LATE: Duration = Duration::from_millis(1);

/// What became of the requests.
#[derive(Debug)]
pub(super) struct Tally {
    /// One for each target.
    pub(super) targets: Vec<TargetTally>,
    /// Of the requests that found an idle connection, how long after their time they went out: the generator's own fault.
    pub(super) own_lag: Histogram<u64>,
    /// Requests that went out later than [`LATE`].
    pub(super) late: u64,
    /// Requests without a whole response.
    pub(super) failed: u64,
    /// Requests that were still on their way at the end.
    pub(super) unfinished: u64,
    /// Why the first request failed that did.
    pub(super) first_failure: Option<String>,
}

/// The responses of one target.
#[derive(Debug)]
pub(super) struct TargetTally {
    /// By the first digit of their status.
    pub(super) statuses: [u64; 5],
    /// From the time a request was due to the end of its response, in nanoseconds.
    pub(super) corrected: Histogram<u64>,
    /// From the time a request went out.
    pub(super) uncorrected: Histogram<u64>,
}

impl Tally {
    pub(super) fn new(targets: usize) -> Self {
        let own_lag = histogram();
        let targets = (0..targets).map(|_| TargetTally::new()).collect();
        Self { targets, own_lag, late: 0, failed: 0, unfinished: 0, first_failure: None }
    }

    /// Counts a request that goes out now, `lag` after its time.
    pub(super) fn sent(&mut self, lag: Duration, connection_was_idle: bool) {
        self.late += u64::from(lag > LATE);
        if connection_was_idle {
            self.own_lag.saturating_record(nanos(lag));
        }
    }

    pub(super) fn failed(&mut self, why: &RequestError) {
        self.failed += 1;
        self.first_failure.get_or_insert_with(|| why.to_string());
    }

    /// All targets together.
    pub(super) fn total(&self) -> TargetTally {
        let mut total = TargetTally::new();
        for target in &self.targets {
            total.add(target);
        }
        total
    }
}

impl TargetTally {
    fn new() -> Self {
        Self { statuses: [0; 5], corrected: histogram(), uncorrected: histogram() }
    }

    pub(super) fn answered(&mut self, status: StatusCode, corrected: Duration, uncorrected: Duration) {
        self.statuses[usize::from(status.as_u16() / 100).clamp(1, 5) - 1] += 1;
        self.corrected.saturating_record(nanos(corrected));
        self.uncorrected.saturating_record(nanos(uncorrected));
    }

    /// How many responses there were.
    pub(super) fn answers(&self) -> u64 {
        self.statuses.iter().sum()
    }

    fn add(&mut self, other: &Self) {
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

/// Three digits of anything between a microsecond and an hour.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 3_600_000_000_000, 3).expect("the bounds are in order")
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
