use super::refused::Refused;
use crate::reference::middleware::require_bearer;
use crate::reference::state::State;
use axum::extract::rejection::PathRejection;
use axum::extract::{self, Path};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::get;
use axum::{Json, Router};
use rusqlite::OptionalExtension;
use serde::Serialize;

pub(super) fn routes() -> Router<State> {
    Router::new().route("/users/{id}", get(user)).route_layer(from_fn(require_bearer))
}

#[derive(Serialize)]
struct User {
    id: i64,
    name: String,
    email: String,
}

async fn user(
    extract::State(state): extract::State<State>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Json<User>, Refused> {
    let Path(id) = id?;
    let found = state
        .database
        .call(move |connection| {
            connection
                .prepare_cached("SELECT id, name, email FROM users WHERE id = ?1")?
                .query_row([id], |row| Ok(User { id: row.get(0)?, name: row.get(1)?, email: row.get(2)? }))
                .optional()
        })
        .await
        .map_err(Refused::by_fault)?;
    found.map(Json).ok_or_else(|| Refused::with(StatusCode::NOT_FOUND, format!("there is no user {id}")))
}
