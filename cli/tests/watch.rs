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
    // What whoever runs the tests has settled is none of theirs.
    command.env("XDG_CONFIG_HOME", runtime.join("config"));
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
fn a_folder_without_logs_has_nothing_to_watch() {
    let empty = folder();
    let (code, out, talk) = run(empty.path(), &["watch", "."]);
    assert_eq!((code, out.as_str()), (Some(98), ""), "{talk}");
    assert!(talk.contains("holds no event log"), "{talk}");
}

#[test]
fn a_wrong_target_is_the_users_error() {
    for target in ["/nonexistent.jsonl", "4294967295", "localhost:9000", "/dev/zero"] {
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

/// Lines of a process in which two lines blocked, one of them twice.
fn two_culprits(folder: &Path) -> PathBuf {
    let frame = |file: &str, line| Frame {
        function: Some(format!("shop::{file}::work")),
        file: Some(format!("src/{file}.rs")),
        line: Some(line),
        user: true,
        ..Frame::default()
    };
    let stall = |id: u64, file: &str, line, took: u64| {
        let stack = Stack { culprit: Some(0), frames: vec![frame(file, line)], ..Stack::default() };
        let (started_ns, took) = (id * 1_000 * MS, took * MS);
        Line::Stall(Stall {
            id,
            at_ns: started_ns + took,
            started_ns,
            phase: Phase::End,
            duration_ns: took,
            attributable_ns: took,
            stack: Some(stack),
            ..Stall::default()
        })
    };
    let path = folder.join("two.jsonl");
    let lines = [stall(1, "report", 42, 312), stall(2, "hash", 7, 150), stall(3, "report", 42, 300)];
    let mut text = lines_of_log();
    text.extend(lines.iter().flat_map(Line::encode));
    text.extend(Line::End(End { at_ns: 9_000 * MS }).encode());
    fs::write(&path, text).expect("the log is written");
    path
}

/// The beginning of a log.
fn lines_of_log() -> Vec<u8> {
    let all = lines();
    let mut text = all.split_inclusive(|&letter| letter == b'\n');
    [text.next(), text.next()].into_iter().flatten().flatten().copied().collect()
}

#[test]
fn a_session_opens_filters_drills_down_pauses_exports_resizes_and_quits() {
    let folder = folder();
    let path = two_culprits(folder.path());
    let mut terminal = Terminal::new();
    let mut command = stallscope(folder.path());
    let mut child = terminal.spawn(command.arg("watch").arg(path).current_dir(folder.path()));
    terminal.wait_until("both culprits", |screen| {
        screen.contains("src/report.rs:42") && screen.contains("src/hash.rs:7")
    });
    terminal.write(b"2/hash");
    let filtered =
        terminal.wait_until("the filter", |screen| screen.contains(" /hash") && screen.contains("1 of 2"));
    assert!(
        filtered.lines().any(|line| line.contains("src/hash.rs:7") && line.contains("150ms")),
        "{filtered}"
    );
    terminal.write(b"\r");
    terminal.wait_until("that it is filtered", |screen| screen.contains("\"hash\": 1 of 2"));
    terminal.write(b"\r");
    terminal.wait_until("the stack", |screen| {
        screen.contains("shop::hash::work") && screen.contains("Esc: back")
    });
    terminal.write(b"\x1b");
    terminal.wait_until("the list again", |screen| screen.contains("\"hash\": 1 of 2"));
    terminal.write(b"x");
    terminal.wait_until("the question", |screen| screen.contains("write 1 row to a file as"));
    terminal.write(b"c");
    terminal.wait_until("the file's name", |screen| screen.contains("wrote 1 row to shop-api-7-stalls.csv"));
    let csv = fs::read_to_string(folder.path().join("shop-api-7-stalls.csv")).expect("it is there");
    let rows: Vec<_> = csv.lines().collect();
    assert!(rows.len() == 2 && rows[0].starts_with("where,function,cause,count,longest_ns"), "{csv}");
    assert!(rows[1].starts_with("src/hash.rs:7,") && rows[1].contains(",150000000,"), "{csv}");
    terminal.write(b"\x1b[D");
    terminal.wait_until("that it is the past", |screen| screen.contains("PAUSED"));
    terminal.write(b"L");
    terminal.wait_until("the end again", |screen| !screen.contains("PAUSED"));
    terminal.resize((110, 30), &child);
    let wide = terminal.wait_until("all rows", |screen| screen.contains("\"hash\": 1 of 2"));
    assert!(wide.lines().any(|line| line.trim_end().chars().count() > 80), "{wide}");
    terminal.resize((60, 15), &child);
    terminal.wait_until("the small screen", |screen| screen.contains("src/hash.rs:7"));
    terminal.write(b"?");
    terminal.wait_until("the help", |screen| screen.contains(" Keys ") && screen.contains(" more "));
    terminal.write(b"q");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(!terminal.is_raw());
    terminal.wait_for("\x1b[?1049l");
}

#[test]
fn the_editor_gets_the_line_and_the_terminal_and_gives_it_back() {
    let folder = folder();
    fs::create_dir(folder.path().join("src")).expect("a folder");
    fs::write(folder.path().join("src/report.rs"), "fn render() {}\n").expect("written");
    let mut terminal = Terminal::new();
    let mut command = stallscope(folder.path());
    let editor = "sh -c 'stty -a | grep -c -- -icanon > raw; printf \"%s \" \"$@\" > asked' editor";
    command.env("VISUAL", editor).current_dir(folder.path());
    let mut child = terminal.spawn(command.arg("watch").arg(log(folder.path())));
    terminal.wait_until("the culprit", |screen| screen.contains("src/report.rs:42"));
    terminal.write(b"e");
    terminal.wait_for("\x1b[?1049l");
    terminal.write(b"3");
    terminal.wait_until("the next screen", |screen| screen.contains("Tasks, by the line"));
    let asked = fs::read_to_string(folder.path().join("asked")).expect("the editor ran");
    let file = fs::canonicalize(folder.path()).expect("it is there").join("src/report.rs");
    assert_eq!(asked, format!("+42 {} ", file.display()));
    assert_eq!(
        fs::read_to_string(folder.path().join("raw")).expect("it looked"),
        "0\n",
        "keys come in lines"
    );
    assert!(terminal.is_raw());
    terminal.write(b"q");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn without_an_editor_or_the_file_it_says_so() {
    for (editor, said) in [(None, "no editor is named"), (Some("vi"), "src/report.rs is not here")] {
        let folder = folder();
        let mut terminal = Terminal::new();
        let mut command = stallscope(folder.path());
        command.env_remove("VISUAL").env_remove("EDITOR").current_dir(folder.path());
        if let Some(editor) = editor {
            command.env("EDITOR", editor);
        }
        let mut child = terminal.spawn(command.arg("watch").arg(log(folder.path())));
        terminal.wait_until("the culprit", |screen| screen.contains("src/report.rs:42"));
        terminal.write(b"e");
        terminal.wait_until("why", |screen| screen.contains(said));
        terminal.write(b"q");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn what_is_copied_goes_to_the_terminals_clipboard() {
    let folder = folder();
    let mut terminal = Terminal::new();
    let mut child = terminal.spawn(stallscope(folder.path()).arg("watch").arg(log(folder.path())));
    terminal.wait_until("the culprit", |screen| screen.contains("src/report.rs:42"));
    terminal.write(b"y");
    terminal.wait_for("\x1b]52;c;c3JjL3JlcG9ydC5yczo0Mg==\x07");
    terminal.wait_until("that it was", |screen| {
        screen.contains("copied, if your terminal takes it: src/report.rs:42")
    });
    terminal.write(b"q");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn the_mouse_is_heard_unless_it_is_turned_off() {
    let folder = folder();
    let path = two_culprits(folder.path());
    for (flag, heard) in [("--mouse", true), ("--mouse=false", false)] {
        let mut terminal = Terminal::new();
        let mut child = terminal.spawn(stallscope(folder.path()).args(["watch", flag]).arg(&path));
        terminal.wait_until("the culprits", |screen| screen.contains("src/hash.rs:7"));
        if heard {
            terminal.wait_for("\x1b[?1000h");
            // On the name of the second screen.
            terminal.write(b"\x1b[<0;16;2M\x1b[<0;16;2m");
            terminal.wait_until("the second screen", |screen| {
                !screen.contains("Loop lag") && screen.contains("src/hash.rs:7")
            });
        }
        terminal.write(b"q");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        terminal.wait_for("\x1b[?1049l");
        assert_eq!(terminal.has_seen("\x1b[?1000h"), heard);
    }
}

#[test]
fn settings_that_are_wrong_are_named_with_their_place() {
    let folder = folder();
    fs::create_dir(folder.path().join("stallscope")).expect("a folder");
    fs::write(folder.path().join("stallscope/config.toml"), "[dashboard]\nthme = \"light\"\n")
        .expect("written");
    let mut command = stallscope(folder.path());
    let output = command
        .args(["watch", "--print-config"])
        .env("XDG_CONFIG_HOME", folder.path())
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("stallscope/config.toml:2:1: unknown setting \"thme\"; did you mean \"theme\"?"),
        "{told}"
    );
    assert!(told.contains("\n  thme = \"light\"\n  ^^^^"), "{told}");
}

#[test]
fn all_settings_are_printed_and_keys_can_be_changed() {
    let folder = folder();
    fs::create_dir(folder.path().join("stallscope")).expect("a folder");
    let config = folder.path().join("stallscope/config.toml");
    fs::write(&config, "[dashboard.keys]\nquit = [\"z\"]\n").expect("written");
    let output = stallscope(folder.path())
        .args(["watch", "--print-config", "--theme", "light"])
        .env("XDG_CONFIG_HOME", folder.path())
        .output()
        .expect("it starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    for line in ["theme = \"light\"", "mouse = true", "quit = [\"z\"]", "pause = [\"space\"]"] {
        assert!(printed.lines().any(|printed| printed == line), "{line}: {printed}");
    }
    let mut terminal = Terminal::new();
    let mut command = stallscope(folder.path());
    command.env("XDG_CONFIG_HOME", folder.path());
    let mut child = terminal.spawn(command.arg("watch").arg(log(folder.path())));
    terminal.wait_until("the key", |screen| screen.contains("z quit"));
    terminal.write(b"qz");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
