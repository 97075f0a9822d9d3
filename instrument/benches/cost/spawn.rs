//! What a spawn costs more.

use crate::measure::{Table, interleaved, process};
use crate::variant::{FLAVORS, Variant};
use stallscope_instrument::Config;
use std::time::Duration;
use tokio::runtime::Builder;

/// Tasks in one measurement, and those that are alive at one time.
const TASKS: u32 = 100_000;
const BATCH: u32 = 1_000;

pub(crate) fn run(rounds: usize) {
    let how = format!(
        "process-CPU ns per task that is ready at once: spawn, its one poll, join; {rounds} rounds, in turns"
    );
    let mut table = Table::new("spawn", &how);
    for flavor in FLAVORS {
        let variants = Variant::USED;
        let measured =
            interleaved(rounds, variants.len(), |variant| measure(variants[variant], (flavor.builder)()));
        table = table.group(flavor.name, variants.map(Variant::name).into_iter().zip(&measured));
    }
    table.print();
}

fn measure(variant: Variant, builder: Builder) -> f64 {
    let (runtime, guard) = variant.build(builder, Config::new());
    runtime.block_on(spawn(TASKS / 10));
    let before = process::cpu_ns();
    runtime.block_on(spawn(TASKS));
    let spent = process::cpu_ns() - before;
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    spent as f64 / f64::from(TASKS)
}

async fn spawn(tasks: u32) {
    let mut batch = Vec::with_capacity(BATCH as usize);
    for _ in 0..tasks / BATCH {
        batch.extend((0..BATCH).map(|_| tokio::spawn(async {})));
        for task in batch.drain(..) {
            task.await.expect("no task panics");
        }
    }
}
