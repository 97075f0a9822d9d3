//! Each example under `stallscope check`, which must find what the example's header says.

mod expected;
#[path = "../contention/hogs.rs"]
mod hogs;
mod late;
mod noise;
mod run;

use run::{Example, run};
use std::fs;
use std::path::Path;

#[test]
fn healthy() {
    run("healthy").exits(0).finds_what_is_expected();
}

#[test]
fn blocking_sleep() {
    run("blocking_sleep").exits(99).finds_what_is_expected();
}

#[test]
fn cpu_bound_poll() {
    run("cpu_bound_poll").exits(99).finds_what_is_expected();
}

#[test]
fn std_mutex_contended() {
    run("std_mutex_contended").exits(99).finds_what_is_expected();
}

#[test]
fn deadlock() {
    let example = Example::start("deadlock");
    // Two tasks block each other.
    example.kill(example.until_stalls(2));
    example.wait().exits(128 + 9).finds_what_is_expected();
}

#[test]
fn detached_panic() {
    run("detached_panic").exits(99).finds_what_is_expected();
}

#[test]
fn detached_panic_innocent() {
    run("detached_panic_innocent").exits(0).finds_what_is_expected();
}

#[test]
fn lost_task() {
    run("lost_task").exits(0).finds_what_is_expected();
}

#[test]
fn lost_task_innocent() {
    run("lost_task_innocent").exits(0).finds_what_is_expected();
}

#[test]
fn never_polled() {
    run("never_polled").exits(99).finds_what_is_expected();
}

#[test]
fn never_polled_innocent() {
    run("never_polled_innocent").exits(0).finds_what_is_expected();
}

#[test]
fn never_awaited() {
    run("never_awaited").exits(99).finds_what_is_expected();
}

#[test]
fn never_awaited_innocent() {
    run("never_awaited_innocent").exits(0).finds_what_is_expected();
}

#[test]
fn task_leak() {
    run("task_leak").exits(99).finds_what_is_expected();
}

#[test]
fn task_leak_innocent() {
    run("task_leak_innocent").exits(0).finds_what_is_expected();
}

#[test]
fn blocking_pool() {
    run("blocking_pool").exits(0).finds_what_is_expected();
}

#[test]
fn blocking_pool_innocent() {
    run("blocking_pool_innocent").exits(0).finds_what_is_expected();
}

#[test]
fn socket_leak() {
    run("socket_leak").exits(99).finds_what_is_expected();
}

#[test]
fn socket_leak_innocent() {
    run("socket_leak_innocent").exits(0).finds_what_is_expected();
}

#[test]
fn accept_backlog() {
    run("accept_backlog").exits(0).finds_what_is_expected();
}

#[test]
fn accept_backlog_innocent() {
    run("accept_backlog_innocent").exits(0).finds_what_is_expected();
}

#[test]
fn every_example_is_run_here() {
    let here = include_str!("main.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let paths = fs::read_dir(folder).expect("there are examples").map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(here.contains(&format!("fn {name}()")), "no test runs {name}");
    }
}
