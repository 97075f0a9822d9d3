use super::segments::KEPT_TEXT;
use super::*;
use crate::model::{Key, Model, Opened};
use crate::scenario::{Scenario, Watched};
use crate::source::{Ending, Source, Target};
use stallscope_wire::Stall;

const SECOND_NS: u64 = 1_000_000_000;

/// Two stalls, a minute apart, of which the second goes on.
fn stalled() -> Scenario {
    Scenario::new().quiet(20).sleeps(1, 312).wakes(1).quiet(60).sleeps(2, 500)
}

fn look(watched: &Watched) -> Option<Look> {
    watched.model.tape.look(watched.ours)
}

fn findings(process: &Process) -> Vec<String> {
    process.findings.iter().map(|finding| format!("{} {}", finding.culprit, finding.count)).collect()
}

/// As a process whose life ended at this time would be shown.
fn cut_at(scenario: &Scenario, at_ns: u64) -> Process {
    let watched = scenario.clone().live();
    let mut process = Process::new(watched.model.process().header().clone(), Origin::Log("a".into()));
    for line in scenario.lines.iter().take_while(|line| at_ns_of(line) <= at_ns) {
        process.apply(line.clone(), Duration::ZERO);
    }
    process.settle();
    process
}

fn at_ns_of(line: &Line) -> u64 {
    at_ns(line).unwrap_or(0)
}

#[test]
fn each_time_shows_what_was_known_then() {
    let watched = stalled().live();
    let header = watched.model.process().header().clone();
    let mut watched = Watched { model: Model::new(header, Origin::Live("a".into())), ..watched };
    watched.model.tape.length = 2_000;
    for line in stalled().lines {
        watched.model.apply(line, watched.ours);
    }
    assert!(watched.model.tape.segments.len() > 5, "{}", watched.model.tape.segments.len());
    for at_ns in [75, 10, 20, 21, 3, 60, 80].map(|second| second * SECOND_NS) {
        watched.model.tape.go(at_ns, watched.ours);
        watched.model.settle();
        let (shown, ours) = watched.model.shown(watched.ours);
        let expected = cut_at(&stalled(), at_ns);
        assert_eq!(shown.clock.now_ns(ours), at_ns);
        assert_eq!(shown.lines, expected.lines, "at {at_ns}");
        assert_eq!(shown.history.snapshot(), expected.history.snapshot(), "at {at_ns}");
        assert_eq!(findings(shown), findings(&expected), "at {at_ns}");
        assert_eq!(shown.lag.series(at_ns), expected.lag.series(at_ns));
    }
}

#[test]
fn keys_look_back_and_return_to_live() {
    let watched = stalled().live();
    let now_ns = watched.model.process().clock.now_ns(watched.ours);
    let watched = watched.press(&[Key::Left, Key::ShiftLeft]);
    let behind = Look { at_ns: now_ns - 11 * SECOND_NS, behind_ns: 11 * SECOND_NS, speed: None };
    assert_eq!(look(&watched), Some(behind));
    let watched = watched.press(&[Key::Right, Key::Right]);
    assert_eq!(look(&watched).map(|look| look.behind_ns), Some(9 * SECOND_NS));
    assert_eq!(look(&watched.press(&[Key::ShiftRight])), None);
    let watched = stalled().live().press(&[Key::ShiftLeft, Key::Char('L')]);
    assert_eq!(look(&watched), None);
    let first = stalled().live().press(&[Key::ShiftLeft; 30]);
    assert_eq!(look(&first).map(|look| look.at_ns), Some(SECOND_NS / 2), "the first state that is known");
}

#[test]
fn it_jumps_from_stall_to_stall() {
    let watched = stalled().live().press(&[Key::ShiftLeft, Key::Char('[')]);
    let (shown, ours) = watched.model.shown(watched.ours);
    let ongoing: Vec<_> = shown.ongoing().map(|record| record.stall.id).collect();
    assert_eq!(ongoing, [1], "right before its end");
    assert_eq!(shown.clock.now_ns(ours), 20 * SECOND_NS + 311_999_999);
    let watched = watched.press(&[Key::Char('[')]);
    assert_eq!(
        look(&watched).map(|look| look.at_ns),
        Some(20 * SECOND_NS + 311_999_999),
        "there is none before"
    );
    let watched = watched.press(&[Key::Char(']')]);
    assert_eq!(
        watched.model.shown(watched.ours).0.ongoing().map(|record| record.stall.id).collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn a_recording_is_played_to_its_end() {
    let mut watched = stalled().wakes(2).quiet(1).ends().logged(Ending::Orderly).press(&[Key::Char(' ')]);
    let begun = look(&watched).expect("it is played");
    assert_eq!((begun.at_ns, begun.speed), (SECOND_NS / 2, Some(Speed::default())));
    let mut seen = Vec::new();
    watched = watched.press(&[Key::Char('>'), Key::Char('>'), Key::Char('>')]);
    while look(&watched).is_some() {
        watched = watched.later(Duration::from_millis(100));
        watched.model.advance(watched.ours);
        watched.model.settle();
        seen.push(watched.model.shown(watched.ours).0.history.stalls().count());
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert!([0, 1, 2].iter().all(|count| seen.contains(count)), "{seen:?}");
    assert!(watched.model.shown(watched.ours).0.conclusion.is_some());
}

#[test]
fn what_is_played_stops_where_space_is_pressed() {
    let watched = stalled().wakes(2).ends().logged(Ending::Orderly);
    let mut watched = watched.press(&[Key::Char(' ')]).later(Duration::from_secs(5));
    watched.model.advance(watched.ours);
    let mut watched = watched.press(&[Key::Char(' ')]).later(Duration::from_secs(5));
    watched.model.advance(watched.ours);
    let stands = look(&watched).expect("it stands");
    assert_eq!((stands.at_ns, stands.speed), (5 * SECOND_NS + SECOND_NS / 2, None));
    let mut watched = watched.press(&[Key::Char(' ')]).later(Duration::from_secs(1));
    watched.model.advance(watched.ours);
    assert_eq!(look(&watched).map(|look| look.at_ns), Some(6 * SECOND_NS + SECOND_NS / 2));
}

#[test]
fn a_log_shows_the_same_whether_its_lines_are_kept_or_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.jsonl");
    let scenario = (0..40)
        .fold(Scenario::new(), |scenario, _| scenario.quiet(5))
        .sleeps(1, 500)
        .wakes(1)
        .quiet(5)
        .ends();
    std::fs::write(&path, scenario.encoded()).unwrap();
    let source = Source::open(&Target::Path(path)).unwrap();
    let mut model = Model::new(source.header.clone(), source.origin.clone());
    model.tape.set_recording(source.recording.clone().expect("a file can be read again"));
    model.tape.length = 5_000;
    for message in &source.messages {
        model.update(crate::model::Msg::Source(0, message), Duration::ZERO);
    }
    assert!(model.tape.segments.len() > 5, "{}", model.tape.segments.len());
    let mut kept = scenario.clone().logged(Ending::Orderly);
    for second in [150, 3, 199, 60, 61, 201] {
        let at_ns = second * SECOND_NS;
        model.tape.go(at_ns, Duration::ZERO);
        kept.model.tape.go(at_ns, kept.ours);
        let (one, other) = (model.tape.shown(), kept.model.tape.shown());
        assert_eq!((one.lines, one.history.snapshot()), (other.lines, other.history.snapshot()), "{second}");
        assert_eq!(one.lines, cut_at(&scenario, at_ns).lines, "{second}");
    }
}

#[test]
fn what_a_live_process_leaves_behind_is_bounded() {
    let long = (0..20).fold(Scenario::new(), |scenario, _| scenario.quiet(30));
    let mut tape = Tape::new(long.clone().live().model.process().header().clone(), Origin::Live("a".into()));
    tape.length = 10_000;
    for _ in 0..4 {
        for line in &long.lines {
            tape.apply(line.clone(), Vec::new(), Duration::ZERO);
        }
    }
    let kept: usize = tape.segments.iter().map(|segment| segment.kept).sum();
    assert!(kept <= KEPT_TEXT);
    tape.length = KEPT_TEXT as u64 / 4;
    let line = Line::Coverage(stallscope_wire::Coverage {
        missing: vec![stallscope_wire::Gap::new("x".repeat(1 << 20), "")],
        ..stallscope_wire::Coverage::default()
    });
    for _ in 0..100 {
        tape.apply(line.clone(), Vec::new(), Duration::ZERO);
    }
    let kept: usize = tape.segments.iter().map(|segment| segment.kept).sum();
    assert!(kept <= KEPT_TEXT + tape.length as usize, "{kept}");
    assert!(tape.gone > 0 && tape.segments.len() > 1);
}

#[test]
fn what_is_opened_stays_open_while_time_moves() {
    let watched = stalled().live().press(&[Key::Enter, Key::Left]);
    let opened = &watched.model.navigation.opened;
    assert!(matches!(opened, Some(Opened::Finding(_))), "{opened:?}");
    let watched = watched.press(&[Key::ShiftLeft; 10]);
    assert_eq!(watched.model.navigation.opened, None, "nothing was found by then");
}

/// A stall of two seconds whose names its process did not find, and what is said of it once they are found.
fn unnamed() -> (Scenario, Stall) {
    let mut scenario = Scenario::new().quiet(5).sleeps_before_names_are_known(1, 300);
    let draft = scenario.lines.iter_mut().find_map(|line| match line {
        Line::Stall(stall) => Some(stall),
        _ => None,
    });
    let draft = draft.expect("it has a stall");
    draft.draft = true;
    let mut stack = draft.stack.clone().expect("it has a stack");
    (stack.culprit, stack.frames[0].user) = (Some(0), true);
    (stack.frames[0].file, stack.frames[0].line) = (Some("src/pay.rs".into()), Some(88));
    let scenario = scenario.quiet(2).wakes(1).quiet(5);
    let ended = scenario.lines.iter().rev().find_map(|line| match line {
        Line::Stall(stall) => Some(stall.clone()),
        _ => None,
    });
    (scenario, Stall { stack: Some(stack), ..ended.expect("it ended") })
}

fn places(tape: &Tape) -> Vec<String> {
    let process = tape.shown();
    process.history.stalls().map(|record| process.place_of(record, u64::MAX)).collect()
}

#[test]
fn a_line_that_is_named_late_is_named_at_all_times() {
    let (scenario, named) = unnamed();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.jsonl");
    std::fs::write(&path, scenario.encoded()).unwrap();
    let source = Source::open(&Target::Path(path)).unwrap();
    let mut recorded = Tape::new(source.header.clone(), source.origin.clone());
    recorded.set_recording(source.recording.clone().expect("a file can be read again"));
    let mut kept = Tape::new(source.header.clone(), Origin::Live("a".into()));
    for message in &source.messages {
        let Message::Line(line, text) = message else { break };
        kept.apply((*line).clone(), line.encode(), Duration::ZERO);
        recorded.apply(*line, text, Duration::ZERO);
    }
    for mut tape in [recorded, kept] {
        let lines = tape.newest.lines;
        tape.go(7 * SECOND_NS, Duration::ZERO);
        assert_eq!(places(&tape), ["a task spawned at src/main.rs:20:5"], "as its process left it");
        tape.apply(Line::Stall(named.clone()), Vec::new(), Duration::ZERO);
        assert_eq!(places(&tape), ["src/pay.rs:88"], "where it stands");
        for second in [9, 6] {
            tape.go(second * SECOND_NS, Duration::ZERO);
            assert_eq!(places(&tape), ["src/pay.rs:88"], "at {second}");
        }
        tape.settle();
        let shown = tape.shown();
        assert_eq!(findings(shown), ["src/pay.rs:88 1"]);
        assert!(shown.ongoing().count() == 1 && shown.lines < lines, "its end was not known by then");
        tape.go(SECOND_NS, Duration::ZERO);
        assert_eq!(places(&tape), [""; 0]);
    }
}
