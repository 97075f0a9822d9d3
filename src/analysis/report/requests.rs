use super::Quantiles;
use super::tasks::cut;
use crate::analysis::History;
use crate::analysis::finding::rfc3339;
use serde::{Deserialize, Serialize};
use stallscope_wire::{Handler, Histogram, Spent, Step};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most of the slowest requests that a report lists.
const SLOWEST: usize = 20;

/// What the tower layer saw, over all processes. Empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Requests {
    /// By route: those whose p99 is worst first; 100 at most.
    pub routes: Vec<Route>,
    /// Routes that are not listed.
    pub routes_left_out: u64,
    /// The slowest requests, slowest first; 20 at most.
    pub slowest: Vec<Slow>,
}

/// The requests of one route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Route {
    /// Method and route template: `GET /users/{id}`.
    pub route: String,
    /// Being answered at last.
    pub in_flight: u64,
    /// Responses by the first digit of their status, `[1xx, 2xx, 3xx, 4xx, 5xx]`.
    pub statuses: [u64; 5],
    /// Requests that ended without a response.
    pub dropped: u64,
    /// From a request's arrival at the layer to the response's head; absent where there was no response.
    pub latency: Option<Quantiles>,
    /// Where the time of all of them went.
    pub spent: Spent,
}

/// A request that took long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Slow {
    /// The process that answered it.
    pub pid: u32,
    /// Method and route template.
    pub route: String,
    /// Its id, where it has one (`x-request-id`).
    pub request_id: Option<String>,
    /// The response's status; absent where there was none.
    pub status: Option<u16>,
    /// When it arrived at the layer, RFC 3339.
    pub started: String,
    /// From then to the response's head, or to its end without one, in nanoseconds.
    pub took_ns: u64,
    /// Where its time went.
    pub spent: Spent,
    /// What it did one after the other.
    pub timeline: Vec<Step>,
    /// It did more than that.
    pub cut: bool,
}

impl Requests {
    pub(super) fn of(histories: &[&History]) -> Self {
        let (mut routes, mut slowest) = (BTreeMap::<&str, (Route, Histogram)>::new(), Vec::new());
        for history in histories {
            let Some(handlers) = history.handlers() else { continue };
            for handler in &handlers.handlers {
                let (route, latency) = routes.entry(&handler.route).or_default();
                route.add(handler);
                latency.merge(&handler.latency);
            }
            let header = history.header();
            slowest.extend(handlers.slowest.iter().map(|slow| Slow {
                pid: header.pid,
                route: slow.request.route.clone(),
                request_id: slow.request.id.clone(),
                status: slow.status,
                started: rfc3339(header.started_unix_ns.saturating_add(slow.started_ns)),
                took_ns: slow.took_ns,
                spent: slow.spent,
                timeline: slow.timeline.clone(),
                cut: slow.cut,
            }));
        }
        let timed =
            |(route, latency): (Route, Histogram)| Route { latency: Quantiles::of(&latency), ..route };
        let mut routes: Vec<_> = routes.into_values().map(timed).collect();
        routes.sort_by_key(|route| Reverse(route.latency.map(|latency| (latency.p99_ns, latency.max_ns))));
        slowest.sort_by_key(|slow| Reverse(slow.took_ns));
        slowest.truncate(SLOWEST);
        let routes_left_out = cut(&mut routes);
        Self { routes, routes_left_out, slowest }
    }
}

impl Route {
    /// Requests that were answered, or ended without an answer.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.statuses.iter().fold(self.dropped, |sum, count| sum.saturating_add(*count))
    }

    fn add(&mut self, handler: &Handler) {
        self.route.clone_from(&handler.route);
        self.in_flight = self.in_flight.saturating_add(handler.in_flight);
        self.dropped = self.dropped.saturating_add(handler.dropped);
        for (sum, more) in self.statuses.iter_mut().zip(handler.statuses) {
            *sum = sum.saturating_add(more);
        }
        let (sum, more) = (&mut self.spent, handler.spent);
        sum.own_ns = sum.own_ns.saturating_add(more.own_ns);
        sum.behind_ns = sum.behind_ns.saturating_add(more.behind_ns);
        sum.awaiting_ns = sum.awaiting_ns.saturating_add(more.awaiting_ns);
    }
}
