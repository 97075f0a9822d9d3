//! What is acceptable, and what is not known.

use crate::scenario::{MS, found, judged, process, sampled, stall, times};
use stallscope::analysis::{History, Judgement, Report, Severity, Terms, Verdict, judge};
use stallscope_wire::{
    Cause, Certainty, Coverage, Evidence, Gap, Header, Lag, Line, Lost, Mode, Phase, Stall,
};

fn by_default(history: &History) -> Judgement {
    judge(&Terms::default(), &[history])
}

#[test]
fn a_stall_whose_names_were_never_found_breaches_nothing_and_is_no_pass() {
    let draft = Stall { draft: true, ..stall("src/a.rs:9", 300, Cause::Lock) };
    let terms = Terms::new(vec!["stall.max < 100ms".parse().unwrap()]);
    let in_time = process().stall(draft.clone()).ended();
    let judgement = judge(&terms, &[&in_time]);
    assert_eq!(judgement.verdict, Verdict::Incomplete, "its end was seen, and its stack was not named");
    assert!(
        judgement.want().is_some_and(|want| want.contains("a stall of 300ms was named")),
        "{judgement:#?}"
    );
    let killed = process().stall(draft).killed();
    assert_eq!(judge(&terms, &[&killed]).verdict, Verdict::Incomplete);
    assert_eq!(found(&killed)[0].certainty, Certainty::Probable, "and no report says otherwise");
    let named = process().stall(stall("src/a.rs:9", 300, Cause::Lock)).killed();
    assert_eq!(judge(&terms, &[&named]).verdict, Verdict::Breach);
}

#[test]
fn what_is_only_probable_is_told_and_breaches_nothing() {
    let probable = Stall { certainty: Certainty::Probable, ..stall("src/a.rs:9", 300, Cause::Cpu) };
    let history = sampled().stall(probable).ended();
    for expr in ["stall.max < 100ms", "stall.count == 0", "stall.total < 1ms", "stall.p99 < 100ms"] {
        let judgement = judged(expr, &history);
        assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:#?}");
        let note = judgement.outcomes[0].note.as_deref();
        assert_eq!(note, Some("1 probable stall is not counted, at most 300ms"));
    }
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.severity, finding.certainty), (Severity::Warning, Certainty::Probable));
    assert_eq!(finding.to_string(), "src/a.rs:9 probably blocked a worker once, for 300ms (cpu)");
}

#[test]
fn what_is_certain_breaches_beside_what_is_probable() {
    let probable = Stall { certainty: Certainty::Probable, ..stall("src/a.rs:9", 300, Cause::Cpu) };
    let history = sampled().stall(probable).blocked("src/a.rs:9", 200, Cause::Syscall).ended();
    let judgement = judged("stall.max < 100ms", &history);
    assert_eq!((judgement.verdict, &*judgement.outcomes[0].measured), (Verdict::Breach, "200ms"));
}

#[test]
fn a_sampled_process_passes_without_a_poll_that_was_counted_unless_polls_are_asked_for() {
    let history = sampled().lag(1, 1, &[]).ended();
    assert_eq!(judged("stall.max < 100ms", &history).verdict, Verdict::Pass);
    let judgement = judged("poll.p99 < 1s", &history);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    assert!(judgement.want().unwrap().contains("tier sampled"), "{judgement:#?}");
}

#[test]
fn a_healthy_process_passes() {
    let judgement = by_default(&process().ended());
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(judgement.outcomes[0].ok, Some(true));
    assert_eq!(judgement.outcomes[0].measured, "no stall");
    assert_eq!((judgement.notes, judgement.lacks), (Vec::new(), Vec::new()));
}

#[test]
fn a_stall_breaches_and_names_the_worst_site() {
    let history =
        process().blocked("src/a.rs:1", 120, Cause::Cpu).blocked("src/b.rs:2", 312, Cause::Syscall).ended();
    let judgement = by_default(&history);
    assert_eq!(judgement.verdict, Verdict::Breach);
    let outcome = &judgement.outcomes[0];
    assert_eq!(
        (outcome.ok, outcome.measured_ns, &outcome.measured[..]),
        (Some(false), Some(312 * MS), "312ms")
    );
    assert_eq!(outcome.worst.as_deref(), Some("src/b.rs:2"));
}

#[test]
fn nothing_seen_is_incomplete_even_when_that_is_allowed() {
    assert_eq!(judge(&Terms::default().allow_incomplete(true), &[]).verdict, Verdict::Incomplete);
    let idle = History::new(Header::default());
    assert_eq!(judge(&Terms::default().allow_incomplete(true), &[&idle]).verdict, Verdict::Incomplete);
}

#[test]
fn a_killed_process_is_incomplete_unless_allowed() {
    let history = process().killed();
    assert_eq!(by_default(&history).verdict, Verdict::Incomplete);
    let allowed = judge(&Terms::default().allow_incomplete(true), &[&history]);
    assert_eq!(allowed.verdict, Verdict::Pass);
    assert!(allowed.notes[0].contains("process 7 (/app) did not end in order"), "{:?}", allowed.notes);
    assert_eq!((allowed.lacks.len(), allowed.want()), (0, None));
}

#[test]
fn a_cut_log_is_incomplete() {
    let mut history = process().ended();
    history.set_cut(true);
    let judgement = by_default(&history);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    assert!(judgement.lacks[0].contains("its log is cut"));
}

#[test]
fn a_process_that_was_let_go_is_complete() {
    let mut history = process().killed();
    history.release();
    assert_eq!(by_default(&history).verdict, Verdict::Pass);
}

#[test]
fn a_process_that_was_over_within_its_grace_is_no_pass() {
    let history = process().started_up(300, false).ended();
    let judgement = by_default(&history);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    let allowed = judge(&Terms::default().allow_incomplete(true), &[&history]);
    assert_eq!((allowed.verdict, &allowed.lacks), (Verdict::Incomplete, &judgement.lacks));
    assert!(judgement.want().unwrap().contains("2 polls of up to 300ms"), "{judgement:?}");
}

#[test]
fn where_no_process_was_seen_beyond_its_grace_nothing_is_judged() {
    let young = process().young().ended();
    let judgement = by_default(&young);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    let said =
        "nothing was judged: no runtime of process 7 (/app) was seen beyond its start-up grace; let it run";
    assert!(judgement.want().unwrap().starts_with(said), "{judgement:?}");
    let killed = judge(&Terms::default(), &[&process().young().killed(), &young]);
    assert!(
        killed.lacks.iter().any(|lack| lack.contains("grace, nor one of another process; let")),
        "{killed:?}"
    );

    let allowed = judge(&Terms::default().allow_incomplete(true), &[&young]);
    assert_eq!(allowed.verdict, Verdict::Incomplete);
    assert!(allowed.lacks[0].starts_with("nothing was judged"), "{allowed:?}");
    let beside = judge(&Terms::default(), &[&young, &process().ended()]);
    assert_eq!(beside.verdict, Verdict::Pass, "one of them was judged");
    assert!(beside.notes[0].ends_with("grace: what blocked there was not judged"), "{beside:?}");
    let of_all = Terms::new(vec!["poll.max < 1s".parse().unwrap()]);
    assert_eq!(judge(&of_all, &[&young]).verdict, Verdict::Pass, "no grace leaves polls out");
    let stalled = process().young().stall(stall("src/a.rs:1", 300, Cause::Cpu)).killed();
    assert_eq!(by_default(&stalled).verdict, Verdict::Breach);
}

#[test]
fn what_the_grace_hid_of_a_process_that_went_on_is_told() {
    let judgement = by_default(&process().started_up(300, true).ended());
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert!(judgement.notes[0].starts_with("2 polls of up to 300ms in the start-up grace"), "{judgement:?}");
}

#[test]
fn where_stalls_may_have_gone_unseen_none_is_no_pass() {
    let mut coverage = Coverage::whole();
    coverage.add(Gap::new("what happened while the mode was off", "record in mode lean").hiding_stalls());
    let history = process().line(Line::Coverage(coverage)).ended();
    let judgement = by_default(&history);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    assert!(judgement.want().unwrap().contains("while the mode was off"), "{judgement:?}");
    assert_eq!(judge(&Terms::default().allow_incomplete(true), &[&history]).verdict, Verdict::Pass);
}

#[test]
fn a_breach_wins_over_what_is_missing() {
    let deadlock = Stall { phase: Phase::Progress, ..stall("src/a.rs:1", 3000, Cause::Lock) };
    assert_eq!(by_default(&process().stall(deadlock).killed()).verdict, Verdict::Breach);
}

#[test]
fn what_only_the_host_breaches_is_inconclusive() {
    let judgement = by_default(&process().blocked("src/a.rs:1", 300, Cause::Host).ended());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(judgement.outcomes[0].ok, None);
    assert!(
        judgement.outcomes[0]
            .note
            .as_ref()
            .is_some_and(|note| note.starts_with("300ms with what the host cost"))
    );
}

#[test]
fn what_nothing_was_seen_of_on_a_busy_machine_is_inconclusive() {
    let stall = |waited_ms, stack: bool| {
        let seen = stall("src/a.rs:1", 400, Cause::Unknown);
        let evidence = Evidence { window_ns: 400 * MS, run_queue_ns: waited_ms * MS, ..Evidence::default() };
        let stack = seen.stack.clone().filter(|_| stack);
        process().stall(Stall { evidence, stack, ..seen }).ended()
    };
    let verdict = |waited_ms, stack| by_default(&stall(waited_ms, stack)).verdict;
    assert_eq!(verdict(70, false), Verdict::Inconclusive);
    assert_eq!(verdict(0, false), Verdict::Breach, "nothing else is suspect");
    assert_eq!(verdict(70, true), Verdict::Breach, "the line is known");
}

#[test]
fn a_host_pause_beside_a_breach_excuses_nothing() {
    let history =
        process().blocked("src/a.rs:1", 300, Cause::Host).blocked("src/a.rs:1", 110, Cause::Cpu).ended();
    assert_eq!(by_default(&history).verdict, Verdict::Breach);
}

#[test]
fn the_host_is_taken_out_of_the_lag() {
    let history = process().lag(300, 1, &[]).lag(280, 0, &[]).ended();
    let judgement = judged("lag.max < 20ms", &history);
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{judgement:?}");
    assert_eq!(judgement.outcomes[0].measured, "1ms");
    assert_eq!(judged("lag.max < 20ms", &process().lag(300, 299, &[]).ended()).verdict, Verdict::Breach);
}

#[test]
fn a_wait_that_goes_on_counts_with_its_age() {
    let waiting = Lag {
        at_ns: 900 * MS,
        wait_ns: 800 * MS,
        attributable_ns: 800 * MS,
        ongoing: true,
        ..Lag::default()
    };
    let judgement = judged("lag.max < 1ms", &process().line(Line::Lag(waiting)).killed());
    assert_eq!(judgement.outcomes[0].measured, "800ms");
}

#[test]
fn a_poll_that_goes_on_counts_with_its_age() {
    let blocked = Stall { phase: Phase::Progress, ..stall("src/a.rs:1", 800, Cause::Cpu) };
    assert_eq!(judged("poll.max < 1s", &process().stall(blocked).killed()).outcomes[0].measured, "800ms");
}

#[test]
fn what_the_process_does_not_measure_never_passes() {
    let judgement = judge(
        &Terms::new(vec!["schedule.p99 < 5ms".parse().expect("it parses")]).allow_incomplete(true),
        &[&process().ended()],
    );
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    assert_eq!((judgement.outcomes[0].ok, &judgement.outcomes[0].measured[..]), (None, "not measured"));
}

#[test]
fn counts_and_totals_are_of_what_the_code_answers_for() {
    let partly = Stall { attributable_ns: 60 * MS, ..stall("src/a.rs:1", 150, Cause::Cpu) };
    let history = process().stall(partly).blocked("src/b.rs:1", 200, Cause::Cpu).ended();
    assert_eq!(judged("stall.count == 1", &history).outcomes[0].measured, "1");
    assert_eq!(judged("stall.total < 1s", &history).outcomes[0].measured, "260ms");
    assert_eq!(judged("stall.p50 < 1s", &history).outcomes[0].measured, "200ms");
    assert_eq!(judged("stall.mean < 1s", &history).outcomes[0].measured, "200ms", "never above the longest");
}

#[test]
fn a_limit_below_what_was_recorded_is_proved_by_the_polls_or_not_at_all() {
    assert_eq!(judged("stall.max < 50ms", &process().ended()).verdict, Verdict::Pass);
    let near = process().stall(Stall { id: 9, ..stall("src/a.rs:1", 99, Cause::Host) }).ended();
    assert_eq!(
        judged("stall.max < 50ms", &near).verdict,
        Verdict::Inconclusive,
        "a known host stall is taken out"
    );
    let mut history = process().ended();
    let mut snapshot = history.snapshot().expect("a snapshot").clone();
    snapshot.poll.merge(&times(1, 70 * MS));
    history.apply(Line::Snapshot(snapshot));
    let judgement = judged("stall.max < 50ms", &history);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    assert!(
        judgement.outcomes[0].note.as_ref().is_some_and(|note| note.contains("STALLSCOPE_THRESHOLD=50ms"))
    );
}

#[test]
fn no_statistic_of_lengths_passes_on_stalls_that_were_not_recorded() {
    let mut history = process().ended();
    let mut snapshot = history.snapshot().expect("a snapshot").clone();
    snapshot.poll.merge(&times(20, 90 * MS));
    history.apply(Line::Snapshot(snapshot));
    for (expr, verdict) in [
        ("stall.p99 < 50ms", Verdict::Incomplete),
        ("stall.mean < 50ms", Verdict::Incomplete),
        ("stall.p99 < 100ms", Verdict::Pass),
        ("stall.p99 < 95ms", Verdict::Pass),
        ("stall.count == 0", Verdict::Pass),
    ] {
        assert_eq!(judged(expr, &history).verdict, verdict, "{expr}");
    }
}

#[test]
fn below_what_can_be_recorded_the_polls_are_pointed_at() {
    let mut history = process().ended();
    let mut snapshot = history.snapshot().expect("a snapshot").clone();
    snapshot.poll.merge(&times(1, 2 * MS));
    history.apply(Line::Snapshot(snapshot));
    let outcome = judged("stall.max < 500us", &history).outcomes.remove(0);
    assert!(outcome.note.is_some_and(|note| note.ends_with("so write poll.max < 500us")));
    assert_eq!(judged("stall.max < 500us", &process().ended()).verdict, Verdict::Pass);
}

#[test]
fn dropped_reports_matter_only_if_there_was_something_to_report() {
    let dropped = Line::Lost(Lost { events: 3, ..Lost::default() });
    assert_eq!(by_default(&process().line(dropped.clone()).ended()).verdict, Verdict::Pass);
    let mut history = process().line(dropped).ended();
    let mut snapshot = history.snapshot().expect("a snapshot").clone();
    snapshot.poll.merge(&times(1, 170 * MS));
    history.apply(Line::Snapshot(snapshot));
    assert_eq!(by_default(&history).verdict, Verdict::Incomplete);
}

#[test]
fn handlers_are_judged_by_route_or_by_the_worst() {
    let history = process().requests(&[("GET /", 5), ("GET /report", 250)]).ended();
    let one = judged("handler.p90{route=\"GET /\"} < 20ms", &history);
    assert_eq!((one.verdict, &one.outcomes[0].measured[..]), (Verdict::Pass, "5ms"));
    let worst = judged("handler.p90 < 20ms", &history);
    assert_eq!((worst.verdict, worst.outcomes[0].worst.as_deref()), (Verdict::Breach, Some("GET /report")));
    for outcome in [&one.outcomes[0], &worst.outcomes[0]] {
        let note = "the host's delays included; what a request waited before it was read is not";
        assert_eq!(outcome.note.as_deref(), Some(note));
    }
    assert_eq!(judged("handler.count >= 20", &history).verdict, Verdict::Pass);
    let unseen = judged("handler.p90{route=\"GET /reprot\"} < 20ms", &history);
    assert_eq!(unseen.verdict, Verdict::Incomplete);
    assert!(unseen.outcomes[0].note.as_ref().is_some_and(|note| note.contains("\"GET /report\"")));
}

#[test]
fn mode_lean_proves_no_short_maximum_and_says_that_it_estimates() {
    let history = process().in_mode(Mode::Lean).in_mode(Mode::Full).ended();
    let outcome = |expr| {
        let judgement = judged(expr, &history);
        (judgement.verdict, judgement.outcomes[0].note.clone().unwrap_or_default())
    };
    let (verdict, note) = outcome("poll.max < 1ms");
    assert!(verdict == Verdict::Incomplete && note.contains("mode lean"), "{verdict:?}: {note}");
    assert_eq!(outcome("poll.max < 1us").0, Verdict::Breach, "what was seen was seen");
    let estimated = (Verdict::Pass, "estimated from one poll in 64 (mode lean)".to_owned());
    assert_eq!(outcome("poll.p99 < 1ms"), estimated);
    assert_eq!(outcome("poll.max < 120ms"), estimated, "no stall is missed");
    let (verdict, note) = outcome("stall.max < 100ms");
    assert!(verdict == Verdict::Pass && note.contains("20ms longer"), "{verdict:?}: {note}");
    // That no poll of the histogram is as long proves nothing here.
    assert_eq!(outcome("stall.max < 50ms").0, Verdict::Incomplete);
}

#[test]
fn a_report_names_the_mode_in_which_least_was_recorded() {
    let history = process().in_mode(Mode::Lean).in_mode(Mode::Full).ended();
    let report = Report::new(Vec::new(), by_default(&history), &[&process().ended(), &history]);
    assert_eq!((history.mode(), report.mode), (Mode::Full, Mode::Lean));
}
