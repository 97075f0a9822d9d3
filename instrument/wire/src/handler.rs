use crate::Histogram;
use serde::{Deserialize, Serialize};

/// All handlers at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Handlers {
    /// When, in nanoseconds since the start.
    pub at_ns: u64,
    /// One entry a route and method.
    pub handlers: Vec<Handler>,
    /// The slowest requests so far, slowest first: few of each route, and few in all. Not in every line: empty where nothing
    /// has changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowRequest>,
}

impl Handlers {
    /// Takes over from the line before what this one leaves out.
    pub fn complete(&mut self, before: Self) {
        if self.slowest.is_empty() {
            self.slowest = before.slowest;
        }
        for known in before.handlers {
            let same = self.handlers.iter_mut().find(|handler| handler.route == known.route);
            if let Some(handler) = same.filter(|handler| handler.latency_by_status.is_empty()) {
                handler.latency_by_status = known.latency_by_status;
            }
        }
    }
}

/// Requests of one route, cumulative.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Handler {
    /// Method and route template: `GET /users/{id}`.
    pub route: String,
    /// Requests being answered now.
    pub in_flight: u64,
    /// Responses by the first digit of their status, `[1xx, 2xx, 3xx, 4xx, 5xx]`.
    pub statuses: [u64; 5],
    /// Requests that ended without a response: the service failed, or the client left.
    pub dropped: u64,
    /// Time from the request's arrival at the layer to the response's head, of all responses.
    pub latency: Histogram,
    /// The same by the first digit of the status, in the order of `statuses`. Not in every line: empty where it is not told
    /// apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub latency_by_status: Vec<Histogram>,
    /// Where the time of all of them went.
    pub spent: Spent,
}

/// Where the time of requests went, in nanoseconds. The rest of their latency is not accounted for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// In their own polls: their handler ran, or blocked.
    pub own_ns: u64,
    /// Ready, and not run, because a thread was in someone else's poll. What a thread finds in its first turn after a stall
    /// that left no thread free was ready, as far as anybody can tell, since that began: this is a bound from above.
    pub behind_ns: u64,
    /// Waiting for what the handler awaited.
    pub awaiting_ns: u64,
}

/// A request that took long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlowRequest {
    /// Whose it was.
    pub request: Serving,
    /// The response's status; absent where there was none.
    pub status: Option<u16>,
    /// When it arrived at the layer, in nanoseconds since the start.
    pub started_ns: u64,
    /// From then to the response's head, or to its end without one, in nanoseconds.
    pub took_ns: u64,
    /// Where its time went.
    pub spent: Spent,
    /// What it did one after the other, from its arrival on. What was brief, of some 20 µs, is told with what came before.
    pub timeline: Vec<Step>,
    /// It did more than that: the last steps are left out.
    pub cut: bool,
}

/// A request, by what people know it by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Serving {
    /// Method and route template: `GET /users/{id}`.
    pub route: String,
    /// Its id, where it has one (`x-request-id`).
    pub id: Option<String>,
}

/// One thing that a request did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// What.
    pub doing: Doing,
    /// For how long, in nanoseconds.
    pub for_ns: u64,
}

/// What a request does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Doing {
    /// Its handler runs, or blocks.
    Own,
    /// It is ready and not run.
    Behind,
    /// It awaits something.
    #[default]
    Awaiting,
}
