//! Failures that nobody sees, and those that somebody does.

use crate::harness::{Seen, current_thread, ms, multi_thread, program, run};
use stallscope::task::{Builder, JoinSet, spawn_blocking, spawn_fallible, spawn_local};
use stallscope_wire::{Certainty, Failure, How, Line};
use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::panic;
use tokio::runtime::Builder as RuntimeBuilder;
use tokio::task::{LocalSet, yield_now};
use tokio::time::timeout;

/// Where the panics of this file are.
async fn fail() {
    yield_now().await;
    panic!("it fails"); // blocks here
}

/// Waits for what becomes true without waking anybody.
async fn until(mut holds: impl FnMut() -> bool) {
    timeout(ms(20_000), async {
        while !holds() {
            tokio::time::sleep(ms(1)).await;
        }
    })
    .await
    .expect("it comes true");
}

fn failures(seen: &Seen) -> Vec<&Failure> {
    let failures = seen.log().lines.iter().filter_map(|line| match line {
        Line::Failure(failure) => Some(failure),
        _ => None,
    });
    failures.collect()
}

/// Runs a program, and gives the failures that it told of.
#[track_caller]
fn told(seen: &Seen, of: Certainty) -> Vec<&Failure> {
    failures(seen).into_iter().filter(|failure| failure.certainty == of).collect()
}

fn quietly<F: Future>(builder: RuntimeBuilder, root: F) -> F::Output {
    panic::set_hook(Box::new(|_| {}));
    run(builder, root)
}

#[test]
fn a_panic_is_told_whether_the_handle_is_dropped_before_or_after_it() {
    let program = program(|| {
        quietly(multi_thread(), async {
            let after = stallscope::spawn(async { panic!("before the handle") });
            until(|| after.is_finished()).await;
            drop(after);
            let (end, ended) = tokio::sync::oneshot::channel::<()>();
            let before = stallscope::spawn(async {
                drop(ended.await);
                panic!("after the handle") // blocks here
            });
            let abort = before.abort_handle();
            drop((before, end));
            until(|| abort.is_finished()).await;
        });
    });
    let seen = program.run();
    let marked = seen.marked();
    let told = told(&seen, Certainty::Exact);
    let said: Vec<_> = told.iter().map(|failure| failure.message.as_str()).collect();
    assert_eq!(said, ["before the handle", "after the handle"], "{told:#?}");
    let place = told[1].place.as_deref().expect("the hook has seen it");
    assert!(place.starts_with(&format!("{marked}:")), "{place} is not {marked}");
    assert!(told.iter().all(|failure| failure.how == How::Panic && failure.task != 0), "{told:#?}");
    assert!(told.iter().all(|failure| failure.spawned_at.contains("tasks/failing.rs:")), "{told:#?}");
}

#[test]
fn a_failure_that_was_seen_is_not_told() {
    let program = program(|| {
        quietly(multi_thread(), async {
            assert!(stallscope::spawn(fail()).await.is_err());
            let handle = stallscope::spawn(fail());
            let other: tokio::task::JoinHandle<()> = handle.into();
            drop(other);
            let mut set = JoinSet::new();
            set.spawn(fail());
            set.spawn(async {});
            set.spawn_blocking(|| panic!("in the pool"));
            while set.join_next().await.is_some() {}
            assert!(spawn_fallible(async { Err::<(), _>("an error") }).await.unwrap().is_err());
            let aborted = stallscope::spawn(pending::<()>());
            aborted.abort();
            let abort = aborted.abort_handle();
            drop(aborted);
            until(|| abort.is_finished()).await;
            drop(stallscope::spawn(async { panic::catch_unwind(|| panic!("caught")).is_err() }));
            let mut cancelled = JoinSet::new();
            cancelled.spawn(pending::<()>());
            cancelled.shutdown().await;
        });
    });
    let seen = program.run().ended();
    let told = told(&seen, Certainty::Exact);
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn what_a_set_takes_along_is_told() {
    let program = program(|| {
        quietly(multi_thread(), async {
            let mut dropped: JoinSet<()> = JoinSet::new();
            let failed = dropped.spawn(async { panic!("dropped") });
            until(|| failed.is_finished()).await;
            drop(dropped);
            let mut detached: JoinSet<Result<(), io::Error>> = JoinSet::new();
            let (end, ended) = tokio::sync::oneshot::channel::<()>();
            let late = detached.spawn_fallible(async {
                drop(ended.await);
                Err(io::Error::other("detached"))
            });
            detached.detach_all();
            drop(end);
            until(|| late.is_finished()).await;
            let mut shut = JoinSet::new();
            let failed = shut.spawn_blocking(|| panic!("shut down"));
            until(|| failed.is_finished()).await;
            shut.shutdown().await;
        });
    });
    let seen = program.run();
    let said: Vec<_> = told(&seen, Certainty::Exact).iter().map(|failure| failure.message.clone()).collect();
    assert_eq!(said, ["dropped", "detached", "shut down"]);
}

#[test]
fn errors_are_told_with_what_they_say() {
    let program = program(|| {
        run(current_thread(), async {
            let known = stallscope::spawn(async { Err::<(), _>(io::Error::other("of std")) });
            let own = spawn_fallible(async { Err::<Infallible, _>("x".repeat(2000)) });
            let pool = spawn_blocking(|| Err::<(), String>("of the pool".to_owned()));
            let named = Builder::new().name("mailer").spawn_fallible(async { "x".parse::<u8>() }).unwrap();
            until(|| known.is_finished() && own.is_finished() && pool.is_finished()).await;
            until(|| named.is_finished()).await;
            drop((known, own, pool, named));
        });
    });
    let seen = program.run().ended();
    let told = told(&seen, Certainty::Exact);
    let said: Vec<_> = told.iter().map(|failure| failure.message.clone()).collect();
    assert_eq!(said, ["of std", &"x".repeat(512), "of the pool", "invalid digit found in string"]);
    assert!(told.iter().all(|failure| failure.how == How::Error && failure.place.is_none()), "{told:#?}");
    assert_eq!(told[3].name.as_deref(), Some("mailer"));
    // One word for each line that is to be looked at.
    assert_eq!(seen.stderr.matches("nobody saw it").count(), 4, "{}", seen.stderr);
}

#[test]
fn a_panic_on_the_way_out_is_told_and_the_runtimes_end_is_no_failure() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("while it is dropped");
        }
    }
    let program = program(|| {
        quietly(current_thread(), async {
            let local = LocalSet::new();
            local
                .run_until(async {
                    let aborted = spawn_local(async {
                        let _panics = Panics;
                        pending::<()>().await;
                    });
                    yield_now().await;
                    aborted.abort();
                    until(|| aborted.is_finished()).await;
                })
                .await;
            drop(stallscope::spawn(pending::<()>()));
            drop(stallscope::spawn(tokio::time::sleep(ms(3_600_000))));
            yield_now().await;
        });
    });
    let seen = program.run();
    let said: Vec<_> = told(&seen, Certainty::Exact).iter().map(|failure| failure.message.clone()).collect();
    assert_eq!(said, ["while it is dropped"]);
}

#[test]
fn of_tokios_own_tasks_a_panic_is_probable_and_one_that_was_caught_is_nothing() {
    let program = program(|| {
        quietly(multi_thread(), async {
            tokio::spawn(async {
                drop(panic::catch_unwind(|| panic!("caught")));
                yield_now().await;
            })
            .await
            .unwrap();
            assert!(tokio::spawn(async { panic!("tokio's") }).await.is_err()); // blocks here
        });
    });
    let seen = program.run();
    let (exact, probable) = (told(&seen, Certainty::Exact), told(&seen, Certainty::Probable));
    assert!(exact.is_empty(), "{exact:#?}");
    let [failure] = probable[..] else { panic!("one of {probable:#?}") };
    assert_eq!((failure.message.as_str(), failure.how), ("tokio's", How::Panic));
    let place = failure.place.as_deref().unwrap_or_default();
    assert!(place.starts_with(&format!("{}:", seen.marked())), "{place}");
    assert_eq!(seen.stderr, "", "somebody may have seen it");
}

#[test]
fn the_apps_own_panic_hook_runs_as_before() {
    let program = program(|| {
        panic::set_hook(Box::new(|info| {
            eprintln!("theirs: {}", info.payload().downcast_ref::<&str>().unwrap());
        }));
        run(multi_thread(), async {
            assert!(stallscope::spawn(async { panic!("one") }).await.is_err());
            assert!(tokio::spawn(async { panic!("two") }).await.is_err());
        });
        std::thread::spawn(|| panic!("three")).join().unwrap_err();
    });
    assert_eq!(program.run().ended().stderr, "theirs: one\ntheirs: two\ntheirs: three\n");
}

#[test]
fn a_hook_that_is_set_over_ours_is_a_gap() {
    let program = program(|| {
        run(multi_thread(), async {
            panic::set_hook(Box::new(|_| {}));
            let handle = stallscope::spawn(fail());
            until(|| handle.is_finished()).await;
            drop(handle);
        });
    });
    let seen = program.run();
    assert!(seen.gap("where tasks panic").cure.contains("before the runtime"), "{:#?}", seen.log().lines);
    let [failure] = told(&seen, Certainty::Exact)[..] else { panic!("{:#?}", failures(&seen)) };
    assert_eq!((failure.message.as_str(), failure.place.as_deref()), ("it fails", None));
}

#[test]
fn in_mode_off_and_unwatched_nothing_is_told() {
    let program = program(|| {
        panic::set_hook(Box::new(|_| {}));
        multi_thread().build().unwrap().block_on(async {
            let unwatched = stallscope::spawn(fail());
            until(|| unwatched.is_finished()).await;
        });
        run(multi_thread(), async {
            stallscope::set_mode(stallscope::Mode::Off);
            let off = stallscope::spawn(fail());
            until(|| off.is_finished()).await;
        });
    });
    let seen = program.run();
    assert!(failures(&seen).is_empty(), "{:#?}", failures(&seen));
}
