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
    /// Time from the request's arrival at the layer to the response's head.
    pub latency: Histogram,
}
