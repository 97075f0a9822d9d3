//! Blocking calls return the same, and as late, whether they are watched or not.

mod answered;
mod limited;
mod outcome;
mod processes;

use crate::captures::{Captures, captures};
use crate::harness::{Seen, ms, program};
use outcome::{Outcomes, compute};
use std::env;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, yield_now};

/// A blocking call, made again and again by one task; what it returned, in words.
type Call = (&'static str, Box<dyn FnMut() -> String + Send>);

/// How often each call is made.
const REPEAT: &str = "REPEAT";
/// How long they may take all together, on a crowded machine.
const LONGEST: Duration = Duration::from_secs(300);

/// Makes every call, each on a worker of its own, and prints what they returned how often.
fn make(calls: Vec<Call>) {
    let repeat: u32 = env::var(REPEAT).expect("it is set").parse().expect("it is a number");
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(calls.len()).enable_all();
    let _guard = stallscope::Config::new().threshold(ms(1)).install(&mut builder).unwrap();
    let outcomes = builder.build().unwrap().block_on(async {
        let mut tasks = JoinSet::new();
        for (number, (name, mut call)) in calls.into_iter().enumerate() {
            tasks.spawn(async move {
                let mut outcomes = Outcomes::default();
                // Sleeping for whole seconds is done less often.
                let repeat = if name.starts_with("sleep") { repeat.div_ceil(200) } else { repeat };
                for turn in 0..repeat {
                    // So that a capture finds the thread running, and a call right behind.
                    compute(u64::from(turn) << 8 | number as u64);
                    outcomes.add(name, call());
                    yield_now().await;
                }
                outcomes
            });
        }
        let mut all = Outcomes::default();
        while let Some(outcomes) = tasks.join_next().await {
            all.merge(outcomes.unwrap());
        }
        all
    });
    print!("{outcomes}");
}

/// Checks that a watched program's calls returned what those of an unobserved one did; what the captures brought.
#[track_caller]
fn compare(unobserved: &Seen, watched: &Seen) -> Captures {
    let outcomes = |seen: &Seen| -> Outcomes {
        assert!(seen.status.success(), "{}", seen.stderr);
        seen.stdout.parse().unwrap()
    };
    let (expected, seen, captures) = (outcomes(unobserved), outcomes(watched), captures(watched));
    assert!(expected.kinds().eq(seen.kinds()), "unobserved:\n{expected}watched:\n{seen}{captures:#?}");
    captures
}

#[test]
fn every_blocking_call_returns_what_it_returns_unobserved() {
    let all = || limited::all().into_iter().chain(answered::all()).collect();
    let unobserved = program(|| make(all())).with(REPEAT, "20").with("STALLSCOPE", "off").run();
    let mut watched = program(|| make(all())).with(REPEAT, "1000");
    watched.patience = LONGEST;
    let captures = compare(&unobserved, &watched.run());
    assert!(captures.stacks > 500 && captures.running > 20, "{captures:#?}");
}

#[test]
fn programs_that_are_started_return_what_they_return_unobserved() {
    let unobserved = program(|| make(processes::all())).with(REPEAT, "20").with("STALLSCOPE", "off").run();
    let mut watched = program(|| make(processes::all())).with(REPEAT, "1000");
    watched.patience = LONGEST;
    let captures = compare(&unobserved, &watched.run());
    assert!(captures.stacks > 200, "{captures:#?}");
}
