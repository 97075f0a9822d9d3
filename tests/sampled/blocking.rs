//! Whoever blocks is named by the line, without tokio's task hooks.

use crate::computing::{compute, is_probable};
use crate::harness::{LONG, Seen, current_thread, ms, multi_thread, program, run};
use crate::ways::{held_lock, slow_fifo, slow_peer};
use stallscope::analysis::{History, Severity, Terms, Verdict, findings, judge};
use stallscope_wire::{Cause, Certainty, Owner, Tier};
use std::io::Read;
use std::thread;
use tokio::task::{LocalSet, block_in_place, spawn_blocking, yield_now};
use tokio::time::sleep;

#[test]
fn a_task_that_sleeps() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                // Before its first park it is not known which worker a thread is.
                sleep(ms(50)).await;
                thread::sleep(2 * LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    let stall = &seen.names_the_marked_line(Owner::Task).stall;
    assert_eq!((stall.cause, stall.syscall.as_deref()), (Cause::Syscall, Some("clock_nanosleep")));
    assert_eq!(stall.certainty, Certainty::Exact);
    assert!(stall.thread.worker.is_some(), "{stall:?}");
    let header = seen.log().history.header();
    assert_eq!(header.tier, Tier::Sampled);
    assert!(seen.gap("tier sampled").cure.contains("--cfg tokio_unstable"));
}

#[test]
fn a_task_that_reads_a_fifo() {
    let program = program(|| {
        run(current_thread(), async {
            let task = tokio::spawn(async {
                let mut fifo = spawn_blocking(|| slow_fifo(2 * LONG)).await.unwrap();
                fifo.read_exact(&mut [0]).unwrap(); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    let stall = &seen.names_the_marked_line(Owner::Task).stall;
    assert_eq!((stall.cause, stall.syscall.as_deref()), (Cause::Syscall, Some("read")));
}

#[test]
fn a_task_that_waits_for_a_lock() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                let lock = held_lock(2 * LONG);
                drop(lock.lock()); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    let stall = &seen.names_the_marked_line(Owner::Task).stall;
    assert_eq!((stall.cause, stall.lock.as_deref()), (Cause::Lock, Some("mutex")));
}

#[test]
fn a_task_that_reads_a_socket() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                let mut peer = slow_peer(2 * LONG);
                peer.read_exact(&mut [0]).unwrap(); // blocks here
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    let stall = &seen.names_the_marked_line(Owner::Task).stall;
    assert_eq!((stall.cause, stall.syscall.as_deref()), (Cause::Syscall, Some("recvfrom")));
}

#[test]
fn the_root_future_of_a_main() {
    #[stallscope::main(worker_threads = 2)]
    async fn root() {
        yield_now().await;
        thread::sleep(2 * LONG); // blocks here
    }
    program(root).run().ended().names_the_marked_line(Owner::Root);
}

#[test]
fn the_root_future_of_a_main_of_one_thread_once() {
    #[stallscope::main(flavor = "current_thread")]
    async fn root() {
        yield_now().await;
        thread::sleep(2 * LONG); // blocks here
        sleep(ms(50)).await;
    }
    program(root).run().ended().names_the_marked_line(Owner::Root);
}

#[test]
fn a_task_of_a_main_of_one_thread() {
    #[stallscope::main(flavor = "current_thread")]
    async fn root() {
        let task = tokio::spawn(async {
            sleep(ms(50)).await;
            thread::sleep(2 * LONG); // blocks here
        });
        task.await.unwrap();
    }
    program(root).run().ended().names_the_marked_line(Owner::Task);
}

#[test]
fn a_task_of_a_local_set() {
    let program = program(|| {
        run(current_thread(), async {
            let local = LocalSet::new();
            local.spawn_local(async {
                sleep(ms(50)).await;
                thread::sleep(2 * LONG); // blocks here
            });
            local.await;
        });
    });
    program.run().ended().names_the_marked_line(Owner::Local);
}

/// A stall that is only probable is told, as a warning, and no threshold is breached by it.
#[track_caller]
fn is_only_probable(seen: &Seen, owner: Owner) {
    assert_eq!(is_probable(seen, owner).stall.cause, Cause::Cpu);
    let history = &seen.log().history;
    let findings = findings(&[history]);
    assert!(findings.iter().all(|finding| finding.severity <= Severity::Warning), "{findings:#?}");
    assert!(findings[0].to_string().contains("probably blocked a worker once"), "{}", findings[0]);
    let judgement = judge(&Terms::default(), &[history]);
    assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:#?}");
    let note = judgement.outcomes[0].note.as_deref().unwrap_or_default();
    assert!(note.starts_with("1 probable stall is not counted, at most"), "{note}");
}

#[test]
fn a_task_that_computes() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                compute(2 * LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    is_only_probable(&program.run().ended(), Owner::Task);
}

#[test]
fn a_task_that_computes_on_one_thread() {
    let program = program(|| {
        run(current_thread(), async {
            let task = tokio::spawn(async {
                // Nobody tells of the thread before its first park.
                sleep(ms(50)).await;
                compute(2 * LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    is_only_probable(&program.run().ended(), Owner::Task);
}

/// The program was watched, and nothing of it is worth a word.
#[track_caller]
fn is_silent(seen: &Seen) {
    let history: &History = &seen.log().history;
    assert!(seen.log().stalls().is_empty(), "{:#?}", seen.log().stalls());
    let judgement = judge(&Terms::default(), &[history]);
    assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:#?}");
    assert_eq!(seen.stderr, "");
}

#[test]
fn awaits_are_not_reported() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(sleep(LONG)).await.unwrap();
            sleep(LONG).await;
        });
    });
    is_silent(&program.run().ended());
}

#[test]
fn an_idle_server_is_not_reported() {
    #[stallscope::main(worker_threads = 4)]
    async fn root() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        tokio::spawn(async move { listener.accept().await.map(drop) });
        sleep(4 * LONG).await;
    }
    is_silent(&program(root).run().ended());
}

#[test]
fn a_busy_program_of_short_polls_breaches_nothing() {
    let program = program(|| {
        run(multi_thread(), async {
            let tasks: Vec<_> = (0..6)
                .map(|_| {
                    tokio::spawn(async {
                        for _ in 0..300 {
                            compute(ms(2));
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    let seen = program.run().ended();
    let history = &seen.log().history;
    assert_eq!(judge(&Terms::default(), &[history]).verdict, Verdict::Pass);
    let certain = seen.log().history.stalls().filter(|stall| !stall.blames_host() && !stall.is_probable());
    assert_eq!(certain.count(), 0, "{:#?}", seen.log().stalls());
}

#[test]
fn the_blocking_pool_is_not_reported() {
    let program = program(|| {
        run(multi_thread(), async {
            for _ in 0..2 {
                tokio::spawn(async { spawn_blocking(|| thread::sleep(LONG)).await.unwrap() }).await.unwrap();
                spawn_blocking(|| compute(LONG)).await.unwrap();
            }
        });
    });
    is_silent(&program.run().ended());
}

#[test]
fn block_in_place_is_not_reported_nor_what_its_thread_does_next() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(sleep(ms(10))).await.unwrap();
            for _ in 0..2 {
                tokio::spawn(async { block_in_place(|| thread::sleep(LONG)) }).await.unwrap();
                spawn_blocking(|| thread::sleep(LONG)).await.unwrap();
            }
            block_in_place(|| thread::sleep(LONG));
        });
    });
    is_silent(&program.run().ended());
}

#[test]
fn start_up_work_within_the_grace_is_not_reported() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
            sleep(ms(50)).await;
        });
    });
    let seen = program.with("STALLSCOPE_GRACE", "10s").run().ended();
    assert!(seen.log().stalls().is_empty(), "{:#?}", seen.log().stalls());
    let judgement = judge(&Terms::default(), &[&seen.log().history]);
    assert_eq!(judgement.verdict, Verdict::Incomplete, "nothing was judged: {judgement:#?}");
    assert_eq!(seen.stderr, "");
}

#[test]
fn a_runtime_that_nobody_drives_is_not_reported() {
    let program = program(|| {
        let mut builder = current_thread();
        let _guard = stallscope::install(&mut builder).unwrap();
        let runtime = builder.build().unwrap();
        for _ in 0..2 {
            runtime.block_on(async { tokio::spawn(sleep(ms(50))).await.unwrap() });
            thread::sleep(2 * LONG);
        }
    });
    is_silent(&program.run().ended());
}

#[test]
fn polls_are_not_measured_and_never_pass() {
    #[stallscope::main]
    async fn root() {
        tokio::spawn(sleep(ms(50))).await.unwrap();
    }
    let seen = program(root).run().ended();
    let history = &seen.log().history;
    let judgement = judge(&Terms::new(vec!["poll.p99 < 1h".parse().unwrap()]), &[history]);
    assert_eq!(judgement.verdict, Verdict::Incomplete, "{judgement:#?}");
    assert!(judgement.want().unwrap().contains("tier sampled"), "{judgement:#?}");
    is_silent(&seen);
}
