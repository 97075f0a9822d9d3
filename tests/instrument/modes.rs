//! Modes: what is seen in lean, and switching while the program runs.

use crate::harness::{LONG, Seen, current_thread, ms, multi_thread, place, program, run};
use stallscope::{Config, Mode, mode, set_mode};
use stallscope_wire::{Cause, Line, Mode as Told, Owner, Reader, Request};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::sleep;

/// What lean tells of a stall: its line and cause, and a length that is short of its own by a look at most.
#[track_caller]
fn is_seen_in_lean(seen: &Seen) {
    let stall = &seen.names_the_marked_line(Owner::Task).stall;
    assert_eq!((stall.cause, stall.syscall.as_deref()), (Cause::Syscall, Some("clock_nanosleep")));
    assert!(stall.task.as_ref().unwrap().spawned_at.contains("instrument/modes.rs"), "{stall:?}");
    let snapshot = seen.log().history.snapshot().unwrap();
    assert_eq!((seen.log().history.header().mode, snapshot.mode), (Told::Lean, Told::Lean));
    seen.gap("mode lean");
}

#[test]
fn a_stall_on_a_worker_is_found_in_lean() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    is_seen_in_lean(&program.with("STALLSCOPE", "lean").run().ended());
}

#[test]
fn a_stall_on_a_current_thread_runtime_is_found_in_lean() {
    let program = program(|| {
        let mut builder = current_thread();
        let _guard = Config::new().mode(Mode::Lean).install(&mut builder).unwrap();
        builder.build().unwrap().block_on(async {
            let task = tokio::spawn(async {
                yield_now().await;
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    is_seen_in_lean(&program.run().ended());
}

#[test]
fn the_root_future_is_seen_in_lean() {
    #[stallscope::main(worker_threads = 2)]
    async fn root() {
        yield_now().await;
        thread::sleep(LONG); // blocks here
    }
    program(root).with("STALLSCOPE", "lean").run().ended().names_the_marked_line(Owner::Root);
}

#[test]
fn lean_knows_how_many_polls_there_were_by_few_of_them() {
    const TASKS: u64 = 8;
    const YIELDS: u64 = 20_000;
    let program = program(|| {
        run(multi_thread(), async {
            let yields = || async {
                for _ in 0..YIELDS {
                    yield_now().await;
                }
            };
            let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(yields())).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    let seen = program.with("STALLSCOPE", "lean").run().ended();
    let snapshot = seen.log().history.snapshot().unwrap();
    let (polls, counted) = (TASKS * (YIELDS + 1), snapshot.poll.count());
    // What comes after the last timed poll of each thread is in no count.
    assert!((polls - 3 * 128..=polls).contains(&counted), "{counted} of {polls}");
    assert_eq!(snapshot.locations.iter().map(|location| location.polls).sum::<u64>(), counted);
    let timed = counted - snapshot.untimed;
    assert!((polls / 96..polls / 32).contains(&timed), "{timed} of {polls} were timed");
}

#[test]
fn no_stall_is_missed_after_any_change_and_none_is_told_while_off() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let program = program(|| {
        run(multi_thread(), async {
            // So that each change meets workers that poll.
            let busy = tokio::spawn(async {
                while !STOP.load(Relaxed) {
                    yield_now().await;
                }
            });
            for to in [Mode::Lean, Mode::Off, Mode::Full, Mode::Off, Mode::Lean, Mode::Full] {
                set_mode(to);
                assert_eq!(mode(), to);
                for _ in 0..2 {
                    let task = tokio::spawn(async {
                        thread::sleep(LONG); // blocks here
                    });
                    task.await.unwrap();
                }
            }
            STOP.store(true, Relaxed);
            busy.await.unwrap();
        });
    });
    let seen = program.run().ended();
    // A crowded machine may hold up the busy worker too, which is no matter here.
    let stalls = seen.log().stalls();
    let ours = stalls.iter().filter(|record| place(record) == seen.marked() && !record.ongoing);
    assert_eq!(ours.count(), 8, "two in each mode but off: {stalls:#?}");
    seen.gap("the mode was off");
    assert_eq!(seen.log().history.least_mode(), Told::Off);
}

#[test]
fn a_stall_that_goes_on_when_recording_ends_is_over() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(3 * LONG); // blocks here
            });
            sleep(2 * LONG).await;
            set_mode(Mode::Off);
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    let stall = &seen.names_the_marked_line(Owner::Task).stall;
    assert!(stall.duration_ns < (3 * LONG).as_nanos() as u64, "{stall:?}");
}

#[test]
fn a_reader_of_the_live_socket_sets_the_mode() {
    let program = program(|| {
        run(multi_thread(), async {
            for wanted in [Mode::Lean, Mode::Off, Mode::Full] {
                while mode() != wanted {
                    sleep(ms(5)).await;
                }
            }
            tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
        });
    });
    let mut running = program.start();
    let socket = running.path("stallscope").join(format!("{}.sock", running.pid()));
    running.until_exists(&socket);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut reader = Reader::new(stream.try_clone().unwrap()).unwrap();
    assert!(reader.header().requests);
    stream.write_all(b"what is this?\n{\"kind\":\"set\",\"mode\":\"loud\"}\n").unwrap();
    for mode in [Told::Lean, Told::Off, Told::Full] {
        stream.write_all(&Request::Set { mode }.encode()).unwrap();
        let mut lines = std::iter::from_fn(|| reader.next_line().unwrap());
        assert!(
            lines.any(|line| matches!(line, Line::Snapshot(snapshot) if snapshot.mode == mode)),
            "{mode}"
        );
    }
    let seen = running.wait().ended();
    assert_eq!(seen.log().stalls().len(), 1);
}

#[test]
fn a_program_that_is_not_watched_is_off_and_stays_so() {
    let program = program(|| {
        set_mode(Mode::Full);
        assert_eq!(mode(), Mode::Off);
        run(multi_thread(), async { tokio::spawn(async {}).await.unwrap() });
        set_mode(Mode::Full);
        assert_eq!(mode(), Mode::Off);
    });
    assert!(program.with("STALLSCOPE", "off").run().ended().logs.is_empty());
}
