use super::window::{LAST_MINUTE_NS, Window};
use stallscope_wire::{Handler, Handlers};

/// The time over which requests a second are counted, in nanoseconds.
const RATE_NS: u64 = 10_000_000_000;

/// What the process's handlers do: now, and over the last minute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic {
    latest: Handlers,
    earlier: Window<Handlers>,
}

/// One route, as the dashboard shows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    pub(crate) name: String,
    /// Requests being answered now.
    pub(crate) in_flight: u64,
    /// Requests ended so far, answered or not.
    pub(crate) total: u64,
    /// Responses with a status of 5xx so far.
    pub(crate) failed: u64,
    /// Requests that ended without a response so far.
    pub(crate) dropped: u64,
    /// Requests ended in each of the last seconds, on average.
    pub(crate) per_second: f64,
    /// Latency over the last minute, where anything was answered in it; its maximum since the start.
    pub(crate) latency: Option<Latency>,
}

/// How long responses took, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Latency {
    pub(crate) p50_ns: u64,
    pub(crate) p99_ns: u64,
    pub(crate) max_ns: u64,
}

impl Traffic {
    pub(super) fn apply(&mut self, handlers: &Handlers) {
        self.earlier.keep(handlers.at_ns, handlers.clone());
        self.latest = handlers.clone();
    }

    /// All routes, the one with the longest response first: an order that changes seldom.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let now_ns = self.latest.at_ns;
        let minute = self.earlier.baseline(now_ns, LAST_MINUTE_NS);
        let seconds = self.earlier.baseline(now_ns, RATE_NS);
        let mut routes: Vec<_> = self
            .latest
            .handlers
            .iter()
            .map(|handler| {
                let before = seconds.map_or(0, |(_, earlier)| ended(same_route(earlier, handler)));
                let lasted_ns = now_ns - seconds.map_or(0, |(at, _)| at);
                let total = ended(Some(handler));
                Route {
                    name: handler.route.clone(),
                    in_flight: handler.in_flight,
                    total,
                    failed: handler.statuses[4],
                    dropped: handler.dropped,
                    per_second: total.saturating_sub(before) as f64 / (lasted_ns.max(1) as f64 / 1e9),
                    latency: latency(handler, minute.and_then(|(_, earlier)| same_route(earlier, handler))),
                }
            })
            .collect();
        routes.sort_by_key(|route| {
            (std::cmp::Reverse(route.latency.map(|latency| latency.max_ns)), route.name.clone())
        });
        routes
    }
}

fn same_route<'a>(handlers: &'a Handlers, handler: &Handler) -> Option<&'a Handler> {
    handlers.handlers.iter().find(|other| other.route == handler.route)
}

fn ended(handler: Option<&Handler>) -> u64 {
    handler.map_or(0, |handler| handler.statuses.iter().sum::<u64>() + handler.dropped)
}

fn latency(handler: &Handler, earlier: Option<&Handler>) -> Option<Latency> {
    let all = &handler.latency;
    let recent = earlier.map(|earlier| all.since(&earlier.latency)).filter(|recent| recent.count() > 0);
    let recent = recent.as_ref().unwrap_or(all);
    (recent.count() > 0).then(|| Latency {
        p50_ns: recent.quantile(0.5),
        p99_ns: recent.quantile(0.99),
        max_ns: all.max_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stallscope_wire::Histogram;

    fn at(second: u64, answered: u64, took_ns: u64) -> Handlers {
        let latency =
            Histogram { buckets: vec![(took_ns, answered)], max_ns: took_ns, sum_ns: answered * took_ns };
        let handler = Handler {
            route: "GET /".into(),
            statuses: [0, answered, 0, 0, 0],
            latency,
            ..Handler::default()
        };
        Handlers { at_ns: second * 1_000_000_000, handlers: vec![handler], ..Handlers::default() }
    }

    #[test]
    fn counts_requests_of_the_last_seconds() {
        let mut traffic = Traffic::default();
        traffic.apply(&at(100, 1000, 5));
        traffic.apply(&at(110, 1200, 5));
        let routes = traffic.routes();
        assert_eq!((routes[0].total, routes[0].per_second), (1200, 20.0));
    }

    #[test]
    fn a_first_line_counts_from_the_start() {
        let mut traffic = Traffic::default();
        traffic.apply(&at(5, 100, 7));
        let routes = traffic.routes();
        assert_eq!(routes[0].per_second, 20.0);
        assert_eq!(routes[0].latency, Some(Latency { p50_ns: 7, p99_ns: 7, max_ns: 7 }));
    }
}
