//! What the instrument's own threads take of a processor.

use crate::measure::{Table, child, interleaved, process};
use crate::poll::Yields;
use crate::variant::{Variant, two_workers};
use stallscope_instrument::Config;
use std::thread;
use std::time::{Duration, Instant};

/// From start to the first look, which leaves the start-up out, and from there to the last.
const SETTLING: Duration = Duration::from_secs(1);
const WATCHED: Duration = Duration::from_secs(4);

const THREADS: [&str; 3] = ["stallscope-dog", "stallscope-sym", "stallscope-out"];

pub(crate) fn run(rounds: usize) {
    let how = format!(
        "percent of one core over {WATCHED:?}, of a program with 2 workers; {rounds} rounds, each in a process of its own"
    );
    let mut table = Table::new("watchdog", &how);
    for load in ["idle", "busy"] {
        let variants = Variant::USED;
        let mut own = vec![vec![Vec::new(); variants.len()]; THREADS.len()];
        let whole = interleaved(rounds, variants.len(), |variant| {
            let figures = child::measure("watchdog", &format!("{load}-{}", variants[variant].name()));
            for (thread, own) in THREADS.iter().zip(&mut own) {
                own[variant].push(figures[*thread][0]);
            }
            figures["whole"][0]
        });
        table = table.group(
            &format!("{load}: the whole process"),
            variants.map(Variant::name).into_iter().zip(&whole),
        );
        for (thread, own) in THREADS.iter().zip(&own) {
            let watched = variants.into_iter().zip(own).filter(|(variant, _)| variant.is_watched());
            let watched = watched.map(|(variant, own)| (variant.name(), own));
            table = table.group(&format!("{load}: the thread {thread}"), watched);
        }
    }
    table.print();
}

pub(crate) fn child(variant: &str) {
    let (load, variant) = variant.split_once('-').expect("a load and a variant");
    let mut builder = two_workers();
    builder.enable_all();
    let (runtime, guard) = Variant::named(variant).build(builder, Config::new());
    let tasks = if load == "busy" { 8 } else { 0 };
    let working: Vec<_> = (0..tasks).map(|_| runtime.spawn(Yields(u32::MAX))).collect();
    thread::sleep(SETTLING);
    let cpu = |prefix| process::threads_cpu_ns(std::process::id(), prefix);
    let (begun, before, whole) = (Instant::now(), THREADS.map(cpu), process::cpu_ns());
    thread::sleep(WATCHED);
    let percent = |spent: u64| spent as f64 * 100.0 / begun.elapsed().as_nanos() as f64;
    child::tell("whole", percent(process::cpu_ns() - whole));
    for (thread, before) in THREADS.into_iter().zip(before) {
        child::tell(thread, percent(cpu(thread) - before));
    }
    working.iter().for_each(tokio::task::JoinHandle::abort);
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
}
