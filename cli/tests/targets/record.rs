use crate::process::{MS, Process, Running, Viewer, end, folder, run, snapshot, stall, stallscope};
use crate::terminal::{Terminal, terminate};
use stallscope_wire::{Leave, Line, Phase, Reader};
use std::fs::{self, File};
use std::path::Path;
use std::thread;

/// A kind of a later version: it is kept as it came.
const LATER: &[u8] = b"{\"kind\":\"weather\",\"sky\":\"blue\"}\n";

fn tell(viewer: &mut Viewer) {
    viewer.tell(&snapshot(312 * MS));
    viewer.tell(&stall(1, Phase::End, 312 * MS));
    viewer.tell_text(LATER);
}

fn lines(path: &Path) -> Vec<Line> {
    let mut reader = Reader::new(File::open(path).expect("it opens")).expect("it is a log");
    std::iter::from_fn(|| reader.next_line().expect("it is whole")).collect()
}

/// What `watch` says of a log.
fn shown(log: &Path) -> String {
    run(stallscope(log.parent().expect("a folder")).arg("watch").arg(log)).1
}

#[test]
fn what_a_process_tells_until_it_ends_is_kept_as_it_came() {
    let folder = folder();
    let log = folder.path().join("a.jsonl");
    let process = Process::start(folder.path(), 7);
    let header = Line::Header(process.header.clone()).encode();
    let told = thread::spawn(move || {
        let mut viewer = process.meet();
        tell(&mut viewer);
        viewer.tell(&end(400 * MS));
    });
    let (code, out, talk) = run(stallscope(folder.path()).args(["record", "7", "-o"]).arg(&log));
    told.join().expect("it was read");
    assert_eq!((code, out.as_str()), (Some(0), ""), "{talk}");
    assert!(talk.starts_with("recorded shop-api (pid 7), until the process ended: 5 lines, "), "{talk}");
    let said = [
        header,
        snapshot(312 * MS).encode(),
        stall(1, Phase::End, 312 * MS).encode(),
        LATER.to_vec(),
        end(400 * MS).encode(),
    ];
    assert_eq!(fs::read(&log).expect("it is there"), said.concat());
}

#[test]
fn a_process_that_is_killed_leaves_a_recording_without_an_end() {
    let folder = folder();
    let log = folder.path().join("a.jsonl");
    let process = Process::start(folder.path(), 7);
    // It dies in the middle of a line.
    let told = thread::spawn(move || {
        let mut viewer = process.meet();
        tell(&mut viewer);
        viewer.tell_text(&snapshot(400 * MS).encode()[..20]);
    });
    let (code, _, talk) = run(stallscope(folder.path()).args(["record", "7", "-o"]).arg(&log));
    told.join().expect("it was read");
    assert!(code == Some(0) && talk.contains("went away without a word"), "{talk}");
    assert_eq!(lines(&log), [snapshot(312 * MS), stall(1, Phase::End, 312 * MS)]);
    assert!(shown(&log).contains("without its end mark"), "{}", shown(&log));
}

#[test]
fn a_signal_ends_the_recording_with_a_whole_log() {
    let folder = folder();
    let log = folder.path().join("a.jsonl");
    let process = Process::start(folder.path(), 7);
    let mut terminal = Terminal::new();
    let mut child = Running(terminal.spawn(stallscope(folder.path()).args(["record", "7", "-o"]).arg(&log)));
    let mut viewer = process.meet();
    tell(&mut viewer);
    terminal.wait_for("recording shop-api (pid 7): 4 lines");
    terminate(&child.0);
    assert_eq!(child.code(), Some(0));
    terminal.wait_for("recorded shop-api (pid 7): 5 lines");
    assert_eq!(lines(&log).last(), Some(&Line::Leave(Leave { at_ns: 312 * MS })));
    let shown = shown(&log);
    assert!(shown.contains("the recording ended at ") && shown.contains("src/report.rs:42"), "{shown}");
    // A gate may judge it: nothing of what was to be seen is missing.
    let (code, _, talk) =
        run(stallscope(folder.path()).args(["check", "--fail-on", "stall.max < 1s", "--log"]).arg(&log));
    assert_eq!(code, Some(0), "{talk}");
}

#[test]
fn a_recording_may_be_given_a_time() {
    let folder = folder();
    let log = folder.path().join("a.jsonl");
    let process = Process::start(folder.path(), 7);
    let told = thread::spawn(move || {
        let mut viewer = process.meet();
        tell(&mut viewer);
        // Until the viewer is gone.
        viewer.wait();
    });
    let (code, _, talk) = run(stallscope(folder.path()).args(["record", "7", "--for", "1s", "-o"]).arg(&log));
    assert!(code == Some(0) && talk.starts_with("recorded shop-api (pid 7): 5 lines"), "{talk}");
    told.join().expect("it was read");
}

#[test]
fn a_file_that_is_there_is_not_replaced_unasked() {
    let folder = folder();
    let log = folder.path().join("a.jsonl");
    fs::write(&log, "dear to somebody").expect("it is written");
    let process = Process::start(folder.path(), 7);
    let told = thread::spawn(move || {
        for _ in 0..2 {
            process.meet().tell(&end(0));
        }
    });
    let record = || run(stallscope(folder.path()).args(["record", "7", "-o"]).arg(&log));
    let (code, _, talk) = record();
    assert!(
        code == Some(2) && talk.ends_with("is there already: name another file, or give --force\n"),
        "{talk}"
    );
    assert_eq!(fs::read_to_string(&log).expect("it is there"), "dear to somebody");
    let (code, ..) = run(stallscope(folder.path()).args(["record", "7", "--force", "-o"]).arg(&log));
    assert_eq!((code, lines(&log)), (Some(0), vec![end(0)]));
    told.join().expect("it was asked twice");
}

#[test]
fn what_cannot_be_recorded_is_the_users_error_and_leaves_no_file() {
    let folder = folder();
    let (log, other) = (folder.path().join("a.jsonl"), folder.path().join("b.jsonl"));
    fs::write(&other, "").expect("it is written");
    for (target, why) in [
        (other.to_str().expect("a plain path"), "is a file, not a running process"),
        ("4294967295", "no process has the pid"),
        ("/nonexistent", "there is no /nonexistent"),
    ] {
        let (code, _, talk) = run(stallscope(folder.path()).args(["record", target, "-o"]).arg(&log));
        assert!(code == Some(2) && talk.contains(why), "{talk}");
        assert!(!log.exists());
    }
}
