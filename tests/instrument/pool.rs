//! Work that waits for the blocking pool.

use crate::harness::{LONG, Seen, current_thread, ms, multi_thread, program, run};
use stallscope::analysis::{Finding, Rule, Severity, findings};
use stallscope_wire::{Line, PoolWait};
use std::fs;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

/// In the folder of a program: the longest time that a job of its waited, in nanoseconds.
const WAITED: &str = "waited";
static LONGEST: AtomicU64 = AtomicU64::new(0);

/// A builder whose pool has two threads.
fn small_pool() -> Builder {
    let mut builder = multi_thread();
    builder.max_blocking_threads(2);
    builder
}

/// Runs jobs in the pool, and leaves how long one of them waited at most.
async fn jobs(count: usize, job: fn()) {
    let mut jobs = JoinSet::new();
    for _ in 0..count {
        give(&mut jobs, job);
    }
    jobs.join_all().await;
    write_longest();
}

fn give(jobs: &mut JoinSet<()>, job: fn()) {
    let given = Instant::now();
    jobs.spawn_blocking(move || {
        LONGEST.fetch_max(given.elapsed().as_nanos() as u64, Relaxed);
        job();
    });
}

fn write_longest() {
    fs::write(WAITED, LONGEST.load(Relaxed).to_string()).unwrap();
}

/// All lines about waits.
fn told(seen: &Seen) -> Vec<&PoolWait> {
    let lines = seen.log().lines.iter();
    lines.filter_map(|line| if let Line::Pool(wait) = line { Some(wait) } else { None }).collect()
}

/// What the rule finds.
fn found(seen: &Seen) -> Vec<Finding> {
    let found = findings(&[&seen.log().history]);
    found.into_iter().filter(|finding| finding.rule == Rule::BlockingPool).collect()
}

/// The culprit as `file:line`, from the workspace's folder on.
fn place(finding: &Finding) -> String {
    finding.culprit.to_string()
}

#[test]
fn jobs_are_counted_by_the_line_that_gave_them_and_workers_are_none() {
    const GIVEN: u32 = line!() + 3;
    let program = program(|| {
        run(multi_thread(), async {
            spawn_blocking(|| {}).await.unwrap();
        });
    });
    let seen = program.run().ended();
    let locations = &seen.log().history.snapshot().unwrap().locations;
    let of_jobs = locations.iter().filter(|location| location.spawned == 0);
    let of_jobs: Vec<_> = of_jobs.map(|location| (&location.spawned_at[..], location.finished)).collect();
    let [(given, 1)] = of_jobs[..] else { panic!("{of_jobs:?}") };
    assert!(given.contains(&format!("pool.rs:{GIVEN}:")), "{given}");
}

#[test]
fn a_full_pool_is_told_with_the_line_that_fills_it() {
    let program = program(|| {
        run(
            small_pool(),
            jobs(8, || {
                thread::sleep(LONG); // blocks here
            }),
        );
    });
    let waited = program.path(WAITED);
    let seen = program.run().ended();
    let waited: u64 = fs::read_to_string(waited).unwrap().parse().unwrap();
    let [finding] = &found(&seen)[..] else { panic!("{:#?}", told(&seen)) };
    assert_eq!((place(finding), finding.severity), (seen.marked(), Severity::Warning));
    assert!(finding.detail.as_ref().unwrap().starts_with("2 threads, all busy; up to "), "{finding:#?}");
    assert!(!finding.ongoing && finding.count == 1, "{finding:#?}");
    // At the limit, at twice and at four times the limit, and at the end; never more than it was.
    let waits = told(&seen);
    assert!(waits.len() >= 3, "{waits:#?}");
    assert!(waits.iter().all(|wait| wait.wait_ns <= waited && wait.waiting <= 6), "{waited}: {waits:#?}");
    assert!(waits.is_sorted_by_key(|wait| wait.wait_ns), "{waits:#?}");
    assert!(finding.max_ns >= waited / 2, "most of {waited} was seen: {finding:#?}");
}

#[test]
fn the_pool_of_a_runtime_with_one_thread() {
    let program = program(|| {
        let mut builder = current_thread();
        builder.max_blocking_threads(1);
        let job = || {
            thread::sleep(LONG); // blocks here
        };
        run(builder, jobs(4, job));
    });
    let seen = program.with("STALLSCOPE", "lean").run().ended();
    let [finding] = &found(&seen)[..] else { panic!("{:#?}", told(&seen)) };
    assert_eq!(place(finding), seen.marked());
}

#[test]
fn the_sites_come_with_most_threads_first() {
    fn often() {
        thread::sleep(2 * LONG); // blocks here
    }
    fn seldom() {
        thread::sleep(2 * LONG);
    }
    let program = program(|| {
        let mut builder = multi_thread();
        builder.max_blocking_threads(4);
        run(builder, async {
            let mut jobs = JoinSet::new();
            for job in [seldom, often, often, often, often] {
                give(&mut jobs, job);
            }
            jobs.join_all().await;
        });
    });
    let seen = program.run().ended();
    let found = found(&seen);
    let finding = found.iter().find(|finding| place(finding) == seen.marked());
    let finding = finding.unwrap_or_else(|| panic!("{found:#?}"));
    let detail = finding.detail.as_deref().unwrap_or_default();
    assert!(detail.starts_with("4 threads, all busy; up to 1 job waited; also at "), "{detail}");
    assert!(detail.ends_with(" (1 thread)"), "{detail}");
}

#[test]
fn as_many_jobs_as_threads_at_a_time_wait_for_nothing() {
    let program = program(|| {
        run(small_pool(), async {
            static FREE: Semaphore = Semaphore::const_new(2);
            let mut jobs = JoinSet::new();
            for _ in 0..6 {
                jobs.spawn(async {
                    let _permit = FREE.acquire().await.unwrap();
                    spawn_blocking(|| thread::sleep(LONG)).await.unwrap();
                });
            }
            jobs.join_all().await;
        });
    });
    program.run().ended().is_silent();
}

#[test]
fn a_queue_that_is_never_empty_but_quick_is_no_wait() {
    let program = program(|| {
        run(small_pool(), async {
            let (mut jobs, begun) = (JoinSet::new(), Instant::now());
            while begun.elapsed() < 3 * LONG {
                while jobs.len() < 12 {
                    give(&mut jobs, || thread::sleep(ms(1)));
                }
                jobs.join_next().await;
            }
            jobs.join_all().await;
            write_longest();
        });
    });
    let waited = program.path(WAITED);
    let seen = program.run().ended();
    let waited: u64 = fs::read_to_string(waited).unwrap().parse().unwrap();
    // A machine that is crowded may have let one wait.
    let limit = 100_000_000;
    assert!(waited >= limit || told(&seen).is_empty(), "{waited}: {:#?}", told(&seen));
    assert!(told(&seen).iter().all(|wait| wait.wait_ns <= waited), "{waited}: {:#?}", told(&seen));
    let queued = |line: &Line| matches!(line, Line::Snapshot(now) if now.runtimes.iter().any(|of| of.blocking_queue > 0));
    assert!(seen.log().lines.iter().any(queued), "nothing was ever seen to wait");
}

#[test]
fn what_still_waits_when_the_process_ends_was_never_done() {
    let program = program(|| {
        run(small_pool(), async {
            let mut jobs = JoinSet::new();
            for _ in 0..4 {
                jobs.spawn_blocking(|| {
                    loop {
                        thread::park(); // blocks here
                    }
                });
            }
            sleep(3 * LONG).await;
            std::process::exit(0);
        });
    });
    let seen = program.run().ended();
    let [finding] = &found(&seen)[..] else { panic!("{:#?}", told(&seen)) };
    assert_eq!((place(finding), finding.severity), (seen.marked(), Severity::Error));
    assert!(finding.ongoing && finding.max_ns >= LONG.as_nanos() as u64, "{finding:#?}");
}

#[test]
fn a_wait_is_over_when_the_runtime_is() {
    let program = program(|| {
        let mut builder = small_pool();
        let _guard = stallscope::install(&mut builder).unwrap();
        let runtime = builder.build().unwrap();
        for _ in 0..4 {
            runtime.spawn_blocking(|| thread::sleep(3 * LONG));
        }
        runtime.block_on(async { sleep(LONG).await });
        runtime.shutdown_background();
        thread::sleep(4 * LONG);
    });
    let seen = program.run().ended();
    let waits = told(&seen);
    let last = waits.last().unwrap_or_else(|| panic!("{:#?}", seen.log().lines));
    assert!(!last.ongoing && waits.iter().all(|wait| wait.id == last.id), "{waits:#?}");
}

#[test]
fn jobs_come_to_the_same_while_they_are_looked_at() {
    /// A signal would end the wait early.
    fn waits() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(ms(60))).unwrap();
        let begun = Instant::now();
        let error = socket.recv(&mut [0]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        assert!(begun.elapsed() >= ms(50), "{:?}", begun.elapsed());
    }
    fn computes() {
        let begun = Instant::now();
        while begun.elapsed() < ms(60) {
            let sum = (0..10_000_u64).fold(0, |sum, n| std::hint::black_box(sum + n));
            assert_eq!(sum, 49_995_000);
        }
    }
    let program = program(|| {
        run(small_pool(), async {
            let mut jobs = JoinSet::new();
            for _ in 0..20 {
                jobs.spawn_blocking(waits);
                jobs.spawn_blocking(computes);
            }
            let mut results = 0;
            while let Some(job) = jobs.join_next().await {
                job.expect("no job has panicked");
                results += 1;
            }
            assert_eq!(results, 40);
        });
    });
    // Looks at the threads at each doubling from a millisecond on.
    let seen = program.with("STALLSCOPE_POOL_LIMIT", "1ms").run().ended();
    let sites: Vec<_> = told(&seen).into_iter().flat_map(|wait| &wait.sites).collect();
    let names = |name: &str| {
        let of_it =
            |function: &Option<String>| function.as_ref().is_some_and(|function| function.contains(name));
        sites.iter().any(|site| site.stack.frames.iter().any(|frame| of_it(&frame.function)))
    };
    assert!(names("waits") && names("computes"), "{sites:#?}");
}

#[test]
fn work_in_the_start_up_grace_is_start_up_work() {
    let program = program(|| run(small_pool(), jobs(4, || thread::sleep(LONG))));
    let seen = program.with("STALLSCOPE_GRACE", "1h").run().ended();
    assert_eq!(told(&seen).len(), 0, "{:#?}", told(&seen));
}

#[test]
fn a_hook_that_the_app_has_replaced_is_told_of_and_nothing_is_claimed() {
    let program = program(|| {
        let mut builder = small_pool();
        let _guard = stallscope::install(&mut builder).unwrap();
        builder.on_task_terminate(|_| {});
        builder.build().unwrap().block_on(jobs(6, || thread::sleep(Duration::from_millis(200))));
    });
    let seen = program.run().ended();
    assert_eq!(told(&seen).len(), 0, "{:#?}", told(&seen));
    seen.gap("what waits for the blocking pool");
}
