//! Thresholds for a route or a crate alone, and for how few samples there is no percentile.

use crate::scenario::{MS, Process, judged, process, stall, times};
use stallscope::analysis::thresholds::Labels;
use stallscope::analysis::{History, Judgement, Terms, Threshold, Verdict, judge};
use stallscope_wire::{Cause, Frame, Handler, Handlers, Line, Serving, Stack, Stall};

/// A stall in the code of a crate, while a request of a route was answered.
fn accused(krate: &str, route: &str, ms: u64) -> Stall {
    let frame =
        Frame { file: Some("src/a.rs".into()), line: Some(1), krate: Some(krate.into()), ..Frame::default() };
    let stack = Stack { culprit: Some(0), frames: vec![frame], ..Stack::default() };
    let mut stall = Stall { stack: Some(stack), ..stall("src/a.rs:1", ms, Cause::Cpu) };
    stall.serving = Some(Serving { route: route.to_owned(), ..Serving::default() });
    stall
}

fn judged_by(thresholds: Vec<Threshold>, history: &History) -> Judgement {
    judge(&Terms::new(thresholds), &[history])
}

fn threshold(expr: &str) -> Threshold {
    expr.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn overriding(expr: &str, labels: Labels) -> Threshold {
    threshold(expr).overriding(labels).expect("the metric has the label")
}

#[test]
fn stalls_are_known_apart_by_route_and_crate() {
    let history = process()
        .requests(&[("GET /", 5), ("GET /report", 5)])
        .stall(accused("api", "GET /", 120))
        .stall(accused("render", "GET /report", 300))
        .stall(accused("render", "GET /", 200))
        .ended();
    for (expr, measured) in [
        ("stall.max < 1s", "300ms"),
        ("stall.max{route=\"GET /\"} < 1s", "200ms"),
        ("stall.count{crate=\"render\"} < 10", "2"),
        ("stall.total{crate=\"render\", route=\"GET /\"} < 1s", "200ms"),
        ("stall.p50{crate=\"render\"} < 1s", "200ms"),
        ("stall.count{crate=\"other\"} == 0", "0"),
    ] {
        let judgement = judged(expr, &history);
        assert_eq!(
            (judgement.verdict, &*judgement.outcomes[0].measured),
            (Verdict::Pass, measured),
            "{expr}"
        );
    }
    let near = judged("stall.count{crate=\"rendre\"} == 0", &history);
    let note = near.outcomes[0].note.as_deref();
    assert_eq!(note, Some("nothing was seen of the crate \"rendre\"; did you mean \"render\"?"));
    let unseen = judged("stall.max{route=\"GET /reprot\"} < 1s", &history);
    assert_eq!(unseen.verdict, Verdict::Incomplete, "what did not happen is no pass");
    assert_eq!(unseen.want(), Some("no request to \"GET /reprot\" was seen; did you mean \"GET /report\"?"));
}

#[test]
fn a_crate_that_nothing_was_seen_of_is_told_and_fails_nothing() {
    let told = |krate: &str, history: &History| {
        let judgement = judged(&format!("stall.max{{crate=\"{krate}\"}} < 1s"), history);
        assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:?}");
        judgement.outcomes[0].note.clone().unwrap_or_default()
    };
    let healthy = process().ended();
    assert_eq!(told("app", &healthy), "", "a program's own crate is known though nothing stalled");
    assert!(told("appp", &healthy).ends_with("; did you mean \"app\"?"));
    let Stall { stack: Some(mut stack), .. } = accused("render", "GET /", 120) else { panic!("it has one") };
    let caller =
        |user| Frame { krate: Some(if user { "api" } else { "tokio" }.into()), user, ..Frame::default() };
    stack.frames.extend([caller(true), caller(false)]);
    let stalled = process().stall(Stall { stack: Some(stack), ..accused("render", "GET /", 120) }).ended();
    assert_eq!(told("api", &stalled), "", "it called what stalled");
    assert!(told("storage", &stalled).ends_with("\"storage\"; seen: \"api\", \"app\", \"render\""));
}

#[test]
fn an_override_takes_what_it_names_out_of_the_general_thresholds() {
    let history = process()
        .requests(&[("GET /", 5), ("GET /report", 250)])
        .stall(accused("app", "GET /report", 300))
        .stall(accused("render", "GET /", 150))
        .ended();
    let report = |expr| overriding(expr, Labels::of_route("GET /report"));
    let general = || vec![threshold("stall.max < 100ms"), threshold("handler.p50 < 20ms")];
    let with = |own: Vec<Threshold>| judged_by([general(), own].concat(), &history);
    let stalled = |judgement: &Judgement| judgement.outcomes[0].measured.clone();

    assert_eq!(stalled(&with(vec![report("stall.max < 400ms")])), "150ms");
    assert_eq!(
        stalled(&with(vec![threshold("stall.max{route=\"GET /report\"} < 400ms")])),
        "300ms",
        "one more"
    );
    let render = overriding("stall < 200ms", Labels::of_crate("render"));
    let all = with(vec![report("stall.max < 400ms"), report("handler.p50 < 300ms"), render.clone()]);
    assert_eq!((all.verdict, &*stalled(&all)), (Verdict::Pass, "no stall"), "{all:#?}");
    let note = "stall{route=\"GET /report\"} and stall{crate=\"render\"} have limits of their own";
    assert!(
        all.outcomes[0].note.as_deref().is_some_and(|told| told.contains("limits of their own")),
        "{note}"
    );
    assert_eq!(all.outcomes[2].expr, "stall.max{route=\"GET /report\"} < 400ms");
    let tight = with(vec![report("stall.max < 200ms"), render]);
    assert_eq!((tight.verdict, tight.outcomes[2].ok), (Verdict::Breach, Some(false)));
    // A route that was not asked for has no limits to break; a general threshold stands all the same.
    let absent = with(vec![overriding("stall.max < 1ms", Labels::of_route("GET /repor"))]);
    assert_eq!((absent.verdict, absent.outcomes.len()), (Verdict::Breach, 2));
    assert!(absent.notes.iter().any(|note| note.contains("did you mean \"GET /report\"?")), "{absent:?}");
}

#[test]
fn what_nothing_is_about_is_no_pass() {
    let absent = overriding("stall.max < 1s", Labels::of_route("GET /x"));
    let judgement = judged_by(vec![absent], &process().requests(&[("GET /", 5)]).ended());
    assert_eq!((judgement.verdict, judgement.outcomes.len()), (Verdict::Incomplete, 0));
    assert_eq!(judgement.want(), Some("nothing was seen that a threshold is about"));
}

#[test]
fn folded_stalls_are_still_known_apart() {
    let routes = ["GET /a", "GET /b"];
    let stalls = (0..6000u64).map(|n| accused("app", routes[(n % 2) as usize], 100 + n % 50));
    let history = stalls.fold(process().requests(&[("GET /a", 5)]), Process::stall).ended();
    assert!(history.stalls().count() < 6000, "they are folded");
    for (expr, measured) in [
        ("stall.count < 1", "6000"),
        ("stall.count{route=\"GET /a\"} < 1", "3000"),
        ("stall.count{route=\"GET /b\"} < 1", "3000"),
        ("stall.max{route=\"GET /a\"} < 1ms", "148ms"),
        ("stall.p100{route=\"GET /b\"} < 1ms", "149ms"),
        ("stall.mean{route=\"GET /a\"} < 1ms", "124ms"),
    ] {
        assert_eq!(judged(expr, &history).outcomes[0].measured, measured, "{expr}");
    }
    let general = judged_by(
        vec![threshold("stall.count == 0"), overriding("stall.count < 5000", Labels::of_route("GET /a"))],
        &history,
    );
    let measured: Vec<_> = general.outcomes.iter().map(|outcome| &*outcome.measured).collect();
    assert_eq!(measured, ["3000", "3000"]);
}

#[test]
fn too_few_samples_make_no_percentile() {
    let polls = |count| {
        let mut history = process().ended();
        let mut snapshot = history.snapshot().expect("a snapshot").clone();
        snapshot.poll = times(count, MS);
        history.apply(Line::Snapshot(snapshot));
        history
    };
    for (expr, few) in [("poll.p99 < 2ms", 99), ("poll.p99.9 < 2ms", 999), ("poll.p50 < 2ms", 1)] {
        let judgement = judged(expr, &polls(few));
        assert_eq!(judgement.verdict, Verdict::Incomplete, "{expr} of {few}");
        assert_eq!(judgement.outcomes[0].measured, "not measured");
        let why = format!("needs {} samples, and {few} were taken", few + 1);
        assert!(judgement.want().is_some_and(|want| want.contains(&why)), "{judgement:?}");
        assert_eq!(judged(expr, &polls(few + 1)).verdict, Verdict::Pass, "{expr} of {}", few + 1);
    }
    for expr in ["poll.max < 2ms", "poll.mean < 2ms", "poll.total < 2ms", "poll.count == 1"] {
        assert_eq!(judged(expr, &polls(1)).verdict, Verdict::Pass, "{expr}");
    }
}

#[test]
fn a_route_of_few_requests_fails_nothing_and_hides_nothing() {
    let requests = |slow: u64| {
        let handler = |route: &str, count, ms| Handler {
            route: route.to_owned(),
            latency: times(count, ms * MS),
            ..Handler::default()
        };
        let handlers = vec![handler("GET /", 200, 5), handler("GET /report", 3, slow)];
        process().line(Line::Handler(Handlers { at_ns: 1, handlers, ..Handlers::default() })).ended()
    };
    assert_eq!(judged("handler.p99 < 20ms", &requests(15)).verdict, Verdict::Pass);
    let slow = judged("handler.p99 < 20ms", &requests(500));
    assert_eq!(slow.verdict, Verdict::Incomplete);
    assert!(
        slow.want().is_some_and(|want| want.starts_with("GET /report took up to 500ms, but p99 needs 100"))
    );
    let alone = judged("handler.p99{route=\"GET /report\"} < 20ms", &requests(15));
    assert_eq!((alone.verdict, &*alone.outcomes[0].measured), (Verdict::Incomplete, "not measured"));
}
