//! How lines become a history.

use crate::scenario::{MS, found, judged, process, stall};
use stallscope::analysis::{History, Window, findings};
use stallscope_wire::{
    Cause, Coverage, Earlier, EarlierStalls, Gap, Header, Lag, LagState, Leave, Line, Phase, Polling,
    PoolSite, PoolWait, Quality, Snapshot, Stack, Stall, Worker,
};

fn lines(history: &mut History, stalls: impl IntoIterator<Item = Stall>) {
    stalls.into_iter().for_each(|stall| history.apply(Line::Stall(stall)));
}

#[test]
fn the_last_line_holds_for_numbers_and_the_last_capture_for_the_stack() {
    let mut history = History::new(Header::default());
    let begin = Stall { phase: Phase::Begin, ..stall("src/a.rs:1", 100, Cause::Unknown) };
    let progress = Stall { phase: Phase::Progress, ..stall("src/a.rs:2", 200, Cause::Cpu) };
    let end = Stall { stack: None, ..stall("src/a.rs:3", 312, Cause::Cpu) };
    lines(&mut history, [begin, progress]);
    assert!(history.stall(0).is_some_and(|record| record.ongoing));
    lines(&mut history, [end]);
    let record = history.stall(0).expect("a stall");
    assert_eq!((record.ongoing, record.stall.duration_ns, record.stall.cause), (false, 312 * MS, Cause::Cpu));
    assert_eq!(found(&history)[0].culprit.to_string(), "src/a.rs:2");
}

#[test]
fn a_later_stack_without_a_culprit_does_not_hide_an_earlier_one() {
    let mut history = History::new(Header::default());
    let begin = Stall { phase: Phase::Begin, ..stall("src/a.rs:1", 100, Cause::Cpu) };
    lines(
        &mut history,
        [begin, Stall { stack: Some(Stack::default()), ..stall("src/a.rs:2", 200, Cause::Cpu) }],
    );
    assert_eq!(found(&history)[0].culprit.to_string(), "src/a.rs:1");
}

#[test]
fn where_paths_start_is_told_by_the_header_or_by_any_stack() {
    let stack = Stack { source_root: Some("/srv/app".into()), ..Stack::default() };
    let worst = Stall { stack: Some(stack.clone()), ..stall("src/a.rs:1", 100, Cause::Cpu) };
    let sites = vec![PoolSite { threads: 1, stack }];
    let stalls = vec![EarlierStalls { worst: worst.clone(), ..EarlierStalls::default() }];
    for line in [
        Line::Stall(worst),
        Line::Earlier(Earlier { stalls, ..Earlier::default() }),
        Line::Pool(PoolWait { sites, ..PoolWait::default() }),
    ] {
        let mut history = History::new(Header::default());
        assert_eq!(history.source_root(), None);
        history.apply(line.clone());
        assert_eq!(history.source_root(), Some("/srv/app"), "{line:?}");
        let mut history = History::new(Header { source_root: Some("/srv".into()), ..Header::default() });
        history.apply(line);
        assert_eq!(history.source_root(), Some("/srv"));
    }
}

#[test]
fn a_later_stack_that_was_cut_does_not_hide_a_whole_one() {
    let whole = stall("src/a.rs:1", 100, Cause::Cpu);
    let cut = |stall: Stall| {
        let stack = stall.stack.map(|stack| Stack { quality: Quality::Truncated, ..stack });
        Stall { stack, ..stall }
    };
    // As of a stripped program, whose frames belong to nobody.
    let bare = |stall: Stall| {
        let stack = stall.stack.map(|stack| Stack { culprit: None, ..stack });
        Stall { stack, ..stall }
    };
    let shown = |earlier: &Stall, later: Stall| {
        let mut history = History::new(Header::default());
        lines(&mut history, [earlier.clone(), later]);
        history.stall(0).and_then(|record| record.stall.stack.clone())
    };
    let later = stall("src/a.rs:2", 200, Cause::Cpu);
    assert_eq!(shown(&whole, cut(later.clone())), whole.stack);
    assert_eq!(shown(&bare(whole.clone()), cut(bare(later.clone()))), bare(whole.clone()).stack);
    let named = cut(later);
    assert_eq!(shown(&bare(whole), named.clone()), named.stack, "only it knows the culprit");
}

#[test]
fn of_very_many_stalls_the_worst_and_all_counts_survive() {
    let mut process = process();
    for i in 0..20_000 {
        let ms = if i == 500 { 9_000 } else { 110 + i % 7 };
        process = process.blocked(if i % 2 == 0 { "src/a.rs:1" } else { "src/b.rs:2" }, ms, Cause::Cpu);
    }
    let history = process.ended();
    assert!(history.stalls().count() <= 4096);
    assert_eq!(found(&history).iter().map(|finding| finding.count).collect::<Vec<_>>(), [10_000, 10_000]);
    assert_eq!(judged("stall.count == 20000", &history).outcomes[0].ok, Some(true));
    assert_eq!(judged("stall.max < 1s", &history).outcomes[0].measured, "9s");
    assert_eq!(judged("stall.p50 < 114ms", &history).outcomes[0].measured, "113ms");
}

#[test]
fn stalls_that_are_told_together_count_as_if_they_were_told_one_by_one() {
    let blocked = |ms| stall("src/a.rs:1", ms, Cause::Cpu);
    let host = EarlierStalls::of(Stall { cause: Cause::Host, ..blocked(900) }, 100 * MS);
    let mut earlier = EarlierStalls::of(blocked(110), 100 * MS);
    (0..2_999).for_each(|_| earlier.merge(EarlierStalls::of(blocked(120), 100 * MS)));
    let lines = [
        Line::Earlier(Earlier { at_ns: 1, stalls: vec![earlier, host] }),
        Line::Stall(Stall { id: 3_001, ..blocked(115) }),
        Line::Snapshot(Snapshot { at_ns: 2, ..Snapshot::default() }),
    ];
    let mut history = History::new(Header { threshold_ns: 100 * MS, ..Header::default() });
    lines.iter().for_each(|line| history.apply(line.clone()));
    let found = found(&history);
    let blamed = found.iter().find(|finding| finding.culprit.to_string() == "src/a.rs:1").expect("a finding");
    assert_eq!((blamed.count, blamed.max_ns), (3_001, 120 * MS));
    assert_eq!(blamed.total_ns, (110 + 2_999 * 120 + 115) * MS);
    assert!(!blamed.stack.is_empty(), "the worst is told with its stack");
    for expr in ["stall.mean < 1s", "stall.p99 < 1s", "stall.mean < 1ns"] {
        let outcome = &judged(expr, &history).outcomes[0];
        assert_eq!((outcome.ok, &*outcome.measured), (None, "not measured"), "{expr}");
        let note = outcome.note.as_deref().unwrap_or_default();
        assert!(note.starts_with("of 3000 stalls that were over"), "{note}");
    }
    let total = judged("stall.total < 1s", &history).outcomes[0].measured_ns;
    assert_eq!(total, Some((110 + 2_999 * 120 + 115) * MS));
    let mut window = Window::new(Header::default());
    lines.into_iter().for_each(|line| window.apply(line));
    let told: u64 = findings(&[&window.into_history()]).iter().map(|finding| finding.count).sum();
    assert_eq!(told, 0, "what was before the window is not in it");
}

#[test]
fn culprits_without_end_are_counted_together() {
    let mut process = process();
    for i in 0..9_000 {
        process = process.blocked(&format!("src/made_up.rs:{i}"), 110, Cause::Cpu);
    }
    let found = found(&process.ended());
    assert!(found.len() <= 1025, "{}", found.len());
    assert_eq!(found.iter().map(|finding| finding.count).sum::<u64>(), 9_000);
}

#[test]
fn a_wait_told_again_is_one_wait() {
    let lag = |at: u64, wait: u64, ongoing, stalls: &[u64]| {
        let stalls = stalls.to_vec();
        Line::Lag(Lag {
            at_ns: at * MS,
            wait_ns: wait * MS,
            attributable_ns: wait * MS,
            ongoing,
            stalls,
            runtime: 1,
        })
    };
    let history = process()
        .line(lag(100, 50, true, &[1]))
        .line(lag(150, 100, true, &[2]))
        .line(lag(160, 110, false, &[]))
        .line(lag(300, 50, false, &[]))
        .ended();
    let lags: Vec<_> =
        history.lags().map(|lag| (lag.wait_ns / MS, lag.ongoing, lag.stalls.clone())).collect();
    assert_eq!(lags, [(110, false, vec![1, 2]), (50, false, vec![])]);
}

#[test]
fn what_goes_on_has_lasted_until_the_latest_snapshot() {
    let blocked = Stall { phase: Phase::Progress, ..stall("src/a.rs:1", 1600, Cause::Lock) };
    let wait = Lag {
        at_ns: 400 * MS,
        wait_ns: 220 * MS,
        attributable_ns: 220 * MS,
        ongoing: true,
        ..Lag::default()
    };
    let mut history = process().stall(blocked).line(Line::Lag(wait)).killed();
    let lag = LagState { now_ns: Some(2820 * MS), ..LagState::default() };
    let workers = vec![Worker { stall: Some(1), ..Worker::default() }];
    history.apply(Line::Snapshot(Snapshot { at_ns: 3000 * MS, workers, lag, ..Snapshot::default() }));
    let found: Vec<_> =
        found(&history).iter().map(|finding| (finding.max_ns / MS, finding.ongoing)).collect();
    assert_eq!(found, [(3000, true), (2820, true)]);
}

#[test]
fn what_a_later_snapshot_knows_nothing_of_is_over() {
    let blocked = Stall { phase: Phase::Progress, ..stall("src/a.rs:1", 1600, Cause::Lock) };
    let wait = Lag { at_ns: 400 * MS, wait_ns: 220 * MS, ongoing: true, ..Lag::default() };
    let mut history = process().stall(blocked).line(Line::Lag(wait)).killed();
    let mut see = |at_ms: u64, stall: Option<u64>, for_ms: u64| {
        let polling = Some(Polling { for_ns: for_ms * MS, ..Polling::default() });
        let workers = vec![Worker { stall, polling, ..Worker::default() }];
        history.apply(Line::Snapshot(Snapshot { at_ns: at_ms * MS, workers, ..Snapshot::default() }));
        (history.stall(1).is_some_and(|record| record.ongoing), history.lags().any(|lag| lag.ongoing))
    };
    assert_eq!(see(1000, None, 1000), (true, true), "the same poll, not yet marked as a stall");
    assert_eq!(see(2000, None, 3), (false, false), "its last line was lost");
    assert_eq!(see(3000, Some(1), 3000), (true, false), "a snapshot that says otherwise is believed");
}

#[test]
fn what_is_named_late_has_lasted_as_long_as_a_snapshot_has_shown_since() {
    let named = Stall { phase: Phase::Begin, started_ns: 0, ..stall("src/a.rs:1", 100, Cause::Lock) };
    let draft = Stall { draft: true, stack: None, ..named.clone() };
    let mut history = History::new(Header::default());
    lines(&mut history, [draft]);
    let polling = Some(Polling { for_ns: 700 * MS, ..Polling::default() });
    let workers = vec![Worker { polling, ..Worker::default() }];
    history.apply(Line::Snapshot(Snapshot { at_ns: 700 * MS, workers, ..Snapshot::default() }));
    lines(&mut history, [named]);
    let record = history.stall(0).expect("a stall");
    assert_eq!((record.stall.duration_ns, record.stall.draft, record.ongoing), (700 * MS, false, true));
    assert_eq!(found(&history)[0].culprit.to_string(), "src/a.rs:1");
}

#[test]
fn a_wait_without_an_explanation_is_given_the_stalls_that_went_on_meanwhile() {
    let during = |runtime: u64| {
        let mut blocked = Stall { started_ns: 100 * MS, ..stall("src/a.rs:1", 300, Cause::Lock) };
        blocked.thread.runtime = runtime;
        blocked
    };
    let lag = Lag { at_ns: 390 * MS, wait_ns: 220 * MS, attributable_ns: 220 * MS, ..Lag::default() };
    let history = process().stall(during(0)).stall(during(1)).line(Line::Lag(lag)).ended();
    assert_eq!(history.lags().next().expect("a wait").stalls, [1]);
}

#[test]
fn of_very_many_waits_all_counts_survive() {
    let mut process = process();
    for _ in 0..10_000 {
        process = process.lag(50, 50, &[]);
    }
    let history = process.ended();
    assert!(history.lags().count() <= 4096);
    assert_eq!(found(&history)[0].count, 10_000);
}

#[test]
fn coverage_learnt_later_replaces_the_header_s() {
    let mut coverage = Coverage::whole();
    coverage.add(Gap::new("tasks of a LocalSet", "spawn them with stallscope::spawn_local"));
    let history = process().line(Line::Coverage(coverage.clone())).ended();
    assert_eq!(history.coverage(), &coverage);
}

#[test]
fn a_recording_that_ended_while_its_process_ran_on_is_complete() {
    let mut history = History::new(Header::default());
    assert!(!history.complete(), "it may have been killed");
    history.apply(Line::Leave(Leave { at_ns: 5 * MS }));
    assert!(history.complete() && !history.ended());
    assert_eq!(history.last_at_ns(), 5 * MS);
}
