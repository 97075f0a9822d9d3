//! The flight recorder: what a program leaves when something goes wrong in it.

use crate::harness::{LONG, multi_thread, program, run};
use stallscope::analysis::{History, Rule, findings};
use stallscope_wire::{Line, Reader};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use tokio::time::sleep;

fn recordings(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    paths
}

fn read(path: &Path) -> History {
    let mut reader = Reader::new(File::open(path).unwrap()).unwrap();
    let mut history = History::new(reader.header().clone());
    while let Some(line) = reader.next_line().unwrap() {
        history.apply(line);
    }
    history.set_cut(reader.cut());
    history
}

/// Whether nothing more comes: the stall is over, and the file was written once more after it was set off.
fn is_finished(history: &History) -> bool {
    let set_off_ns = history.header().flight.as_ref().map_or(u64::MAX, |flight| flight.at_ns);
    history.stalls().any(|record| !record.ongoing) && history.last_at_ns() > set_off_ns
}

/// Whether the recordings are as one waits for them to be, after a while.
fn come(is: impl Fn() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    while !is() {
        if Instant::now() > until {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn a_stall_leaves_one_recording_that_says_what_it_was() {
    let program = program(|| {
        run(multi_thread(), async {
            sleep(10 * LONG).await;
            tokio::spawn(async { thread::sleep(3 * LONG) }).await.unwrap(); // blocks here
            let folder = PathBuf::from(std::env::var_os("STALLSCOPE_FLIGHT").unwrap());
            let finished = move || {
                recordings(&folder)
                    .first()
                    .map(|path| read(path))
                    .is_some_and(|history| is_finished(&history))
            };
            let waited = tokio::task::spawn_blocking(move || come(finished)).await.unwrap();
            assert!(waited, "the recording is finished while the program runs");
            // Within the minute no other file is made.
            tokio::spawn(async { thread::sleep(3 * LONG) }).await.unwrap();
        });
    });
    let folder = program.path("flights");
    let seen = program.with("STALLSCOPE_FLIGHT", &folder).run().ended();
    let [recording] = &recordings(&folder)[..] else { panic!("{:?}", recordings(&folder)) };
    let history = read(recording);
    let flight = history.header().flight.clone().unwrap();
    assert!(flight.trigger.contains("stall") && flight.trigger.ends_with(&seen.marked()), "{flight:?}");
    assert!(flight.goes_on && flight.suppressed == 0, "{flight:?}");
    assert!(history.complete() && !history.ended(), "it is whole, and its process went on");
    let found = findings(&[&history]);
    let stall = found.iter().find(|finding| finding.rule == Rule::BlockingPoll).unwrap();
    assert_eq!((stall.count, stall.ongoing), (1, false));
    assert!(stall.culprit.to_string().contains("flight.rs"), "{}", stall.culprit);
    assert!(history.snapshot().is_some_and(|snapshot| !snapshot.workers.is_empty()));
    let lost = seen.log().history.lost().clone();
    assert_eq!((lost.recordings, lost.any()), (1, false), "{lost:?}");
    assert_eq!(seen.stdout, "");
}

#[test]
fn a_quiet_program_leaves_none() {
    let program = program(|| run(multi_thread(), async { sleep(20 * LONG).await }));
    let folder = program.path("flights");
    let _seen = program.with("STALLSCOPE_FLIGHT", &folder).run().ended();
    assert!(folder.is_dir());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_process_that_ends_in_its_stall_leaves_its_end_too() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async { thread::sleep(3 * LONG) }).await.unwrap();
        });
    });
    let folder = program.path("flights");
    let _seen = program.with("STALLSCOPE_FLIGHT", &folder).run().ended();
    let [recording] = &recordings(&folder)[..] else { panic!("{:?}", recordings(&folder)) };
    let history = read(recording);
    // Where its names took long to find, the recording was finished before the process had ended.
    let goes_on = history.header().flight.as_ref().unwrap().goes_on;
    assert!(history.complete() && history.ended() != goes_on);
    assert_eq!(history.stalls().count(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_harms_nothing() {
    let program = program(|| {
        run(multi_thread(), async {
            tokio::spawn(async { thread::sleep(3 * LONG) }).await.unwrap();
            sleep(20 * LONG).await;
        });
    });
    let seen = program.with("STALLSCOPE_FLIGHT", "/dev/null/flights").run().ended();
    let missing = &seen.log().history.coverage().missing;
    let told: Vec<_> = missing.iter().filter(|gap| gap.what.starts_with("flight recordings")).collect();
    assert_eq!(told.len(), 1, "{missing:?}");
    assert!(told[0].what.contains("/dev/null/flights"), "{told:?}");
    assert_eq!((seen.log().stalls().len(), seen.log().history.lost().recordings), (1, 1));
    assert!(seen.log().lines.iter().any(|line| matches!(line, Line::Coverage(_))));
    let said = seen.stderr.lines().filter(|line| line.contains("/dev/null/flights")).count();
    assert_eq!(said, 1, "it is said once at the start: {}", seen.stderr);
}
