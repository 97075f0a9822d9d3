//! What the gate adds to the command that it runs: `stallscope check -- COMMAND` beside the bare command.
//!
//! `cargo bench -p stallscope-cli --bench gate`; the number of rounds may be given: `-- 20`. The command is this binary: an
//! instrumented program with some tasks, which ends 5 s after it began. Both run in turns, and each turn is compared with
//! the other of its round: the difference is all that `check` does before, beside and after the command, its log included.

#[path = "../../../instrument/benches/cost/measure/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a part of what the instrument is measured with is enough here")]
mod measure;

use measure::{Table, interleaved, quantile};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DEFAULT_ROUNDS: usize = 20;

/// Tells this binary that it is the command.
const IS_COMMAND: &str = "--is-command";
/// How long the command lasts, as measured by itself.
const LASTS: Duration = Duration::from_secs(5);
const TASKS: u64 = 16;

const VARIANTS: [&str; 2] = ["bare", "check"];

fn main() {
    let begun = Instant::now();
    if std::env::args().any(|argument| argument == IS_COMMAND) {
        return command(begun);
    }
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(DEFAULT_ROUNDS);
    let took = interleaved(rounds, VARIANTS.len(), |variant| took(variant).as_secs_f64() * 1e3);
    Table::new("gate", &format!("a command of {LASTS:?}; {rounds} rounds"))
        .group("ms from start to end", VARIANTS.into_iter().zip(&took))
        .print();
    let added: Vec<_> = took[1].iter().zip(&took[0]).map(|(check, bare)| check - bare).collect();
    let [median, most] = [0.5, 1.0].map(|share| quantile(&added, share));
    println!("  check over bare in the same round, ms: median {median:.1}, most {most:.1}");
}

/// From the start of one run to its end.
fn took(variant: usize) -> Duration {
    let this = std::env::current_exe().expect("a bench knows its binary");
    let mut command = if variant == 0 {
        Command::new(this)
    } else {
        let mut check = Command::new(env!("CARGO_BIN_EXE_stallscope"));
        check.args(["check", "--"]).arg(this);
        check
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE"))
    {
        command.env_remove(name);
    }
    command.arg(IS_COMMAND).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().expect("it runs");
    let took = begun.elapsed();
    assert!(matches!(status.code(), Some(0 | 97)), "{} ended with {status}", VARIANTS[variant]);
    took
}

#[stallscope::main(worker_threads = 2)]
async fn command(begun: Instant) {
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(work(task, begun))).collect();
    for task in tasks {
        task.await.expect("it only waits");
    }
}

async fn work(task: u64, begun: Instant) {
    while begun.elapsed() < LASTS {
        let left = LASTS.saturating_sub(begun.elapsed());
        tokio::time::sleep(left.min(Duration::from_millis(5 + task))).await;
    }
}
