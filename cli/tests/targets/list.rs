use crate::process::{MS, Process, Viewer, folder, run, snapshot, stall, stallscope};
use serde_json::Value;
use stallscope_wire::Phase;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

/// No process has a number above the kernel's highest.
const NOBODY: u32 = 4_194_305;

/// A process that tells each viewer the same.
fn plays(runtime: &Path, pid: u32, tell: impl Fn(&mut Viewer) + Send + 'static) {
    let process = Process::start(runtime, pid);
    thread::spawn(move || {
        loop {
            tell(&mut process.meet());
        }
    });
}

/// What a process leaves that is killed.
fn leaves(runtime: &Path, pid: u32) -> PathBuf {
    let socket = runtime.join(format!("stallscope/{pid}.sock"));
    drop(UnixListener::bind(&socket).expect("a socket"));
    socket
}

fn json(runtime: &Path) -> Value {
    let (code, json, talk) = run(stallscope(runtime).args(["list", "--format", "json"]));
    assert_eq!(code, Some(0), "{talk}");
    serde_json::from_str(&json).expect("JSON")
}

#[test]
fn each_process_is_listed_with_its_health_and_its_worst_line() {
    let folder = folder();
    plays(folder.path(), 7, |viewer| viewer.tell(&snapshot(60_000 * MS)));
    plays(folder.path(), 9, |viewer| {
        viewer.tell(&stall(1, Phase::Begin, 312 * MS));
        viewer.tell(&snapshot(312 * MS));
    });
    let (_, out, talk) = run(stallscope(folder.path()).arg("list"));
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("PID  UP   HEALTH   LAG P99  WORST"), "{out}");
    assert!(lines[1].starts_with("7    60s  HEALTHY  –        –"), "{out}");
    assert!(lines[2].starts_with("9    0ns  BLOCKED  –        src/report.rs:42 312ms ("), "{out}");
    assert!(lines[2].ends_with("exact/full, 2 workers  /srv/shop-api"), "{out}");
    assert_eq!((lines.len(), talk.as_str()), (3, ""));

    let list = json(folder.path());
    assert_eq!(list[0]["health"]["level"], "good");
    assert!(list[0]["worst"].is_null());
    assert_eq!(list[1]["health"]["word"], "BLOCKED");
    let sentence = list[1]["health"]["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("blocked 312ms at src/report.rs:42"), "{sentence}");
    assert_eq!(list[1]["worst"]["culprit"], "src/report.rs:42");
    assert_eq!(
        (&list[1]["worst"]["attributable_max_ns"], &list[1]["stalls_now"]),
        (&(312 * MS).into(), &1.into())
    );
}

#[test]
fn of_a_stall_the_part_of_the_machine_is_left_out() {
    let folder = folder();
    plays(folder.path(), 7, |viewer| {
        let mut stall = stall(1, Phase::End, 900 * MS);
        if let stallscope_wire::Line::Stall(stall) = &mut stall {
            stall.attributable_ns = 120 * MS;
        }
        viewer.tell(&stall);
        viewer.tell(&snapshot(900 * MS));
    });
    let (_, out, _) = run(stallscope(folder.path()).arg("list"));
    assert!(out.contains("src/report.rs:42 120ms ("), "{out}");
}

#[test]
fn what_killed_processes_left_is_removed_and_told() {
    let folder = folder();
    plays(folder.path(), 7, |viewer| viewer.tell(&snapshot(MS)));
    let (gone, taken) = (leaves(folder.path(), NOBODY), leaves(folder.path(), std::process::id()));
    let list = json(folder.path());
    let dead: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .filter(|process| process["alive"] == false)
        .map(|process| (process["pid"].as_u64(), process["removed"].as_bool()))
        .collect();
    let own = std::process::id();
    assert_eq!(dead, [(Some(own.into()), Some(false)), (Some(NOBODY.into()), Some(true))]);
    assert!(!gone.exists() && taken.exists(), "a process may be about to listen there");
    leaves(folder.path(), NOBODY);
    let (_, out, talk) = run(stallscope(folder.path()).arg("list"));
    assert_eq!(out.lines().count(), 2, "the living only: {out}");
    assert!(
        talk.starts_with(&format!("removed what killed processes had left: the sockets of pid {NOBODY}\n")),
        "{talk}"
    );
    assert!(talk.contains(&format!("another process's now: pid {own}\n")), "{talk}");
}

#[test]
fn a_process_that_does_not_answer_is_listed_with_why() {
    let folder = folder();
    let _silent = UnixListener::bind(folder.path().join("stallscope/7.sock")).expect("a socket");
    let (_, out, _) = run(stallscope(folder.path()).arg("list"));
    assert!(out.contains("NO ANSWER") && out.contains("it may be stopped"), "{out}");
    assert_eq!(json(folder.path())[0]["health"]["word"], "NO ANSWER");
}
