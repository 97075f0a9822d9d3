use super::super::thresholds::{Stat, Value};
use super::super::{History, Threshold};
use super::{Measured, Selection, statistic};
use stallscope_wire::Histogram;
use std::collections::BTreeMap;

/// A latency begins where the layer is called, and is as measured.
const INCLUDED: &str = "the host's delays included; what a request waited before it was read is not";

/// The routes that are named when the one asked for was not seen.
const NAMED: usize = 5;

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
    let (value, worst) = match threshold.route() {
        Some(route) => {
            let latency = routes.get(route).ok_or_else(|| unseen(route, &routes))?;
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
            let values = chosen().map(|(route, latency)| (statistic(latency, stat), route));
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
    Ok(Measured { attributable: value, whole: value, worst, doubt: None, remark })
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

fn unseen(route: &str, routes: &BTreeMap<String, Histogram>) -> String {
    let known: Vec<_> = routes.keys().take(NAMED).map(|route| format!("\"{route}\"")).collect();
    let more = if routes.len() > NAMED { ", …" } else { "" };
    match known.is_empty() {
        true => format!(
            "no request to \"{route}\" was seen, nor to any other: is stallscope::http::Layer in place?"
        ),
        false => format!("no request to \"{route}\" was seen; routes seen: {}{more}", known.join(", ")),
    }
}
