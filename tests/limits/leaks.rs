//! What is left behind fails a test that says so.

use crate::harness::{Ran, place, run};

/// What a sample that kept a socket wrote, and the address that it kept.
fn kept<'a>(ran: &'a Ran, name: &str) -> (&'a str, &'a str) {
    let text = ran.failed(name);
    let address = text.split_once("kept: ").and_then(|(_, rest)| rest.lines().next());
    (ran.panic(name).1, address.expect("it has said where"))
}

#[test]
fn tasks_that_live_on_are_counted_and_told_by_their_line() {
    let ran = run("leaks::");
    for (name, first, mark, count) in [
        ("leaks::of_tasks", "2 tasks live on after the end, limit 0:", "leaks", 2),
        ("leaks::of_tasks_of_several_workers", "1 task lives on after the end, limit 0:", "leaks as well", 1),
    ] {
        let (_, message) = ran.panic(name);
        assert!(message.starts_with(first), "{message}");
        let line = match cfg!(tokio_unstable) {
            true => format!("\n  {count} spawned at {}:", place("leaks", mark)),
            false => format!("\n  {count} whose line is seen in a build with --cfg tokio_unstable"),
        };
        assert!(message.contains(&line), "{message}");
    }
}

#[test]
fn sockets_that_stay_open_are_told_by_their_address() {
    let ran = run("leaks::");
    for name in ["leaks::of_a_socket", "leaks::of_a_socket_while_time_is_paused"] {
        let (message, address) = kept(&ran, name);
        assert!(message.starts_with("1 socket stays open after the end, limit 0:"), "{message}");
        assert!(message.contains(&format!("\n  TCP {address} (LISTEN)")), "{message}");
    }
}

#[test]
fn futures_that_are_never_awaited_are_told_by_their_line() {
    let ran = run("leaks::");
    let (_, message) = ran.panic("leaks::of_a_future");
    let first = format!("1 future made at {} (", place("leaks", "never awaited"));
    assert!(message.starts_with(&first) && message.contains("was never awaited, limit 0"), "{message}");
}

#[test]
fn what_ends_and_what_nobody_asked_about_passes() {
    let ran = run("leaks::");
    for name in [
        "of_nothing",
        "of_as_many_as_are_allowed",
        "that_nobody_asked_about",
        "of_no_future",
        "of_a_future_that_nobody_asked_about",
    ] {
        let text = ran.passed(&format!("leaks::{name}"));
        assert_eq!(text.contains("not checked: tasks that compute"), cfg!(not(tokio_unstable)), "{text}");
        assert!(text.matches("not checked").count() <= 1, "{text}");
    }
}
