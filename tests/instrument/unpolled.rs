//! Tasks that are spawned and not polled.

use crate::harness::program::Program;
use crate::harness::{Seen, current_thread, ms, multi_thread, program, run};
use stallscope_wire::{Line, Unpolled};
use std::future::pending;
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::yield_now;
use tokio::time::sleep;

/// Far longer than the limit, and than it takes to look.
const HELD: Duration = ms(2500);

fn limited(program: Program) -> Program {
    program.with("STALLSCOPE_NEVER_POLLED", "500ms")
}

fn told(seen: &Seen) -> Vec<&Unpolled> {
    let lines = seen.log().lines.iter();
    lines.filter_map(|line| if let Line::Unpolled(unpolled) = line { Some(unpolled) } else { None }).collect()
}

/// Something for another worker to get on with.
async fn ticks() {
    loop {
        sleep(ms(5)).await;
    }
}

/// The line of this file at which something was spawned.
fn line(spawned_at: &str) -> Option<u32> {
    let (_, place) = spawned_at.rsplit_once("unpolled.rs:")?;
    place.split(':').next()?.parse().ok()
}

const HOLDS: u32 = line!() + 5;
const WAITS: u32 = line!() + 5;

/// The task that is spawned last stays with the worker that spawned it: no other may take it.
async fn spawns_and_blocks() {
    tokio::spawn(async {
        let waits = tokio::spawn(async {});
        thread::sleep(HELD);
        waits.await.unwrap();
    })
    .await
    .unwrap();
}

#[test]
fn a_task_that_a_blocked_worker_keeps_is_told_of_and_so_is_what_keeps_it() {
    let program = program(|| {
        run(multi_thread(), async {
            drop(tokio::spawn(ticks()));
            spawns_and_blocks().await;
            // For another look.
            sleep(ms(100)).await;
        });
    });
    let seen = limited(program).run().ended();
    let told = told(&seen);
    let [first, .., last] = told[..] else { panic!("{told:#?}") };
    assert!(told.iter().all(|line| line.task == first.task), "{told:#?}");
    assert!(first.ongoing && !last.ongoing, "{told:#?}");
    assert!(first.waited_ns >= 500_000_000 && last.waited_ns > first.waited_ns, "{told:#?}");
    assert_eq!(line(&first.spawned_at), Some(WAITS), "{first:#?}");
    let longest = first.instead.first().and_then(|ran| line(&ran.spawned_at));
    assert_eq!(longest, Some(HOLDS), "{first:#?}");
}

#[test]
fn a_task_that_another_worker_takes_is_not_told_of() {
    let program = program(|| {
        run(multi_thread(), async {
            drop(tokio::spawn(ticks()));
            tokio::spawn(async {
                let waits = tokio::spawn(async { pending::<()>().await });
                yield_now().await;
                thread::sleep(HELD);
                waits.abort();
            })
            .await
            .unwrap();
        });
    });
    let seen = limited(program).run().ended();
    assert_eq!(told(&seen), Vec::<&Unpolled>::new());
    assert_eq!(seen.log().stalls().len(), 1, "the worker was blocked all the same");
}

#[test]
fn a_task_of_a_runtime_that_does_not_get_on_is_not_told_of() {
    let program = program(|| {
        let mut builder = current_thread();
        let _guard = stallscope::install(&mut builder).unwrap();
        let runtime = builder.build().unwrap();
        runtime.block_on(spawns_and_blocks());
        // Nobody drives it from here on.
        drop(runtime.spawn(async {}));
        thread::sleep(HELD);
    });
    let seen = limited(program).run().ended();
    assert_eq!(told(&seen), Vec::<&Unpolled>::new());
}

#[test]
fn a_task_behind_many_others_is_told_of_with_them() {
    const BUSY: u32 = line!() + 7;
    let program = program(|| {
        run(current_thread(), async {
            let begun = Instant::now();
            while begun.elapsed() < HELD {
                let before = Instant::now();
                // The queue is served in order: what is spawned behind it waits.
                let busy: Vec<_> = (0..300).map(|_| tokio::spawn(async { thread::sleep(ms(10)) })).collect();
                drop(tokio::spawn(async {}));
                for task in busy {
                    task.await.unwrap();
                }
                assert!(before.elapsed() > ms(500));
            }
        });
    });
    let seen = limited(program).run().ended();
    let told = told(&seen);
    let at_one_time = told.iter().scan(0, |waiting, line| {
        *waiting = if line.ongoing { *waiting + 1 } else { *waiting - 1 };
        Some(*waiting)
    });
    let most = at_one_time.max();
    assert!((1..=64).contains(&most.unwrap_or(0)), "{most:?}");
    let begins: Vec<u64> = told.iter().filter(|line| line.ongoing).map(|line| line.at_ns).collect();
    let second = Duration::from_secs(1).as_nanos() as u64;
    assert!(begins.windows(33).all(|begins| begins[32] - begins[0] >= second), "{begins:?}");
    assert!(seen.log().history.lost().first_polls > 0, "the others are counted");
    let longest = told[0].instead.first().and_then(|ran| line(&ran.spawned_at));
    assert_eq!(longest, Some(BUSY), "{:#?}", told[0]);
}
