//! How soon a line is known, and what the first costs.

use crate::measure::{Table, child, interleaved, process, quantile};
use crate::variant::two_workers;
use serde_json::Value;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const THRESHOLD: Duration = Duration::from_millis(30);
/// How long the loop is blocked, and how long it is free in between.
const BLOCKED: Duration = Duration::from_millis(60);
const FREE: Duration = Duration::from_millis(20);
/// In one process.
const STALLS: usize = 11;
/// For the first stack in a large program without optimization, on a crowded machine.
const PATIENCE: Duration = Duration::from_secs(10);

const WAYS: [&str; 2] = ["sleeps", "computes"];

pub(crate) fn run(rounds: usize) {
    let mut first: Vec<Vec<Vec<f64>>> = vec![vec![Vec::new(); FIRST.len()]; WAYS.len()];
    let mut soon = vec![Vec::new(); WAYS.len()];
    interleaved(rounds, WAYS.len(), |way| {
        let figures = child::measure("stalls", WAYS[way]);
        for ((name, _), first) in FIRST.iter().zip(&mut first[way]) {
            first.push(figures[*name][0]);
        }
        let known = &figures["known"];
        soon[way].extend(known);
        known.len() as f64
    });
    let how = format!(
        "ms from when the threshold of {THRESHOLD:?} passes until the line is in the log; the first of each process left out"
    );
    let mut table = Table::new("capture latency", &how);
    for (way, soon) in WAYS.iter().zip(&soon) {
        table = table.group(&format!("{} stalls of a worker that {way}", soon.len()), [("line known", soon)]);
    }
    table.print();
    for (way, soon) in WAYS.iter().zip(&soon) {
        let (p90, p99) = (quantile(soon, 0.9), quantile(soon, 0.99));
        println!("    {way}: p90 {p90:.3} p99 {p99:.3}; {} of {} known", soon.len(), rounds * (STALLS - 1));
    }

    let size = std::env::current_exe().and_then(|path| path.metadata()).map_or(0, |about| about.len() >> 10);
    let how = format!(
        "the first stall of a program of {size} KiB with its debug information; {rounds} rounds each"
    );
    let mut table = Table::new("first symbolization", &how);
    for ((_, about), at) in FIRST.iter().zip(0..) {
        table = table.group(about, WAYS.into_iter().zip(first.iter().map(|first| &first[at])));
    }
    table.print();
}

/// What is told of the first stall.
const FIRST: [(&str, &str); 5] = [
    ("first-known", "ms until the line is known"),
    ("first-told", "ms until anything is told"),
    ("first-cpu", "ms of CPU to name it"),
    ("first-anonymous", "KiB allocated"),
    ("first-mapped", "KiB of files in memory"),
];

#[derive(Default)]
struct Stalls {
    begun: Mutex<Vec<Instant>>,
    known: AtomicUsize,
}

pub(crate) fn child(way: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log.jsonl");
    let mut builder = two_workers();
    builder.enable_all();
    let config = stallscope_instrument::Config::new().threshold(THRESHOLD).grace(Duration::ZERO).log(&log);
    let guard = config.install(&mut builder).expect("it installs");
    let runtime = builder.build().expect("the runtime is built");
    let stalls = Arc::new(Stalls::default());
    let block = if way == "sleeps" { sleep } else { compute };
    let before = Cost::now();
    let blocking = runtime.spawn(block_often(Arc::clone(&stalls), block));
    let (told, known) = follow(&log, &stalls);
    drop(blocking);
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    child::tell("first-told", told);
    for (number, (latency, cost)) in known.into_iter().enumerate() {
        if number > 0 {
            child::tell("known", latency);
            continue;
        }
        child::tell("first-known", latency);
        child::tell("first-cpu", cost.cpu_ms - before.cpu_ms);
        child::tell("first-anonymous", cost.anonymous_kib - before.anonymous_kib);
        child::tell("first-mapped", cost.mapped_kib - before.mapped_kib);
    }
}

async fn block_often(stalls: Arc<Stalls>, block: fn()) {
    for number in 0..STALLS {
        tokio::time::sleep(FREE).await;
        stalls.begun.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        block();
        // The first line takes its time, and the next stall is not to wait for it.
        let begun = Instant::now();
        while stalls.known.load(Relaxed) <= number && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn sleep() {
    thread::sleep(BLOCKED);
}

fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < BLOCKED {
        black_box((0..1000).fold(0u64, |sum, next| black_box(sum + next)));
    }
}

/// What the instrument has taken so far.
#[derive(Clone, Copy)]
struct Cost {
    cpu_ms: f64,
    anonymous_kib: f64,
    mapped_kib: f64,
}

impl Cost {
    fn now() -> Self {
        Self {
            cpu_ms: process::threads_cpu_ns(std::process::id(), "stallscope-sym") as f64 / 1e6,
            anonymous_kib: process::memory_kib("RssAnon"),
            mapped_kib: process::memory_kib("RssFile"),
        }
    }
}

/// Reads the log as it grows. When anything was told of the first stall, and when each one's line was known, both in
/// milliseconds after the threshold.
fn follow(log: &Path, stalls: &Stalls) -> (f64, Vec<(f64, Cost)>) {
    let mut reader = BufReader::new(File::open(log).expect("the log is there"));
    let (mut line, mut told, mut known) = (String::new(), None, Vec::new());
    let begun = Instant::now();
    while known.len() < STALLS && begun.elapsed() < PATIENCE {
        if reader.read_line(&mut line).expect("the log is text") == 0 || !line.ends_with('\n') {
            thread::sleep(Duration::from_micros(200));
            continue;
        }
        let now = Instant::now();
        let value: Value = serde_json::from_str(&line).expect("a line of the log is JSON");
        line.clear();
        if value["kind"] != "stall" {
            continue;
        }
        let begun = stalls.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = begun.last() else { continue };
        let late = now.duration_since(*last).as_secs_f64() * 1e3 - THRESHOLD.as_secs_f64() * 1e3;
        told.get_or_insert(late);
        let culprit = value["stack"]["culprit"].as_u64().map(|at| &value["stack"]["frames"][at as usize]);
        if culprit.is_some_and(|frame| frame["line"].is_u64()) && known.len() < begun.len() {
            known.push((late, Cost::now()));
            stalls.known.fetch_add(1, Relaxed);
        }
    }
    (told.unwrap_or(f64::NAN), known)
}
