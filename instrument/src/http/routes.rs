use super::slowest::Slowest;
use crate::recorder::Histogram;
use http::{Method, StatusCode};
use stallscope_wire::Spent;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{OnceLock, PoisonError, RwLock};

/// Method and template pairs that are kept apart; all later ones share one entry.
const LIMIT: usize = 256;
/// A template that is longer, in bytes, shares that entry too: it is a path, and who sends those chooses their length.
const LONGEST: usize = 256;

/// The routes of this process.
pub(super) static PROCESS: Routes = Routes::new();

/// By method, then template, so that a search needs no name put together.
type Known = BTreeMap<&'static str, BTreeMap<Box<str>, &'static Route>>;

/// All routes seen, never forgotten.
#[derive(Debug)]
pub(super) struct Routes {
    known: RwLock<Known>,
    other: OnceLock<&'static Route>,
    pub(super) slowest: Slowest,
}

impl Routes {
    pub(super) const fn new() -> Self {
        Self { known: RwLock::new(BTreeMap::new()), other: OnceLock::new(), slowest: Slowest::new() }
    }

    /// The route of a method and a template; the common one when there is no room for another.
    pub(super) fn find(&self, method: &Method, template: &str) -> &'static Route {
        let method = known_method(method);
        let seen = self.search(&self.known.read().unwrap_or_else(PoisonError::into_inner), method, template);
        seen.unwrap_or_else(|| {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            self.search(&known, method, template).unwrap_or_else(|| {
                let route = Route::new(method, template).kept();
                known.entry(method).or_default().insert(template.into(), route);
                route
            })
        })
    }

    /// Where the requests of a route are counted; none when it is new and has room.
    fn search(&self, known: &Known, method: &str, template: &str) -> Option<&'static Route> {
        if let Some(route) = known.get(method).and_then(|templates| templates.get(template)) {
            return Some(route);
        }
        let full = || known.values().map(BTreeMap::len).sum::<usize>() >= LIMIT;
        (template.len() > LONGEST || full()).then(|| *self.other.get_or_init(|| Route::other().kept()))
    }

    /// The state of every route, by name; the common one last. With latency by status class where it is to be `whole`.
    pub(super) fn read(&self, whole: bool) -> Vec<stallscope_wire::Handler> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let routes: Vec<&Route> =
            known.values().flat_map(BTreeMap::values).chain(self.other.get()).copied().collect();
        // To read them takes long, and a request with a new route would wait for the lock.
        drop(known);
        routes.into_iter().map(|route| route.read(whole)).collect()
    }
}

/// A client chooses its method freely: only those that HTTP defines may name an entry.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::PATCH => "PATCH",
        Method::TRACE => "TRACE",
        _ => "OTHER",
    }
}

/// Requests of one method and template. Written by whoever serves one, read by the collector; each
/// figure stands alone, so all accesses are relaxed.
#[derive(Debug)]
pub(super) struct Route {
    method: &'static str,
    template: Box<str>,
    in_flight: AtomicU64,
    dropped: AtomicU64,
    /// By the first digit of the status, each made with the first response that has it: 8 KB.
    latency: [OnceLock<Box<Histogram>>; 5],
    own_ns: AtomicU64,
    behind_ns: AtomicU64,
    awaiting_ns: AtomicU64,
    /// What takes no longer is not among its slowest. Written by those who keep them.
    pub(super) slow_ns: AtomicU64,
}

impl Route {
    fn new(method: &'static str, template: &str) -> Self {
        Self {
            method,
            template: template.into(),
            in_flight: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            latency: [const { OnceLock::new() }; 5],
            own_ns: AtomicU64::new(0),
            behind_ns: AtomicU64::new(0),
            awaiting_ns: AtomicU64::new(0),
            slow_ns: AtomicU64::new(0),
        }
    }

    /// Its method is empty, as none in HTTP is: no request is taken for its own.
    fn other() -> Self {
        Self::new("", "(other)")
    }

    /// Routes are few, and never forgotten.
    fn kept(self) -> &'static Self {
        Box::leak(Box::new(self))
    }

    /// `GET /users/{id}`.
    pub(super) fn name(&self) -> String {
        [self.method, &self.template].join(" ").trim_start().to_owned()
    }

    pub(super) fn is(&self, method: &Method, template: &str) -> bool {
        *self.template == *template && self.method == known_method(method)
    }

    /// A request has come.
    pub(super) fn came(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    /// A request is over, without a response where there is no status. One of 600 or more, which HTTP has not, counts with
    /// those of 500.
    pub(super) fn went(&self, status: Option<StatusCode>, took_ns: u64, spent: Spent) {
        match status {
            Some(status) => {
                let class = usize::from(status.as_u16() / 100).clamp(1, 5);
                self.latency[class - 1].get_or_init(|| Box::new(Histogram::new())).record(took_ns);
            }
            None => drop(self.dropped.fetch_add(1, Relaxed)),
        }
        let sums = [
            (&self.own_ns, spent.own_ns),
            (&self.behind_ns, spent.behind_ns),
            (&self.awaiting_ns, spent.awaiting_ns),
        ];
        for (sum, ns) in sums.into_iter().filter(|(_, ns)| *ns > 0) {
            sum.fetch_add(ns, Relaxed);
        }
        self.in_flight.fetch_sub(1, Relaxed);
    }

    fn read(&self, whole: bool) -> stallscope_wire::Handler {
        let read = |histogram: &OnceLock<Box<Histogram>>| {
            histogram.get().map(|histogram| histogram.read()).unwrap_or_default()
        };
        let latency_by_status = self.latency.each_ref().map(read);
        let mut latency = stallscope_wire::Histogram::default();
        latency_by_status.iter().for_each(|of_status| latency.merge(of_status));
        stallscope_wire::Handler {
            route: self.name(),
            in_flight: self.in_flight.load(Relaxed),
            statuses: latency_by_status.each_ref().map(stallscope_wire::Histogram::count),
            dropped: self.dropped.load(Relaxed),
            latency,
            latency_by_status: if whole { latency_by_status.into() } else { Vec::new() },
            spent: Spent {
                own_ns: self.own_ns.load(Relaxed),
                behind_ns: self.behind_ns.load(Relaxed),
                awaiting_ns: self.awaiting_ns.load(Relaxed),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(route: &Route, status: StatusCode) {
        route.came();
        route.went(Some(status), 1, Spent::default());
    }

    #[test]
    fn routes_past_the_limit_are_counted_together() {
        let routes = Routes::new();
        for i in 0..LIMIT + 10 {
            answer(routes.find(&Method::GET, &format!("/{i}")), StatusCode::OK);
        }
        let read = routes.read(true);
        assert_eq!(read.len(), LIMIT + 1);
        let other = read.last().unwrap();
        assert_eq!((other.route.as_str(), other.statuses[1]), ("(other)", 10));
        assert_eq!(
            routes.find(&Method::GET, "/3").read(true).statuses[1],
            1,
            "a known route keeps its own entry"
        );
    }

    #[test]
    fn a_client_cannot_make_names_long() {
        let routes = Routes::new();
        for length in [LONGEST, LONGEST + 1, 60_000] {
            answer(routes.find(&Method::GET, &"x".repeat(length)), StatusCode::OK);
        }
        let counts: Vec<_> =
            routes.read(true).into_iter().map(|route| (route.route.len(), route.statuses[1])).collect();
        assert_eq!(counts, [("GET ".len() + LONGEST, 1), ("(other)".len(), 2)]);
    }

    #[test]
    fn a_client_cannot_invent_routes_by_its_method() {
        let routes = Routes::new();
        for method in ["BREW", "WHEN", "PROPFIND"] {
            answer(routes.find(&method.parse().unwrap(), "/"), StatusCode::IM_A_TEAPOT);
        }
        let read = routes.read(true);
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].route.as_str(), read[0].statuses), ("OTHER /", [0, 0, 0, 3, 0]));
    }
}
