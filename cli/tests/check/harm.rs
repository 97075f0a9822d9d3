//! What befalls a check, its command and their files from outside.

use crate::bench::{Bench, Ran, blocked, header, healthy, snapshot, wait_for};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The folders for logs that lie in the bench, which is where temporary files go.
fn folders(bench: &Bench) -> Vec<PathBuf> {
    let entries = fs::read_dir(bench.path("tmp")).expect("it is there");
    entries.map(|entry| entry.expect("it is").path()).collect()
}

/// A bench with a folder of its own for temporary files.
fn bench() -> Bench {
    let bench = Bench::new().log("good", &healthy()).log("bad", &blocked());
    fs::create_dir(bench.path("tmp")).expect("it is made");
    bench
}

fn check(bench: &Bench, arguments: &[&str]) -> Command {
    let mut check = bench.command(arguments);
    check.env("TMPDIR", bench.path("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped());
    check
}

fn run(bench: &Bench, arguments: &[&str]) -> Ran {
    Ran(check(bench, arguments).output().expect("the binary runs"))
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs").success());
}

#[test]
fn a_killed_check_leaves_its_command_as_it_is_and_its_folder_to_the_next() {
    let bench = bench();
    let script = "echo $STALLSCOPE_LOG > folder; touch started; \
                  while [ ! -e go ]; do sleep 0.05; done; cp good $STALLSCOPE_LOG/7-1.jsonl && touch done";
    let mut killed = check(&bench, &["--", "sh", "-c", script]).spawn().expect("the binary runs");
    wait_for(&bench.path("started"));
    kill(killed.id());
    killed.wait().expect("it ended");
    fs::write(bench.path("go"), "").expect("it is written");
    wait_for(&bench.path("done"));

    let [left] = &folders(&bench)[..] else { panic!("not one folder is left") };
    assert_eq!(
        fs::read_to_string(bench.path("folder")).expect("it was told").trim_end().trim_end_matches('/'),
        left.display().to_string()
    );
    // One that is as young may still be on its way to be locked.
    run(&bench, &["--", "true"]).exits(98);
    assert!(left.join("7-1.jsonl").exists());
    assert!(
        Command::new("touch")
            .args(["-d", "10 minutes ago"])
            .arg(left)
            .status()
            .expect("touch runs")
            .success()
    );
    run(&bench, &["--", "true"]).exits(98);
    assert!(folders(&bench).is_empty());
}

#[test]
fn a_removed_folder_is_told_and_what_is_written_later_is_judged() {
    let bench = bench();
    let removed = run(&bench, &["--", "sh", "-c", "rm -r $STALLSCOPE_LOG"]).exits(98);
    removed.says("was removed while the command ran").says("TMPDIR");
    let script = "rm -r $STALLSCOPE_LOG; mkdir -p $STALLSCOPE_LOG; cp bad $STALLSCOPE_LOG/7-1.jsonl";
    let later = run(&bench, &["--", "sh", "-c", script]).exits(99).says("src/report.rs:42");
    later.says("was removed while the command ran");
    assert!(folders(&bench).is_empty());
}

#[test]
fn where_no_log_can_be_written_nothing_is_run() {
    let bench = bench();
    for folder in ["/proc", "/nowhere"] {
        let mut check = check(&bench, &["--", "touch", "ran"]);
        let ran = Ran(check.env("TMPDIR", folder).output().expect("the binary runs")).exits(1);
        ran.says(&format!("error: cannot write event logs below {folder}")).says("TMPDIR says where they go");
    }
    assert!(!bench.path("ran").exists(), "the command was run all the same");
}

#[test]
fn a_report_that_does_not_fit_is_told() {
    let bench = bench();
    let script = "cp good $STALLSCOPE_LOG/7-1.jsonl";
    let ran = run(&bench, &["-o", "/dev/full", "--", "sh", "-c", script]).exits(1);
    ran.says("error: cannot write the report to /dev/full: No space left on device");
    fs::write(bench.path("r.json"), "old").expect("it is written");
    let mut limited = Command::new("sh");
    let program = check(&bench, &[]);
    // A file may not grow at all, as if the disk were full; the signal that says so is ignored.
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" check -o r.json --log good > /dev/null";
    limited.arg("-c").arg(script).arg(program.get_program()).current_dir(bench.path("."));
    let ran = Ran(limited.output().expect("a shell runs")).exits(1);
    ran.says("error: cannot write the report to r.json");
    assert_eq!(fs::read_to_string(bench.path("r.json")).expect("it is there"), "old");
}

#[test]
fn two_at_once_do_not_meet() {
    let bench = bench();
    let waits = |log: &str, mine: &str, others: &str| {
        let script = format!(
            "touch {mine}; while [ ! -e {others} ]; do sleep 0.02; done; cp {log} $STALLSCOPE_LOG/7-1.jsonl"
        );
        check(&bench, &["--", "sh", "-c", &script]).spawn().expect("the binary runs")
    };
    let (good, bad) = (waits("good", "a", "b"), waits("bad", "b", "a"));
    Ran(good.wait_with_output().expect("it ends")).exits(0).says("seen: 1 process");
    Ran(bad.wait_with_output().expect("it ends")).exits(99).says("seen: 1 process");
    assert!(folders(&bench).is_empty());
}

#[test]
fn a_check_within_a_check_is_seen_by_both() {
    let bench = bench();
    let inner = format!(
        "{} check -- sh -c 'cp bad $STALLSCOPE_LOG/7-1.jsonl'; echo inner $?",
        check(&bench, &[]).get_program().display()
    );
    let ran = run(&bench, &["--", "sh", "-c", &inner]).exits(99);
    ran.says("inner 99").says("seen: 1 process");
}

#[test]
fn logs_go_to_where_the_user_wants_them_too() {
    let bench = bench();
    let mut check = check(&bench, &["--", "sh", "-c", "cp bad $STALLSCOPE_LOG/7-1.jsonl"]);
    for (wanted, found) in [("logs/", "logs/7-1.jsonl"), ("own.log", "own.log")] {
        Ran(check.env("STALLSCOPE_LOG", bench.path(wanted)).output().expect("the binary runs")).exits(99);
        assert_eq!(
            fs::read(bench.path(found)).expect("it is copied"),
            fs::read(bench.path("bad")).expect("a log")
        );
    }
    let ran = Ran(check.env("STALLSCOPE_LOG", "/proc/no/").output().expect("the binary runs")).exits(99);
    ran.says("note: 1 event log could not be copied to /proc/no/ (STALLSCOPE_LOG)");
}

#[test]
fn a_process_that_was_killed_is_not_passed() {
    let bench = Bench::new().log("killed", &[header(), snapshot()]).log("good", &healthy());
    let ran = bench.program("killed", "kill -9 $$", &[]).exits(137);
    ran.says("the command failed; incomplete: process 7 (/app) did not end in order");
    // Another than the one that was started.
    let ran = bench.program("good", "cp killed $STALLSCOPE_LOG/8-1.jsonl; sh -c 'kill -9 $$'; true", &[]);
    ran.exits(98).says("it still runs, or was killed");
}
