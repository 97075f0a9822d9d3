use super::*;
use stallscope_wire::{
    Cause, Certainty, Frame, Header, Lag, Line, Pause, Phase, Snapshot, Stack, Stall, Watched,
};

const MS: u64 = 1_000_000;

/// A scope whose runtime tells of stalls and lags from 20 ms on.
fn conduct(lines: impl IntoIterator<Item = Line>) -> Conduct {
    let header = Header { threshold_ns: 20 * MS, lag_limit_ns: 20 * MS, ..Header::default() };
    let mut history = History::new(header);
    lines.into_iter().for_each(|line| history.apply(line));
    Conduct { history, tasks: Vec::new(), sockets: Vec::new(), gaps: Gaps::default() }
}

fn stall(id: u64, ms: u64, attributable_ms: u64) -> Stall {
    let frame = Frame {
        function: Some("app::render".to_owned()),
        file: Some("src/report.rs".to_owned()),
        line: Some(42),
        user: true,
        ..Frame::default()
    };
    Stall {
        id,
        phase: Phase::End,
        duration_ns: ms * MS,
        attributable_ns: attributable_ms * MS,
        cause: Cause::Syscall,
        syscall: Some("clock_nanosleep".to_owned()),
        stack: Some(Stack { culprit: Some(0), frames: vec![frame], ..Stack::default() }),
        ..Stall::default()
    }
}

/// The first lines of what a limit on stalls says.
fn on_stalls(conduct: &Conduct, limit_ms: u64) -> Vec<String> {
    let limits = Limits { stall_ns: Some(limit_ms * MS), ..Limits::default() };
    conduct.breaches(&limits).iter().map(|breach| breach.first.clone()).collect()
}

#[test]
fn a_stall_is_told_by_length_line_cause_and_limit_and_then_by_its_stack() {
    let conduct = conduct([Line::Stall(stall(1, 312, 311))]);
    let limits = Limits { stall_ns: Some(20 * MS), ..Limits::default() };
    let text = conduct.breaches(&limits)[0].to_string();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("blocked for 312ms at src/report.rs:42 (syscall clock_nanosleep), limit 20ms")
    );
    assert_eq!(lines.next(), Some("  → src/report.rs:42  app::render"));
    assert!(lines.next().is_some_and(|line| line.starts_with("  help: ")), "{text}");
    assert_eq!(on_stalls(&conduct, 400), [""; 0]);
}

#[test]
fn what_the_host_did_and_what_is_only_probable_breaches_nothing_and_is_told() {
    let paused = Line::Pause(Pause { at_ns: 900 * MS, gap_ns: 300 * MS });
    let host = Stall { cause: Cause::Host, ..stall(1, 300, 2) };
    let probable = Stall { certainty: Certainty::Probable, ..stall(2, 80, 80) };
    let conduct = conduct([paused, Line::Stall(host), Line::Stall(probable)]);
    assert_eq!(on_stalls(&conduct, 20), [""; 0]);
    let limits = Limits { stall_ns: Some(20 * MS), ..Limits::default() };
    let notes = conduct.notes(&limits);
    let told = |words: &str| notes.iter().any(|note| note.contains(words));
    assert!(told("the machine did not run the process") && told("only probable"), "{notes:#?}");
}

#[test]
fn only_the_codes_part_of_a_stall_counts() {
    let conduct = conduct([Line::Stall(stall(1, 90, 30))]);
    assert_eq!(on_stalls(&conduct, 40), [""; 0]);
    assert_eq!(on_stalls(&conduct, 25).len(), 1);
}

#[test]
fn each_limit_is_about_its_own_and_a_count_at_the_limit_is_allowed() {
    let watched = Watched {
        created_at: "src/a.rs:7:9".to_owned(),
        function: Some("app::save".to_owned()),
        unpolled: 2,
        ..Watched::default()
    };
    let lag = Lag { wait_ns: 50 * MS, attributable_ns: 50 * MS, at_ns: 100 * MS, ..Lag::default() };
    let snapshot = Snapshot { watched: vec![watched], ..Snapshot::default() };
    let mut conduct = conduct([Line::Lag(lag), Line::Snapshot(snapshot)]);
    conduct.tasks = vec![AliveTasks { spawned_at: "src/a.rs:9:5".to_owned(), count: 3 }];
    conduct.sockets = vec!["TCP 127.0.0.1:80".to_owned()];
    let firsts = |limits: Limits| {
        conduct.breaches(&limits).iter().map(|breach| breach.first.clone()).collect::<Vec<_>>()
    };
    let none = Limits::default();
    for (limits, told) in [
        (Limits { lag_ns: Some(20 * MS), ..none }, "new work waited 50ms, and no single poll explains it"),
        (Limits { never_awaited: Some(1), ..none }, "2 futures made at src/a.rs:7 (app::save) were never"),
        (Limits { leaked_tasks: Some(2), ..none }, "3 tasks live on after the end, limit 2:"),
        (Limits { leaked_sockets: Some(0), ..none }, "1 socket stays open after the end, limit 0:"),
    ] {
        let [first] = &firsts(limits)[..] else { panic!("{:?} of {told}", firsts(limits)) };
        assert!(first.starts_with(told), "{first}");
    }
    let at = Limits {
        stall_ns: Some(20 * MS),
        lag_ns: Some(60 * MS),
        never_awaited: Some(2),
        leaked_tasks: Some(3),
        leaked_sockets: Some(1),
    };
    assert_eq!(firsts(at), [""; 0]);
}

#[test]
fn a_limit_below_what_is_told_is_not_checked() {
    let conduct = conduct([]);
    assert!(conduct.stalls_gap(20 * MS).is_none() && conduct.lags_gap(20 * MS).is_none());
    let gap = conduct.stalls_gap(10 * MS).expect("a gap");
    assert!(gap.what.contains("shorter than 20ms") && gap.cure.contains("Config::threshold"), "{gap:?}");
}
