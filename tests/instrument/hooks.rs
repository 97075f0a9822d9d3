//! The app's own hooks: those that it gives to `Config`, and those that it sets over ours.

use crate::harness::{LONG, multi_thread, program};
use stallscope::Config;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use tokio::runtime::TaskMeta;
use tokio::task::yield_now;
use tokio::time::sleep;

/// Counts what it is called for.
#[derive(Default)]
struct Count(AtomicU32);

impl Count {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    fn up(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

#[test]
fn all_of_the_apps_hooks_run_and_are_told_of_its_own_tasks_alone() {
    static THREADS: [Count; 4] = [const { Count::new() }; 4];
    static TASKS: [Count; 4] = [const { Count::new() }; 4];
    let program = program(|| {
        let [start, stop, park, unpark] = &THREADS;
        let [spawn, before, after, terminate] = &TASKS;
        let config = Config::new().on_thread_start(|| start.up()).on_thread_stop(|| stop.up());
        let config = config.on_thread_park(|| park.up()).on_thread_unpark(|| unpark.up());
        // tokio tells of the end of its workers too, which run on its blocking pool.
        let is_tokios = |task: &TaskMeta<'_>| task.spawned_at().file().contains("/tokio-");
        let config = config.on_task_terminate(move |task| {
            if !is_tokios(task) {
                terminate.up();
            }
        });
        let config = config.on_task_spawn(|_| spawn.up());
        let config = config.on_before_task_poll(|_| before.up()).on_after_task_poll(|_| after.up());
        let mut builder = multi_thread();
        let _guard = config.install(&mut builder).unwrap();
        builder.build().unwrap().block_on(async {
            for _ in 0..5 {
                tokio::spawn(async { yield_now().await }).await.unwrap();
            }
            // Time for probes of the loop's lag.
            sleep(LONG).await;
        });
        assert!(THREADS.iter().all(|count| count.get() >= 2), "{:?}", THREADS.each_ref().map(Count::get));
        assert_eq!(TASKS.each_ref().map(Count::get), [5, 10, 10, 5]);
    });
    let seen = program.run().ended();
    assert!(seen.log().history.snapshot().unwrap().lag.histogram.count() > 0, "no probe was sent");
}

#[test]
fn hooks_that_the_app_replaces_are_told_as_a_gap() {
    let program = program(|| {
        let mut builder = multi_thread();
        let _guard = stallscope::install(&mut builder).unwrap();
        builder.on_before_task_poll(|_| {});
        builder.build().unwrap().block_on(async {
            for _ in 0..100 {
                tokio::spawn(async {
                    for _ in 0..20 {
                        yield_now().await;
                    }
                })
                .await
                .unwrap();
            }
            sleep(4 * LONG).await;
        });
    });
    let seen = program.run().ended();
    let gap = seen.gap("the app has replaced our hook on its builder");
    assert!(gap.cure.contains("stallscope::Config"), "{gap:?}");
}
