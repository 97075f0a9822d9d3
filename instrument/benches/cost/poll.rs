//! What a poll costs more: process-CPU nanoseconds, the instrument's own threads among them.

use crate::measure::{Table, interleaved, process};
use crate::variant::{FLAVORS, Variant};
use stallscope_instrument::Config;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Tasks, and polls of each, in one measurement.
const LOAD: (u32, u32) = (8, 25_000);

/// Is ready after a number of polls, and wakes itself at each.
pub(crate) struct Yields(pub(crate) u32);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

pub(crate) fn run(rounds: usize) {
    let how = format!("process-CPU ns per poll of a task that only yields; {rounds} rounds, in turns");
    let mut table = Table::new("poll", &how);
    for flavor in FLAVORS {
        let variants = Variant::ALL;
        let measured = interleaved(rounds, variants.len(), |variant| {
            measure(variants[variant], (flavor.builder)(), LOAD)
        });
        table = table.group(flavor.name, variants.map(Variant::name).into_iter().zip(&measured));
    }
    table.print();
}

fn measure(variant: Variant, builder: Builder, (tasks, polls): (u32, u32)) -> f64 {
    let (runtime, guard) = variant.build(builder, Config::new());
    poll(&runtime, tasks, polls);
    let before = process::cpu_ns();
    poll(&runtime, tasks, polls);
    let spent = process::cpu_ns() - before;
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    spent as f64 / (f64::from(tasks) * f64::from(polls))
}

fn poll(runtime: &Runtime, tasks: u32, polls: u32) {
    runtime.block_on(async {
        let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(Yields(polls))).collect();
        for task in tasks {
            task.await.expect("no task panics");
        }
    });
}
