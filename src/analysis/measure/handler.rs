use super::super::thresholds::{Stat, Value};
use super::super::{History, Threshold};
use super::selection::unseen;
use super::{Measured, Selection, samples, statistic};
use stallscope_wire::Histogram;
use std::collections::BTreeMap;

/// A latency begins where the layer is called, and is as measured.
const INCLUDED: &str = "the host's delays included; what a request waited before it was read is not";

const NO_ANSWER: &str = "no request was answered";

/// Latency of a route, or without one: of the route that does worst; counts and totals are then of all together.
/// Latency is as measured: how much of it the host cost is not known.
pub(super) fn measure(
    threshold: &Threshold,
    selection: &Selection<'_>,
    histories: &[&History],
) -> Result<Measured, String> {
    let stat = threshold.stat();
    let routes = routes(histories);
    let chosen = || routes.iter().filter(|(route, _)| selection.takes_route(route));
    let mut doubt = None;
    let (value, worst) = match threshold.route() {
        Some(route) => {
            let unseen = || unseen(threshold, histories).unwrap_or_else(|| NO_ANSWER.to_owned());
            let latency = routes.get(route).ok_or_else(unseen)?;
            samples::enough(stat, latency.count())?;
            (statistic(latency, stat), Some(route.to_owned()))
        }
        None if routes.is_empty() => {
            return Err("no request was seen: is stallscope::http::Layer in place?".to_owned());
        }
        None if chosen().next().is_none() => {
            return Err("no request was seen to a route without limits of its own".to_owned());
        }
        None if matches!(stat, Stat::Count | Stat::Total) => {
            let mut all = Histogram::default();
            chosen().map(|(_, latency)| latency).for_each(|latency| all.merge(latency));
            (statistic(&all, stat), None)
        }
        None => {
            let (enough, few): (Vec<_>, Vec<_>) =
                chosen().partition(|(_, latency)| latency.count() >= samples::needed(stat));
            if enough.is_empty() {
                let most = few.iter().map(|(_, latency)| latency.count()).max().unwrap_or(0);
                return samples::enough(stat, most).and(Err(NO_ANSWER.to_owned()));
            }
            doubt = few.iter().find_map(|(route, latency)| too_few(threshold, route, latency));
            let values = enough.iter().map(|(route, latency)| (statistic(latency, stat), *route));
            let by_number = |(value, _): &(Value, &String)| value.number();
            let worst = if threshold.wants_little() {
                values.max_by_key(by_number)
            } else {
                values.min_by_key(by_number)
            };
            let (value, route) = worst.ok_or("no request was seen")?;
            (value, Some(route.clone()))
        }
    };
    let remark = (stat != Stat::Count).then(|| INCLUDED.to_owned());
    Ok(Measured { attributable: value, whole: value, worst, doubt, remark })
}

/// Why a route of few requests is no reason to pass: what they took would not do.
fn too_few(threshold: &Threshold, route: &str, latency: &Histogram) -> Option<String> {
    let (stat, value) = (threshold.stat(), statistic(latency, threshold.stat()));
    let why = samples::enough(stat, latency.count()).err()?;
    (!threshold.holds(value.number())).then(|| format!("{route} took up to {value}, but {why}"))
}

/// The latencies of all routes that were asked for at least once.
pub(in super::super) fn routes(histories: &[&History]) -> BTreeMap<String, Histogram> {
    let mut routes: BTreeMap<String, Histogram> = BTreeMap::new();
    for handler in histories.iter().filter_map(|history| history.handlers()).flat_map(|all| &all.handlers) {
        if handler.latency.count() > 0 {
            routes.entry(handler.route.clone()).or_default().merge(&handler.latency);
        }
    }
    routes
}
