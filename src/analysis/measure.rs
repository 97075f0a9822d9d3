//! The value of a metric in a set of processes.

mod handler;
mod occurrence;
mod samples;
mod selection;
mod shift;
mod stall;

#[cfg(feature = "report")]
pub(super) use handler::routes;
pub(super) use occurrence::{out_of_sight, unguarded};
pub(super) use selection::unseen;
pub(super) use shift::Shift;

use super::excuse::Excuses;
use super::history::LagGroup;
use super::place::short_place;
use super::thresholds::{Metric, Stat, Value};
use super::{Culprit, History, Terms, Threshold};
use selection::Selection;
use stallscope_wire::{Histogram, Location, Snapshot, Tier};

/// How much longer a poll may have been than mode lean knows, in nanoseconds.
const LEAN_ERROR_NS: u64 = 20_000_000;

/// What is to be known of waits of which the host's part is not known.
const HOST_INCLUDED: &str = "the host's delays included";

const NO_SCHEDULES: &str = "no wait from wake to poll was recorded: build with the feature schedule-latency";

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
    excused: &Excuses,
    histories: &[&History],
) -> Result<Measured, String> {
    let selection = Selection::of(threshold, terms, excused);
    let measured = match threshold.metric() {
        Metric::Stall => stall::measure(threshold, &selection, histories),
        Metric::Poll => timed(histories)
            .and_then(|()| {
                distribution(threshold, histories, |history| polls(history, excused), "no poll was seen")
            })
            .map(|measured| Measured { worst: slowest_location(histories), ..measured })
            .map(|measured| estimate(measured, threshold, histories)),
        Metric::Lag => {
            distribution(threshold, histories, |history| lags(history, excused), "no probe was answered")
                .map(|measured| Measured { worst: worst_wait(excused, histories), ..measured })
        }
        Metric::Handler => handler::measure(threshold, &selection, histories),
        Metric::Schedule => {
            distribution(threshold, histories, schedules, NO_SCHEDULES).map(|measured| Measured {
                worst: slowest_wake(histories),
                remark: (threshold.stat() != Stat::Count).then(|| HOST_INCLUDED.to_owned()),
                ..measured
            })
        }
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
pub(super) fn polls(history: &History, excused: &Excuses) -> (Histogram, Shift) {
    // A sampled process knows those of a root future alone.
    let snapshot = history.snapshot().filter(|_| history.header().tier != Tier::Sampled);
    (
        snapshot.map(|snapshot| snapshot.poll.clone()).unwrap_or_default(),
        history.stall_store().shift(|record| excused.is_stall(record)),
    )
}

/// All waits of a process, and what the host made longer in them.
pub(super) fn lags(history: &History, excused: &Excuses) -> (Histogram, Shift) {
    let histogram = history.snapshot().map(|snapshot| snapshot.lag.histogram.clone()).unwrap_or_default();
    let is_excused = |explanation: Option<&_>| excused.is_lag(explanation);
    (histogram, history.lag_store().shift(history.header(), history.stall_store(), is_excused))
}

/// All waits from wake to poll of a process, where they are recorded.
pub(super) fn schedules(history: &History) -> (Histogram, Shift) {
    let histogram = history.snapshot().map(|snapshot| snapshot.schedule.clone()).unwrap_or_default();
    (histogram, Shift::default())
}

/// What was recorded, or why that is too little.
fn distribution(
    threshold: &Threshold,
    histories: &[&History],
    of: impl Fn(&History) -> (Histogram, Shift),
    nothing: &str,
) -> Result<Measured, String> {
    let (mut whole, mut attributable) = (Histogram::default(), Histogram::default());
    for history in histories {
        let (histogram, shift) = of(history);
        whole.merge(&shift.measured(&histogram));
        attributable.merge(&shift.attributable(&histogram));
    }
    if whole.count() == 0 {
        return Err(nothing.to_owned());
    }
    // Polls that others stand for are no samples of their own.
    let counted = |snapshot: &Snapshot| if threshold.metric() == Metric::Poll { snapshot.untimed } else { 0 };
    let estimated = histories.iter().filter_map(|history| history.snapshot()).map(counted);
    let estimated = estimated.fold(0, u64::saturating_add);
    samples::enough(threshold.stat(), whole.count().saturating_sub(estimated))?;
    Ok(Measured {
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

fn worst_wait(excused: &Excuses, histories: &[&History]) -> Option<String> {
    let groups = histories.iter().flat_map(|h| h.lag_store().groups(h.header(), h.stall_store()));
    let is_excused = |group: &LagGroup| excused.is_lag(group.stall.as_ref().map(|(_, record)| &**record));
    let worst = groups.filter(|group| !is_excused(group)).max_by_key(|group| group.attributable_max_ns)?;
    Some(worst.stall.map_or_else(
        || "no single poll (saturation)".to_owned(),
        |(culprit, _): (Culprit, _)| culprit.to_string(),
    ))
}
