//! Tasks that failed unseen, and tasks that nothing can wake.

use crate::scenario::{MS, found, judged, process};
use stallscope::analysis::{Rule, Severity, Verdict};
use stallscope_wire::{Certainty, Failure, Frame, How, Line, Orphan, Stack};

fn failure(task: u64, place: Option<&str>) -> Failure {
    Failure {
        at_ns: task * MS,
        task,
        spawned_at: "src/main.rs:7:5".into(),
        how: if place.is_some() { How::Panic } else { How::Error },
        message: format!("failure {task}"),
        place: place.map(str::to_owned),
        ..Failure::default()
    }
}

fn orphan(task: u64, idle_ms: u64, ongoing: bool) -> Orphan {
    Orphan {
        at_ns: 2_000 * MS,
        task,
        spawned_at: "src/main.rs:9:5".into(),
        idle_ns: idle_ms * MS,
        ongoing,
        ..Orphan::default()
    }
}

#[test]
fn the_panics_of_one_line_are_one_finding_and_an_error_accuses_the_spawn() {
    let panics = [1, 2].map(|task| Line::Failure(failure(task, Some("src/work.rs:42:9"))));
    let [first, second] = panics;
    let history = process().line(first).line(second).line(Line::Failure(failure(3, None))).ended();
    let found = found(&history);
    let [error, panic] = &found[..] else { panic!("two of {found:#?}") };
    assert_eq!((panic.rule, panic.severity, panic.count), (Rule::DetachedPanic, Severity::Error, 2));
    assert_eq!(panic.to_string(), "src/work.rs:42 failed 2 times in a task, and nobody saw it");
    assert_eq!(panic.detail.as_deref(), Some("panic: failure 2"));
    assert_eq!(error.to_string(), "src/main.rs:7 failed in a task, and nobody saw it");
    assert_eq!(error.detail.as_deref(), Some("error: failure 3"));
    assert!(panic.help.contains("src/work.rs:42"), "{}", panic.help);
    assert_eq!(judged("detached-panic.count == 0", &history).verdict, Verdict::Breach);
}

#[test]
fn what_somebody_may_have_seen_is_a_warning_and_breaches_nothing() {
    let probable = Failure { certainty: Certainty::Probable, ..failure(1, Some("src/work.rs:42:9")) };
    let history = process().line(Line::Failure(probable)).ended();
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.severity, finding.certainty), (Severity::Warning, Certainty::Probable));
    assert!(finding.doubt().is_some_and(|doubt| doubt.contains("stallscope::spawn")), "{finding:?}");
    assert_eq!(finding.to_string(), "src/work.rs:42 failed in a task, and perhaps nobody saw it");
    assert_eq!(judged("detached-panic.count == 0", &history).verdict, Verdict::Pass);
}

#[test]
fn the_last_line_of_a_lost_task_holds() {
    let lines = [orphan(1, 1_000, true), orphan(2, 1_500, true), orphan(1, 3_000, false)];
    let history = lines.into_iter().fold(process(), |process, line| process.line(Line::Orphan(line))).ended();
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.rule, finding.severity, finding.count), (Rule::LostTask, Severity::Error, 2));
    assert_eq!((finding.max_ns, finding.total_ns, finding.ongoing), (3_000 * MS, 4_500 * MS, true));
    assert_eq!(finding.to_string(), "src/main.rs:9 has 2 tasks that nothing can wake, idle for up to 3s");
    assert!(finding.help.starts_with("at src/main.rs:9, keep alive"), "{}", finding.help);
    let judgement = judged("lost-task.count == 0", &history);
    assert_eq!((judgement.verdict, judgement.notes.len()), (Verdict::Breach, 0));
    let unasked = judged("stall.max < 1s", &history);
    let note = "no threshold is about lost-task: --fail-on 'lost-task.count == 0' fails on it";
    assert_eq!((unasked.verdict, unasked.notes), (Verdict::Pass, vec![note.to_owned()]));
}

#[test]
fn where_the_await_is_known_it_is_accused() {
    let frame = Frame {
        function: Some("app::wait".into()),
        file: Some("src/wait.rs".into()),
        line: Some(12),
        user: true,
        ..Frame::default()
    };
    let stack = Stack { culprit: Some(0), frames: vec![frame], ..Stack::default() };
    let probable = Orphan { certainty: Certainty::Probable, awaits: Some(stack), ..orphan(1, 60_000, true) };
    let history = process().line(Line::Orphan(probable)).ended();
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.severity, finding.culprit.to_string()), (Severity::Warning, "src/wait.rs:12".into()));
    assert!(judged("stall.max < 1s", &history).notes.is_empty(), "it would not breach");
}
