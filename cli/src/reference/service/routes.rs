use super::{aggregate, flaky, form, health, image, jobs, users};
use crate::reference::state::State;
use axum::Router;

/// Requests that are answered well as they stand.
pub(in crate::reference) const GETS: [&str; 5] =
    ["/aggregate?ms=", "/upstream/flaky?fail=0", "/jobs", "/healthz", "/readyz"];
/// And those that take more than a path.
pub(in crate::reference) const MORE: [&str; 6] = [
    "GET /users/{id} with the header Authorization: Bearer reference",
    "POST /image with a PNG or a JPEG, and its Content-Type",
    "POST /jobs with {\"text\": \"any\", \"rounds\": 1000} and Content-Type: application/json",
    "GET /jobs/{id} with the id of a job that was taken",
    "GET /form in a browser",
    "POST /form with the fields token and word, and the cookie of GET /form",
];

pub(in crate::reference) fn routes() -> Router<State> {
    Router::new()
        .merge(aggregate::routes())
        .merge(flaky::routes())
        .merge(form::routes())
        .merge(health::routes())
        .merge(image::routes())
        .merge(jobs::routes())
        .merge(users::routes())
}
