//! What a spawn costs more, through tokio's `spawn` and through ours.

use crate::measure::{Table, interleaved, process};
use crate::variant::{FLAVORS, Variant};
use stallscope_instrument::Config;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::Builder;

/// Tasks in one measurement, and those that are alive at one time.
const TASKS: u32 = 100_000;
const BATCH: u32 = 1_000;
/// Polls of each task, where polls are measured, and such tasks.
const POLLS: u32 = 1_000;
const POLLED: u32 = 10_000;

/// A way to spawn, in a runtime that is watched in one way or not.
#[derive(Clone, Copy)]
struct Way {
    variant: Variant,
    ours: bool,
}

/// The first is what the others are compared with.
const WAYS: [Way; 7] = [
    Way { variant: Variant::Plain, ours: false },
    Way { variant: Variant::EmptyHooks, ours: false },
    Way { variant: Variant::Full, ours: false },
    Way { variant: Variant::Lean, ours: false },
    Way { variant: Variant::Off, ours: true },
    Way { variant: Variant::Full, ours: true },
    Way { variant: Variant::Lean, ours: true },
];

const NAMES: [&str; 7] = [
    "plain",
    "empty hooks",
    "full",
    "lean",
    "stallscope::spawn, off",
    "stallscope::spawn, full",
    "stallscope::spawn, lean",
];

pub(crate) fn run(rounds: usize) {
    let how = format!(
        "process-CPU ns per task that is ready at once: spawn, its one poll, join; {rounds} rounds, in turns"
    );
    table("spawn", &how, rounds, |way, builder| measure(way, builder, TASKS, spawn_and_join));
    let how = format!("process-CPU ns per poll of a task that yields; {rounds} rounds, in turns");
    table("poll by spawn", &how, rounds, |way, builder| measure(way, builder, POLLED * POLLS, poll));
    let how =
        format!("process-CPU ns per call of spawn, before anything is polled; {rounds} rounds, in turns");
    let measured = interleaved(rounds, WAYS.len(), |way| alone(WAYS[way]));
    Table::new("spawn alone", &how).group("current_thread", NAMES.into_iter().zip(&measured)).print();
}

fn table(name: &str, how: &str, rounds: usize, measure: impl Fn(Way, Builder) -> f64) {
    let mut table = Table::new(name, how);
    for flavor in FLAVORS {
        let measured = interleaved(rounds, WAYS.len(), |way| measure(WAYS[way], (flavor.builder)()));
        table = table.group(flavor.name, NAMES.into_iter().zip(&measured));
    }
    table.print();
}

fn measure<F: Future>(way: Way, builder: Builder, times: u32, work: fn(bool, u32) -> F) -> f64 {
    let (runtime, guard) = way.variant.build(builder, Config::new());
    runtime.block_on(work(way.ours, times / 10));
    let before = process::cpu_ns();
    runtime.block_on(work(way.ours, times));
    let spent = process::cpu_ns() - before;
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    spent as f64 / f64::from(times)
}

/// A runtime of one thread polls nothing while that thread spawns.
fn alone(way: Way) -> f64 {
    let (runtime, guard) = way.variant.build(Builder::new_current_thread(), Config::new());
    let spawned = |tasks| async move {
        if way.ours {
            in_batches(tasks, || stallscope_instrument::spawn(async {})).await
        } else {
            in_batches(tasks, || tokio::spawn(async {})).await
        }
    };
    runtime.block_on(spawned(TASKS / 10));
    let spent = runtime.block_on(spawned(TASKS));
    drop((runtime, guard));
    spent as f64 / f64::from(TASKS)
}

async fn spawn_and_join(ours: bool, tasks: u32) {
    if ours {
        in_batches(tasks, || stallscope_instrument::spawn(async {})).await;
    } else {
        in_batches(tasks, || tokio::spawn(async {})).await;
    }
}

/// Spawns and joins; what the calls of spawn alone took.
async fn in_batches<H: Future>(tasks: u32, spawn: impl Fn() -> H) -> u64 {
    let mut batch = Vec::with_capacity(BATCH as usize);
    let mut spent = 0;
    for _ in 0..tasks / BATCH {
        let before = process::cpu_ns();
        batch.extend((0..BATCH).map(|_| spawn()));
        spent += process::cpu_ns() - before;
        for task in batch.drain(..) {
            task.await;
        }
    }
    spent
}

async fn poll(ours: bool, polls: u32) {
    let yields = || async {
        for _ in 0..POLLS {
            tokio::task::yield_now().await;
        }
    };
    if ours {
        in_batches(polls / POLLS, || stallscope_instrument::spawn(yields())).await;
    } else {
        in_batches(polls / POLLS, || tokio::spawn(yields())).await;
    }
}
