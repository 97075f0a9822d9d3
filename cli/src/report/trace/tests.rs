use super::*;
use crate::report::Course;
use stallscope::analysis::{History, Report, Terms, judge};
use stallscope_wire::{
    Cause, Frame, Handlers, Header, Lag, LagState, Line, Pause, Phase as Life, Polling, Runtime, Serving,
    Snapshot, Stack, Stall, Step, Thread, Worker, WorkerState,
};
use std::collections::BTreeMap;

const MS: u64 = 1_000_000;

fn thread(worker: u32) -> Thread {
    Thread { runtime: 1, worker: Some(worker), name: "tokio-rt-worker".into(), tid: 100 + worker as i32 }
}

fn worker(index: u32, for_ms: u64, stall: Option<u64>) -> Worker {
    let spawned_at = Some("src/main.rs:31:5".into());
    Worker {
        runtime: 1,
        index: Some(index),
        thread: "tokio-rt-worker".into(),
        tid: 100 + index as i32,
        state: if stall.is_some() { WorkerState::Blocked } else { WorkerState::Polling },
        polling: Some(Polling { task: Some(9), spawned_at, for_ns: for_ms * MS }),
        stall,
        busy_permille: 500,
        ..Worker::default()
    }
}

fn snapshot(at_ms: u64, workers: Vec<Worker>) -> Line {
    let runtime = Runtime { id: 1, injection_queue: 3, local_queues: 2, ..Runtime::default() };
    let lag = LagState { window_max_ns: Some(at_ms * 1000), ..LagState::default() };
    Line::Snapshot(Snapshot {
        at_ns: at_ms * MS,
        runtimes: vec![runtime],
        workers,
        lag,
        ..Snapshot::default()
    })
}

fn stall(id: u64, from_ms: u64, ms: u64) -> Line {
    let frame = Frame {
        function: Some("app::render".into()),
        file: Some("src/report.rs".into()),
        line: Some(42),
        user: true,
        ..Frame::default()
    };
    Line::Stall(Stall {
        id,
        phase: Life::End,
        started_ns: from_ms * MS,
        at_ns: (from_ms + ms) * MS,
        duration_ns: ms * MS,
        attributable_ns: ms * MS,
        thread: thread(1),
        cause: Cause::Syscall,
        syscall: Some("fsync".into()),
        stack: Some(Stack { culprit: Some(0), frames: vec![frame], ..Stack::default() }),
        ..Stall::default()
    })
}

fn lines() -> Vec<Line> {
    let steps = [(Doing::Own, 5), (Doing::Behind, 40), (Doing::Awaiting, 5)];
    let slow = SlowRequest {
        request: Serving { route: "GET /report".into(), id: Some("r1".into()) },
        started_ns: 1000 * MS,
        took_ns: 50 * MS,
        timeline: steps.map(|(doing, ms)| Step { doing, for_ns: ms * MS }).to_vec(),
        ..SlowRequest::default()
    };
    let lag =
        Lag { at_ns: 1400 * MS, runtime: 1, wait_ns: 300 * MS, attributable_ns: 300 * MS, ..Lag::default() };
    vec![
        snapshot(500, vec![worker(0, 7, None), worker(1, 0, None)]),
        snapshot(1000, vec![worker(0, 507, None), worker(1, 0, None)]),
        stall(2, 1100, 312),
        // Part of the stall: it is not told twice.
        snapshot(1400, vec![worker(0, 2, None), worker(1, 290, None)]),
        Line::Lag(lag),
        Line::Pause(Pause { at_ns: 2000 * MS, gap_ns: 150 * MS }),
        Line::Handler(Handlers { at_ns: 2000 * MS, slowest: vec![slow], ..Handlers::default() }),
    ]
}

fn run(pid: u32, started_unix_ns: u64) -> Run {
    let header = Header { pid, started_unix_ns, exe: "/srv/app".into(), ..Header::default() };
    let (mut history, mut course) = (History::new(header), Course::default());
    for line in lines() {
        course.note(&line);
        history.apply(line);
    }
    Run { history, course }
}

fn document(runs: &[Run]) -> Value {
    let histories: Vec<_> = runs.iter().map(|run| &run.history).collect();
    let report = Report::new(
        Vec::new(),
        judge(&Terms::new(Vec::new()).allow_incomplete(true), &histories),
        &histories,
    );
    let mut out = Vec::new();
    write(&mut out, Material { report: &report, runs }).expect("it is written");
    serde_json::from_slice(&out).expect("JSON")
}

fn told(document: &Value) -> &[Value] {
    document["traceEvents"].as_array().expect("a list of events")
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or_else(|| panic!("no {field} in {event}"))
}

fn number(event: &Value, field: &str) -> f64 {
    event[field].as_f64().unwrap_or_else(|| panic!("no {field} in {event}"))
}

#[test]
fn each_event_has_what_its_phase_needs_and_time_goes_forward() {
    let document = document(&[run(7, 5_000), run(7, 9_000)]);
    let (mut at, mut open) = (0.0, BTreeMap::<_, Vec<&str>>::new());
    for event in told(&document) {
        let (name, phase) = (text(event, "name"), text(event, "ph"));
        let (pid, _tid, ts) = (number(event, "pid"), number(event, "tid"), number(event, "ts"));
        assert!(!name.is_empty() && ts >= at, "{event}");
        let key = || (pid as u64, text(event, "cat").to_owned(), text(event, "id").to_owned());
        match phase {
            "M" => assert!(at == 0.0 && event["args"].is_object(), "names come first: {event}"),
            "X" => assert!(number(event, "dur") >= 0.0, "{event}"),
            "C" => {
                let values = event["args"].as_object().expect("values");
                assert!(!values.is_empty() && values.values().all(Value::is_number), "{event}");
            }
            "b" => open.entry(key()).or_default().push(name),
            "e" => assert_eq!(open.get_mut(&key()).and_then(Vec::pop), Some(name), "{event}"),
            other => panic!("an unknown phase {other}"),
        }
        at = if phase == "M" { at } else { ts };
    }
    assert!(open.values().all(Vec::is_empty), "{open:?}");
    for phase in ["M", "X", "b", "e", "C"] {
        assert!(told(&document).iter().any(|event| event["ph"] == phase), "no {phase}");
    }
}

#[test]
fn a_stall_is_on_its_worker_with_stack_and_cause() {
    let document = document(&[run(7, 5_000)]);
    let stall = told(&document).iter().find(|event| event["cat"] == "stall").expect("the stall");
    assert_eq!((stall["name"].as_str(), stall["tid"].as_u64()), (Some("src/report.rs:42"), Some(101)));
    assert_eq!((number(stall, "ts"), number(stall, "dur")), (1_100_000.0, 312_000.0));
    assert_eq!(stall["args"]["syscall"], "fsync");
    assert_eq!(stall["args"]["stack"], "app::render at src/report.rs:42");
    let name = told(&document).iter().find(|event| event["name"] == "thread_name" && event["tid"] == 101);
    assert_eq!(name.expect("its track")["args"]["name"], "worker 1");
}

#[test]
fn long_polls_are_told_once_and_never_over_a_stall() {
    let document = document(&[run(7, 5_000)]);
    let polls = told(&document).iter().filter(|event| event["cat"] == "poll");
    let polls: Vec<_> = polls.map(|poll| (number(poll, "ts"), number(poll, "dur"))).collect();
    assert_eq!(polls, [(493_000.0, 507_000.0), (1_398_000.0, 2_000.0)]);
}

#[test]
fn times_on_one_track_are_apart_or_nested() {
    let document = document(&[run(7, 5_000), run(8, 6_000)]);
    let mut tracks = BTreeMap::<_, Vec<f64>>::new();
    for event in told(&document).iter().filter(|event| event["ph"] == "X") {
        let ends = tracks.entry((event["pid"].to_string(), event["tid"].to_string())).or_default();
        let (from, to) = (number(event, "ts"), number(event, "ts") + number(event, "dur"));
        ends.retain(|&end| end > from);
        assert!(ends.iter().all(|&end| to <= end), "{event} overlaps");
        ends.push(to);
    }
    assert!(!tracks.is_empty());
}

#[test]
fn two_processes_of_one_pid_stay_apart_on_one_clock() {
    let document = document(&[run(7, 5_000), run(7, 9_000)]);
    let stalls: Vec<_> = told(&document).iter().filter(|event| event["cat"] == "stall").collect();
    assert_ne!(stalls[0]["pid"], stalls[1]["pid"]);
    assert_eq!(number(stalls[1], "ts") - number(stalls[0], "ts"), 4.0);
}
