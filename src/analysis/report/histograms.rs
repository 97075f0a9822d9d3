use crate::analysis::History;
use crate::analysis::excuse::Excuses;
use crate::analysis::measure::{lags, polls, routes, schedules};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};
use stallscope_wire::Histogram;
use std::collections::BTreeMap;

/// Distributions over all processes, each an HdrHistogram of nanoseconds in the V2 deflate form, as base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Histograms {
    /// Polls.
    pub poll: Option<String>,
    /// What new work waited.
    pub lag: Option<String>,
    /// From wake to poll; absent where it is not measured.
    pub schedule: Option<String>,
    /// Latency of requests by route.
    pub handlers: BTreeMap<String, String>,
    /// The same in a few numbers.
    pub figures: Figures,
}

/// Each distribution in a few numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Polls.
    pub poll: Option<Quantiles>,
    /// What new work waited.
    pub lag: Option<Quantiles>,
    /// From wake to poll; absent where it is not measured.
    pub schedule: Option<Quantiles>,
    /// Latency of requests by route.
    pub handlers: BTreeMap<String, Quantiles>,
}

/// A distribution of durations in a few numbers, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quantiles {
    /// How many durations.
    pub count: u64,
    /// What half of them did not exceed.
    pub p50_ns: u64,
    /// What 90 of 100 did not exceed.
    pub p90_ns: u64,
    /// What 99 of 100 did not exceed.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl Quantiles {
    /// None of a distribution of nothing.
    pub(super) fn of(histogram: &Histogram) -> Option<Self> {
        let count = histogram.count();
        (count > 0).then(|| Self {
            count,
            p50_ns: histogram.quantile(0.5),
            p90_ns: histogram.quantile(0.9),
            p99_ns: histogram.quantile(0.99),
            max_ns: histogram.max_ns,
        })
    }
}

impl Histograms {
    pub(super) fn of(histories: &[&History]) -> Self {
        let [mut all_polls, mut all_lags, mut all_schedules]: [Histogram; 3] = Default::default();
        let none = Excuses::default();
        for history in histories {
            for (all, (histogram, shift)) in [
                (&mut all_polls, polls(history, &none)),
                (&mut all_lags, lags(history, &none)),
                (&mut all_schedules, schedules(history)),
            ] {
                all.merge(&shift.whole(&histogram));
            }
        }
        let routes = routes(histories);
        let encoded = routes.iter().filter_map(|(route, latency)| Some((route.clone(), encode(latency)?)));
        let figures =
            routes.iter().filter_map(|(route, latency)| Some((route.clone(), Quantiles::of(latency)?)));
        Self {
            poll: encode(&all_polls),
            lag: encode(&all_lags),
            schedule: encode(&all_schedules),
            handlers: encoded.collect(),
            figures: Figures {
                poll: Quantiles::of(&all_polls),
                lag: Quantiles::of(&all_lags),
                schedule: Quantiles::of(&all_schedules),
                handlers: figures.collect(),
            },
        }
    }
}

/// None for an empty histogram, and for counts that no process has and the form cannot hold.
fn encode(histogram: &Histogram) -> Option<String> {
    let hdr = Some(histogram.to_hdr()).filter(|hdr| !hdr.is_empty())?;
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&hdr, &mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}
