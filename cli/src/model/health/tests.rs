use super::*;
use crate::model::Key;
use crate::scenario::{MS, Scenario, Watched};
use std::time::Duration;

fn told(watched: &Watched) -> (&'static str, String) {
    let (process, ours) = watched.model.shown(watched.ours);
    let health = health(process, ours);
    (health.word, health.to_string())
}

#[test]
fn a_place_without_names_is_said_to_be_looked_up_until_they_are_not_coming() {
    let unnamed = Scenario::new().quiet(5).sleeps_before_names_are_known(1, 120).live();
    let expected = "worker 1 has been blocked 120ms at a line that is being looked up, of a task spawned at \
                    src/main.rs:20:5 (clock_nanosleep)";
    assert_eq!(told(&unnamed).1, expected);
    let mut later = unnamed.later(Duration::from_secs(6));
    let mut snapshot = later.model.process().history.snapshot().expect("a snapshot").clone();
    snapshot.at_ns += 6_000 * MS;
    later.model.apply(stallscope_wire::Line::Snapshot(snapshot), later.ours);
    later.model.settle();
    assert!(told(&later).1.contains("at a task spawned at src/main.rs:20:5 (clock_n"), "{}", told(&later).1);
}

#[test]
fn what_the_machine_took_of_a_stall_is_told_apart() {
    let starved = Scenario::new().quiet(5).computes_on_a_busy_machine(1, 900, 150);
    let going_on = told(&starved.clone().live()).1;
    assert!(going_on.contains("has been blocked 900ms at src/password.rs:88"), "{going_on}");
    assert!(going_on.contains(", the machine took 750ms of it"), "{going_on}");
    let over = told(&starved.wakes(1).quiet(2).live()).1;
    assert_eq!(over, "1 stall in the last 10s: 150ms at src/password.rs:88 (computing)");
}

#[test]
fn a_process_whose_lag_was_long_within_the_minute_is_not_called_healthy() {
    let lagged = Scenario::new().quiet(5).computes(1, 1_340).lags(1_340).quiet(20);
    let (word, sentence) = told(&lagged.clone().live());
    assert_eq!(word, "LAGGED");
    assert_eq!(
        sentence,
        "src/password.rs:88 (computing) blocked for 1.34s; new work waited long in the last minute: p99 1.34s, limit 20ms"
    );
    assert_eq!(told(&lagged.quiet(60).live()).0, "HEALTHY", "it is over since a minute");
    let alone = told(&Scenario::new().quiet(5).lags(1_340).quiet(2).live()).1;
    assert!(alone.starts_with("no single poll was long; new work waited long"), "{alone}");
}

#[test]
fn what_is_opened_before_its_names_are_known_stays_open_under_them() {
    let begun = Scenario::new().quiet(5);
    let named = begun.clone().sleeps(1, 312).lines.split_off(begun.lines.len());
    let mut opened = begun.sleeps_before_names_are_known(1, 120).live().press(&[Key::Enter]);
    assert!(opened.model.navigation.opened.is_some());
    named.into_iter().for_each(|line| opened.model.apply(line, opened.ours));
    opened.model.settle();
    let Some(crate::model::Opened::Finding(id)) = &opened.model.navigation.opened else {
        panic!("it was closed")
    };
    let finding = id.find(opened.model.process()).expect("it is known");
    assert_eq!(finding.culprit.to_string(), "src/report.rs:42");
    assert_eq!(opened.model.navigation.cursor, 4, "its accused frame is marked");
    let moved = opened.press(&[Key::Up]);
    assert_eq!(moved.model.navigation.cursor, 3, "and left when the user moves");
}
