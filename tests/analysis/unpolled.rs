//! Which spawned tasks were not polled in time.

use crate::scenario::{MS, found, judged, process, stall, victims};
use stallscope::analysis::{Rule, Severity, Verdict, Window, findings};
use stallscope_wire::{Cause, Header, Instead, Line, Lost, Snapshot, Stall, Unpolled};

/// A task that waited, and meanwhile one poll of another.
fn waited(task: u64, place: &str, ms: u64) -> Unpolled {
    let instead = Instead { spawned_at: "src/main.rs:10:5".into(), polls: 1, busy_ns: ms * MS };
    Unpolled {
        at_ns: 5000 * MS,
        task,
        spawned_at: place.into(),
        waited_ns: ms * MS,
        instead: vec![instead],
        ..Unpolled::default()
    }
}

#[test]
fn the_tasks_of_one_line_are_one_finding() {
    let other = Instead { spawned_at: "src/main.rs:12:5".into(), polls: 3, busy_ns: 20 * MS };
    let mut longest = waited(4, "src/main.rs:21:9", 2500);
    longest.instead.push(other);
    let history = process()
        .unpolled(waited(3, "src/main.rs:21:9", 1200))
        .unpolled(longest)
        .unpolled(waited(5, "src/main.rs:30:9", 1100))
        .ended();
    let [finding, second] = &found(&history)[..] else { panic!("two findings") };
    assert_eq!((finding.rule, finding.severity, finding.count), (Rule::NeverPolled, Severity::Error, 2));
    assert_eq!((finding.max_ns, finding.total_ns, finding.ongoing), (2500 * MS, 3700 * MS, false));
    assert_eq!(finding.first_seen, "1970-01-01T00:00:02.500Z");
    assert_eq!(finding.task.as_ref().map(|task| task.id), Some(4));
    let summary = "src/main.rs:21 spawned 2 tasks that were not polled for up to 2.5s";
    assert_eq!(finding.to_string(), summary);
    let detail =
        "meanwhile ran what was spawned at src/main.rs:10 (1 poll, 2.5s), src/main.rs:12 (3 polls, 20ms)";
    assert_eq!(finding.detail.as_deref(), Some(detail));
    assert!(
        finding.help.starts_with("at src/main.rs:21, look at what runs after the spawn"),
        "{}",
        finding.help
    );
    assert_eq!(second.culprit.line, Some(30));
}

#[test]
fn the_last_line_about_a_task_holds() {
    let waiting = Unpolled { ongoing: true, ..waited(3, "src/main.rs:21:9", 1000) };
    let history = process().unpolled(waiting.clone()).unpolled(waited(3, "src/main.rs:21:9", 1700)).ended();
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.count, finding.max_ns, finding.ongoing), (1, 1700 * MS, false));
    let history = process().unpolled(Unpolled { instead: Vec::new(), ..waiting }).killed();
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert!(finding.to_string().ends_with("a task that was not polled for 1s, and still waits"), "{finding}");
    assert_eq!(finding.detail.as_deref(), Some("no task was polled instead"));
}

#[test]
fn the_tasks_of_one_line_in_several_processes_are_one_finding() {
    let of = |root: &str| process().rooted(root).unpolled(waited(3, "src/main.rs:21:9", 1200)).ended();
    let (one, other, third) = (of("/a"), of("/a"), of("/b"));
    let counts: Vec<_> = findings(&[&one, &other, &third]).iter().map(|finding| finding.count).collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn it_ranks_by_the_time_waited_after_what_delayed_others() {
    let harmful = Stall { victims: victims(14, 100), ..stall("src/main.rs:5", 200, Cause::Cpu) };
    let history = process()
        .stall(harmful)
        .blocked("src/main.rs:6", 300, Cause::Cpu)
        .unpolled(waited(3, "src/main.rs:21:9", 1200))
        .ended();
    let lines: Vec<_> = found(&history).iter().map(|finding| finding.culprit.line).collect();
    assert_eq!(lines, [Some(5), Some(21), Some(6)]);
}

#[test]
fn the_threshold_counts_the_tasks_and_names_the_line() {
    let history = process()
        .unpolled(waited(3, "src/main.rs:21:9", 1200))
        .unpolled(waited(4, "src/main.rs:21:9", 1200))
        .unpolled(waited(5, "src/main.rs:30:9", 1100))
        .ended();
    let outcome = judged("never-polled.count == 0", &history).outcomes.remove(0);
    assert_eq!((outcome.ok, &*outcome.measured), (Some(false), "3"));
    assert_eq!(outcome.worst.as_deref(), Some("src/main.rs:21"));
    assert_eq!(judged("never-polled.count <= 3", &history).verdict, Verdict::Pass);
}

#[test]
fn that_reports_were_dropped_is_told() {
    let dropped = Line::Lost(Lost { events: 3, ..Lost::default() });
    let outcome = judged("never-polled.count == 0", &process().line(dropped).ended()).outcomes.remove(0);
    assert_eq!(outcome.ok, Some(true));
    assert_eq!(outcome.note.as_deref(), Some("process 7 dropped 3 reports, perhaps some of this"));
}

#[test]
fn of_very_many_the_older_ones_are_told_of() {
    let mut process = process();
    for task in 0..1030 {
        process = process.unpolled(waited(task, "src/main.rs:21:9", 1200));
    }
    let outcome = judged("never-polled.count == 0", &process.ended()).outcomes.remove(0);
    assert_eq!(outcome.measured, "1024");
    assert_eq!(outcome.note.as_deref(), Some("6 older ones of process 7 are not counted"));
}

#[test]
fn a_task_that_had_been_polled_before_anybody_looked_is_not_judged() {
    let mut window = Window::new(Header::default());
    let waiting =
        |task| Unpolled { ongoing: true, at_ns: 4000 * MS, ..waited(task, "src/main.rs:21:9", 1000) };
    let lines = [
        Line::Unpolled(waiting(3)),
        Line::Unpolled(waiting(4)),
        Line::Unpolled(waited(3, "src/main.rs:21:9", 1700)),
        Line::Snapshot(Snapshot { at_ns: 6000 * MS, ..Snapshot::default() }),
    ];
    lines.into_iter().for_each(|line| window.apply(line));
    let [finding] = &findings(&[&window.into_history()])[..] else { panic!("one finding") };
    assert_eq!(finding.task.as_ref().map(|task| task.id), Some(4));
}
