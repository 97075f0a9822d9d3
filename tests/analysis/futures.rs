//! Futures that nobody awaits.

use crate::scenario::{Process, found, judged, process};
use stallscope::analysis::{History, Rule, Severity, Verdict, Window};
use stallscope_wire::{Certainty, Header, Line, Snapshot, Watched};

fn line(place: &str, polled: u64, unpolled: u64) -> Watched {
    let (created_at, function) = (place.to_owned(), Some("app::load".to_owned()));
    Watched { created_at, function, polled, unpolled, ..Watched::default() }
}

fn made(process: Process, watched: Vec<Watched>) -> History {
    process.line(Line::Snapshot(Snapshot { at_ns: 1, watched, ..Snapshot::default() })).ended()
}

#[test]
fn a_line_whose_futures_are_never_polled_is_certain() {
    let history = made(process(), vec![line("src/x.rs:12:5", 0, 3)]);
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.rule, finding.severity, finding.count), (Rule::NeverAwaited, Severity::Error, 3));
    assert_eq!(finding.to_string(), "src/x.rs:12 made 3 futures that were never awaited");
    assert_eq!(finding.culprit.function.as_deref(), Some("app::load"));
    assert_eq!(finding.detail.as_deref(), Some("none of 3 was polled"));
    assert!(finding.help.contains("src/x.rs:12"), "{}", finding.help);
    assert_eq!(judged("never-awaited.count == 0", &history).verdict, Verdict::Breach);
}

#[test]
fn a_line_of_whose_futures_some_are_polled_is_a_warning_that_breaches_nothing() {
    let polled = Watched { cancelled: 2, excused: 1, ..line("src/x.rs:12:5", 3, 36) };
    let history = made(process(), vec![polled]);
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.severity, finding.certainty), (Severity::Warning, Certainty::Probable));
    let detail = "3 of 40 were polled, 2 of these cancelled before they were ready; 1 other was dropped by a panic or by a task \
                  that was cancelled";
    assert_eq!(finding.detail.as_deref(), Some(detail));
    assert!(finding.doubt().is_some_and(|doubt| doubt.contains("select!")));
    assert_eq!(judged("never-awaited.count == 0", &history).verdict, Verdict::Pass);
}

#[test]
fn what_was_polled_or_excused_is_no_finding() {
    let cancelled = Watched { cancelled: 5, ..line("src/x.rs:1:5", 5, 0) };
    let excused = Watched { excused: 2, ..line("src/x.rs:2:5", 0, 0) };
    assert_eq!(found(&made(process(), vec![cancelled, excused])), []);
}

#[test]
fn the_same_line_of_two_processes_is_judged_as_one() {
    let guilty = made(process(), vec![line("src/x.rs:12:5", 0, 1)]);
    let other = made(process(), vec![line("src/x.rs:12:5", 9, 0)]);
    let found = stallscope::analysis::findings(&[&guilty, &other]);
    let [finding] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(finding.detail.as_deref(), Some("9 of 10 were polled"));
}

#[test]
fn a_window_counts_those_that_were_dropped_in_it() {
    let snapshot = |at_ns, polled, unpolled| {
        let watched = vec![line("src/x.rs:12:5", polled, unpolled)];
        Line::Snapshot(Snapshot { at_ns, watched, ..Snapshot::default() })
    };
    let mut window = Window::new(Header::default());
    [snapshot(1, 1, 3), snapshot(2, 1, 3)].into_iter().for_each(|line| window.apply(line));
    assert_eq!(found(&window.clone().into_history()), []);
    window.apply(snapshot(3, 1, 5));
    let found = found(&window.into_history());
    assert!(
        matches!(&found[..], [finding] if finding.count == 2 && finding.severity == Severity::Warning),
        "{found:#?}"
    );
}
