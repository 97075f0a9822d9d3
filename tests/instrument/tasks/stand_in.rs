//! `stallscope::spawn` where tokio's would stand.

use crate::harness::{ms, multi_thread, program, run};
use stallscope::task::{Builder, JoinHandle, JoinSet};
use std::future::poll_fn;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::task::Waker;
use std::thread;
use tokio::task::yield_now;

#[test]
fn a_handle_is_what_tokios_is() {
    fn is_like_tokios<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    is_like_tokios::<JoinHandle<u8>>();
    let program = program(|| {
        run(multi_thread(), async {
            let handle = stallscope::spawn(async {
                yield_now().await;
                7
            });
            let id = handle.id();
            assert_eq!(handle.abort_handle().id(), id);
            assert_eq!(handle.await.unwrap(), 7);
            let mut set: JoinSet<u32> = (0..3).map(|i| async move { i }).collect();
            assert_eq!(set.len(), 3);
            let (_, result) = set.join_next_with_id().await.unwrap().unwrap();
            assert!(result < 3 && set.len() == 2);
            let mut rest = set.join_all().await;
            rest.push(result);
            rest.sort_unstable();
            assert_eq!(rest, [0, 1, 2]);
            let handle: JoinHandle<u8> = tokio::spawn(async { 8 }).into();
            assert_eq!(handle.await.unwrap(), 8);
            let slow = stallscope::spawn(std::future::pending::<()>());
            slow.abort();
            assert!(slow.await.unwrap_err().is_cancelled());
        });
    });
    program.run().ended().is_silent();
}

#[test]
fn a_waker_outlives_its_task_and_its_runtime() {
    let program = program(|| {
        let kept = Arc::new(Mutex::new(Vec::<Waker>::new()));
        run(multi_thread(), async {
            let keeper = Arc::clone(&kept);
            let mut polls = 0;
            let task = stallscope::spawn(poll_fn(move |context| {
                keeper.lock().unwrap().push(context.waker().clone());
                polls += 1;
                if polls == 3 { Poll::Ready(polls) } else { Poll::Pending }
            }));
            while !task.is_finished() {
                kept.lock().unwrap().iter().for_each(Waker::wake_by_ref);
                tokio::time::sleep(ms(1)).await;
            }
            assert_eq!(task.await.unwrap(), 3);
            let wakers = std::mem::take(&mut *kept.lock().unwrap());
            assert!(wakers.windows(2).all(|two| two[0].will_wake(&two[1])));
            wakers.into_iter().for_each(Waker::wake);
            let keeper = Arc::clone(&kept);
            drop(stallscope::spawn(poll_fn::<(), _>(move |context| {
                keeper.lock().unwrap().push(context.waker().clone());
                Poll::Pending
            })));
            while kept.lock().unwrap().is_empty() {
                tokio::time::sleep(ms(1)).await;
            }
        });
        let wakers = std::mem::take(&mut *kept.lock().unwrap());
        thread::spawn(|| wakers.into_iter().for_each(Waker::wake)).join().unwrap();
        assert_eq!(Arc::strong_count(&kept), 1, "the future is gone with its runtime");
    });
    program.run().ended();
}

#[test]
fn tasks_are_known_by_the_line_that_spawned_them() {
    let program = program(|| {
        run(multi_thread(), async {
            for _ in 0..10 {
                let handle = Builder::new().name("ticks").spawn(async {
                    for _ in 0..5 {
                        tokio::time::sleep(ms(1)).await;
                    }
                    // Woken while it is polled.
                    poll_once_more().await;
                }); // blocks here
                handle.unwrap().await.unwrap();
            }
        });
    });
    let seen = program.run().ended();
    let snapshot = seen.log().history.snapshot().expect("there is a last one");
    let [location] = &snapshot.locations.iter().filter(|known| known.name.is_some()).collect::<Vec<_>>()[..]
    else {
        panic!("one has a name: {:#?}", snapshot.locations)
    };
    assert_eq!(location.name.as_deref(), Some("ticks"));
    assert!(location.spawned_at.contains("tasks/stand_in.rs:"), "{location:#?}");
    assert_eq!((location.polls, location.self_wakes), (70, 10), "{location:#?}");
    // A timer that has run out by its first poll wakes nobody; where tokio times the waits, the one after the spawn is one.
    assert!((10..=70).contains(&location.schedule.count), "{location:#?}");
    assert!(snapshot.schedule.count() >= location.schedule.count, "{:#?}", snapshot.schedule);
}

/// Pending once, and awake already.
async fn poll_once_more() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
