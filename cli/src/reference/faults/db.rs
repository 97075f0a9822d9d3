//! A report from the database, which asks once for every user.
//!
//! Wrong: SQLite has no other than synchronous calls, and they are made on the worker.
//! Cost: no single query is slow, so nobody suspects the database; but they add up, and the worker does nothing else meanwhile.
//! Cure: the same function on the blocking pool, with a bounded number of connections, so that a rush waits in line for
//! them rather than on each other's locks. (One query in place of many would be quicker, and would still block.)

use super::super::answer::{failed, took};
use super::super::database::USERS;
use super::super::state::State;
use super::super::wait::Wait;
use super::processor;
use axum::Router;
use axum::extract;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rusqlite::Connection;
use std::time::Duration;

/// How many have a name that begins like this user's.
const NAMESAKES: &str =
    "SELECT count(*) FROM users AS other, users AS own WHERE own.id = ?1 AND other.name LIKE own.name || '%'";

/// Queries between two looks at the clock.
const QUERIES: usize = 10;

pub(super) fn routes() -> Router<State> {
    Router::new().route("/blocking/db", get(blocking)).route("/fixed/db", get(fixed))
}

async fn blocking(Wait(wait): Wait<200>, extract::State(state): extract::State<State>) -> Response {
    match state.database.connect().and_then(|connection| report(&connection, wait)) {
        Ok(_) => took("/blocking/db", wait),
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn fixed(Wait(wait): Wait<200>, extract::State(state): extract::State<State>) -> Response {
    match state.database.call(move |connection| report(connection, wait)).await {
        Ok(_) => took("/fixed/db", wait),
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// Goes through the users until the time is spent.
fn report(connection: &Connection, wait: Duration) -> rusqlite::Result<u64> {
    let end = processor::time() + wait;
    let mut namesakes = connection.prepare(NAMESAKES)?;
    let mut users = (1..=USERS).cycle();
    let mut sum = 0;
    while processor::time() < end {
        for id in users.by_ref().take(QUERIES) {
            sum += namesakes.query_row([id], |row| row.get::<_, u64>(0))?; // blocks here: cpu
        }
    }
    Ok(sum)
}
