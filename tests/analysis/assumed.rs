//! What must hold when nobody says, and what of it a process can show.

use crate::scenario::{MS, judged, process, sampled, tasks, times};
use stallscope::analysis::{History, Judgement, Report, Terms, Verdict, judge};
use stallscope_wire::{Header, Line, Location, Snapshot, Unpolled, Waits};

const DEFAULTS: [&str; 6] = [
    "stall.max < 100ms",
    "never-awaited.count == 0",
    "never-polled.count == 0",
    "detached-panic.count == 0",
    "task-leak.count == 0",
    "socket-leak.count == 0",
];

fn by_default(histories: &[&History]) -> Judgement {
    judge(&Terms::default(), histories)
}

fn exprs(judgement: &Judgement) -> Vec<&str> {
    judgement.outcomes.iter().map(|outcome| &outcome.expr[..]).collect()
}

fn unpolled() -> Unpolled {
    Unpolled { task: 3, spawned_at: "src/a.rs:9:5".into(), waited_ns: 1200 * MS, ..Unpolled::default() }
}

#[test]
fn where_hooks_tell_of_tasks_all_defaults_hold() {
    let history = process().spawns(0..=31, |_| vec![tasks("src/a.rs:9:5", 4, 4)]).ended();
    let judgement = by_default(&[&history]);
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(exprs(&judgement), DEFAULTS);
    assert!(judgement.outcomes.iter().all(|outcome| outcome.note.is_none()), "{judgement:#?}");
    assert_eq!(judgement.notes, Vec::<String>::new());
}

#[test]
fn each_of_them_breaches_alone() {
    let judgement = by_default(&[&process().unpolled(unpolled()).ended()]);
    assert_eq!(judgement.verdict, Verdict::Breach);
    let failed: Vec<_> = judgement.outcomes.iter().filter(|outcome| outcome.ok == Some(false)).collect();
    assert_eq!((failed.len(), &*failed[0].expr), (1, "never-polled.count == 0"));
}

#[test]
fn what_sampling_cannot_show_is_left_out_of_the_defaults_and_told() {
    let judgement = by_default(&[&sampled().lag(1, 1, &[]).ended()]);
    assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:#?}");
    assert_eq!(exprs(&judgement), [DEFAULTS[0], DEFAULTS[1], DEFAULTS[3], DEFAULTS[5]]);
    let [note] = &judgement.notes[..] else { panic!("one note") };
    assert!(
        note.starts_with("never-polled.count == 0 and task-leak.count == 0 are left out: no hook"),
        "{note}"
    );
    assert!(note.contains("--cfg tokio_unstable"), "{note}");
}

#[test]
fn what_sampling_cannot_show_is_incomplete_when_it_is_asked_for() {
    let history = sampled().lag(1, 1, &[]).ended();
    for expr in ["never-polled.count == 0", "task-leak.count == 0", "blocking-pool.count == 0"] {
        let judgement = judged(expr, &history);
        assert_eq!(judgement.verdict, Verdict::Incomplete, "{expr}");
        assert_eq!((judgement.outcomes[0].ok, &*judgement.outcomes[0].measured), (None, "not measured"));
        assert!(judgement.want().unwrap().contains("build it with --cfg tokio_unstable"), "{judgement:#?}");
    }
    for expr in ["never-awaited.count == 0", "detached-panic.count == 0", "lost-task.count == 0"] {
        assert_eq!(judged(expr, &history).verdict, Verdict::Pass, "{expr}");
    }
}

#[test]
fn a_process_that_shows_it_is_judged_beside_one_that_cannot() {
    let (seen, unseen) = (process().ended(), sampled().lag(1, 1, &[]).ended());
    let guilty = process().unpolled(unpolled()).ended();
    let asked = |shown: &History| {
        let threshold = "never-polled.count == 0".parse().expect("it parses");
        judge(&Terms::new(vec![threshold]), &[shown, &unseen]).verdict
    };
    assert_eq!((asked(&seen), asked(&guilty)), (Verdict::Incomplete, Verdict::Breach));
    let judgement = by_default(&[&seen, &unseen]);
    assert_eq!((judgement.verdict, exprs(&judgement)), (Verdict::Pass, DEFAULTS.to_vec()));
    let note = judgement.outcomes[2].note.as_deref().expect("a note");
    assert!(note.starts_with("no hook tells of the tasks in process 7"), "{note}");
    assert_eq!(by_default(&[&guilty, &unseen]).verdict, Verdict::Breach);
}

#[test]
fn nothing_that_was_watched_proves_nothing() {
    let judgement = by_default(&[&History::new(Header::default())]);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    assert_eq!(exprs(&judgement), DEFAULTS);
    assert!(judgement.outcomes.iter().all(|outcome| outcome.ok.is_none()), "{judgement:#?}");
}

#[test]
fn schedule_latency_is_measured_where_it_is_recorded() {
    let unrecorded = judged("schedule.p99 < 5ms", &process().ended());
    assert_eq!(unrecorded.verdict, Verdict::Incomplete);
    assert!(unrecorded.want().unwrap().contains("the feature schedule-latency"), "{unrecorded:#?}");

    let mut history = process().ended();
    let schedule = Waits { count: 1, total_ns: 7 * MS, max_ns: 7 * MS };
    let location = Location { spawned_at: "src/a.rs:9:5".into(), schedule, ..Location::default() };
    let snapshot = history.snapshot().expect("a snapshot").clone();
    history.apply(Line::Snapshot(Snapshot {
        schedule: times(100, 7 * MS),
        locations: vec![location],
        ..snapshot
    }));
    let judgement = judged("schedule.p99 < 5ms", &history);
    assert_eq!((judgement.verdict, &*judgement.outcomes[0].measured), (Verdict::Breach, "7ms"));
    assert_eq!(judgement.outcomes[0].worst.as_deref(), Some("src/a.rs:9:5"));
    assert_eq!(judgement.outcomes[0].note.as_deref(), Some("the host's delays included"));
    assert_eq!(judged("schedule.p99 < 8ms", &history).verdict, Verdict::Pass);
    let report = Report::new(Vec::new(), judgement, &[&history]);
    assert!(report.histograms.schedule.is_some());
}
