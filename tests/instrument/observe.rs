//! What a scope blocks, and what of it is left when it ends.

use crate::harness::{LONG, current_thread, ms, multi_thread, program, run};
use stallscope::{AliveTasks, Observed, observe};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinSet, yield_now};

/// Runs a future on watched runtimes of both flavours.
fn on_both<F: Future>(future: impl Fn() -> F) {
    run(multi_thread(), future());
    run(current_thread(), future());
}

/// The lines with how many tasks that they spawned, in the order of the lines.
fn lines<T>(observed: &Observed<T>) -> Vec<(u32, usize)> {
    let line = |tasks: &AliveTasks| {
        let mut parts = tasks.spawned_at.rsplit(':').skip(1);
        (parts.next().and_then(|line| line.parse().ok()).expect("a line"), tasks.count)
    };
    let mut lines: Vec<_> = observed.tasks_alive().iter().map(line).collect();
    lines.sort_unstable();
    lines
}

/// What the assertion of leaked tasks says when it fails.
fn refusal<T>(observed: &Observed<T>) -> String {
    said(|| _ = observed.assert_no_leaked_tasks())
}

/// What an assertion says when it fails.
fn said(assertion: impl FnOnce()) -> String {
    let refused = catch_unwind(AssertUnwindSafe(assertion));
    *refused.expect_err("it is refused").downcast::<String>().expect("a message")
}

/// A library's function that spawns a task for ever, and one that ends.
async fn serve(ends: bool) {
    let task = tokio::spawn(async move {
        if !ends {
            pending::<()>().await;
        }
    });
    if ends {
        task.await.unwrap();
    }
}

#[test]
fn tasks_that_live_on_are_told_by_their_line() {
    program(|| {
        on_both(|| async {
            let observed = observe(async {
                (0..3).for_each(|_| drop(tokio::spawn(pending::<()>())));
                tokio::spawn(async {}).await.unwrap();
                line!() - 2
            });
            let observed = observed.await;
            assert_eq!(lines(&observed), [(observed.output, 3)]);
            let said = refusal(&observed);
            let place = format!("\n  3 spawned at tests/instrument/observe.rs:{}:", observed.output);
            assert!(
                said.starts_with("3 tasks live on after the end, limit 0:") && said.contains(&place),
                "{said}"
            );
        });
    })
    .run()
    .ended();
}

#[test]
fn what_was_made_to_end_is_no_leak() {
    let seen = program(|| {
        on_both(|| async {
            for _ in 0..200 {
                let observed = observe(async {
                    tokio::spawn(pending::<()>()).abort();
                    let mut set = JoinSet::new();
                    (0..3).for_each(|_| drop(set.spawn(pending::<()>())));
                    drop(set);
                    // Ends only after the scope: it is woken by what ends there.
                    let (dropped, ended) = oneshot::channel::<()>();
                    tokio::spawn(async { tokio::spawn(ended).await.unwrap() });
                    tokio::task::spawn_blocking(|| {}).await.unwrap();
                    tokio::spawn(yield_now()).await.unwrap();
                    drop(dropped);
                });
                observed.await.assert_no_leaked_tasks();
            }
        });
    });
    // On a crowded machine the time that it takes to read in a page may be a stall.
    let told = seen.run().ended().stderr;
    assert!(told.lines().all(|line| line.contains(" blocks thread ")), "{told}");
}

#[test]
fn descendants_are_the_scopes_and_nobody_elses_tasks_are() {
    program(|| {
        on_both(|| async {
            let stop = Arc::new(Notify::new());
            let of_others = tokio::spawn({
                let stop = Arc::clone(&stop);
                async move {
                    let spawn_one = || drop(tokio::spawn(pending::<()>()));
                    while tokio::time::timeout(std::time::Duration::ZERO, stop.notified()).await.is_err() {
                        spawn_one();
                        yield_now().await;
                    }
                }
            });
            let observed = observe(async {
                // What spawned it is gone by the end of the scope.
                let spawned = tokio::spawn(async { drop(tokio::spawn(async { serve(false).await })) });
                spawned.await.unwrap();
                for _ in 0..20 {
                    yield_now().await;
                }
            });
            let observed = observed.await;
            stop.notify_one();
            of_others.await.unwrap();
            assert_eq!(
                observed.tasks_alive().iter().map(|tasks| tasks.count).sum::<usize>(),
                1,
                "{observed:#?}"
            );
        });
    })
    .run()
    .ended();
}

#[test]
fn scopes_in_one_task_in_one_runtime_and_in_two_do_not_mix() {
    let seen = program(|| {
        let both = || async {
            let (leaks, clean) = tokio::join!(observe(serve(false)), observe(serve(true)));
            assert_eq!(lines(&leaks).len(), 1);
            clean.assert_no_leaked_tasks();
            let leaks = tokio::spawn(observe(serve(false)));
            let clean = tokio::spawn(observe(serve(true)));
            clean.await.unwrap().assert_no_leaked_tasks();
            assert_eq!(leaks.await.unwrap().tasks_alive()[0].count, 1);
        };
        let other = thread::spawn(move || run(multi_thread(), both()));
        run(current_thread(), both());
        other.join().unwrap();
    });
    assert_eq!(seen.run().ended().stderr, "");
}

#[test]
fn a_scope_within_a_scope_counts_for_both() {
    let seen = program(|| {
        on_both(|| async {
            let outer = observe(async {
                let inner = tokio::spawn(observe(serve(false))).await.unwrap();
                tokio::spawn(pending::<()>());
                inner.tasks_alive().to_vec()
            });
            let outer = outer.await;
            assert_eq!(outer.output.len(), 1);
            assert_eq!(outer.tasks_alive().len(), 2);
            assert!(outer.tasks_alive().contains(&outer.output[0]));
        });
    });
    assert_eq!(seen.run().ended().stderr, "");
}

#[test]
fn a_scope_that_is_given_up_leaves_nothing_behind() {
    let seen = program(|| {
        run(current_thread(), async {
            let outer = observe(async {
                tokio::select! {
                    biased;
                    _ = observe(async { serve(false).await; pending::<()>().await }) => unreachable!(),
                    () = yield_now() => {}
                }
            });
            assert_eq!(outer.await.tasks_alive().len(), 1, "it is the outer scope's now");
            observe(serve(true)).await.assert_no_leaked_tasks();
        });
    });
    assert_eq!(seen.run().ended().stderr, "");
}

#[test]
fn where_tasks_are_not_told_of_nothing_is_ruled_out() {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.build().unwrap();
    let observed = runtime.block_on(observe(async { drop(tokio::spawn(pending::<()>())) }));
    assert!(observed.tasks_alive().is_empty() && !observed.coverage().complete);
    let said = refusal(&observed);
    assert!(said.contains("not seen are tasks") && said.contains("stallscope::install"), "{said}");
}

#[test]
fn a_task_that_ends_after_its_scope_is_waited_for() {
    let seen = program(|| {
        on_both(|| async {
            static ENDED: AtomicBool = AtomicBool::new(false);
            let observed = observe(async {
                tokio::spawn(async {
                    for _ in 0..50 {
                        yield_now().await;
                    }
                    ENDED.store(true, SeqCst);
                });
            });
            observed.await.assert_no_leaked_tasks();
            assert!(ENDED.swap(false, SeqCst));
        });
    });
    assert_eq!(seen.run().ended().stderr, "");
}

#[test]
fn a_stall_is_the_scopes_that_it_was_in() {
    program(|| {
        on_both(|| async {
            // In tasks of their own: a root future that the program polls itself is not watched everywhere.
            let guilty = tokio::spawn(observe(async {
                tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
                line!() - 1
            }));
            let innocent = tokio::spawn(observe(async {
                for _ in 0..50 {
                    tokio::time::sleep(ms(2)).await;
                }
            }));
            let (guilty, innocent) = (guilty.await.unwrap(), innocent.await.unwrap());
            innocent.assert_no_stalls().assert_no_leaked_tasks();
            let place = format!("tests/instrument/observe.rs:{}", guilty.output);
            assert!(guilty.stalls()[0].culprit.to_string().ends_with(&place), "{:#?}", guilty.stalls());
            let said = said(|| _ = guilty.assert_no_stalls());
            assert!(said.contains(&format!("{place} (syscall clock_nanosleep), limit 100ms\n")), "{said}");
            assert!(said.contains("\n  → "), "{said}");
            guilty.assert_max_stall(ms(60_000));

            let own = async {
                thread::sleep(LONG);
                line!() - 1
            };
            let own = tokio::spawn(observe(own)).await.unwrap();
            let place = format!("tests/instrument/observe.rs:{}", own.output);
            assert!(own.stalls()[0].culprit.to_string().ends_with(&place), "{:#?}", own.stalls());
        });
    })
    .run()
    .ended();
}

#[test]
fn lag_is_told_of_the_time_of_the_scope() {
    program(|| {
        run(current_thread(), async {
            let busy = observe(async {
                tokio::time::sleep(ms(50)).await;
                thread::sleep(4 * LONG);
            });
            let busy = busy.await;
            let said = said(|| _ = busy.assert_max_lag(ms(100)));
            assert!(said.starts_with("new work waited ") && said.contains(", limit 100ms\n"), "{said}");
            let quiet = observe(tokio::time::sleep(ms(50))).await;
            let of_busy = |wait: &stallscope::analysis::Finding| wait.max_ns >= LONG.as_nanos() as u64 / 2;
            assert!(busy.lags().iter().any(of_busy) && !quiet.lags().iter().any(of_busy), "{quiet:#?}");
        });
    })
    .run()
    .ended();
}

#[test]
fn what_is_shorter_than_the_runtime_tells_cannot_be_asserted() {
    program(|| {
        run(current_thread(), async {
            let observed = observe(async {}).await;
            observed.assert_no_stalls().assert_max_stall(ms(100)).assert_max_lag(ms(100));
            let said_of_stalls = said(|| _ = observed.assert_max_stall(ms(20)));
            let told = "no stall was seen, but not seen are stalls shorter than 100ms";
            assert!(
                said_of_stalls.starts_with(told) && said_of_stalls.contains("Config::threshold"),
                "{said_of_stalls}"
            );
            let said_of_lag = said(|| _ = observed.assert_max_lag(ms(20)));
            assert!(said_of_lag.contains("Config::lag_limit"), "{said_of_lag}");
        });
        run(multi_thread(), async {
            let observed = observe(async {}).await;
            let said = said(|| _ = observed.assert_no_stalls());
            assert!(said.contains("a root future that is not watched"), "{said}");
        });
    })
    .run()
    .ended();
}

#[test]
fn futures_are_counted_in_the_scope_that_made_them() {
    program(|| {
        on_both(|| async {
            let outside = stallscope::watched(async {});
            let (dropping, awaiting) = tokio::join!(
                observe(async {
                    drop(stallscope::watched(async {}));
                    let line = line!() - 1;
                    tokio::spawn(async { drop(stallscope::watched(async {})) }).await.unwrap();
                    line
                }),
                observe(async {
                    drop(outside);
                    stallscope::watched(yield_now()).await;
                }),
            );
            awaiting.assert_no_never_awaited();
            let lines: Vec<_> =
                dropping.never_awaited().iter().map(|finding| finding.culprit.line.unwrap()).collect();
            assert_eq!(lines, [dropping.output, dropping.output + 2]);
            let said = said(|| _ = dropping.assert_no_never_awaited());
            assert!(said.starts_with("1 future made at tests/instrument/observe.rs:"), "{said}");
        });
    })
    .run()
    .ended();
}

#[test]
fn sockets_that_stay_open_are_told_unless_others_may_have_opened_them() {
    program(|| {
        on_both(|| async {
            let bind = || async { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap() };
            let _before = bind().await;
            let keeping = observe(async {
                drop(bind().await);
                bind().await
            });
            let keeping = keeping.await;
            let told = format!("TCP {} (LISTEN)", keeping.output.local_addr().unwrap());
            assert_eq!(keeping.sockets_open().join(", "), told);
            assert!(said(|| _ = keeping.assert_no_leaked_sockets()).contains(&told));
            observe(async { drop(bind().await) }).await.assert_no_leaked_sockets();
            let (one, _other) = tokio::join!(observe(yield_now()), observe(yield_now()));
            let said = said(|| _ = one.assert_no_leaked_sockets());
            assert!(said.contains("other scopes were open in it"), "{said}");
        });
    })
    .run()
    .ended();
}

#[test]
fn what_our_functions_spawn_is_seen_in_any_runtime() {
    for mut builder in [Builder::new_multi_thread(), Builder::new_current_thread()] {
        builder.build().unwrap().block_on(async {
            let observed = observe(async {
                let spawned = stallscope::spawn(async { drop(stallscope::spawn(pending::<()>())) });
                spawned.await.unwrap();
                let mut set = stallscope::task::JoinSet::new();
                set.spawn(pending::<()>());
                drop(set);
                stallscope::spawn(pending::<()>()).abort();
            });
            let observed = observed.await;
            assert_eq!(lines(&observed).len(), 1, "{observed:#?}");
        });
    }
}
