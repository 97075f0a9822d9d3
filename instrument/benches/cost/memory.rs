//! What a task takes more memory.
#![expect(unsafe_code, reason = "an allocator that counts is one that passes on")]

use crate::measure::{Table, child, interleaved, process};
use crate::variant::Variant;
use stallscope_instrument::Config;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::pending;
use tokio::runtime::Builder;

/// Tasks that do nothing, all alive at one time.
const TASKS: u32 = 100_000;
/// Tasks that are over at once, and those of them that are alive at one time.
const SHORT: u32 = 5_000_000;
/// Such tasks that come first: until then the threads of the instrument and its tables have taken their memory.
const SETTLING: u32 = 100_000;
const BATCH: u32 = 1_000;

thread_local! {
    /// Bytes that this thread has allocated and not given back.
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get() + layout.size() as i64);
        // SAFETY: the caller keeps to the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

pub(crate) fn run(rounds: usize) {
    let variants = Variant::USED;
    let mut resident = vec![Vec::new(); variants.len()];
    let mut grown = vec![Vec::new(); variants.len()];
    let allocated = interleaved(rounds, variants.len(), |variant| {
        let figures = child::measure("memory", variants[variant].name());
        resident[variant].push(figures["resident"][0]);
        grown[variant].push(figures["grown"][0]);
        figures["allocated"][0]
    });
    let how = format!(
        "bytes per idle task, of {TASKS} on a current_thread runtime; {rounds} rounds, each in a process of its own"
    );
    Table::new("memory", &how)
        .group("allocated", variants.map(Variant::name).into_iter().zip(&allocated))
        .group("resident", variants.map(Variant::name).into_iter().zip(&resident))
        .group(
            &format!("KiB by which the process grows, resident, with {SHORT} short tasks"),
            variants.map(Variant::name).into_iter().zip(&grown),
        )
        .print();
}

async fn spawn_short(tasks: u32) {
    let mut batch = Vec::with_capacity(BATCH as usize);
    for _ in 0..tasks / BATCH {
        batch.extend((0..BATCH).map(|_| tokio::spawn(async {})));
        for task in batch.drain(..) {
            task.await.expect("no task panics");
        }
    }
}

/// All on one thread, so that what this thread allocates is what the tasks take.
pub(crate) fn child(variant: &str) {
    let (runtime, guard) = Variant::named(variant).build(Builder::new_current_thread(), Config::new());
    runtime.block_on(async {
        // What tokio and the instrument set up once is no growth.
        spawn_short(SETTLING).await;
        let before = process::memory_kib("VmRSS");
        spawn_short(SHORT).await;
        child::tell("grown", process::memory_kib("VmRSS") - before);
        let (allocated, resident) = (LIVE.get(), process::memory_kib("VmRSS"));
        for _ in 0..TASKS {
            tokio::spawn(pending::<()>());
        }
        for _ in 0..TASKS {
            tokio::task::yield_now().await;
        }
        child::tell("allocated", (LIVE.get() - allocated) as f64 / f64::from(TASKS));
        child::tell("resident", (process::memory_kib("VmRSS") - resident) * 1024.0 / f64::from(TASKS));
    });
    drop(guard);
}
