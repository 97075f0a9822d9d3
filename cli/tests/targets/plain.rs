//! `stallscope watch` without a terminal.

use crate::process::{MS, PATIENCE, Process, Running, Viewer, end, folder, run, snapshot, stall, stallscope};
use rustix::process::{Pid, Signal, kill_process};
use stallscope_wire::{End, Line, Phase};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

/// A watcher that is read line by line.
struct Watcher {
    child: Running,
    lines: Receiver<String>,
}

impl Watcher {
    fn start(runtime: &Path, arguments: &[&str]) -> Self {
        let mut command = stallscope(runtime);
        let mut child =
            command.arg("watch").args(arguments).stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child: Running(child), lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("it says more")
    }

    /// The next line, which must hold this.
    fn says(&self, text: &str) {
        let line = self.line();
        assert!(line.contains(text), "{line:?}, where {text:?} was expected");
    }

    /// Whose lines come until so many have spoken.
    fn pids(&self, count: usize) -> BTreeSet<i32> {
        let mut pids = BTreeSet::new();
        while pids.len() < count {
            let line = self.line();
            let pid = line.split_once("stallscope ").and_then(|(_, rest)| rest.split_once(": "));
            pids.extend(pid.and_then(|(pid, _)| pid.parse::<i32>().ok()));
        }
        pids
    }

    fn ends(mut self) {
        assert_eq!(self.lines.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
        assert_eq!(self.child.code(), Some(0));
    }
}

/// The process ends in order: it hangs up, and its socket is gone.
fn ends(process: Process, mut viewer: Viewer) {
    viewer.tell(&end(500 * MS));
    process.leave();
}

#[test]
fn what_happens_is_told_as_it_happens() {
    let folder = folder();
    let process = Process::start(folder.path(), 7);
    let watcher = Watcher::start(folder.path(), &["7"]);
    let mut viewer = process.meet();
    viewer.tell(&snapshot(100 * MS));
    watcher.says("UTC  healthy: 2 workers, 0 tasks");
    viewer.tell(&stall(1, Phase::Begin, 150 * MS));
    watcher.says("UTC  src/report.rs:42 blocks ");
    viewer.tell(&stall(1, Phase::End, 312 * MS));
    watcher.says("for 312ms");
    ends(process, viewer);
    watcher.says("the process ended at ");
    watcher.ends();
}

#[test]
fn of_several_each_line_says_whose_it_is_and_a_restart_is_told() {
    let folder = folder();
    let (first, second) = (Process::start(folder.path(), 7), Process::start(folder.path(), 9));
    let watcher = Watcher::start(folder.path(), &["7", "9"]);
    let (mut of_first, mut of_second) = (first.meet(), second.meet());
    of_first.tell(&snapshot(100 * MS));
    watcher.says("UTC  shop-api 7: healthy: ");
    of_second.tell(&snapshot(100 * MS));
    watcher.says("UTC  shop-api 9: healthy: ");
    // It is killed: its socket stays.
    drop(of_first);
    watcher.says("shop-api 7: the process went away at ");
    let again = Process::start(folder.path(), 12);
    let mut of_again = again.meet();
    of_again.tell(&snapshot(50 * MS));
    watcher.says("shop-api 12: started again after pid 7, which is gone");
    watcher.says("shop-api 12: healthy: ");
    // Another program is nobody's business.
    let mut other = Process::start(folder.path(), 13);
    other.header.exe = "/srv/other".into();
    drop(other.meet());
    ends(again, of_again);
    watcher.says("shop-api 12: the process ended");
    ends(second, of_second);
    watcher.says("shop-api 9: the process ended");
    watcher.ends();
}

#[test]
fn all_are_watched_and_those_that_come() {
    let folder = folder();
    let first = Process::start(folder.path(), 7);
    let asked = thread::spawn(move || (first.meet(), first));
    let mut watcher = Watcher::start(folder.path(), &["--all", "--format", "json"]);
    let (mut asked, first) = asked.join().expect("it is looked for");
    asked.tell(&snapshot(100 * MS));
    let mut viewer = first.meet();
    viewer.tell(&snapshot(100 * MS));
    watcher.says(r#""event":"health""#);
    let mut other = Process::start(folder.path(), 9);
    other.header.exe = "/srv/other".into();
    let mut of_other = other.meet();
    of_other.tell(&snapshot(100 * MS));
    watcher.says(r#""event":"start""#);
    watcher.says(r#""name":"other""#);
    of_other.tell(&Line::End(End { at_ns: 200 * MS }));
    other.leave();
    drop(of_other);
    watcher.says(r#""event":"end""#);
    ends(first, viewer);
    watcher.says(r#""event":"end""#);
    // It waits for those that come.
    assert!(watcher.child.0.try_wait().expect("it is ours").is_none());
}

#[test]
fn several_logs_are_told_one_after_the_other() {
    let folder = folder();
    let log = |name: &str, pid: u32| {
        let path = folder.path().join(name);
        let header = stallscope_wire::Header { pid, exe: "/srv/shop-api".into(), ..Default::default() };
        let lines = [Line::Header(header), snapshot(MS), stall(1, Phase::End, 312 * MS), end(400 * MS)];
        std::fs::write(&path, lines.iter().flat_map(Line::encode).collect::<Vec<_>>())
            .expect("it is written");
        path
    };
    let (code, out, _) =
        run(stallscope(folder.path()).arg("watch").arg(log("a.jsonl", 7)).arg(log("b.jsonl", 9)));
    assert_eq!(code, Some(0));
    for pid in [7, 9] {
        assert!(out.contains(&format!("shop-api {pid}: the process ended at 00:00:00 UTC")), "{out}");
        assert!(out.contains(&format!("shop-api {pid}: src/report.rs:42 blocked a worker once")), "{out}");
    }
}

#[test]
fn what_is_not_shown_of_a_folder_is_told_beside_the_rest() {
    let folder = folder();
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).expect("a folder");
    for pid in 1..=34 {
        let header = stallscope_wire::Header { pid, ..Default::default() };
        let lines = [Line::Header(header), end(400 * MS)];
        let text: Vec<u8> = lines.iter().flat_map(Line::encode).collect();
        std::fs::write(logs.join(format!("{pid}.jsonl")), text).expect("it is written");
    }
    std::fs::write(logs.join("z.jsonl"), "no log").expect("it is written");
    let (code, out, err) = run(stallscope(folder.path()).arg("watch").arg(&logs));
    assert_eq!((code, out.matches("the process ended").count()), (Some(0), 32), "{out}");
    assert!(err.contains("note: 2 older logs of "), "{err}");
    assert!(err.contains("note: not shown: ") && err.contains("z.jsonl: this is no"), "{err}");
}

#[test]
fn a_supervisor_stands_for_all_that_it_starts() {
    let folder = folder();
    let mut command = stallscope(folder.path());
    command.args(["serve", "--processes", "2", "--addr", "127.0.0.1:0"]).stdin(Stdio::piped());
    let supervisor = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut supervisor = Running(supervisor);
    let mut listening = String::new();
    let stdout = supervisor.0.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut listening).expect("it says where it listens");
    let watcher = Watcher::start(folder.path(), &[&supervisor.0.id().to_string()]);
    let pids = watcher.pids(2);
    let killed = *pids.first().expect("there are two");
    kill_process(Pid::from_raw(killed).expect("a pid"), Signal::KILL).expect("it runs");
    let again = format!("started again after pid {killed}, which is gone");
    while !watcher.line().contains(&again) {}
    // What it has started ends with it.
    drop(supervisor);
    while let Ok(line) = watcher.lines.recv_timeout(PATIENCE) {
        assert!(!line.is_empty());
    }
    watcher.ends();
}
