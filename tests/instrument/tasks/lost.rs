//! Tasks that nothing can wake, and all kinds of those that something can.

use crate::harness::{Seen, current_thread, ms, multi_thread, program, run};
use stallscope::task::{Builder, JoinSet};
use stallscope_wire::{Certainty, Line, Orphan};
use std::fs;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex as StdMutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::{Instant, interval_at, sleep, timeout};

const HOUR: Duration = Duration::from_secs(3600);

fn orphans(seen: &Seen) -> Vec<&Orphan> {
    let orphans = seen.log().lines.iter().filter_map(|line| match line {
        Line::Orphan(orphan) => Some(orphan),
        _ => None,
    });
    orphans.collect()
}

/// A future that does not say who is to be woken.
fn forgets() -> impl Future<Output = ()> + Send {
    poll_fn(|_| Poll::Pending)
}

/// Keeps the waker, as what wakes a task does.
fn keeps(kept: &Arc<StdMutex<Option<Waker>>>) -> impl FnMut(&mut Context<'_>) -> Poll<()> + Send + 'static {
    let kept = Arc::clone(kept);
    move |context| {
        *kept.lock().unwrap() = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Spawns what waits.
fn wait<F: Future + Send + 'static>(tasks: &mut JoinSet<()>, future: F) {
    tasks.spawn(async { drop(future.await) });
}

/// Waits until so many lines of the program's own log tell of a lost task.
async fn until_told(lines: usize) {
    let told = || {
        let logs = fs::read_dir("logs").unwrap().map(|log| fs::read_to_string(log.unwrap().path()).unwrap());
        logs.map(|log| log.matches("\"kind\":\"orphan\"").count()).sum::<usize>() >= lines
    };
    while !told() {
        sleep(ms(5)).await;
    }
}

#[test]
fn a_task_whose_waker_is_gone_is_told_and_that_it_ends() {
    let program = program(|| {
        run(multi_thread(), async {
            let waits = Builder::new().name("waits").spawn(forgets()).unwrap();
            // Once held, and then let go of without a wake.
            let kept = Arc::new(StdMutex::new(None::<Waker>));
            let dropped = stallscope::spawn(poll_fn(keeps(&kept)));
            until_told(1).await;
            kept.lock().unwrap().take().expect("it was polled");
            until_told(2).await;
            waits.abort();
            assert!(waits.await.unwrap_err().is_cancelled());
            drop(dropped);
        });
    });
    let seen = program.with("STALLSCOPE_LOST_TASK", "200ms").run().ended();
    let told = orphans(&seen);
    let names: Vec<_> = told.iter().map(|orphan| (orphan.name.as_deref(), orphan.ongoing)).collect();
    // The runtime's end ends the second.
    assert_eq!(
        names,
        [(Some("waits"), true), (None, true), (Some("waits"), false), (None, false)],
        "{told:#?}"
    );
    assert!(told.iter().all(|orphan| orphan.certainty == Certainty::Exact && orphan.task != 0), "{told:#?}");
    assert!(told[0].idle_ns >= 200_000_000 && told[0].spawned_at.contains("tasks/lost.rs:"), "{told:#?}");
    assert_eq!(seen.stderr.matches("nothing can wake it").count(), 2, "{}", seen.stderr);
}

#[test]
fn a_task_that_waits_for_what_may_come_is_not_told_of() {
    let program = program(|| {
        run(multi_thread(), async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (one_sender, one) = oneshot::channel::<()>();
            let (many_sender, mut many) = mpsc::channel::<()>(1);
            let (_full_sender, _full) = mpsc::channel::<()>(1);
            _full_sender.try_send(()).unwrap();
            let full = _full_sender.clone();
            let (watch_sender, mut watched) = watch::channel(());
            let (all_sender, mut all) = broadcast::channel::<()>(1);
            let (notify, lock) = (Arc::new(Notify::new()), Arc::new(Mutex::new(())));
            let held = Arc::clone(&lock).lock_owned().await;
            let notified = Arc::clone(&notify);
            let kept = Arc::new(StdMutex::new(None::<Waker>));
            let (release, released) = std::sync::mpsc::channel::<()>();
            let endless = tokio::spawn(pending::<()>());
            let aborted = endless.abort_handle();
            let ours = stallscope::spawn(sleep(HOUR));
            let mut set = JoinSet::new();
            let waits = &mut set;
            wait(waits, async move { listener.accept().await });
            wait(waits, sleep(HOUR));
            wait(waits, async { interval_at(Instant::now() + HOUR, HOUR).tick().await });
            wait(waits, timeout(HOUR, pending::<()>()));
            wait(waits, tokio::signal::ctrl_c());
            wait(waits, one);
            wait(waits, async move { many.recv().await });
            wait(waits, async move { full.send(()).await });
            wait(waits, async move { watched.changed().await });
            wait(waits, async move { all.recv().await });
            wait(waits, async move { notified.notified().await });
            wait(waits, lock.lock_owned());
            wait(waits, endless);
            wait(waits, ours);
            wait(waits, poll_fn(keeps(&kept)));
            wait(waits, async {
                // One branch forgets, the other is a timer.
                let (forgets, sleeps) = (pin!(forgets()), pin!(sleep(HOUR)));
                tokio::select! { () = forgets => {}, () = sleeps => {} }
            });
            wait(waits, async { tokio::join!(sleep(HOUR), forgets()) });
            wait(waits, async {
                let mut inner: JoinSet<()> = JoinSet::new();
                inner.spawn(sleep(HOUR));
                inner.join_next().await
            });
            wait(waits, tokio::task::spawn_blocking(move || released.recv()));
            // Busy with itself.
            wait(waits, async {
                loop {
                    sleep(ms(1)).await;
                    tokio::task::yield_now().await;
                }
            });
            // The watchdog has gone through all of them when it tells of this one, the last.
            let lost = Builder::new().name("lost").spawn(forgets()).unwrap();
            until_told(1).await;
            drop(lost);
            drop((one_sender, many_sender, watch_sender, all_sender, notify, held, kept, release));
            aborted.abort();
        });
    });
    let seen = program.with("STALLSCOPE_LOST_TASK", "100ms").run().ended();
    let told = orphans(&seen);
    assert!(told.iter().all(|orphan| orphan.name.as_deref() == Some("lost")), "{told:#?}");
}

#[test]
fn a_task_of_a_local_set_is_told_of_and_not_when_a_timer_has_it() {
    let program = program(|| {
        run(current_thread(), async {
            let local = LocalSet::new();
            let (sleeps, forgets) = local
                .run_until(async {
                    let sleeps = stallscope::task::spawn_local(sleep(HOUR));
                    let forgets = Builder::new().name("forgets").spawn_local(forgets()).unwrap();
                    until_told(1).await;
                    (sleeps, forgets)
                })
                .await;
            let sleeps: JoinHandle<()> = sleeps.into();
            drop((sleeps, forgets));
        });
    });
    let seen = program.with("STALLSCOPE_LOST_TASK", "200ms").run().ended();
    let told = orphans(&seen);
    assert!(told.iter().all(|orphan| orphan.name.as_deref() == Some("forgets")), "{told:#?}");
    assert_eq!(told.iter().map(|orphan| orphan.ongoing).collect::<Vec<_>>(), [true, false], "{told:#?}");
}
