//! What the instrument adds to a poll: process-CPU nanoseconds per poll, plain, with empty hooks, and in each mode.
//!
//! All variants run interleaved in one process, round after round, in a rotating order, so that a machine that changes
//! its speed changes it for all. The process's CPU time is counted, with the instrument's own threads in it.
//!
//! `cargo bench -p stallscope-instrument`; the number of rounds may be given: `-- 30`.

use stallscope_instrument::{Mode, set_mode};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const DEFAULT_ROUNDS: usize = 15;
/// Tasks per flavour, and polls of each, in one measurement.
const CURRENT_THREAD: (u32, u32) = (4, 50_000);
const MULTI_THREAD: (u32, u32) = (8, 25_000);

/// Is ready after a number of polls, and wakes itself at each.
struct Yields(u32);

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

#[derive(Clone, Copy, PartialEq)]
enum Variant {
    Plain,
    EmptyHooks,
    Watched(Mode),
}

const VARIANTS: [(Variant, &str); 5] = [
    (Variant::Plain, "plain"),
    (Variant::EmptyHooks, "empty hooks"),
    (Variant::Watched(Mode::Full), "full"),
    (Variant::Watched(Mode::Lean), "lean"),
    (Variant::Watched(Mode::Off), "off"),
];

fn main() {
    // Cargo passes `--bench`, and what the user gives after `--`.
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(DEFAULT_ROUNDS);
    println!("added process-CPU ns per poll, {rounds} interleaved rounds");
    for (flavor, load) in [("current_thread", CURRENT_THREAD), ("multi_thread, 2 workers", MULTI_THREAD)] {
        let mut measured = vec![Vec::new(); VARIANTS.len()];
        for round in 0..rounds {
            for turn in 0..VARIANTS.len() {
                let at = (turn + round) % VARIANTS.len();
                measured[at].push(measure(VARIANTS[at].0, load, flavor == "current_thread"));
            }
        }
        println!("\n{flavor:28} {:>8} {:>8} {:>8} {:>8}", "min", "added", "median", "added");
        let base = (least(&measured[0]), median(&measured[0]));
        for ((_, name), values) in VARIANTS.iter().zip(&measured) {
            let (min, median) = (least(values), median(values));
            println!("  {name:26} {min:8.1} {:+8.1} {median:8.1} {:+8.1}", min - base.0, median - base.1);
        }
    }
}

fn measure(variant: Variant, (tasks, polls): (u32, u32), current_thread: bool) -> f64 {
    let mut builder =
        if current_thread { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(2);
    if variant == Variant::EmptyHooks {
        builder.on_before_task_poll(|_| {}).on_after_task_poll(|_| {});
    }
    let guard = match variant {
        Variant::Watched(mode) => {
            let guard = stallscope_instrument::install(&mut builder).expect("it installs");
            set_mode(mode);
            Some(guard)
        }
        Variant::Plain | Variant::EmptyHooks => None,
    };
    let runtime = builder.build().expect("the runtime is built");
    run(&runtime, tasks, polls);
    let before = cpu_ns();
    run(&runtime, tasks, polls);
    let spent = cpu_ns() - before;
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    spent as f64 / (f64::from(tasks) * f64::from(polls))
}

fn run(runtime: &Runtime, tasks: u32, polls: u32) {
    runtime.block_on(async {
        let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(Yields(polls))).collect();
        for task in tasks {
            task.await.expect("no task panics");
        }
    });
}

fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the process's CPU clock is reached through libc")]
    // SAFETY: the kernel fills the time that is passed to it.
    unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time);
    }
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
