//! What `stallscope check` writes for machines and hosts of code, as the built binary writes it.

#[expect(dead_code, reason = "the tests of check use the rest")]
#[path = "../check/bench.rs"]
mod bench;
mod examples;
mod files;
mod github;
mod gitlab;
mod guides;
mod junit;
mod sarif;
mod schema;
mod shape;
mod story;
