//! `stallscope list`, `record` and `watch` over processes that come and go.

mod dashboard;
mod list;
mod plain;
mod process;
mod record;
#[path = "../terminal/mod.rs"]
#[expect(dead_code, reason = "the tests of the dashboard use more of it")]
mod terminal;
