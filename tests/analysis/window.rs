//! What is judged of a process that ran before anybody looked.

use crate::scenario::{MS, judged, stall, tasks, times};
use stallscope::analysis::{History, Verdict, Window, findings};
use stallscope_wire::{
    Cause, Handler, Handlers, Header, Histogram, Line, Location, Phase, SlowRequest, Snapshot, Spent, Stall,
    Startup, Waits, Watched,
};

fn blocked(id: u64, phase: Phase, at: u64, ms: u64) -> Line {
    let lasted = stall("src/a.rs:1", ms, Cause::Cpu);
    Line::Stall(Stall { id, phase, at_ns: at * MS, started_ns: (at - ms) * MS, ..lasted })
}

/// Until then there was one poll of each of these lengths.
fn snapshot(at: u64, polls: &[u64]) -> Line {
    let mut poll = times(1000, 10_000);
    polls.iter().for_each(|ms| poll.merge(&times(1, ms * MS)));
    let startup = Startup { over: true, ..Startup::default() };
    Line::Snapshot(Snapshot { at_ns: at * MS, poll, startup, ..Snapshot::default() })
}

fn seen(lines: impl IntoIterator<Item = Line>) -> History {
    let mut window = Window::new(Header { threshold_ns: 100 * MS, ..Header::default() });
    lines.into_iter().for_each(|line| window.apply(line));
    let mut history = window.into_history();
    history.release();
    history
}

#[test]
fn a_stall_that_had_ended_is_not_judged() {
    let past = [blocked(1, Phase::Begin, 500, 100), blocked(1, Phase::End, 800, 400), snapshot(2000, &[400])];
    let history = seen(past.into_iter().chain([snapshot(3000, &[400, 3])]));
    assert_eq!(findings(&[&history]), []);
    assert_eq!(judged("stall.max < 100ms", &history).verdict, Verdict::Pass);
    assert_eq!(judged("poll.max < 5ms", &history).outcomes[0].measured, "3ms");
}

#[test]
fn a_stall_that_goes_on_or_begins_is_judged() {
    let begun = [blocked(1, Phase::Begin, 500, 100), snapshot(600, &[]), blocked(1, Phase::End, 800, 400)];
    assert_eq!(judged("stall.max < 100ms", &seen(begun)).outcomes[0].measured, "400ms");
    let new = [snapshot(100, &[]), blocked(2, Phase::End, 800, 400), snapshot(900, &[400])];
    let history = seen(new);
    assert_eq!(judged("stall.max < 100ms", &history).verdict, Verdict::Breach);
    assert_eq!(judged("poll.max < 100ms", &history).outcomes[0].measured, "400ms");
}

#[test]
fn a_stall_whose_end_is_told_late_is_not_judged() {
    let ended = |lines: Vec<Line>| findings(&[&seen(lines)]);
    let begun = |at| blocked(1, Phase::Begin, at, 100);
    let over = || Line::Stall(Stall { at_ns: 900 * MS, ..of(blocked(1, Phase::End, 550, 150)) });
    assert_eq!(ended(vec![begun(500), snapshot(600, &[]), over(), snapshot(1000, &[150])]), []);
    assert_eq!(ended(vec![snapshot(600, &[]), begun(500), over(), over()]), []);
    assert_ne!(ended(vec![snapshot(520, &[]), begun(500), over()]), [], "it went on");
}

fn of(line: Line) -> Stall {
    let Line::Stall(stall) = line else { panic!("{line:?}") };
    stall
}

#[test]
fn requests_that_were_answered_before_are_not_judged() {
    let handler = |each: &[u64]| {
        let mut latency = times(10, each[0] * MS);
        each[1..].iter().for_each(|ms| latency.merge(&times(1, ms * MS)));
        Line::Handler(Handlers {
            at_ns: 1,
            handlers: vec![Handler { latency, ..Handler::default() }],
            ..Handlers::default()
        })
    };
    let history = seen([snapshot(100, &[]), handler(&[900]), handler(&[900, 5]), snapshot(200, &[1])]);
    assert_eq!(judged("handler.max < 20ms", &history).outcomes[0].measured, "5ms");
}

#[test]
fn nothing_is_known_without_a_snapshot() {
    assert_eq!(
        judged("stall.max < 1s", &seen([blocked(1, Phase::End, 800, 400)])).verdict,
        Verdict::Incomplete
    );
}

/// What one line had done by then: polls of these lengths, and tasks.
fn location(polls: &[u64], spawned: u64, finished: u64) -> Location {
    let poll = polls.iter().fold(Histogram::default(), |mut all, ms| {
        all.merge(&times(1, ms * MS));
        all
    });
    let waited_ns = polls.iter().sum::<u64>() * MS;
    let longest_ns = polls.iter().max().map_or(0, |ms| ms * MS);
    let waits = Waits { count: spawned, total_ns: waited_ns, max_ns: longest_ns };
    Location {
        polls: polls.len() as u64,
        total_ns: waited_ns,
        max_ns: longest_ns,
        poll,
        first_poll: waits,
        schedule: waits,
        ..tasks("src/a.rs:1:1", spawned, finished)
    }
}

fn listed(at: u64, locations: Vec<Location>, watched: Vec<Watched>) -> Line {
    Line::Snapshot(Snapshot { at_ns: at * MS, locations, watched, ..Snapshot::default() })
}

#[test]
fn what_tasks_did_before_is_not_counted() {
    let before = location(&[900, 3], 10, 4);
    let idle = Location { spawned_at: "src/b.rs:1:1".into(), ..location(&[700], 1, 1) };
    let after = location(&[900, 3, 5], 13, 6);
    let lists =
        [listed(100, vec![before, idle.clone()], Vec::new()), listed(1100, vec![after, idle], Vec::new())];
    let history = seen(lists);
    let [location] = &history.snapshot().expect("a snapshot").locations[..] else { panic!("one location") };
    assert_eq!((location.polls, location.total_ns, location.max_ns), (1, 5 * MS, 5 * MS));
    assert_eq!((location.poll.count(), location.poll.sum_ns), (1, 5 * MS));
    assert_eq!((location.alive(), location.finished), (7, 2), "as many are alive as there are");
    assert_eq!(location.first_poll, Waits { count: 3, total_ns: 5 * MS, max_ns: 5 * MS });
    assert_eq!(location.schedule, location.first_poll);
}

#[test]
fn futures_that_were_dropped_before_are_not_judged() {
    let watched = |polled, unpolled| Watched { polled, unpolled, cancelled: 1, ..Watched::default() };
    let history =
        seen([listed(100, Vec::new(), vec![watched(5, 2)]), listed(1100, Vec::new(), vec![watched(9, 3)])]);
    let [seen] = &history.snapshot().expect("a snapshot").watched[..] else { panic!("one place") };
    // What became of the others is what these are judged by, whenever that was.
    assert_eq!((seen.polled, seen.unpolled, seen.cancelled), (9, 1, 1));
}

#[test]
fn the_first_list_is_of_before_only_if_it_comes_soon() {
    let finished = |list_at| {
        let list = |at, ended| listed(at, vec![location(&[3], 9, ended)], Vec::new());
        let history = seen([snapshot(100, &[]), list(list_at, 4), list(list_at + 1000, 6)]);
        history.snapshot().expect("a snapshot").locations[0].finished
    };
    assert_eq!(finished(1000), 2);
    assert_eq!(finished(5000), 6, "there was nothing to list when the window began");
}

#[test]
fn responses_and_where_their_time_went_are_counted_from_the_window_on() {
    let handler = |route: &str, answered: u64, own_ns: u64| Handler {
        route: route.into(),
        statuses: [0, answered, 0, 0, 1],
        spent: Spent { own_ns, ..Spent::default() },
        ..Handler::default()
    };
    let slow = |started: u64| SlowRequest { started_ns: started * MS, took_ns: MS, ..SlowRequest::default() };
    let told = |at: u64, answered, own_ns, slowest: &[u64]| {
        Line::Handler(Handlers {
            at_ns: at * MS,
            handlers: vec![handler("GET /", answered, own_ns), handler("GET /old", 9, 9)],
            slowest: slowest.iter().map(|&started| slow(started)).collect(),
        })
    };
    let history = seen([snapshot(100, &[]), told(100, 5, 70, &[50]), told(200, 8, 100, &[150, 50])]);
    let handlers = history.handlers().expect("they were told");
    let routes: Vec<_> = handlers.handlers.iter().map(|h| (&*h.route, h.statuses, h.spent.own_ns)).collect();
    assert_eq!(routes, [("GET /", [0, 3, 0, 0, 0], 30)]);
    assert_eq!(handlers.slowest.iter().map(|slow| slow.started_ns / MS).collect::<Vec<_>>(), [150]);
}
