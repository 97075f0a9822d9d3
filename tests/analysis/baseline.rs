//! What a baseline knows passes as long as it becomes no worse, and is forgotten once it is gone.

use crate::excuses::{excuse, marked, terms};
use crate::scenario::{MS, process, stall};
use stallscope::analysis::{AllowanceState, Baseline, By, Known, Rule, Verdict, findings, judge};
use stallscope_wire::{Cause, Certainty, Stall};

#[test]
fn a_baseline_lets_pass_what_was_known_wherever_its_line_moved() {
    let before = process().stall(stall("src/a.rs:1", 300, Cause::Cpu)).ended();
    let baseline = Baseline::of("known.toml", &findings(&[&before]));
    let known = Known::new(Rule::BlockingPoll, Some("src/a.rs".into()), Some("app::work".into()), 1);
    let known = known.at_most(Some(300 * MS));
    assert_eq!(baseline.known, [known]);
    let mut terms = terms(&["stall.count == 0"], vec![]);
    terms.baseline = Some(baseline.clone());
    let moved = process().stall(stall("src/a.rs:77", 500, Cause::Cpu)).ended();
    let judgement = judge(&terms, &[&moved]);
    assert_eq!(judgement.verdict, Verdict::Pass);
    let [allowance] = judgement.allowances() else { panic!("one") };
    assert_eq!(
        (allowance.by, allowance.state, &*allowance.at),
        (By::Baseline, AllowanceState::Used, "known.toml")
    );

    let new = process().stall(stall("src/b.rs:1", 200, Cause::Cpu)).ended();
    let judgement = judge(&terms, &[&new]);
    assert_eq!(judgement.verdict, Verdict::Breach);
    assert_eq!(
        judgement.notes,
        ["known.toml: blocking-poll at app::work was not seen this time: --update-baseline removes it"]
    );
    let two = process()
        .stall(stall("src/a.rs:1", 300, Cause::Cpu))
        .stall(stall("src/a.rs:9", 300, Cause::Cpu))
        .ended();
    assert_eq!(
        judge(&terms, &[&two]).verdict,
        Verdict::Breach,
        "one of the two is new, and nobody knows which"
    );
}

#[test]
fn what_a_baseline_knows_may_not_become_much_worse() {
    let judged = |known: Baseline, ms| {
        let mut terms = terms(&["stall.max < 100ms"], vec![]);
        terms.baseline = Some(known);
        judge(&terms, &[&process().stall(stall("src/a.rs:1", ms, Cause::Cpu)).ended()])
    };
    let known = |ms| {
        Baseline::of(
            "known.toml",
            &findings(&[&process().stall(stall("src/a.rs:1", ms, Cause::Cpu)).ended()]),
        )
    };
    for (before, now, is_worse) in
        [(60, 6000, true), (300, 600, false), (300, 601, true), (15, 65, false), (15, 66, true)]
    {
        let state = judged(known(before), now).allowances()[0].state;
        assert_eq!(state == AllowanceState::Exceeded, is_worse, "{before} {now}");
    }
    let worse = judged(known(60), 6000);
    assert_eq!(worse.verdict, Verdict::Breach);
    assert!(!worse.allowances()[0].is_stale());
    let note = "known.toml: blocking-poll at app::work is more than it knows: 6s, and at most 60ms known (max = \"6000ms\" \
                there lets it pass)";
    assert_eq!(worse.notes, [note]);
    let found = |ms| findings(&[&process().stall(stall("src/a.rs:1", ms, Cause::Cpu)).ended()]);
    assert_eq!(known(300).shrunk(&found(20)), known(300), "it may be short by chance");
    let probable = Stall { certainty: Certainty::Probable, ..stall("src/a.rs:1", 60, Cause::Cpu) };
    let both = process().stall(stall("src/a.rs:1", 6000, Cause::Cpu)).stall(probable).ended();
    let mut of_both = terms(&["stall.count == 0"], vec![]);
    of_both.baseline = Some(known(60));
    assert_eq!(judge(&of_both, &[&both]).verdict, Verdict::Breach, "another finding of the line is no worse");
    let mut of_old = known(60);
    of_old.known[0].longest_ns = None;
    assert_eq!(judged(of_old, 6000).verdict, Verdict::Pass, "an entry without a length limits none");
}

#[test]
fn only_what_is_certain_is_longer_than_known() {
    let stall = |certainty, ms| Stall { certainty, ..stall("src/a.rs:1", ms, Cause::Cpu) };
    let both = |certain, probable| {
        let history = process().stall(stall(Certainty::Exact, certain));
        history.stall(stall(Certainty::Probable, probable)).ended()
    };
    let mut terms = terms(&["stall.count == 0"], vec![]);
    terms.baseline = Some(Baseline::of("known.toml", &findings(&[&both(300, 300)])));
    let judgement = judge(&terms, &[&both(300, 6000)]);
    assert_eq!((judgement.verdict, judgement.allowances()[0].state), (Verdict::Pass, AllowanceState::Used));
    assert_eq!(judge(&terms, &[&both(6000, 300)]).verdict, Verdict::Breach);
}

#[test]
fn what_waits_behind_what_is_worse_than_known_is_not_excused() {
    let behind = |ms| process().stall(stall("src/a.rs:1", ms, Cause::Syscall)).lag(280, 280, &[1]).ended();
    let mut terms = terms(&["lag.max < 100ms"], vec![]);
    terms.baseline = Some(Baseline::of("known.toml", &findings(&[&behind(300)])));
    assert_eq!(judge(&terms, &[&behind(300)]).verdict, Verdict::Pass);
    let worse = judge(&terms, &[&behind(6000)]);
    assert_eq!(worse.verdict, Verdict::Breach);
    let states: Vec<_> =
        worse.allowances().iter().map(|known| (known.rule, known.state, known.count)).collect();
    let exceeded = |rule| (Some(rule), AllowanceState::Exceeded, 0);
    assert_eq!(states, [exceeded(Rule::BlockingPoll), exceeded(Rule::LoopLag)], "neither excuses anything");
    let note =
        "known.toml: loop-lag at app::work is more than it knows: what it waited behind is worse than known";
    assert_eq!(worse.notes[1], note);
    terms.excuses = vec![excuse("src/a.rs:1", Some(Rule::LoopLag))];
    assert_eq!(judge(&terms, &[&behind(6000)]).verdict, Verdict::Pass, "a file's own word stands");
}

#[test]
fn of_what_is_worse_than_known_the_longest_is_told() {
    let of = |first, second| {
        let history = process().stall(stall("src/a.rs:1", first, Cause::Cpu)).ended();
        [history, process().stall(stall("src/a.rs:1", second, Cause::Cpu)).ended()]
    };
    let mut terms = terms(&["stall.count == 0"], vec![]);
    terms.baseline = Some(Baseline::of("known.toml", &findings(&of(60, 60).each_ref())));
    for (first, second) in [(900, 6000), (6000, 900)] {
        let judgement = judge(&terms, &of(first, second).each_ref());
        assert!(judgement.notes[0].contains("max = \"6000ms\""), "{judgement:?}");
    }
}

#[test]
fn what_a_file_excuses_is_no_more_of_what_a_baseline_knows() {
    let history = process()
        .stall(stall("src/a.rs:1", 300, Cause::Cpu))
        .stall(stall("src/a.rs:9", 300, Cause::Cpu))
        .ended();
    let mut terms = terms(&["stall.count == 0"], vec![excuse("src/a.rs:1", None)]);
    let baseline = Baseline::of("known.toml", &marked(&judge(&terms, &[&history]), &history));
    assert_eq!(baseline.known[0].places, 1);
    terms.baseline = Some(baseline);
    assert_eq!(judge(&terms, &[&history]).verdict, Verdict::Pass);
}

#[test]
fn a_line_with_certain_and_probable_stalls_is_one_place() {
    let certain = || process().stall(stall("src/a.rs:1", 300, Cause::Cpu));
    let mut terms = terms(&["stall.count == 0"], vec![]);
    terms.baseline = Some(Baseline::of("known.toml", &findings(&[&certain().ended()])));
    let probable = Stall { certainty: Certainty::Probable, ..stall("src/a.rs:1", 300, Cause::Cpu) };
    let both = certain().stall(probable).ended();
    assert_eq!(findings(&[&both]).len(), 2);
    assert_eq!(judge(&terms, &[&both]).verdict, Verdict::Pass);
}

#[test]
fn a_baseline_only_shrinks() {
    let history = |places: &[&str]| {
        places.iter().fold(process(), |process, place| process.stall(stall(place, 300, Cause::Cpu))).ended()
    };
    let of = |places: &[&str]| findings(&[&history(places)]);
    let all = Baseline::of("known.toml", &of(&["src/a.rs:1", "src/a.rs:2", "src/b.rs:1"]));
    let places = |baseline: &Baseline| baseline.known.iter().map(|known| known.places).collect::<Vec<_>>();
    assert_eq!(places(&all), [2, 1]);
    let less = all.shrunk(&of(&["src/a.rs:9", "src/new.rs:1"]));
    assert_eq!(places(&less), [1]);
    assert_eq!(places(&less.shrunk(&of(&["src/a.rs:1", "src/a.rs:2"]))), [1], "it does not grow back");
    assert_eq!(places(&less.shrunk(&[])), [0; 0]);
}
