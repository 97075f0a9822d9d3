//! `stallscope check` as a user runs it. The instrumented program is a shell that puts a made-up log where it is told to.

mod bench;
mod command;
mod config;
mod exact;
mod excuses;
mod harm;
mod retries;
#[expect(dead_code, reason = "the dashboard's tests use the rest")]
#[path = "../terminal/mod.rs"]
mod terminal;
mod usage;
mod verdict;
