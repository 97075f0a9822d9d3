use super::{aggregate, flaky, form, health, image, jobs, users};
use crate::reference::state::State;
use axum::Router;

/// What they take beside their path, one a route.
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
