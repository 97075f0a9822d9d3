//! The value of a metric in a set of processes.

mod handler;
mod occurrence;
mod selection;
mod shift;
mod stall;

#[cfg(feature = "report")]
pub(super) use handler::routes;
pub(super) use occurrence::{out_of_sight, unguarded};
pub(super) use shift::Shift;

use super::place::short_place;
use super::thresholds::{Metric, Stat, Value};
use super::{Culprit, History, Terms, Threshold};
use selection::Selection;
use stallscope_wire::{Histogram, Location, Tier};

/// How much longer a poll may have been than mode lean knows, in nanoseconds.
const LEAN_ERROR_NS: u64 = 20_000_000;

/// What is to be known of waits of which the host's part is not known.
const HOST_INCLUDED: &str = "the host's delays included";

/// A measured value.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    /// What the code answers for; this is what is judged.
    pub(super) attributable: Value,
    /// With the host's part.
    pub(super) whole: Value,
    /// Where the worst of it was.
    pub(super) worst: Option<String>,
    /// Why more may have happened than was seen.
    pub(super) doubt: Option<String>,
    /// What else is to be known of it.
    pub(super) remark: Option<String>,
}

impl Measured {
    /// With something else that is to be known of it.
    fn remarking(mut self, remark: Option<String>) -> Self {
        let remarks: Vec<_> = self.remark.into_iter().chain(remark).collect();
        self.remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        self
    }
}

/// The value that a threshold is about, or why there is none.
pub(super) fn measure(
    threshold: &Threshold,
    terms: &Terms,
    histories: &[&History],
) -> Result<Measured, String> {
    let selection = Selection::of(threshold, terms);
    let measured = match threshold.metric() {
        Metric::Stall => stall::measure(threshold, &selection, histories),
        Metric::Poll => timed(histories)
            .and_then(|()| {
                distribution(threshold, histories, polls).ok_or_else(|| "no poll was seen".to_owned())
            })
            .map(|measured| Measured { worst: slowest_location(histories), ..measured })
            .map(|measured| estimate(measured, threshold, histories)),
        Metric::Lag => distribution(threshold, histories, lags)
            .ok_or_else(|| "no probe was answered".to_owned())
            .map(|measured| Measured { worst: worst_wait(histories), ..measured }),
        Metric::Handler => handler::measure(threshold, &selection, histories),
        Metric::Schedule => distribution(threshold, histories, schedules)
            .ok_or_else(|| {
                "no wait from wake to poll was recorded: build with the feature schedule-latency".to_owned()
            })
            .map(|measured| Measured {
                worst: slowest_wake(histories),
                remark: (threshold.stat() != Stat::Count).then(|| HOST_INCLUDED.to_owned()),
                ..measured
            }),
        metric => match occurrence::rule_of(metric) {
            Some(rule) => occurrence::measure(threshold, rule, &selection, histories),
            None => Err(format!("this version of stallscope does not measure {}", metric.name())),
        },
    };
    measured.map(|measured| measured.remarking(selection.left_out(threshold.metric())))
}

/// Polls are timed in all of these processes.
fn timed(histories: &[&History]) -> Result<(), String> {
    match histories.iter().map(|history| history.header()).find(|header| header.tier == Tier::Sampled) {
        None => Ok(()),
        Some(header) => Err(format!(
            "polls are not timed in process {}, which is of the tier sampled: build it with --cfg tokio_unstable",
            header.pid
        )),
    }
}

/// All polls of a process where they are timed, and what the host made longer in them.
pub(super) fn polls(history: &History) -> (Histogram, Shift) {
    // A sampled process knows those of a root future alone.
    let snapshot = history.snapshot().filter(|_| history.header().tier != Tier::Sampled);
    (snapshot.map(|snapshot| snapshot.poll.clone()).unwrap_or_default(), history.stall_store().shift())
}

/// All waits of a process, and what the host made longer in them.
pub(super) fn lags(history: &History) -> (Histogram, Shift) {
    let histogram = history.snapshot().map(|snapshot| snapshot.lag.histogram.clone()).unwrap_or_default();
    (histogram, history.lag_store().shift(history.header()))
}

/// All waits from wake to poll of a process, where they are recorded.
pub(super) fn schedules(history: &History) -> (Histogram, Shift) {
    let histogram = history.snapshot().map(|snapshot| snapshot.schedule.clone()).unwrap_or_default();
    (histogram, Shift::default())
}

/// None when nothing was recorded.
fn distribution(
    threshold: &Threshold,
    histories: &[&History],
    of: impl Fn(&History) -> (Histogram, Shift),
) -> Option<Measured> {
    let (mut whole, mut attributable) = (Histogram::default(), Histogram::default());
    for history in histories {
        let (histogram, shift) = of(history);
        whole.merge(&shift.measured(&histogram));
        attributable.merge(&shift.attributable(&histogram));
    }
    (whole.count() > 0).then(|| Measured {
        attributable: statistic(&attributable, threshold.stat()),
        whole: statistic(&whole, threshold.stat()),
        worst: None,
        doubt: None,
        remark: None,
    })
}

/// What is to be known of polls of which few were timed.
fn estimate(measured: Measured, threshold: &Threshold, histories: &[&History]) -> Measured {
    let Some(estimated) = histories.iter().find(|history| history.estimated()) else { return measured };
    let header = estimated.header();
    // One that is as long as a stall is seen by the watchdog.
    let seen_from_ns = header.threshold_ns.saturating_add(LEAN_ERROR_NS);
    let missed = threshold.stat() == Stat::Max && threshold.limit().number() < seen_from_ns;
    let doubt = missed.then(|| {
        format!("process {} timed one poll in 64 (mode lean): a longer one may not be among them", header.pid)
    });
    Measured { doubt, remark: Some("estimated from one poll in 64 (mode lean)".to_owned()), ..measured }
}

fn statistic(histogram: &Histogram, stat: Stat) -> Value {
    match stat {
        Stat::Max => Value::Nanos(histogram.max_ns),
        Stat::Count => Value::Count(histogram.count()),
        Stat::Total => Value::Nanos(histogram.sum_ns),
        Stat::Mean => Value::Nanos(histogram.sum_ns.checked_div(histogram.count()).unwrap_or(0)),
        Stat::Quantile(thousandths) => Value::Nanos(histogram.quantile(f64::from(thousandths) / 100_000.0)),
    }
}

fn slowest_location(histories: &[&History]) -> Option<String> {
    worst_location(histories, |location| location.max_ns)
}

/// Where the tasks were spawned that waited longest to be polled.
fn slowest_wake(histories: &[&History]) -> Option<String> {
    worst_location(histories, |location| location.schedule.max_ns)
}

fn worst_location(histories: &[&History], length: impl Fn(&Location) -> u64) -> Option<String> {
    let locations =
        histories.iter().filter_map(|history| history.snapshot()).flat_map(|snapshot| &snapshot.locations);
    let worst = locations.filter(|location| length(location) > 0).max_by_key(|location| length(location))?;
    Some(short_place(&worst.spawned_at).to_owned())
}

fn worst_wait(histories: &[&History]) -> Option<String> {
    let groups = histories.iter().flat_map(|h| h.lag_store().groups(h.header(), h.stall_store()));
    let worst = groups.max_by_key(|group| group.attributable_max_ns)?;
    Some(worst.stall.map_or_else(
        || "no single poll (saturation)".to_owned(),
        |(culprit, _): (Culprit, _)| culprit.to_string(),
    ))
}
