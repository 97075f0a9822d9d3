//! A log whose process was killed before it had named the stack of its stall.

use crate::run::built;
use stallscope_wire::{Line, Reader};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// The log of an example up to where the first stall came without names, which lie in a program of this build, if one is given.
fn killed(log: &Path, build_id: Option<&str>) -> Vec<u8> {
    let mut reader = Reader::new(File::open(log).expect("it wrote one")).expect("it is a log");
    let mut text = Line::Header(reader.header().clone()).encode();
    while let Some(mut line) = reader.next_line().expect("it can be read") {
        // On a machine that is busy, the first look at the thread may give no stack.
        if let Line::Stall(stall) = &mut line
            && let Some(stack) = &mut stall.stack
        {
            assert!(stall.draft, "it had its names at once");
            let modules = stack.modules.iter_mut();
            modules
                .for_each(|module| module.build_id = build_id.map(str::to_owned).or(module.build_id.take()));
            text.extend(line.encode());
            return text;
        }
        text.extend(line.encode());
    }
    panic!("it has no stall");
}

/// Has a program write its log.
#[track_caller]
fn ran(program: &Path, log: &Path) {
    let mut program = Command::new(program);
    program.env("STALLSCOPE_LOG", log).env("XDG_RUNTIME_DIR", log.parent().expect("a folder"));
    program.stdout(Stdio::null()).stderr(Stdio::null());
    assert!(program.status().expect("it runs").success());
}

#[test]
fn a_stall_whose_process_had_no_time_to_name_it_is_named_by_check() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (log, cut) = (folder.path().join("app.jsonl"), folder.path().join("cut.jsonl"));
    ran(&built("examples/blocking_sleep"), &log);
    let check = |build_id: Option<&str>| {
        fs::write(&cut, killed(&log, build_id)).expect("it is written");
        let mut check = Command::new(built("stallscope"));
        check.args(["check", "--fail-on", "stall.max < 1ms", "--allow-incomplete", "--log"]).arg(&cut);
        let output = check.output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, report) = check(None);
    assert_eq!(code, Some(99), "{report}");
    assert!(
        report.contains("✗ stall.max < 1ms") && report.contains("→ examples/blocking_sleep.rs:"),
        "{report}"
    );
    let (_, report) = check(Some("0123"));
    assert!(!report.contains("→ ") && report.contains("blocking_sleep+0x"), "{report}");
    assert!(report.contains("whose process ended before it was found: it was built anew since"), "{report}");
}

#[test]
fn logs_that_are_read_together_have_their_program_read_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (program, log) = (folder.path().join("blocking_sleep"), folder.path().join("whole"));
    fs::copy(built("examples/blocking_sleep"), &program).expect("it is copied");
    ran(&program, &log);
    let logs = folder.path().join("logs");
    let (first, second) = (logs.join("a.jsonl"), logs.join("b.jsonl"));
    fs::create_dir(&logs).expect("a folder");
    fs::write(&first, killed(&log, None)).expect("it is written");
    assert!(Command::new("mkfifo").arg(&second).status().expect("it runs").success());
    thread::spawn(move || {
        // It is opened when the first log was read to its end.
        let mut writer = File::options().write(true).open(&second).expect("somebody reads it");
        fs::remove_file(&program).expect("it is removed");
        writer.write_all(&killed(&log, None)).expect("it is read");
    });
    let output = Command::new(built("stallscope")).arg("report").arg(&logs).output().expect("it runs");
    let report = String::from_utf8(output.stdout).expect("text");
    let stalls = report.lines().find(|line| line.contains("blocked a worker")).expect("they are found");
    assert!(stalls.starts_with("examples/blocking_sleep.rs:") && stalls.contains(" 2 times, "), "{report}");
    assert!(!report.contains("it cannot be read here"), "{report}");
}
