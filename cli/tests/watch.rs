//! `stallscope watch` and `stallscope list` as a user runs them, on a terminal and without.

mod terminal;

use stallscope_wire::{
    Coverage, End, Frame, Header, Line, Mode, Phase, Runtime, Snapshot, Stack, Stall, Tier, Worker,
};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use tempfile::TempDir;
use terminal::Terminal;

const MS: u64 = 1_000_000;

/// Lines of a process in which one line blocked once.
fn lines() -> Vec<u8> {
    let header = Header {
        pid: 7,
        exe: "/srv/shop-api".into(),
        tier: Tier::Exact,
        threshold_ns: 100 * MS,
        coverage: Coverage::whole(),
        ..Header::default()
    };
    let frame = Frame { file: Some("src/report.rs".into()), line: Some(42), user: true, ..Frame::default() };
    let stack = Some(Stack { culprit: Some(0), frames: vec![frame], ..Stack::default() });
    let took = 312 * MS;
    let stall =
        Stall { phase: Phase::End, duration_ns: took, attributable_ns: took, stack, ..Stall::default() };
    let runtimes = vec![Runtime { workers: 2, ..Runtime::default() }];
    // The thread that runs the root future is listed too.
    let workers = vec![Worker::default(); 3];
    let snapshot = Snapshot { at_ns: took, runtimes, workers, ..Snapshot::default() };
    let lines = [
        Line::Header(header),
        Line::Snapshot(snapshot),
        Line::Stall(stall),
        Line::End(End { at_ns: 400 * MS }),
    ];
    lines.iter().flat_map(Line::encode).collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn log(folder: &Path) -> PathBuf {
    let path = folder.join("app.jsonl");
    fs::write(&path, lines()).expect("the log is written");
    path
}

/// A live process that says its lines to each that asks.
fn live(runtime: &Path, pid: u32) {
    let folder = runtime.join("stallscope");
    fs::create_dir_all(&folder).expect("a folder");
    let listener = UnixListener::bind(folder.join(format!("{pid}.sock"))).expect("a socket");
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.write_all(&lines()).expect("the viewer reads");
        }
    });
}

fn stallscope(runtime: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stallscope"));
    command.env("XDG_RUNTIME_DIR", runtime).env_remove("NO_COLOR").env("TERM", "xterm-256color");
    command
}

fn run(runtime: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = stallscope(runtime).args(arguments).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn with_nothing_to_watch_it_says_what_could_be() {
    let (code, out, talk) = run(folder().path(), &["watch"]);
    assert_eq!((code, out.as_str()), (Some(98), ""));
    assert!(talk.starts_with("error: nothing to watch") && talk.contains("#[stallscope::main]"), "{talk}");
}

#[test]
fn a_wrong_target_is_the_users_error() {
    for target in ["/nonexistent.jsonl", "4294967295", "localhost:9000", "/", "/dev/zero"] {
        let (code, out, talk) = run(folder().path(), &["watch", target]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{target}: {talk}");
        assert!(talk.starts_with("error: "), "{talk}");
    }
}

#[test]
fn without_a_terminal_a_log_is_told_in_lines() {
    let folder = folder();
    let (code, out, _) = run(folder.path(), &["watch", log(folder.path()).to_str().expect("a plain path")]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("the process ended at 00:00:00 UTC"), "{out}");
    assert!(out.contains("\nsrc/report.rs:42 blocked a worker once, for 312ms"), "{out}");
}

#[test]
fn the_only_process_needs_no_name_and_of_several_one_is_to_be_named() {
    let folder = folder();
    live(folder.path(), 7);
    let (code, out, _) = run(folder.path(), &["watch"]);
    assert!(code == Some(0) && out.contains("src/report.rs:42"), "{out}");
    live(folder.path(), 12);
    let (code, _, talk) = run(folder.path(), &["watch"]);
    assert_eq!(
        (code, talk.as_str()),
        (
            Some(2),
            "error: several processes run: name some of the pids 7 (shop-api), 12 (shop-api), or all with --all\n"
        )
    );
}

#[test]
fn an_empty_list_is_no_error() {
    let folder = folder();
    let (code, out, talk) = run(folder.path(), &["list"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert_eq!(talk, "no instrumented process of this user runs now\n");
    assert_eq!(run(folder.path(), &["list", "--format", "json"]).1, "[]\n");
}

#[test]
fn the_dashboard_names_the_line_and_leaves_the_terminal_as_it_was() {
    for leave in [&b"q"[..], b"\x03"] {
        let folder = folder();
        let mut terminal = Terminal::new();
        let mut child = terminal.spawn(stallscope(folder.path()).arg("watch").arg(log(folder.path())));
        terminal.wait_for("src/report.rs:42");
        assert!(terminal.is_raw());
        terminal.write(leave);
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        assert!(!terminal.is_raw());
        terminal.wait_for("\x1b[?1049l");
    }
}

#[test]
fn the_mode_key_asks_the_process_that_is_watched() {
    let folder = folder();
    let socket = folder.path().join("stallscope/7.sock");
    fs::create_dir_all(socket.parent().expect("a folder")).expect("a folder");
    let listener = UnixListener::bind(socket).expect("a socket");
    let process = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a reader");
        let header = Header { pid: 7, tier: Tier::Exact, requests: true, ..Header::default() };
        let state = |mode| Line::Snapshot(Snapshot { mode, ..Snapshot::default() });
        for line in [Line::Header(header), state(Mode::Full)] {
            stream.write_all(&line.encode()).expect("the viewer reads");
        }
        let mut asked = String::new();
        BufReader::new(&stream).read_line(&mut asked).expect("the viewer asks");
        stream.write_all(&state(Mode::Lean).encode()).expect("the viewer reads");
        // Until the viewer is gone.
        let _ = (&stream).read(&mut [0]);
        asked
    });
    let mut terminal = Terminal::new();
    let mut child = terminal.spawn(stallscope(folder.path()).args(["watch", "7"]));
    terminal.wait_for("live");
    terminal.write(b"m");
    terminal.wait_for("any other key: leave it");
    terminal.write(b"l");
    terminal.wait_for(", lean");
    terminal.write(b"q");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(process.join().expect("it was asked"), "{\"kind\":\"set\",\"mode\":\"lean\"}\n");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was_too() {
    let folder = folder();
    let mut terminal = Terminal::new();
    let mut child = terminal.spawn(stallscope(folder.path()).arg("watch").arg(log(folder.path())));
    terminal.wait_for("src/report.rs:42");
    terminal::terminate(&child);
    assert_eq!(child.wait().expect("it ends").code(), Some(128 + 15));
    assert!(!terminal.is_raw());
}
