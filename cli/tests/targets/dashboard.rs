//! The dashboard over several processes, and the choice of them, on a pseudo-terminal.

use crate::process::{MS, Process, Running, Viewer, folder, snapshot, stall, stallscope};
use crate::terminal::Terminal;
use stallscope_wire::Phase;
use std::thread;

/// A process that tells a viewer its state, and whom it is then told to.
fn meets(process: &Process) -> Viewer {
    let mut viewer = process.meet();
    viewer.tell(&snapshot(100 * MS));
    viewer
}

// Of what is drawn only what has changed is written, so single words are waited for that were not there before.

#[test]
fn several_are_shown_together_and_one_by_one() {
    let folder = folder();
    let (first, mut second) = (Process::start(folder.path(), 7), Process::start(folder.path(), 9));
    second.header.exe = "/srv/jobs".into();
    let mut terminal = Terminal::new();
    let mut child = Running(terminal.spawn(stallscope(folder.path()).args(["watch", "7", "9"])));
    let (_of_first, mut of_second) = (meets(&first), meets(&second));
    terminal.wait_for("HEALTHY");
    of_second.tell(&stall(1, Phase::Begin, 312 * MS));
    terminal.wait_for("BLOCKED");
    terminal.write(b"p");
    terminal.wait_for("jobs");
    terminal.write(b"8");
    terminal.wait_for("Culprits");
    assert!(terminal.is_raw());
    terminal.write(b"q");
    assert_eq!(child.code(), Some(0));
    assert!(!terminal.is_raw());
}

#[test]
fn one_that_ends_leaves_its_last_state_and_a_restart_is_picked_up() {
    let folder = folder();
    let process = Process::start(folder.path(), 7);
    let mut terminal = Terminal::new();
    let mut child = Running(terminal.spawn(stallscope(folder.path()).args(["watch", "7"])));
    let viewer = meets(&process);
    terminal.wait_for("HEALTHY");
    // It is killed: its socket stays.
    drop((viewer, process));
    terminal.wait_for("GONE");
    let again = Process::start(folder.path(), 12);
    let _viewer = meets(&again);
    terminal.wait_for("again,");
    terminal.write(b"q");
    assert_eq!(child.code(), Some(0));
}

#[test]
fn those_that_run_can_be_chosen_while_others_come() {
    let folder = folder();
    let (first, second) = (Process::start(folder.path(), 7), Process::start(folder.path(), 9));
    // Each is asked who it is.
    let asked = thread::spawn(move || {
        drop((meets(&first), meets(&second)));
        (first, second)
    });
    let mut terminal = Terminal::new();
    let mut child = Running(terminal.spawn(stallscope(folder.path()).arg("watch")));
    let (first, second) = asked.join().expect("both are asked");
    let _in_choice = (meets(&first), meets(&second));
    terminal.wait_for("Which");
    terminal.wait_for("HEALTHY");
    let third = Process::start(folder.path(), 12);
    let mut third_in_choice = meets(&third);
    third_in_choice.tell(&stall(1, Phase::Begin, 777 * MS));
    terminal.wait_for("777ms");
    terminal.write(b"a");
    terminal.wait_for("chosen");
    terminal.write(b"\r");
    let _watched = (meets(&first), meets(&second), meets(&third));
    terminal.wait_for("Overview");
    terminal.write(b"q");
    assert_eq!(child.code(), Some(0));
}
