use super::window::{LAST_MINUTE_NS, Window};
use stallscope_wire::{Handler, Handlers, Histogram, SlowRequest, Spent};
use std::sync::Arc;

/// The time over which requests a second are counted, in nanoseconds.
const RATE_NS: u64 = 10_000_000_000;

/// What the process's handlers do: now, and over the last minute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic {
    latest: Handlers,
    /// Shared with the copies of it that a tape keeps.
    earlier: Window<Arc<Handlers>>,
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
    /// Where the time of the requests of the last minute went, where any was spent.
    pub(crate) shares: Option<Shares>,
}

/// Shares of the time of requests, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) own: u64,
    pub(crate) behind: u64,
    pub(crate) awaiting: u64,
}

impl Shares {
    fn of(spent: Spent) -> Option<Self> {
        let all = u128::from(spent.own_ns) + u128::from(spent.behind_ns) + u128::from(spent.awaiting_ns);
        // A share of a whole is at most 100.
        let share = |ns: u64| ((u128::from(ns) * 100 + all / 2) / all) as u64;
        (all > 0).then(|| Self {
            own: share(spent.own_ns),
            behind: share(spent.behind_ns),
            awaiting: share(spent.awaiting_ns),
        })
    }
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
        let mut handlers = handlers.clone();
        handlers.complete(std::mem::take(&mut self.latest));
        self.earlier.keep(handlers.at_ns, || Arc::new(cumulative(&handlers)));
        self.latest = handlers;
    }

    /// The slowest requests so far, the slowest first.
    pub(crate) fn slowest(&self) -> &[SlowRequest] {
        &self.latest.slowest
    }

    /// How long its responses have taken since the start.
    pub(crate) fn latency_of(&self, route: &str) -> Option<&Histogram> {
        let handler = self.latest.handlers.iter().find(|handler| handler.route == route)?;
        (handler.latency.count() > 0).then_some(&handler.latency)
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
                    shares: shares(handler, minute.and_then(|(_, earlier)| same_route(earlier, handler))),
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

/// What later states are compared with.
fn cumulative(handlers: &Handlers) -> Handlers {
    let handler = |handler: &Handler| Handler { latency_by_status: Vec::new(), ..handler.clone() };
    let handlers_of = handlers.handlers.iter().map(handler).collect();
    Handlers { at_ns: handlers.at_ns, handlers: handlers_of, slowest: Vec::new() }
}

fn shares(handler: &Handler, earlier: Option<&Handler>) -> Option<Shares> {
    let (all, before) = (handler.spent, earlier.map_or_else(Spent::default, |earlier| earlier.spent));
    let recent = Spent {
        own_ns: all.own_ns.saturating_sub(before.own_ns),
        behind_ns: all.behind_ns.saturating_sub(before.behind_ns),
        awaiting_ns: all.awaiting_ns.saturating_sub(before.awaiting_ns),
    };
    Shares::of(recent).or_else(|| Shares::of(all))
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
    fn the_shares_are_of_the_last_minute() {
        let spent = |second, own_ns, behind_ns, awaiting_ns| {
            let mut handlers = at(second, 1, 5);
            handlers.handlers[0].spent = Spent { own_ns, behind_ns, awaiting_ns };
            handlers
        };
        let mut traffic = Traffic::default();
        assert_eq!(Shares::of(Spent::default()), None);
        traffic.apply(&spent(100, 1_000, 0, 0));
        assert_eq!(traffic.routes()[0].shares, Some(Shares { own: 100, behind: 0, awaiting: 0 }));
        traffic.apply(&spent(170, 1_100, 200, 700));
        assert_eq!(traffic.routes()[0].shares, Some(Shares { own: 10, behind: 20, awaiting: 70 }));
    }

    #[test]
    fn what_a_line_leaves_out_stays() {
        let mut traffic = Traffic::default();
        let slow = SlowRequest { took_ns: 7, ..SlowRequest::default() };
        traffic.apply(&Handlers { slowest: vec![slow], ..at(100, 1, 5) });
        traffic.apply(&at(101, 2, 5));
        assert_eq!(traffic.slowest().iter().map(|slow| slow.took_ns).collect::<Vec<_>>(), [7]);
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
