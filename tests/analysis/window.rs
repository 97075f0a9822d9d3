//! What is judged of a process that ran before anybody looked.

use crate::scenario::{MS, judged, stall, times};
use stallscope::analysis::{History, Verdict, Window, findings};
use stallscope_wire::{Cause, Handler, Handlers, Header, Line, Phase, Snapshot, Stall};

fn blocked(id: u64, phase: Phase, at: u64, ms: u64) -> Line {
    let lasted = stall("src/a.rs:1", ms, Cause::Cpu);
    Line::Stall(Stall { id, phase, at_ns: at * MS, started_ns: (at - ms) * MS, ..lasted })
}

/// Until then there was one poll of each of these lengths.
fn snapshot(at: u64, polls: &[u64]) -> Line {
    let mut poll = times(1000, 10_000);
    polls.iter().for_each(|ms| poll.merge(&times(1, ms * MS)));
    Line::Snapshot(Snapshot { at_ns: at * MS, poll, ..Snapshot::default() })
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
fn requests_that_were_answered_before_are_not_judged() {
    let handler = |each: &[u64]| {
        let mut latency = times(10, each[0] * MS);
        each[1..].iter().for_each(|ms| latency.merge(&times(1, ms * MS)));
        Line::Handler(Handlers { at_ns: 1, handlers: vec![Handler { latency, ..Handler::default() }] })
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
