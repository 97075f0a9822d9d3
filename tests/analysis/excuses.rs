//! What is excused is left out of what is judged, and told; and an excuse that rots is told, too.

use crate::scenario::{MS, process, stall};
use stallscope::analysis::{
    AllowanceState, By, Excuse, Finding, History, Judgement, Rule, Severity, Terms, Verdict, findings, judge,
};
use stallscope_wire::{Allowed, Cause, Line, Owner, Phase, Snapshot, Stack, Stall, Watched, Worker};

pub(crate) fn excuse(frame: &str, rule: Option<Rule>) -> Excuse {
    Excuse {
        frame: frame.into(),
        rule,
        reason: "it is old".into(),
        at: "stallscope.toml:3".into(),
        ..Excuse::default()
    }
}

pub(crate) fn terms(exprs: &[&str], excuses: Vec<Excuse>) -> Terms {
    let thresholds =
        exprs.iter().map(|expr| expr.parse().unwrap_or_else(|error| panic!("{error}"))).collect();
    let mut terms = Terms::new(thresholds);
    terms.excuses = excuses;
    terms
}

/// A stall of which the code allows itself a part.
fn allowed(place: &str, ms: u64, allowed_ms: u64) -> Stall {
    let whole = stall(place, ms, Cause::Syscall);
    let allowed =
        Allowed { ns: allowed_ms * MS, reason: "once".into(), at: "src/main.rs:9:5".into(), ongoing: false };
    Stall { attributable_ns: (ms - allowed_ms) * MS, allowed: Some(allowed), ..whole }
}

pub(crate) fn marked(judgement: &Judgement, history: &History) -> Vec<Finding> {
    let mut found = findings(&[history]);
    judgement.mark(&mut found);
    found
}

fn measured(judgement: &Judgement) -> Vec<&str> {
    judgement.outcomes.iter().map(|outcome| &*outcome.measured).collect()
}

#[test]
fn what_the_code_allows_itself_is_told_and_not_judged() {
    let history = process().stall(allowed("src/a.rs:1", 300, 290)).ended();
    let exprs = [
        "stall.max < 100ms",
        "stall.count == 0",
        "stall.p99 < 100ms",
        "poll.max < 100ms",
        "stall.total < 100ms",
    ];
    let judgement = judge(&terms(&exprs, vec![]), &[&history]);
    assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:#?}");
    let [finding] = &findings(&[&history])[..] else { panic!("one") };
    assert_eq!(
        (finding.rule, finding.severity, finding.max_ns),
        (Rule::BlockingPoll, Severity::Info, 300 * MS)
    );
    assert_eq!(
        (finding.allowed_by.as_deref(), finding.allowed_at.as_deref()),
        (Some("once"), Some("src/main.rs:9"))
    );
    let [allowance] = judgement.allowances() else { panic!("one") };
    assert_eq!((allowance.by, allowance.state, allowance.count), (By::Code, AllowanceState::Used, 1));
    assert_eq!(
        (allowance.about(), allowance.how_much()),
        ("blocking-poll at src/a.rs:1".into(), "once, 300ms".into())
    );
}

#[test]
fn an_allowance_that_is_not_told_apart_has_no_place() {
    let untold = |ms| {
        let mut stall = allowed("src/a.rs:1", ms, 290);
        stall.allowed = Some(Allowed { ns: 290 * MS, ..Allowed::default() });
        findings(&[&process().stall(stall).ended()]).remove(0)
    };
    let reason = "stallscope::allow, at one line of more than are told apart";
    let whole = untold(300);
    assert_eq!((whole.allowed_by.as_deref(), whole.allowed_at), (Some(reason), None));
    let detail = untold(500).detail.expect("the other part is told");
    assert_eq!(detail, format!("another 290ms of the longest are allowed: {reason}"));
}

#[test]
fn what_is_left_of_it_is_judged_when_it_is_a_stall_of_its_own() {
    let history = process().stall(allowed("src/a.rs:1", 500, 290)).ended();
    let judgement = judge(&terms(&["stall.max < 100ms", "poll.max < 100ms"], vec![]), &[&history]);
    assert_eq!((judgement.verdict, measured(&judgement)[0]), (Verdict::Breach, "210ms"));
    let [finding] = &findings(&[&history])[..] else { panic!("one") };
    assert_eq!(
        (finding.severity, finding.max_ns, finding.allowed_by.as_deref()),
        (Severity::Error, 210 * MS, None)
    );
    let detail = finding.detail.as_deref().expect("the other part is told");
    assert_eq!(detail, "another 290ms of the longest are allowed at src/main.rs:9: once");
}

#[test]
fn the_rest_is_not_blamed_on_a_stack_of_the_allowed_part() {
    let mut partly = allowed("src/allowed.rs:1", 500, 290);
    let under = Stack { allowed: true, ..partly.stack.take().expect("a stack") };
    let begin = Stall {
        id: 9,
        phase: Phase::Begin,
        duration_ns: 150 * MS,
        attributable_ns: 0,
        stack: Some(under.clone()),
        ..partly.clone()
    };
    let end = Stall { id: 9, ..partly.clone() };
    let history = process().line(Line::Stall(begin.clone())).line(Line::Stall(end.clone())).ended();
    assert_eq!(findings(&[&history])[0].culprit.file, None);

    let outside = stall("src/guilty.rs:2", 0, Cause::Syscall).stack;
    let progress = Stall { phase: Phase::Progress, stack: outside, ..end.clone() };
    for lines in [[begin.clone(), progress.clone(), end.clone()], [progress, begin, end]] {
        let history =
            lines.into_iter().fold(process(), |process, stall| process.line(Line::Stall(stall))).ended();
        assert_eq!(findings(&[&history])[0].culprit.to_string(), "src/guilty.rs:2");
    }
}

#[test]
fn an_allowed_stall_that_goes_on_stays_allowed() {
    let mut begun = Stall { id: 5, phase: Phase::Begin, ..allowed("src/a.rs:1", 110, 105) };
    begun.allowed.iter_mut().for_each(|allowed| allowed.ongoing = true);
    let workers = vec![Worker { stall: Some(5), ..Worker::default() }];
    let snapshot = Snapshot { at_ns: 900 * MS, workers, ..Snapshot::default() };
    let history = process().line(Line::Stall(begun)).line(Line::Snapshot(snapshot)).ended();
    let record = history.stalls().next().expect("it is kept");
    assert!(record.stall.duration_ns > 800 * MS, "{record:#?}");
    assert_eq!(judge(&terms(&["stall.max < 100ms"], vec![]), &[&history]).verdict, Verdict::Pass);
}

#[test]
fn what_waited_behind_what_is_excused_is_excused_too() {
    let behind = |stall: Stall| process().stall(stall).lag(280, 280, &[1]).ended();
    let exprs = ["lag.max < 100ms"];
    let guilty = behind(stall("src/a.rs:1", 300, Cause::Syscall));
    assert_eq!(judge(&terms(&exprs, vec![]), &[&guilty]).verdict, Verdict::Breach);
    let by_code = behind(allowed("src/a.rs:1", 300, 300));
    assert!(findings(&[&by_code]).iter().all(|finding| finding.rule != Rule::LoopLag));
    assert_eq!(judge(&terms(&exprs, vec![]), &[&by_code]).verdict, Verdict::Pass);
    for rule in [None, Some(Rule::BlockingPoll), Some(Rule::LoopLag)] {
        let judgement = judge(&terms(&exprs, vec![excuse("src/a.rs", rule)]), &[&guilty]);
        assert_eq!(judgement.verdict, Verdict::Pass, "{rule:?}");
    }
    let elsewhere = judge(&terms(&exprs, vec![excuse("src/b.rs", None)]), &[&guilty]);
    assert_eq!(elsewhere.verdict, Verdict::Breach);
}

#[test]
fn what_may_have_waited_for_the_rest_of_a_stall_is_not_excused() {
    let waited = |ms| {
        let begun = Snapshot { at_ns: (400 - ms) * MS, ..Snapshot::default() };
        let history = process().stall(allowed("src/a.rs:1", 400, 300)).line(Line::Snapshot(begun));
        let history = history.lag(ms, ms, &[1]).ended();
        let judgement = judge(&terms(&["lag.max < 20ms"], vec![]), &[&history]);
        measured(&judgement)[0].to_owned()
    };
    assert_eq!([80, 150, 400].map(waited), ["80ms", "100ms", "100ms"]);
}

#[test]
fn what_a_file_excuses_is_left_out_of_every_measure() {
    let history = process()
        .stall(stall("src/old.rs:1", 400, Cause::Cpu))
        .stall(stall("src/old.rs:7", 300, Cause::Cpu))
        .stall(stall("src/new.rs:1", 200, Cause::Cpu))
        .ended();
    let exprs = ["stall.max < 100ms", "stall.count == 0", "stall.total < 100ms"];
    let judgement = judge(&terms(&exprs, vec![excuse("src/old.rs", None)]), &[&history]);
    assert_eq!(measured(&judgement), ["200ms", "1", "200ms"]);
    let found = marked(&judgement, &history);
    let excused: Vec<_> =
        found.iter().map(|finding| (finding.culprit.to_string(), finding.allowed_at.as_deref())).collect();
    let at = Some("stallscope.toml:3");
    assert_eq!(
        excused,
        [("src/new.rs:1".into(), None), ("src/old.rs:1".into(), at), ("src/old.rs:7".into(), at)]
    );
    let [allowance] = judgement.allowances() else { panic!("one") };
    assert_eq!((allowance.findings, allowance.count, allowance.total_ns), (2, 2, 700 * MS));
    assert_eq!(allowance.how_much(), "2 times, at most 400ms");
}

#[test]
fn an_excuse_is_for_its_rule() {
    let watched = Watched { created_at: "src/a.rs:1:5".into(), unpolled: 2, ..Watched::default() };
    let snapshot = Snapshot { at_ns: 1, watched: vec![watched], ..Snapshot::default() };
    let history =
        process().stall(stall("src/a.rs:1", 300, Cause::Cpu)).line(Line::Snapshot(snapshot)).ended();
    let exprs = ["stall.count == 0", "never-awaited.count == 0"];
    for (rule, left) in [
        (Some(Rule::BlockingPoll), ["0", "2"]),
        (Some(Rule::NeverAwaited), ["1", "0"]),
        (Some(Rule::TaskLeak), ["1", "2"]),
        (None, ["0", "0"]),
    ] {
        let judgement = judge(&terms(&exprs, vec![excuse("src/a.rs:1", rule)]), &[&history]);
        assert_eq!(measured(&judgement), left, "{rule:?}");
    }
}

#[test]
fn of_several_excuses_the_first_that_holds_does() {
    let history = process().stall(stall("src/a.rs:1", 300, Cause::Cpu)).ended();
    let expired = Excuse { expired: true, until: Some("2020-01-01".into()), ..excuse("src", None) };
    let second = Excuse { at: "stallscope.toml:8".into(), ..excuse("src/a.rs", None) };
    let third = excuse("src/a.rs:1", None);
    let judgement = judge(&terms(&["stall.count == 0"], vec![expired, second, third]), &[&history]);
    assert_eq!(judgement.verdict, Verdict::Pass);
    let states: Vec<_> = judgement.allowances().iter().map(|allowance| allowance.state).collect();
    assert_eq!(states, [AllowanceState::Expired, AllowanceState::Used, AllowanceState::Unused]);
    assert_eq!(marked(&judgement, &history)[0].allowed_at.as_deref(), Some("stallscope.toml:8"));
}

#[test]
fn what_has_expired_excuses_nothing_and_says_so() {
    let history = process().stall(stall("src/a.rs:1", 300, Cause::Cpu)).ended();
    let expired = Excuse { expired: true, until: Some("2020-01-01".into()), ..excuse("src/a.rs", None) };
    let judgement = judge(&terms(&["stall.count == 0"], vec![expired]), &[&history]);
    assert_eq!(judgement.verdict, Verdict::Breach);
    let told = "stallscope.toml:3: the excuse for src/a.rs ended with 2020-01-01; what it was about is still there (once, 300ms): \
                mend that, or set another day";
    assert_eq!(judgement.notes, [told]);
}

#[test]
fn what_was_not_needed_fails_only_where_that_is_denied() {
    let history = process().ended();
    let mut terms = terms(&["stall.count == 0"], vec![excuse("src/gone.rs", Some(Rule::BlockingPoll))]);
    let judgement = judge(&terms, &[&history]);
    assert_eq!(judgement.verdict, Verdict::Pass);
    let told = "stallscope.toml:3: the excuse for blocking-poll at src/gone.rs was not needed this time: remove it if that is gone";
    assert_eq!(judgement.notes, [told]);
    terms.deny_stale = true;
    let judgement = judge(&terms, &[&history]);
    assert_eq!(judgement.verdict, Verdict::Breach);
    let last = judgement.outcomes.last().expect("it is told as what did not hold");
    assert_eq!((&*last.expr, &*last.measured, last.ok), ("no stale excuse", "1 unused", Some(false)));
    assert_eq!(last.worst.as_deref(), Some("stallscope.toml:3 (blocking-poll at src/gone.rs)"));
    terms.excuses.clear();
    assert_eq!(judge(&terms, &[&history]).verdict, Verdict::Pass);
}

#[test]
fn an_excuse_that_misses_says_what_may_have_been_meant() {
    let history = process().stall(stall("src/report.rs:42", 300, Cause::Cpu)).ended();
    let [finding] = &findings(&[&history])[..] else { panic!("one") };
    let other =
        finding.stack.iter().find_map(|frame| frame.function.clone().filter(|name| name != "app::work"));
    let other = other.expect("another frame is beside it");
    let told = |frame: &str, rule| {
        let judgement = judge(&terms(&["stall.count == 0"], vec![excuse(frame, rule)]), &[&history]);
        assert_eq!(judgement.verdict, Verdict::Breach, "{frame}");
        judgement.allowances()[0].complaint().expect("it is not needed")
    };
    for frame in [
        "src/report.rs:4",
        "/srv/app/src/report.rs:42",
        "report.rs:42",
        "src/report.rs:42:9",
        "src/reprot.rs:42",
    ] {
        let said =
            format!("the excuse for {frame} was not needed this time; did you mean \"src/report.rs:42\"?");
        assert!(told(frame, None).ends_with(&said), "{}", told(frame, None));
    }
    assert!(told("work", None).ends_with("did you mean \"app::work\"?"), "{}", told("work", None));
    let said = "it is in a stack whose accused line is src/report.rs:42: did you mean \"src/report.rs:42\"?";
    assert!(told(&other, None).ends_with(said), "{}", told(&other, None));
    let rule = told("src/report.rs", Some(Rule::LostTask));
    assert!(rule.ends_with("; what was found there is blocking-poll"), "{rule}");
    assert!(told("src/elsewhere/of/it.rs", None).ends_with(": remove it if that is gone"));
    let taken = judge(&terms(&["stall.count == 0"], vec![excuse("./src/report.rs:42", None)]), &[&history]);
    assert_eq!(taken.verdict, Verdict::Pass);
}

#[test]
fn a_path_of_the_project_names_an_absolute_one() {
    let history = process().stall(stall("/srv/app/src/report.rs:42", 300, Cause::Cpu)).ended();
    let verdict =
        |frame| judge(&terms(&["stall.count == 0"], vec![excuse(frame, None)]), &[&history]).verdict;
    for frame in ["src/report.rs:42", "./src/report.rs", "app/src/", "/srv/app/src/report.rs:42"] {
        assert_eq!(verdict(frame), Verdict::Pass, "{frame}");
    }
    for frame in ["report.rs:42", "c/report.rs:42", "src/report.rs:4", "ci/src/report.rs"] {
        assert_eq!(verdict(frame), Verdict::Breach, "{frame}");
    }
}

#[test]
fn words_that_stand_for_a_name_are_no_beginning_of_one() {
    let unnamed =
        Stall { stack: None, owner: Owner::Root, task: None, ..stall("src/a.rs:1", 300, Cause::Cpu) };
    let history = process().stall(unnamed).ended();
    let verdict =
        |frame| judge(&terms(&["stall.count == 0"], vec![excuse(frame, None)]), &[&history]).verdict;
    assert_eq!(verdict("the root future"), Verdict::Pass);
    assert_eq!(verdict("the"), Verdict::Breach);
    assert_eq!(verdict("the root"), Verdict::Breach);
}
