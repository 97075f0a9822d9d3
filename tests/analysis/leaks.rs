//! Whose tasks only grow in number.

use crate::scenario::{MS, Process, alive, found, judged, process, tasks};
use stallscope::analysis::{Finding, Rule, Severity, Verdict, Window, findings};
use stallscope_wire::{Header, Line, Runtime, Snapshot};

const HEARTBEAT: &str = "src/server.rs:42:9";

fn leaks(of: Vec<Finding>) -> Vec<Finding> {
    of.into_iter().filter(|finding| finding.rule == Rule::TaskLeak).collect()
}

/// Four tasks a second, of which one in 30 ends.
fn leaking(process: Process, seconds: u64) -> Process {
    process.spawns(0..=seconds, |second| vec![tasks(HEARTBEAT, 4 * second, 4 * second / 30)])
}

#[test]
fn what_only_grows_over_the_window_is_a_leak() {
    let history = leaking(process(), 31).ended();
    let [finding] = &found(&history)[..] else { panic!("one finding") };
    assert_eq!((finding.rule, finding.severity), (Rule::TaskLeak, Severity::Error));
    assert_eq!((finding.culprit.file.as_deref(), finding.culprit.line), (Some("src/server.rs"), Some(42)));
    assert_eq!(finding.detail.as_deref(), Some("120 alive; of 124 spawned within 31s, 4 ended"));
    assert_eq!((finding.count, finding.max_ns), (120, 31_000 * MS));
    assert_eq!(finding.to_string(), "src/server.rs:42 spawned 120 more tasks than ended");
    assert!(finding.help.starts_with("at src/server.rs:42, give an end"), "{}", finding.help);
}

#[test]
fn what_grows_for_less_than_the_window_is_none() {
    assert_eq!(found(&leaking(process(), 29).ended()), []);
}

#[test]
fn tasks_that_end_are_none_however_many_there_are() {
    let history = process().spawns(0..=120, |s| vec![tasks(HEARTBEAT, 1000 * s + 5, 1000 * s)]);
    assert_eq!(found(&history.ended()), []);
    // The load rises, and with it the number of those that are served.
    let rising = process().spawns(0..=120, |s| vec![tasks(HEARTBEAT, 50 * s * s + 20 * s, 50 * s * s)]);
    assert_eq!(found(&rising.ended()), []);
}

#[test]
fn a_slow_leak_is_found_beside_lines_that_spawn_much() {
    let history = process().spawns(0..=60, |second| {
        // How many are served goes up and down.
        let served = 30 + (second * 7) % 13;
        vec![
            tasks("src/server.rs:20:5", 900 * second + served, 900 * second),
            tasks(HEARTBEAT, second / 2, 0),
        ]
    });
    let [finding] = &found(&history.ended())[..] else { panic!("one finding") };
    assert_eq!((finding.culprit.line, finding.count), (Some(42), 30));
}

#[test]
fn a_few_tasks_are_none() {
    let history = process().spawns(0..=60, |second| vec![tasks(HEARTBEAT, second / 8, 0)]);
    assert_eq!(found(&history.ended()), []);
}

#[test]
fn a_warm_up_that_levels_off_is_none() {
    let history = process().spawns(0..=120, |second| vec![tasks(HEARTBEAT, 5 * second.min(24), 0)]);
    assert_eq!(found(&history.ended()), []);
}

#[test]
fn a_long_warm_up_is_none_once_as_many_end_as_are_spawned() {
    let served = |second: u64| vec![tasks(HEARTBEAT, 10 * second, 10 * second.saturating_sub(45))];
    assert_eq!(found(&process().spawns(0..=44, served).ended()).len(), 1, "it only grew so far");
    assert_eq!(found(&process().spawns(0..=90, served).ended()), []);
}

#[test]
fn a_wave_is_none_when_it_is_over() {
    // Forty seconds up, forty down.
    let wave = |second: u64| vec![tasks(HEARTBEAT, 10 * second.min(40), 10 * second.saturating_sub(40))];
    assert_eq!(found(&process().spawns(0..=40, wave).ended()).len(), 1, "nobody can know that it will end");
    assert_eq!(found(&process().spawns(0..=80, wave).ended()), []);
    let waves = process().spawns(0..=200, |second| {
        let (past, within) = (second / 20, second % 20);
        vec![tasks(HEARTBEAT, 100 * past + 10 * within.min(10), 100 * past + 10 * within.saturating_sub(10))]
    });
    assert_eq!(found(&waves.ended()), [], "none of them takes the window");
}

#[test]
fn what_falls_back_in_between_does_not_only_grow() {
    let history = process().spawns(0..=31, |second| {
        let (alive, finished) = match second {
            0..=16 => (2 * second, 0),
            // As few as ten seconds before.
            17..=19 => (2 * second - 14, 14),
            _ => (2 * second, 14),
        };
        vec![tasks(HEARTBEAT, alive + finished, finished)]
    });
    assert_eq!(found(&history.ended()), []);
}

#[test]
fn that_the_runtime_was_shut_down_ends_no_leak() {
    let gone = || vec![tasks(HEARTBEAT, 160, 160)];
    let shut_down = |at_ms| Line::Snapshot(Snapshot { runtimes: Vec::new(), ..alive(at_ms, gone()) });
    let leaking = || leaking(process(), 40);
    let at_once = leaking().line(shut_down(40_100)).ended();
    let told_late = leaking().line(Line::Snapshot(alive(40_050, gone()))).line(shut_down(40_100)).ended();
    let untold = leaking().line(Line::Snapshot(alive(40_050, gone()))).ended();
    let other = |at_ms: u64| {
        let runtimes = vec![Runtime { id: 2, ..Runtime::default() }];
        Line::Snapshot(Snapshot { runtimes, ..alive(at_ms, gone()) })
    };
    let outlived = leaking().line(other(41_000)).line(other(50_000)).line(other(90_000)).ended();
    let in_a_new_part = leaking().line(Line::Snapshot(alive(45_000, gone()))).ended();
    for history in [at_once, told_late, untold, outlived, in_a_new_part] {
        let [finding] = &found(&history)[..] else { panic!("one finding") };
        assert!(!finding.ongoing);
        assert_eq!(finding.detail.as_deref(), Some("155 alive; of 160 spawned within 40s, 5 ended"));
    }
}

#[test]
fn locations_that_are_told_seldom_are_judged_over_more_time() {
    let told =
        |every: u64| process().spawns((0..=90).step_by(every as usize), |s| vec![tasks(HEARTBEAT, s, 0)]);
    assert_eq!(found(&told(30).ended()).len(), 1);
    assert_eq!(found(&told(45).ended()), [], "three looks prove no trend");
}

#[test]
fn the_leaks_of_several_processes_are_one_finding() {
    let of = |root: &str| leaking(process().rooted(root), 31).ended();
    let (one, other, third) = (of("/a"), of("/a"), of("/b"));
    let found = leaks(findings(&[&one, &other, &third]));
    let counts: Vec<_> = found.iter().map(|finding| finding.count).collect();
    assert_eq!(counts, [240, 120], "the same place of another project is another one");
    let detail = found[0].detail.as_deref();
    assert_eq!(detail, Some("240 alive; of 248 spawned within 31s, 8 ended, in 2 processes"));
}

#[test]
fn the_threshold_counts_the_tasks_and_names_the_line() {
    let history = leaking(process(), 31).ended();
    let outcome = judged("task-leak.count == 0", &history).outcomes.remove(0);
    assert_eq!((outcome.ok, &*outcome.measured), (Some(false), "120"));
    assert_eq!((outcome.worst.as_deref(), outcome.note), (Some("src/server.rs:42"), None));
    assert_eq!(judged("task-leak.count <= 120", &history).verdict, Verdict::Pass);
}

#[test]
fn of_a_short_process_the_threshold_says_that_it_proves_nothing() {
    let outcome = judged("task-leak.count == 0", &leaking(process(), 4).ended()).outcomes.remove(0);
    assert_eq!(outcome.ok, Some(true));
    let note = "process 7 was seen for 4s, and a leak is told after 30s (STALLSCOPE_LEAK_WINDOW)";
    assert_eq!(outcome.note.as_deref(), Some(note));
}

/// A live process that was looked at from its 100th second on.
fn seen_late(from: u64, to: u64, finished: impl Fn(u64) -> u64) -> stallscope::analysis::History {
    let mut window = Window::new(Header { leak_window_ns: 30_000 * MS, ..Header::default() });
    for second in from..=to {
        let location = tasks(HEARTBEAT, 4 * second, finished(second));
        window.apply(Line::Snapshot(alive(second * 1000, vec![location])));
    }
    window.into_history()
}

#[test]
fn of_a_process_that_is_looked_at_late_what_grows_meanwhile_is_a_leak() {
    let history = seen_late(100, 131, |second| second / 10);
    let [finding] = &leaks(findings(&[&history]))[..] else { panic!("one finding") };
    assert_eq!((finding.count, finding.max_ns), (121, 31_000 * MS));
    assert_eq!(finding.detail.as_deref(), Some("511 alive; of 124 spawned within 31s, 3 ended"));
    let levelled = seen_late(100, 131, |second| 4 * second - 300);
    assert_eq!(leaks(findings(&[&levelled])), [], "what grew before is not judged");
    let location = &levelled.snapshot().expect("a snapshot").locations[0];
    assert_eq!((location.alive(), location.finished), (300, 124));
}

#[test]
#[cfg(target_os = "linux")]
fn ten_thousand_locations_cost_no_more_for_being_told_often() {
    let places: Vec<_> = (0..10_000).map(|line| format!("src/generated.rs:{line}:5")).collect();
    let told = |second: u64| places.iter().map(|place| tasks(place, second, second / 4)).collect();
    let mut watched = process().spawns(0..=40, told);
    let before = resident_bytes();
    watched = watched.spawns(41..=200, told);
    let grown = resident_bytes().saturating_sub(before);
    // A tally a location and second would be 25 MB; other tests run beside this one.
    assert!(grown < 16 << 20, "{grown} bytes more");
    let found = found(&watched.ended());
    assert_eq!(found.len(), 10_000);
    assert!(found.iter().all(|finding| finding.count == 150), "{:?}", found[0]);
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process can read its own");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
    resident.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}
